"""Queries on refunds and their balances. The merchant is an argument of all that answers a merchant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.db import Cursor

from refunds.states import RefundStatus

__all__ = [
    "DueRefund",
    "RefundFilter",
    "RefundView",
    "claim_due",
    "find",
    "insert",
    "list_refunds",
    "lock_available",
    "lock_due",
    "refunded_beyond",
    "release",
    "reserve",
    "settle",
]

_COLUMNS = "id, payment_id, merchant_id::text, amount, reason, status, created_at, processed_at"


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund as a row. ``amount`` in paise."""

    id: str
    payment_id: str
    merchant_id: str
    amount: int
    reason: str | None
    status: RefundStatus
    created_at: datetime
    processed_at: datetime | None


def lock_available(cursor: Cursor, payment_id: str, payment_amount: int) -> int:
    """What can still be refunded of a payment, in paise. Holds its balance until the transaction ends, so that
    racing refunds of one payment take turns here."""
    cursor.execute(
        "INSERT INTO refund_balances (payment_id, payment_amount) VALUES (%s, %s) ON CONFLICT (payment_id) DO NOTHING",
        (payment_id, payment_amount),
    )
    cursor.execute("SELECT payment_amount - refunded_amount FROM refund_balances WHERE payment_id = %s FOR UPDATE", (payment_id,))
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def reserve(cursor: Cursor, payment_id: str, amount: int) -> None:
    """Adds to what is refunded (negative: gives back); the CHECK refuses what would exceed the payment."""
    cursor.execute(
        "UPDATE refund_balances SET refunded_amount = refunded_amount + %s WHERE payment_id = %s", (amount, payment_id)
    )


def insert(cursor: Cursor, refund: RefundView, delay_ms: int, request_id: str) -> None:
    cursor.execute(
        "INSERT INTO refunds (id, payment_id, merchant_id, amount, reason, due_at, request_id, created_at)"
        " VALUES (%s, %s, %s, %s, %s, now() + %s * interval '1 millisecond', %s, %s)",
        (
            refund.id,
            refund.payment_id,
            refund.merchant_id,
            refund.amount,
            refund.reason,
            delay_ms,
            request_id,
            refund.created_at,
        ),
    )


def find(cursor: Cursor, refund_id: str, merchant_id: str) -> RefundView | None:
    cursor.execute(f"SELECT {_COLUMNS} FROM refunds WHERE id = %s AND merchant_id = %s", (refund_id, merchant_id))
    row = cursor.fetchone()
    return RefundView(*row) if row else None


@dataclass(frozen=True, slots=True)
class RefundFilter:
    status: RefundStatus | None = None
    payment_id: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


def list_refunds(cursor: Cursor, merchant_id: str, wanted: RefundFilter, limit: int, offset: int) -> tuple[list[RefundView], int]:
    """One page, newest first, and the number of all that match."""
    conditions: list[str] = ["merchant_id = %s"]
    values: list[Any] = [merchant_id]
    for condition, value in (
        ("status = %s", wanted.status),
        ("payment_id = %s", wanted.payment_id),
        ("created_at >= %s", wanted.created_from),
        ("created_at < %s", wanted.created_before),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    where = " AND ".join(conditions)
    cursor.execute(
        f"SELECT {_COLUMNS} FROM refunds WHERE {where} ORDER BY created_at DESC, id DESC LIMIT %s OFFSET %s",
        (*values, limit, offset),
    )
    refunds = [RefundView(*row) for row in cursor.fetchall()]
    cursor.execute(f"SELECT count(*) FROM refunds WHERE {where}", values)
    total = cursor.fetchone()
    return refunds, int(total[0]) if total else 0


# ---- settlement -----------------------------------------------------------------------------------------------------

# How long a batch may take from the claim to the commit; what is not done by then was lost and is claimed again.
LEASE_S = 10


# A query that has a row where there is something to claim.
DUE = (
    "SELECT 1 FROM refunds WHERE status = 'pending' AND due_at <= now()"
    " AND (lease_expires_at IS NULL OR lease_expires_at < now())"
)


def claim_due(cursor: Cursor, limit: int) -> list[str]:
    """Leases up to ``limit`` due refunds to the caller and returns their ids."""
    cursor.execute(
        "UPDATE refunds SET lease_expires_at = now() + %s * interval '1 second' WHERE id IN ("
        " SELECT id FROM refunds WHERE status = 'pending' AND due_at <= now()"
        " AND (lease_expires_at IS NULL OR lease_expires_at < now()) ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED"
        ") RETURNING id",
        (LEASE_S, limit),
    )
    return [refund_id for (refund_id,) in cursor.fetchall()]


def release(cursor: Cursor, refund_ids: Sequence[str]) -> None:
    """Gives back leased refunds that could not be handed over: they are due at once."""
    cursor.execute("UPDATE refunds SET lease_expires_at = NULL WHERE id = ANY (%s) AND status = 'pending'", (list(refund_ids),))


@dataclass(frozen=True, slots=True)
class DueRefund:
    id: str
    payment_id: str
    amount: int
    request_id: str | None
    lateness_s: float


def lock_due(cursor: Cursor, refund_ids: Sequence[str]) -> list[DueRefund]:
    """The refunds that still wait, locked, the longest waiting first; what a twin of this message holds is left out."""
    cursor.execute(
        "SELECT id, payment_id, amount, request_id, extract(epoch FROM clock_timestamp() - due_at)::float8 FROM refunds"
        " WHERE id = ANY (%s) AND status = 'pending' AND due_at <= now() ORDER BY due_at, id FOR UPDATE SKIP LOCKED",
        (list(refund_ids),),
    )
    return [DueRefund(*row) for row in cursor.fetchall()]


def refunded_beyond(cursor: Cursor, payment_ids: Sequence[str]) -> dict[str, int]:
    """By how much the pending and processed refunds of each payment exceed it, in paise, where they do."""
    cursor.execute(
        "SELECT r.payment_id, sum(r.amount) - min(p.amount) FROM refunds r JOIN payments p ON p.id = r.payment_id"
        " WHERE r.payment_id = ANY (%s) AND r.status <> 'failed' GROUP BY r.payment_id HAVING sum(r.amount) > min(p.amount)",
        (list(payment_ids),),
    )
    return {payment_id: int(excess) for payment_id, excess in cursor.fetchall()}


def settle(cursor: Cursor, outcomes: Sequence[tuple[str, RefundStatus]]) -> list[RefundView]:
    """Writes how the refunds ended and returns them as they are now."""
    cursor.execute(
        "UPDATE refunds SET status = t.new_status, lease_expires_at = NULL,"
        " processed_at = CASE WHEN t.new_status = 'processed' THEN now() END"
        " FROM unnest(%s::text[], %s::text[]) AS t(refund_id, new_status)"
        f" WHERE id = t.refund_id AND status = 'pending' RETURNING {_COLUMNS}",
        ([refund_id for refund_id, _ in outcomes], [status for _, status in outcomes]),
    )
    return [RefundView(*row) for row in cursor.fetchall()]
