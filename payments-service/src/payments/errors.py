"""What this context tells its callers, and why a payment failed."""

from __future__ import annotations

from chassis.errors import BadRequest, NotFound, RateLimited

__all__ = [
    "ExpiredCard",
    "InvalidCard",
    "InvalidVpa",
    "NotCapturable",
    "OrderAlreadyPaid",
    "PaymentNotFound",
    "TooManyAttempts",
    "UnknownOrder",
]


class InvalidVpa(BadRequest):
    code = "INVALID_VPA"

    def __init__(self) -> None:
        super().__init__("vpa must be a valid UPI address such as user@bank")


class InvalidCard(BadRequest):
    code = "INVALID_CARD"


class ExpiredCard(BadRequest):
    code = "EXPIRED_CARD"


class UnknownOrder(NotFound):
    def __init__(self) -> None:
        super().__init__("Order not found")


class OrderAlreadyPaid(BadRequest):
    def __init__(self) -> None:
        super().__init__("Order already paid")


class PaymentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Payment not found")


class TooManyAttempts(RateLimited):
    """Somebody tries card after card on one order."""

    def __init__(self) -> None:
        super().__init__("Too many payment attempts for this order", retry_after_s=3600)


class NotCapturable(BadRequest):
    def __init__(self) -> None:
        super().__init__("Payment not in capturable state")
