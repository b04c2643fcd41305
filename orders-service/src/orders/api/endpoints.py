"""Endpoints of the orders service."""

from __future__ import annotations

from typing import Annotated

import orjson
from chassis.app import ApiResponse
from chassis.db import Database
from chassis.errors import BadRequest
from chassis.hot_paths import HotPaths
from chassis.idempotency import Answer, key_from
from chassis.lanes import Lane
from chassis.openapi import KEY_ALONE, MERCHANT, documented
from chassis.pagination import From, Limit, Offset, To, page, period
from chassis.rendering import render
from chassis.requests import StorableText, parse, read_json
from fastapi import APIRouter, Query
from merchants import Authenticator, Principal
from starlette.requests import Request
from starlette.responses import Response

from orders import repository
from orders.api.schemas import (
    ORDER_EXAMPLES,
    CreateOrderBody,
    NewPublicOrderBody,
    OrderBody,
    OrderId,
    OrderPage,
    PublicOrderBody,
    order_json,
)
from orders.errors import OrderNotFound, PublicOrdersDisabled
from orders.repository import OrderFilter
from orders.service import ORDER_ID, CreateOrder, ReadOrder
from orders.service import get_public_order as read_public_order
from orders.states import OrderStatus

__all__ = ["create_router"]

_AMOUNT_TOO_SMALL = BadRequest("amount must be at least 100")
_CREATE = documented(
    "createOrder",
    answer=OrderBody,
    body=CreateOrderBody,
    examples=ORDER_EXAMPLES,
    errors=[_AMOUNT_TOO_SMALL],
    by=MERCHANT,
    idempotent=True,
)
_CREATE_PUBLIC = documented(
    "createPublicOrder",
    answer=NewPublicOrderBody,
    body=CreateOrderBody,
    examples=ORDER_EXAMPLES,
    errors=[_AMOUNT_TOO_SMALL, PublicOrdersDisabled()],
    by=KEY_ALONE,
    idempotent=True,
)
_LIST = documented("listOrders", answer=OrderPage, errors=[BadRequest("limit must be at most 100")], by=MERCHANT)
_GET = documented("getOrder", answer=OrderBody, errors=[OrderNotFound()], by=MERCHANT)
_GET_PUBLIC = documented("getPublicOrder", answer=PublicOrderBody, errors=[OrderNotFound()])
_GET_PUBLIC_ALIAS = documented("getPublicOrderByAlias", answer=PublicOrderBody, errors=[OrderNotFound()])


def create_router(
    database: Database,
    authenticator: Authenticator,
    writer: Lane[CreateOrder, Answer],
    reader: Lane[ReadOrder, bytes],
    hot: HotPaths,
) -> APIRouter:
    router = APIRouter(prefix="/api/v1/orders")

    @hot.add("POST", "/api/v1/orders")
    @router.post("", status_code=201, **_CREATE)
    async def create_order(request: Request) -> Response:
        """The order that a customer will pay."""
        merchant = await authenticator.merchant(request)
        return (await writer.submit(await _read_order(request, merchant, public=False))).response()

    @router.post("/public", status_code=201, **_CREATE_PUBLIC)
    async def create_public_order(request: Request) -> Response:
        """An order from a merchant's page, by its publishable key alone, where the merchant allows that."""
        merchant = await authenticator.publishable(request)
        if not merchant.public_orders_enabled:
            raise PublicOrdersDisabled()
        return (await writer.submit(await _read_order(request, merchant, public=True))).response()

    @router.get("", **_LIST)
    async def list_orders(
        request: Request,
        limit: Limit = 10,
        offset: Offset = 0,
        status: OrderStatus | None = None,
        receipt: Annotated[StorableText | None, Query(max_length=255)] = None,
        created_from: From = None,
        created_to: To = None,
    ) -> Response:
        """Orders, newest first."""
        merchant = await authenticator.merchant(request)
        wanted = OrderFilter(status, receipt, *period(created_from, created_to))
        orders, total = await database.run(
            lambda session: repository.list_orders(session, merchant.merchant_id, wanted, limit, offset)
        )
        return ApiResponse(render(page([order_json(order) for order in orders], total, limit, offset)))

    @router.get("/public/{order_id}", **_GET_PUBLIC_ALIAS)
    @router.get("/{order_id}/public", **_GET_PUBLIC)
    async def get_public_order(order_id: OrderId) -> Response:
        """What a checkout page needs to know of an order."""
        _refuse_malformed(order_id)
        return ApiResponse(await database.run_cursor(lambda cursor: read_public_order(cursor, order_id)))

    @hot.add("GET", "/api/v1/orders/{order_id}")
    @router.get("/{order_id}", **_GET)
    async def get_order(request: Request, order_id: OrderId) -> Response:
        """One of the merchant's orders."""
        merchant = await authenticator.merchant(request)
        _refuse_malformed(order_id)
        return ApiResponse(await reader.submit(ReadOrder(merchant.merchant_id, order_id)))

    return router


async def _read_order(request: Request, merchant: Principal, *, public: bool) -> CreateOrder:
    document = await read_json(request)
    body = parse(CreateOrderBody, document)
    endpoint = "orders.public" if public else "orders"
    return CreateOrder(
        merchant_id=merchant.merchant_id,
        amount=body.amount,
        currency=body.currency or "INR",
        receipt=body.receipt,
        notes=orjson.dumps(body.notes or {}),
        key=key_from(request.headers, merchant.merchant_id, endpoint, document),
        public=public,
    )


def _refuse_malformed(order_id: str) -> None:
    """An id that no order can have needs no look-up, and may hold what PostgreSQL cannot compare."""
    if not ORDER_ID.fullmatch(order_id):
        raise OrderNotFound()
