"""What other contexts may know of a payment. Read with the caller's role, which has these columns granted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.db import Cursor

from payments.states import PaymentMethod, PaymentStatus

__all__ = ["PaymentView", "payment_json", "public_payment_json", "read_payments"]

COLUMNS = (
    "id, order_id, merchant_id::text, amount, currency, method, status, captured, vpa, card_network, card_last4,"
    " error_code, error_description, created_at, updated_at"
)


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as a row. ``amount`` in the smallest unit of ``currency`` (paise)."""

    id: str
    order_id: str
    merchant_id: str
    amount: int
    currency: str
    method: PaymentMethod
    status: PaymentStatus
    captured: bool
    vpa: str | None
    card_network: str | None
    card_last4: str | None
    error_code: str | None
    error_description: str | None
    created_at: datetime
    updated_at: datetime


def read_payments(cursor: Cursor, payment_ids: Sequence[str]) -> dict[str, PaymentView]:
    """The payments that exist among these ids, whoever their merchant is: the caller checks that."""
    cursor.execute(f"SELECT {COLUMNS} FROM payments WHERE id = ANY (%s)", (list(payment_ids),))
    return {row[0]: PaymentView(*row) for row in cursor.fetchall()}


def payment_json(payment: PaymentView) -> dict[str, Any]:
    """The Payment shape, with ``vpa`` or the card's network and last four digits according to the method."""
    document: dict[str, Any] = {
        "id": payment.id,
        "order_id": payment.order_id,
        "merchant_id": payment.merchant_id,
        "amount": payment.amount,
        "currency": payment.currency,
        "method": payment.method,
        "status": payment.status,
        "captured": payment.captured,
    }
    if payment.method == "upi":
        document["vpa"] = payment.vpa
    else:
        document["card_network"] = payment.card_network
        document["card_last4"] = payment.card_last4
    document |= {
        "error_code": payment.error_code,
        "error_description": payment.error_description,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
    }
    return document


def public_payment_json(payment: PaymentView) -> dict[str, Any]:
    """The same for whoever has the payment's id: without the merchant's."""
    document = payment_json(payment)
    del document["merchant_id"]
    return document
