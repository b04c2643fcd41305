"""The states of an order, as a table. The database repeats it in a CHECK and in ``orders_mark_paid``."""

from __future__ import annotations

from typing import Literal

__all__ = ["STATUSES", "TRANSITIONS", "OrderStatus"]

OrderStatus = Literal["created", "paid"]

STATUSES: tuple[OrderStatus, ...] = ("created", "paid")
TRANSITIONS: frozenset[tuple[OrderStatus, OrderStatus]] = frozenset({("created", "paid")})
