"""What other contexts may know of an order, and the one thing that they may do to it.

Both run in the caller's transaction with the caller's role: the columns read here are granted to it, and the change
goes through the function ``orders_mark_paid``, which can do nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.db import Cursor

from orders.states import OrderStatus

__all__ = ["PayableOrder", "mark_orders_paid", "payable_orders"]


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """``amount`` in the smallest unit of ``currency`` (paise)."""

    id: str
    merchant_id: str
    amount: int
    currency: str
    status: OrderStatus


def payable_orders(cursor: Cursor, order_ids: Sequence[str]) -> dict[str, PayableOrder]:
    """The orders that exist among these ids, whoever their merchant is: the caller checks that."""
    cursor.execute("SELECT id, merchant_id::text, amount, currency, status FROM orders WHERE id = ANY (%s)", (list(order_ids),))
    return {row[0]: PayableOrder(*row) for row in cursor.fetchall()}


def mark_orders_paid(cursor: Cursor, order_ids: Sequence[str]) -> set[str]:
    """Marks orders paid and returns those that were not paid before; the caller alone may let these succeed."""
    if not order_ids:
        return set()
    cursor.execute("SELECT orders_mark_paid(%s::varchar[])", (list(order_ids),))
    return {order_id for (order_id,) in cursor.fetchall()}
