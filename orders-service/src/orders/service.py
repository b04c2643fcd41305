"""What can be done with orders, for a batch of requests at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from chassis.db import Cursor
from chassis.errors import ApiError
from chassis.idempotency import Answer, IdempotencyKey, decide
from chassis.ids import id_pattern, new_id
from chassis.rendering import render
from chassis.times import now

from orders.errors import OrderNotFound
from orders.repository import NewOrder, find_public, insert_orders, read_orders

__all__ = ["ORDER_ID", "CreateOrder", "ReadOrder", "create_orders", "get_orders", "get_public_order"]

ORDER_PREFIX = "order_"
ORDER_ID = id_pattern(ORDER_PREFIX)


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """A validated request. ``amount`` in paise, ``notes`` as compact JSON. ``public`` answers with the public shape."""

    merchant_id: str
    amount: int
    currency: str
    receipt: str | None
    notes: bytes
    key: IdempotencyKey | None = None
    public: bool = False


def create_orders(cursor: Cursor, requests: Sequence[CreateOrder]) -> list[Answer | ApiError]:
    """Creates an order for each request, or gives the answer that its idempotency key got before.

    Ids are drawn anew at each call: after a collision the caller's batch is rolled back and carried out again.
    """
    created_at = now()
    drafts = [
        NewOrder(new_id(ORDER_PREFIX), r.merchant_id, r.amount, r.currency, r.receipt, r.notes.decode(), created_at)
        for r in requests
    ]
    answers = [Answer(201, _new_order_body(draft, request)) for draft, request in zip(drafts, requests, strict=True)]
    verdicts = decide(cursor, [(request.key, answer) for request, answer in zip(requests, answers, strict=True)])
    insert_orders(cursor, [draft for draft, verdict in zip(drafts, verdicts, strict=True) if verdict.carry_out])
    return [verdict.answer for verdict in verdicts]


def _new_order_body(order: NewOrder, request: CreateOrder) -> bytes:
    if request.public:
        return render({"id": order.id, "amount": order.amount, "currency": order.currency, "status": "created"})
    return order_body(
        (
            order.merchant_id,
            order.id,
            order.amount,
            order.currency,
            order.receipt,
            order.notes,
            "created",
            order.created_at,
            order.created_at,
        )
    )


def order_body(row: tuple[Any, ...]) -> bytes:
    """The Order shape from a row in the order of ``read_orders``."""
    merchant_id, order_id, amount, currency, receipt, notes, status, created_at, updated_at = row
    return render(
        {
            "id": order_id,
            "merchant_id": merchant_id,
            "amount": amount,
            "currency": currency,
            "receipt": receipt,
            "notes": orjson.Fragment(notes),
            "status": status,
            "created_at": created_at,
            "updated_at": updated_at,
        }
    )


@dataclass(frozen=True, slots=True)
class ReadOrder:
    merchant_id: str
    order_id: str


def get_orders(cursor: Cursor, requests: Sequence[ReadOrder]) -> list[bytes | ApiError]:
    """The body of each order asked for, or that it does not exist."""
    rows = read_orders(cursor, [(request.merchant_id, request.order_id) for request in requests])
    found = (rows.get((request.merchant_id, request.order_id)) for request in requests)
    return [OrderNotFound() if row is None else order_body(row) for row in found]


def get_public_order(cursor: Cursor, order_id: str) -> bytes:
    row = find_public(cursor, order_id)
    if row is None:
        raise OrderNotFound()
    return render(dict(zip(("id", "amount", "currency", "status", "merchant_name"), row, strict=True)))
