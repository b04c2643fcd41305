"""The shop's web server: the page, the customer's orders, and the webhook that alone makes an order count as paid."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from e2e.shop.catalogue import PRODUCTS
from e2e.shop.gateway import Gateway, GatewayRefusal, GatewayUnreachable, is_signed
from e2e.shop.pages import logs_page, rupees, shop_page
from e2e.shop.settings import Settings
from e2e.shop.store import Order, Store

__all__ = ["Shop", "create_app"]

CUSTOMER_COOKIE = "shop_customer"
CUSTOMER_COOKIE_SECONDS = 30 * 24 * 3600
# Many times what the gateway's events measure.
WEBHOOK_BYTES_MAX = 256 * 1024

router = APIRouter()


@dataclass(frozen=True)
class Shop:
    """What a request works with."""

    settings: Settings
    gateway: Gateway
    store: Store
    webhook_secret: str = field(repr=False)


def create_app(shop: Shop) -> FastAPI:
    """The application of one merchant."""
    app = FastAPI(title="Sample merchant", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.shop = shop
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.include_router(router)
    app.middleware("http")(protect_pages)
    return app


def shop_of(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def checkout_of(request: Request) -> str:
    """Where the customer's browser finds the checkout: a phone that opens the shop as 192.168.… must not be sent to itself."""
    settings = shop_of(request).settings
    if settings.checkout_url:
        return settings.checkout_url
    host = request.url.hostname or "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.checkout_port}"


async def protect_pages(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Scripts and frames from this shop and from the checkout, and from nowhere else."""
    response = await call_next(request)
    checkout = checkout_of(request)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {checkout}; frame-src {checkout}; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    return response


OpenShop = Annotated[Shop, Depends(shop_of)]
# Instead of accounts: whoever has the cookie sees the orders that were made with it.
Customer = Annotated[str | None, Cookie(alias=CUSTOMER_COOKIE, max_length=64)]


@router.get("/")
def show_shop(shop: OpenShop, checkout: Annotated[str, Depends(checkout_of)], customer: Customer = None) -> HTMLResponse:
    """The page, with the publishable key in it. The secret one stays here."""
    page = shop_page(PRODUCTS.values(), sdk_url=f"{checkout}/checkout.js", api_key=shop.settings.api_key)
    response = HTMLResponse(page, headers={"Cache-Control": "no-store"})
    customer = customer or secrets.token_urlsafe(24)
    response.set_cookie(CUSTOMER_COOKIE, customer, max_age=CUSTOMER_COOKIE_SECONDS, httponly=True, samesite="lax")
    return response


class Checkout(BaseModel):
    """What a browser may say about an order: which product, and the key of this one attempt to buy it."""

    product: str
    checkout: str = Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")


@router.post("/orders")
def create_order(shop: OpenShop, wish: Checkout, customer: Customer = None) -> JSONResponse:
    """An order that the browser can take to the checkout."""
    product = PRODUCTS.get(wish.product)
    if product is None:
        raise HTTPException(404, "There is no such product")
    if not customer:
        raise HTTPException(400, "Please allow this shop's cookie: it holds your orders")
    # First the shop's own row, then the gateway's order, with a key that belongs to the row. Whatever breaks in between, the same
    # request finds the same row and gets the same order.
    order = shop.store.begin_order(customer, wish.checkout, product.id, product.price)
    if order.gateway_order_id is None:
        try:
            order_id = shop.gateway.create_order(order.amount, order.receipt, f"{order.customer}.{order.checkout}")
        except GatewayUnreachable as error:
            raise HTTPException(502, "The payment service cannot be reached. Please try again.") from error
        except GatewayRefusal as error:
            raise HTTPException(502, f"The payment service says: {error}") from error
        order = shop.store.set_gateway_order(order.number, order_id)
    return JSONResponse(order_document(order), status_code=201)


@router.get("/orders")
def list_orders(shop: OpenShop, customer: Customer = None) -> JSONResponse:
    """The customer's orders as they stand; the page asks again and again."""
    orders = shop.store.orders_of(customer) if customer else []
    return JSONResponse({"data": [order_document(order) for order in orders]}, headers={"Cache-Control": "no-store"})


def order_document(order: Order) -> dict[str, Any]:
    """An order as its customer may see it."""
    return {
        "id": order.gateway_order_id,
        "receipt": order.receipt,
        "product": order.product,
        "name": PRODUCTS[order.product].name if order.product in PRODUCTS else order.product,
        "amount": rupees(order.amount),
        "refunded": rupees(order.refunded),
        "state": order.state,
        "payment_id": order.payment_id,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "fulfilled_at": order.fulfilled_at,
    }


async def raw_body(request: Request) -> bytes:
    """The body before anybody has parsed it, as the signature is that of its bytes."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > WEBHOOK_BYTES_MAX:
            raise HTTPException(413, "The webhook is too large")
    return body


@router.post("/webhook")
def receive_webhook(
    shop: OpenShop,
    body: Annotated[bytes, Depends(raw_body)],
    x_webhook_signature: Annotated[str, Header()] = "",
    x_webhook_id: Annotated[str | None, Header()] = None,
) -> JSONResponse:
    """Believes what is signed, handles it once, and refuses everything else."""
    if not is_signed(body, x_webhook_signature, shop.webhook_secret):
        problem = "wrong signature" if x_webhook_signature else "no signature"
        shop.store.reject(x_webhook_id, problem, body.decode(errors="replace"))
        raise HTTPException(401, f"Webhook refused: {problem}")
    if not x_webhook_id:
        raise HTTPException(400, "X-Webhook-Id is missing")
    document = json.loads(body)
    # The signature covers the body but not the id, so that one body could come under two ids. Paying, fulfilling and refunding
    # each happen once all the same: the store goes by the order's and the refund's own ids.
    is_new = shop.store.take_in(x_webhook_id, document["event"], document["data"], body.decode())
    # Answer first, work later: the gateway waits five seconds, and a slow answer counts as a failure.
    return JSONResponse({"received": True, "repeated": not is_new}, background=BackgroundTask(shop.store.fulfil_paid))


@router.get("/logs")
def show_logs(shop: OpenShop, accept: Annotated[str, Header()] = "") -> Response:
    """Every webhook that arrived, for people or, with `Accept: application/json`, for programs."""
    deliveries = shop.store.deliveries()
    headers = {"Vary": "Accept", "Cache-Control": "no-store"}
    if "application/json" in accept:
        return JSONResponse({"data": [delivery.as_json() for delivery in deliveries]}, headers=headers)
    return HTMLResponse(logs_page(deliveries), headers=headers)
