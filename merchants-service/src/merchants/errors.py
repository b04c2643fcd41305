"""What this context tells its callers."""

from __future__ import annotations

from chassis.errors import NotFound

__all__ = ["MerchantNotFound"]


class MerchantNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Merchant not found")
