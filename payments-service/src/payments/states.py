"""The states of a payment, as a table. CHECKs and a partial unique index in the database repeat it.

pending ──► success ──► success, captured
   └──────► failed
"""

from __future__ import annotations

from typing import Literal

__all__ = ["METHODS", "STATUSES", "TRANSITIONS", "PaymentMethod", "PaymentStatus", "may_become"]

PaymentStatus = Literal["pending", "success", "failed"]
PaymentMethod = Literal["upi", "card"]

STATUSES: tuple[PaymentStatus, ...] = ("pending", "success", "failed")
METHODS: tuple[PaymentMethod, ...] = ("upi", "card")
TRANSITIONS: frozenset[tuple[PaymentStatus, PaymentStatus]] = frozenset({("pending", "success"), ("pending", "failed")})


def may_become(current: PaymentStatus, wanted: PaymentStatus) -> bool:
    return (current, wanted) in TRANSITIONS
