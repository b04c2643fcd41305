"""Bodies of the payments API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis.pagination import Page
from chassis.requests import RequestModel, StorableText, parse
from fastapi import Path
from pydantic import BaseModel, Field

from payments.instruments import HOLDER_MAX_LENGTH, VPA, VPA_MAX_LENGTH, CardNetwork, Instrument, read_card, read_upi
from payments.service import PAYMENT_ID
from payments.states import PaymentStatus

__all__ = [
    "CAPTURE_EXAMPLES",
    "PAYMENT_EXAMPLES",
    "CaptureBody",
    "CreatePaymentBody",
    "Invariants",
    "JobTotals",
    "PayBody",
    "PaymentBody",
    "PaymentId",
    "PaymentPage",
    "PublicPaymentBody",
    "Statistics",
    "TestJob",
    "read_instrument",
]

_ID: dict[str, Any] = {"pattern": f"^{PAYMENT_ID.pattern}$"}
_EXAMPLE_ID = "pay_H8sK3jD9s2L1pQrT"
_EXAMPLE_ORDER_ID = "order_NXhj67fGH2jk9mPq"

PaymentId = Annotated[str, Path(json_schema_extra=_ID, examples=[_EXAMPLE_ID])]


class CreatePaymentBody(RequestModel):
    """``vpa`` for UPI, ``card`` for cards. ``amount`` and ``currency`` may be repeated and must be the order's.

    The card is taken out of the document before this model sees it, so that no validation error can hold it.
    """

    order_id: Annotated[StorableText, Field(max_length=64, examples=["order_NXhj67fGH2jk9mPq"])]
    method: Literal["upi", "card"]
    amount: int | None = None
    currency: str | None = None


class CaptureBody(RequestModel):
    """``amount``, where it is given, must be the payment's."""

    amount: Annotated[int, Field(ge=1, examples=[50000])] | None = None


# ---- what the documents say of a payment's creation; ``read_instrument`` is what reads it -----------------------------


class CardDetails(BaseModel):
    """Only the network and the last four digits are kept. The number must pass the Luhn check, the card be valid this
    month or later."""

    number: Annotated[
        str,
        Field(
            pattern=r"^[ -]*([0-9][ -]*){13,19}$",
            max_length=64,
            description="13 to 19 digits; spaces and dashes are dropped",
            examples=["4111 1111 1111 1111"],
        ),
    ]
    expiry_month: Annotated[str, Field(pattern="^(0?[1-9]|1[0-2])$")] | Annotated[int, Field(ge=1, le=12)]
    expiry_year: Annotated[str, Field(pattern="^([0-9]{2}|[0-9]{4})$")] | Annotated[int, Field(ge=10, le=9999)]
    cvv: Annotated[str, Field(pattern="^[0-9]{3,4}$")] | Annotated[int, Field(ge=100, le=9999)]
    holder_name: Annotated[str, Field(pattern=r"\S", max_length=HOLDER_MAX_LENGTH, examples=["Asha Rao"])]


class _PayOrder(BaseModel):
    order_id: Annotated[StorableText, Field(max_length=64, examples=[_EXAMPLE_ORDER_ID])]
    amount: Annotated[int | None, Field(description="If sent, must be the order's", examples=[50000])] = None
    currency: Annotated[str | None, Field(description="If sent, must be the order's", examples=["INR"])] = None


class PayByUpi(_PayOrder):
    method: Literal["upi"]
    vpa: Annotated[str, Field(pattern=f"^{VPA.pattern}$", max_length=VPA_MAX_LENGTH, examples=["user@bank"])]


class PayByCard(_PayOrder):
    method: Literal["card"]
    card: CardDetails


PayBody = Annotated[PayByUpi | PayByCard, Field(discriminator="method")]

