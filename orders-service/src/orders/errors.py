"""What this context tells its callers."""

from __future__ import annotations

from chassis.errors import BadRequest, NotFound

__all__ = ["OrderNotFound", "PublicOrdersDisabled"]


class OrderNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Order not found")


class PublicOrdersDisabled(BadRequest):
    def __init__(self) -> None:
        super().__init__("This merchant does not accept public orders")
