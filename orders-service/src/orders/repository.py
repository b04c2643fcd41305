"""Queries on orders. The merchant is an argument of every one that answers a merchant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.db import Cursor, write
from sqlalchemy import func
from sqlmodel import Session, col, select

from orders.models import Order
from orders.states import OrderStatus

__all__ = ["NewOrder", "OrderFilter", "find_public", "insert_orders", "list_orders", "read_orders"]


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A row to be: ``amount`` in paise, ``notes`` as compact JSON text."""

    id: str
    merchant_id: str
    amount: int
    currency: str
    receipt: str | None
    notes: str
    created_at: datetime


# One statement for however many orders wait: measured 4 times the throughput of one INSERT each.
_INSERT = """
INSERT INTO orders (id, merchant_id, amount, currency, receipt, notes, created_at, updated_at)
SELECT id, merchant_id, amount, currency, receipt, notes, created_at, created_at
FROM unnest(%s::text[], %s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[]::json[], %s::timestamptz[])
    AS t(id, merchant_id, amount, currency, receipt, notes, created_at)
"""


def insert_orders(cursor: Cursor, orders: Sequence[NewOrder]) -> None:
    if not orders:
        return
    write(
        cursor,
        _INSERT,
        (
            [order.id for order in orders],
            [order.merchant_id for order in orders],
            [order.amount for order in orders],
            [order.currency for order in orders],
            [order.receipt for order in orders],
            [order.notes for order in orders],
            [order.created_at for order in orders],
        ),
    )


def read_orders(cursor: Cursor, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Rows by (merchant id, order id), for however many requests wait; another merchant's order is not there."""
    cursor.execute(
        "SELECT o.merchant_id::text, o.id, o.amount, o.currency, o.receipt, o.notes::text, o.status, o.created_at, o.updated_at"
        " FROM unnest(%s::uuid[], %s::text[]) AS w(merchant_id, id)"
        " JOIN orders o ON o.id = w.id AND o.merchant_id = w.merchant_id",
        ([merchant_id for merchant_id, _ in wanted], [order_id for _, order_id in wanted]),
    )
    return {(row[0], row[1]): row for row in cursor.fetchall()}


def find_public(cursor: Cursor, order_id: str) -> tuple[Any, ...] | None:
    """What anybody with the order's id may see: id, amount, currency, status, the merchant's display name."""
    cursor.execute(
        "SELECT o.id, o.amount, o.currency, o.status, m.name FROM orders o JOIN merchant_credentials m USING (merchant_id)"
        " WHERE o.id = %s AND m.is_active",
        (order_id,),
    )
    return cursor.fetchone()


@dataclass(frozen=True, slots=True)
class OrderFilter:
    status: OrderStatus | None = None
    receipt: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


def list_orders(session: Session, merchant_id: str, wanted: OrderFilter, limit: int, offset: int) -> tuple[Sequence[Order], int]:
    """One page, newest first, and the number of all that match."""
    conditions = [col(Order.merchant_id) == UUID(merchant_id)]
    if wanted.status is not None:
        conditions.append(col(Order.status) == wanted.status)
    if wanted.receipt is not None:
        conditions.append(col(Order.receipt) == wanted.receipt)
    if wanted.created_from is not None:
        conditions.append(col(Order.created_at) >= wanted.created_from)
    if wanted.created_before is not None:
        conditions.append(col(Order.created_at) < wanted.created_before)
    newest = select(Order).where(*conditions).order_by(col(Order.created_at).desc(), col(Order.id).desc())
    total = session.exec(select(func.count()).select_from(Order).where(*conditions)).one()
    return session.exec(newest.limit(limit).offset(offset)).all(), total