PAYMENT_EXAMPLES = {
    "UPI": {"order_id": _EXAMPLE_ORDER_ID, "method": "upi", "vpa": "user@bank"},
    "Card": {
        "order_id": _EXAMPLE_ORDER_ID,
        "method": "card",
        "card": {
            "number": "4111 1111 1111 1111",
            "expiry_month": "12",
            "expiry_year": "2049",
            "cvv": "123",
            "holder_name": "Asha Rao",
        },
    },
}
CAPTURE_EXAMPLES = {"Everything": {"amount": 50000}}


# ---- answers --------------------------------------------------------------------------------------------------------


class _Payment(BaseModel):
    """``amount`` in the smallest unit of the currency. ``error_code`` and ``error_description`` tell why one failed."""

    id: Annotated[str, Field(json_schema_extra=_ID, examples=[_EXAMPLE_ID])]
    order_id: Annotated[str, Field(examples=[_EXAMPLE_ORDER_ID])]
    amount: Annotated[int, Field(ge=100, examples=[50000])]
    currency: Annotated[str, Field(examples=["INR"])]
    status: PaymentStatus
    captured: bool
    error_code: Annotated[str | None, Field(examples=[None])]
    error_description: Annotated[str | None, Field(examples=[None])]
    created_at: datetime
    updated_at: datetime


class PublicUpiPayment(_Payment):
    method: Literal["upi"]
    vpa: Annotated[str, Field(examples=["user@bank"])]


class PublicCardPayment(_Payment):
    method: Literal["card"]
    card_network: CardNetwork
    card_last4: Annotated[str, Field(pattern="^[0-9]{4}$", examples=["1111"])]


class UpiPayment(PublicUpiPayment):
    merchant_id: UUID


class CardPayment(PublicCardPayment):
    merchant_id: UUID


PaymentBody = Annotated[UpiPayment | CardPayment, Field(discriminator="method")]
PublicPaymentBody = Annotated[PublicUpiPayment | PublicCardPayment, Field(discriminator="method")]


class PaymentPage(Page[PaymentBody]):
    """Payments, newest first."""


class _Figures(BaseModel):
    count: Annotated[int, Field(ge=0, examples=[10])]
    success: Annotated[int, Field(ge=0, examples=[9])]
    amount: Annotated[int, Field(ge=0, description="Of the successful ones, in paise", examples=[450000])]


class DayFigures(_Figures):
    date: date


class MethodFigures(_Figures):
    method: Literal["upi", "card"]


class Statistics(BaseModel):
    """``total_amount`` sums successful payments, in paise; ``success_rate`` is a percentage of all payments."""

    total_transactions: Annotated[int, Field(ge=0, examples=[10])]
    total_amount: Annotated[int, Field(ge=0, examples=[450000])]
    success_rate: Annotated[float, Field(ge=0, le=100, examples=[90])]
    by_day: list[DayFigures]
    by_method: list[MethodFigures]


class JobTotals(BaseModel):
    """Over all queues. ``worker_status`` is ``stopped`` as soon as one queue has no worker."""

    pending: Annotated[int, Field(ge=0)]
    processing: Annotated[int, Field(ge=0)]
    completed: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]
    worker_status: Literal["running", "stopped"]


class InvariantCheck(BaseModel):
    """``violations`` is counted up to 1,000; ``examples`` name some of what violates the invariant."""

    name: str
    violations: Annotated[int, Field(ge=0)]
    examples: list[str]


class Invariants(BaseModel):
    """What must always hold, and whether it does."""

    status: Literal["ok", "violated"]
    checks: list[InvariantCheck]
    checked_at: datetime


class TestJob(BaseModel):
    id: str
    queue: Literal["payments"]
    status: Literal["pending"]
    created_at: datetime


def read_instrument(document: dict[str, Any]) -> tuple[CreatePaymentBody, Instrument]:
    """The checked request and what it pays with; the number and CVV of a card end here."""
    card = document.pop("card", None)
    body = parse(CreatePaymentBody, document)
    if body.method == "upi":
        return body, read_upi(document.get("vpa"))
    return body, read_card(card)
