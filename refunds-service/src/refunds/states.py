"""The states of a refund, as a table. The database repeats it in CHECKs.

pending ──► processed
   └──────► failed      (it no longer fits its payment)
"""

from __future__ import annotations

from typing import Literal

__all__ = ["STATUSES", "TRANSITIONS", "RefundStatus", "may_become"]

RefundStatus = Literal["pending", "processed", "failed"]

STATUSES: tuple[RefundStatus, ...] = ("pending", "processed", "failed")
TRANSITIONS: frozenset[tuple[RefundStatus, RefundStatus]] = frozenset({("pending", "processed"), ("pending", "failed")})


def may_become(current: RefundStatus, wanted: RefundStatus) -> bool:
    return (current, wanted) in TRANSITIONS
