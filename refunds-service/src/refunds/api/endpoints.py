"""Endpoints of the refunds service."""

from __future__ import annotations

from typing import Annotated

from chassis.app import ApiResponse
from chassis.db import Cursor, Database
from chassis.errors import ApiError, BadRequest
from chassis.http import request_id
from chassis.idempotency import key_from
from chassis.openapi import MERCHANT, documented
from chassis.pagination import From, Limit, Offset, To, page, period
from chassis.rendering import render
from chassis.requests import StorableText, read_model
from fastapi import APIRouter, Query
from merchants import Authenticator, Principal
from payments import read_payments
from starlette.requests import Request
from starlette.responses import Response

from refunds import repository, service
from refunds.api.schemas import (
    REFUND_EXAMPLES,
    REFUND_FOR_PAYMENT_EXAMPLES,
    CreateRefundBody,
    CreateRefundForPaymentBody,
    PaymentIdPath,
    RefundBody,
    RefundId,
    RefundPage,
)
from refunds.errors import NotRefundable, RefundExceedsPayment, RefundNotFound, UnknownPayment
from refunds.repository import RefundFilter
from refunds.service import REFUND_ID, CreateRefund, refund_json
from refunds.settings import RefundsSettings
from refunds.states import RefundStatus

__all__ = ["create_router"]

PaymentId = Annotated[StorableText | None, Query(max_length=64)]

_CREATION_ERRORS = [RefundExceedsPayment(), NotRefundable(), UnknownPayment()]
_CREATE_OF_PAYMENT = documented(
    "createRefundOfPayment",
    answer=RefundBody,
    body=CreateRefundBody,
    examples=REFUND_EXAMPLES,
    errors=_CREATION_ERRORS,
    by=MERCHANT,
    idempotent=True,
)
_CREATE = documented(
    "createRefund",
    answer=RefundBody,
    body=CreateRefundForPaymentBody,
    examples=REFUND_FOR_PAYMENT_EXAMPLES,
    errors=_CREATION_ERRORS,
    by=MERCHANT,
    idempotent=True,
)
_BAD_QUERY = BadRequest("limit must be at most 100")
_LIST = documented("listRefunds", answer=RefundPage, errors=[_BAD_QUERY], by=MERCHANT)
_LIST_OF_PAYMENT = documented("listRefundsOfPayment", answer=RefundPage, errors=[_BAD_QUERY, UnknownPayment()], by=MERCHANT)
_GET = documented("getRefund", answer=RefundBody, errors=[RefundNotFound()], by=MERCHANT)


def create_router(database: Database, authenticator: Authenticator, settings: RefundsSettings) -> APIRouter:
    router = APIRouter(prefix="/api/v1")
    _add_writes(router, database, authenticator, settings)
    _add_reads(router, database, authenticator)
    return router


def _add_writes(router: APIRouter, database: Database, authenticator: Authenticator, settings: RefundsSettings) -> None:
    async def create(request: Request, merchant: Principal, payment_id: str, body: CreateRefundBody) -> Response:
        # Both paths are one endpoint to an idempotency key: the same refund asked for in either way is one refund.
        key = key_from(request.headers, merchant.merchant_id, "refunds", [payment_id, body.amount, body.reason])
        wanted = CreateRefund(
            merchant_id=merchant.merchant_id,
            payment_id=payment_id,
            amount=body.amount,
            reason=body.reason,
            key=key,
            delay_ms=service.delay_ms(settings),
            request_id=request_id(request.scope),
        )
        answer = await database.run_cursor(lambda cursor: service.create_refund(cursor, wanted))
        if isinstance(answer, ApiError):
            raise answer
        return answer.response()

    @router.post("/payments/{payment_id}/refunds", status_code=201, **_CREATE_OF_PAYMENT)
    async def create_refund_of_payment(request: Request, payment_id: PaymentIdPath) -> Response:
        """Gives back all of a successful payment or part of it, in as many refunds as it takes."""
        merchant = await authenticator.merchant(request)
        _refuse_malformed(payment_id)
        return await create(request, merchant, payment_id, await read_model(request, CreateRefundBody))

    @router.post("/refunds", status_code=201, **_CREATE)
    async def create_refund(request: Request) -> Response:
        """The same, with the payment named in the body."""
        merchant = await authenticator.merchant(request)
        body = await read_model(request, CreateRefundForPaymentBody)
        return await create(request, merchant, body.payment_id, body)


def _add_reads(router: APIRouter, database: Database, authenticator: Authenticator) -> None:
    @router.get("/refunds", **_LIST)
    async def list_refunds(
        request: Request,
        limit: Limit = 10,
        offset: Offset = 0,
        status: RefundStatus | None = None,
        payment_id: PaymentId = None,
        created_from: From = None,
        created_to: To = None,
    ) -> Response:
        """Refunds, newest first."""
        merchant = await authenticator.merchant(request)
        wanted = RefundFilter(status, payment_id, *period(created_from, created_to))
        return await _list(database, merchant, wanted, limit, offset)

    @router.get("/payments/{payment_id}/refunds", **_LIST_OF_PAYMENT)
    async def list_refunds_of_payment(
        request: Request, payment_id: PaymentIdPath, limit: Limit = 10, offset: Offset = 0
    ) -> Response:
        """A payment's refunds, newest first."""
        merchant = await authenticator.merchant(request)
        _refuse_malformed(payment_id)
        payment = (await database.run_cursor(lambda cursor: read_payments(cursor, [payment_id]))).get(payment_id)
        if payment is None or payment.merchant_id != merchant.merchant_id:
            raise UnknownPayment()
        return await _list(database, merchant, RefundFilter(payment_id=payment_id), limit, offset)

    @router.get("/refunds/{refund_id}", **_GET)
    async def get_refund(request: Request, refund_id: RefundId) -> Response:
        """One of the merchant's refunds."""
        merchant = await authenticator.merchant(request)
        if not REFUND_ID.fullmatch(refund_id):
            raise RefundNotFound()
        document = await database.run_cursor(lambda cursor: service.get_refund(cursor, refund_id, merchant.merchant_id))
        return ApiResponse(render(document))


def _refuse_malformed(payment_id: str) -> None:
    """An id that PostgreSQL cannot even compare is nobody's."""
    if "\0" in payment_id:
        raise UnknownPayment()


async def _list(database: Database, merchant: Principal, wanted: RefundFilter, limit: int, offset: int) -> Response:
    def read(cursor: Cursor) -> bytes:
        refunds, total = repository.list_refunds(cursor, merchant.merchant_id, wanted, limit, offset)
        return render(page([refund_json(refund) for refund in refunds], total, limit, offset))

    return ApiResponse(await database.run_cursor(read))
