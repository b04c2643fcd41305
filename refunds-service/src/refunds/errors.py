"""What this context tells its callers."""

from __future__ import annotations

from chassis.errors import BadRequest, NotFound

__all__ = ["NotRefundable", "RefundExceedsPayment", "RefundNotFound", "UnknownPayment"]


class UnknownPayment(NotFound):
    def __init__(self) -> None:
        super().__init__("Payment not found")


class RefundNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Refund not found")


class NotRefundable(BadRequest):
    def __init__(self) -> None:
        super().__init__("Payment not in refundable state")


class RefundExceedsPayment(BadRequest):
    def __init__(self) -> None:
        super().__init__("Refund amount exceeds available amount")
