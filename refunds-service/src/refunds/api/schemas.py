"""Bodies of the refunds API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.pagination import Page
from chassis.requests import RequestModel, StorableText
from fastapi import Path
from pydantic import BaseModel, Field

from refunds.service import REFUND_ID
from refunds.states import RefundStatus

__all__ = [
    "REFUND_EXAMPLES",
    "REFUND_FOR_PAYMENT_EXAMPLES",
    "CreateRefundBody",
    "CreateRefundForPaymentBody",
    "PaymentIdPath",
    "RefundBody",
    "RefundId",
    "RefundPage",
]

# PostgreSQL's integer; the payment bounds it far below.
AMOUNT_MAX = 2_147_483_647
REASON_MAX_LENGTH = 1000

_ID: dict[str, Any] = {"pattern": f"^{REFUND_ID.pattern}$"}
_EXAMPLE_ID = "rfnd_K9pL2mN4oQ5rS8tU"
_EXAMPLE_PAYMENT_ID = "pay_H8sK3jD9s2L1pQrT"

RefundId = Annotated[str, Path(json_schema_extra=_ID, examples=[_EXAMPLE_ID])]
PaymentIdPath = Annotated[str, Path(examples=[_EXAMPLE_PAYMENT_ID])]


class CreateRefundBody(RequestModel):
    """``amount`` in paise, at most what is left of the payment."""

    amount: Annotated[int, Field(ge=1, le=AMOUNT_MAX, examples=[50000])]
    reason: Annotated[StorableText, Field(max_length=REASON_MAX_LENGTH, examples=["Customer requested refund"])] | None = None


class CreateRefundForPaymentBody(CreateRefundBody):
    payment_id: Annotated[StorableText, Field(max_length=64, examples=[_EXAMPLE_PAYMENT_ID])]


REFUND_EXAMPLES = {
    "Part of the payment": {"amount": 10000, "reason": "Customer requested refund"},
    "No reason": {"amount": 10000},
}
REFUND_FOR_PAYMENT_EXAMPLES = {
    "Part of the payment": {"payment_id": _EXAMPLE_PAYMENT_ID, "amount": 10000, "reason": "Customer requested refund"}
}


class RefundBody(BaseModel):
    """``amount`` in paise. ``processed_at`` is null until the money is on its way back."""

    id: Annotated[str, Field(json_schema_extra=_ID, examples=[_EXAMPLE_ID])]
    payment_id: Annotated[str, Field(examples=[_EXAMPLE_PAYMENT_ID])]
    merchant_id: UUID
    amount: Annotated[int, Field(ge=1, examples=[10000])]
    reason: Annotated[str | None, Field(examples=["Customer requested refund"])]
    status: RefundStatus
    created_at: datetime
    processed_at: datetime | None


class RefundPage(Page[RefundBody]):
    """Refunds, newest first."""
