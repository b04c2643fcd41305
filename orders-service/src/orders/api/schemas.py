"""Bodies and queries of the orders API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from chassis.pagination import Page
from chassis.requests import RequestModel, StorableText, is_storable
from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field

from orders.currencies import CURRENCIES
from orders.models import Order
from orders.service import ORDER_ID
from orders.states import OrderStatus

__all__ = [
    "ORDER_EXAMPLES",
    "CreateOrderBody",
    "NewPublicOrderBody",
    "OrderBody",
    "OrderId",
    "OrderPage",
    "PublicOrderBody",
    "order_json",
]

# PostgreSQL's integer, and far above any card's limit.
AMOUNT_MAX = 2_147_483_647
NOTES_LIMIT_BYTES = 65_536


# Texts, because a schema with the check itself is of no use to a reader: what has no such id is not found, not invalid.
_ID: dict[str, Any] = {"pattern": f"^{ORDER_ID.pattern}$"}
_CURRENCY: dict[str, Any] = {"enum": sorted(CURRENCIES)}
_EXAMPLE_ID = "order_NXhj67fGH2jk9mPq"

OrderId = Annotated[str, Path(json_schema_extra=_ID, examples=[_EXAMPLE_ID])]


def _is_currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("must be an ISO 4217 currency code")
    return code


def _is_storable(notes: dict[str, Any]) -> dict[str, Any]:
    if not is_storable(notes):
        raise ValueError("must not contain NUL characters or be nested too deeply")
    if len(orjson.dumps(notes)) > NOTES_LIMIT_BYTES:
        raise ValueError(f"must be at most {NOTES_LIMIT_BYTES} bytes of JSON")
    return notes


class CreateOrderBody(RequestModel):
    """``amount`` in the smallest unit of the currency: 50000 paise are ₹500."""

    amount: Annotated[int, Field(ge=100, le=AMOUNT_MAX, examples=[50000])]
    currency: Annotated[str, AfterValidator(_is_currency), Field(json_schema_extra=_CURRENCY)] | None = "INR"
    receipt: Annotated[StorableText, Field(max_length=255, examples=["receipt_123"])] | None = None
    notes: Annotated[dict[str, Any], AfterValidator(_is_storable)] | None = None


ORDER_EXAMPLES = {
    "Only an amount": {"amount": 50000},
    "All fields": {"amount": 50000, "currency": "INR", "receipt": "receipt_123", "notes": {"customer_name": "Asha Rao"}},
}


class NewPublicOrderBody(BaseModel):
    """What anybody may know of an order. ``amount`` in the smallest unit of the currency."""

    id: Annotated[str, Field(json_schema_extra=_ID, examples=[_EXAMPLE_ID])]
    amount: Annotated[int, Field(ge=100, examples=[50000])]
    currency: Annotated[str, Field(examples=["INR"])]
    status: OrderStatus


class PublicOrderBody(NewPublicOrderBody):
    merchant_name: Annotated[str, Field(examples=["Test Merchant"])]


class OrderBody(BaseModel):
    """``amount`` in the smallest unit of the currency: 50000 paise are ₹500."""

    id: Annotated[str, Field(json_schema_extra=_ID, examples=[_EXAMPLE_ID])]
    merchant_id: UUID
    amount: Annotated[int, Field(ge=100, examples=[50000])]
    currency: Annotated[str, Field(examples=["INR"])]
    receipt: Annotated[str | None, Field(examples=["receipt_123"])]
    notes: Annotated[dict[str, Any], Field(examples=[{"customer_name": "Asha Rao"}])]
    status: OrderStatus
    created_at: datetime
    updated_at: datetime


class OrderPage(Page[OrderBody]):
    """Orders, newest first."""


def order_json(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "merchant_id": str(order.merchant_id),
        "amount": order.amount,
        "currency": order.currency,
        "receipt": order.receipt,
        "notes": order.notes,
        "status": order.status,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }
