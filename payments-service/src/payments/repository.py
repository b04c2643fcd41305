"""Queries on payments, their tallies and test jobs. The merchant is an argument of all that answers a merchant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from chassis.db import Cursor, write

from payments.acquirer import Decline
from payments.contract import COLUMNS, PaymentView
from payments.states import PaymentMethod, PaymentStatus

__all__ = [
    "DuePayment",
    "NewPayment",
    "PaymentFilter",
    "Tally",
    "add_tallies",
    "claim_due",
    "count_payments",
    "find",
    "finish_test_jobs",
    "fold_tallies",
    "insert_payments",
    "insert_test_job",
    "lock_due",
    "mark_captured",
    "orders_with_attempts",
    "page_of_payments",
    "release",
    "settle_payments",
    "stream_payments",
    "tallies_by",
]


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A row to be. ``delay_ms``: when the bank will have answered, from now, by the database's clock."""

    view: PaymentView
    instruction: str | None
    delay_ms: int
    request_id: str


_INSERT = """
INSERT INTO payments (id, order_id, merchant_id, amount, currency, method, vpa, card_network, card_last4,
                      acquirer_instruction, due_at, request_id, created_at, updated_at)
SELECT id, order_id, merchant_id, amount, currency, method, vpa, card_network, card_last4,
       instruction, now() + delay_ms * interval '1 millisecond', request_id, created_at, created_at
FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::int[], %s::text[], %s::timestamptz[])
    AS t(id, order_id, merchant_id, amount, currency, method, vpa, card_network, card_last4,
         instruction, delay_ms, request_id, created_at)
"""


def insert_payments(cursor: Cursor, payments: Sequence[NewPayment]) -> None:
    views = [payment.view for payment in payments]
    write(
        cursor,
        _INSERT,
        (
            [view.id for view in views],
            [view.order_id for view in views],
            [view.merchant_id for view in views],
            [view.amount for view in views],
            [view.currency for view in views],
            [view.method for view in views],
            [view.vpa for view in views],
            [view.card_network for view in views],
            [view.card_last4 for view in views],
            [payment.instruction for payment in payments],
            [payment.delay_ms for payment in payments],
            [payment.request_id for payment in payments],
            [view.created_at for view in views],
        ),
    )


def orders_with_attempts(cursor: Cursor, order_ids: Set[str], limit: int) -> set[str]:
    """Those of the orders that have ``limit`` payments or more. A throttle: a race may let a few more through."""
    if not order_ids:
        return set()
    cursor.execute(
        "SELECT o.id FROM unnest(%s::text[]) AS o(id)"
        " WHERE (SELECT count(*) FROM (SELECT 1 FROM payments p WHERE p.order_id = o.id LIMIT %s) AS tried) >= %s",
        (list(order_ids), limit, limit),
    )
    return {order_id for (order_id,) in cursor.fetchall()}


def find(cursor: Cursor, payment_id: str, merchant_id: str | None, *, for_update: bool = False) -> PaymentView | None:
    """One payment. ``merchant_id`` None is for the public view alone, where the id itself is the secret."""
    lock = " FOR UPDATE" if for_update else ""
    cursor.execute(
        f"SELECT {COLUMNS} FROM payments WHERE id = %s AND (%s::uuid IS NULL OR merchant_id = %s::uuid){lock}",
        (payment_id, merchant_id, merchant_id),
    )
    row = cursor.fetchone()
    return PaymentView(*row) if row else None


def mark_captured(cursor: Cursor, payment_id: str, merchant_id: str, captured_at: datetime) -> bool:
    """Whether this call captured it; the guard lets exactly one of many do so."""
    cursor.execute(
        "UPDATE payments SET captured = true, updated_at = %s"
        " WHERE id = %s AND merchant_id = %s AND status = 'success' AND NOT captured",
        (captured_at, payment_id, merchant_id),
    )
    return cursor.rowcount == 1


# ---- settlement -----------------------------------------------------------------------------------------------------

# How long a batch may take from the claim to the commit. Settling takes a fraction of a second; what is not done by
# then was lost with a worker or with Redis, and is claimed again.
LEASE_S = 10

# A query that has a row where there is something to claim.
DUE = """
SELECT 1 FROM {table} WHERE status = 'pending' AND due_at <= now() AND (lease_expires_at IS NULL OR lease_expires_at < now())
"""

_CLAIM = """
UPDATE {table} SET lease_expires_at = now() + %s * interval '1 second'
WHERE id IN (
    SELECT id FROM {table}
    WHERE status = 'pending' AND due_at <= now() AND (lease_expires_at IS NULL OR lease_expires_at < now())
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id::text
"""


def claim_due(cursor: Cursor, limit: int, table: str = "payments") -> list[str]:
    """Leases up to ``limit`` due rows to the caller and returns their ids."""
    cursor.execute(_CLAIM.format(table=table), (LEASE_S, limit))
    return [row_id for (row_id,) in cursor.fetchall()]


def release(cursor: Cursor, row_ids: Sequence[str], table: str = "payments") -> None:
    """Gives back leased rows that could not be handed over: they are due at once."""
    cursor.execute(
        f"UPDATE {table} SET lease_expires_at = NULL WHERE id::text = ANY (%s) AND status = 'pending'", (list(row_ids),)
    )


@dataclass(frozen=True, slots=True)
class DuePayment:
    id: str
    order_id: str
    merchant_id: str
    amount: int
    method: PaymentMethod
    instruction: str | None
    created_on: date
    request_id: str | None
    lateness_s: float


def lock_due(cursor: Cursor, payment_ids: Sequence[str]) -> list[DuePayment]:
    """The payments that still wait for their bank, locked, the longest waiting first. One that somebody else holds
    is being settled by a twin of this message and is left out."""
    cursor.execute(
        "SELECT id, order_id, merchant_id::text, amount, method, acquirer_instruction, (created_at AT TIME ZONE 'UTC')::date,"
        " request_id, extract(epoch FROM clock_timestamp() - due_at)::float8"
        " FROM payments WHERE id = ANY (%s) AND status = 'pending' AND due_at <= now()"
        " ORDER BY due_at, id FOR UPDATE SKIP LOCKED",
        (list(payment_ids),),
    )
    return [DuePayment(*row) for row in cursor.fetchall()]


_SETTLE = f"""
UPDATE payments SET status = t.new_status, error_code = t.new_code, error_description = t.new_description,
                    lease_expires_at = NULL, updated_at = now()
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS t(payment_id, new_status, new_code, new_description)
WHERE id = t.payment_id AND status = 'pending'
RETURNING {COLUMNS}
"""


def settle_payments(cursor: Cursor, outcomes: Sequence[tuple[str, Decline | None]]) -> list[PaymentView]:
    """Writes the bank's answers (None: approved) and returns the payments as they are now."""
    cursor.execute(
        _SETTLE,
        (
            [payment_id for payment_id, _ in outcomes],
            ["failed" if decline else "success" for _, decline in outcomes],
            [decline.code if decline else None for _, decline in outcomes],
            [decline.description if decline else None for _, decline in outcomes],
        ),
    )
    return [PaymentView(*row) for row in cursor.fetchall()]


# ---- tallies --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """One payment more (or, with ``sign`` -1, less) in a group; ``amount`` in paise."""

    merchant_id: str
    day: date
    method: PaymentMethod
    status: PaymentStatus
    amount: int
    sign: int = 1


def add_tallies(cursor: Cursor, tallies: Iterable[Tally]) -> None:
    """Adds to the numbers that lists and charts show. Written in the transaction that makes them true."""
    payments: Counter[tuple[str, date, str, str]] = Counter()
    amounts: Counter[tuple[str, date, str, str]] = Counter()
    for tally in tallies:
        group = (tally.merchant_id, tally.day, tally.method, tally.status)
        payments[group] += tally.sign
        amounts[group] += tally.sign * tally.amount
    groups = list(payments)
    write(
        cursor,
        "INSERT INTO payment_tallies (merchant_id, day, method, status, payments, amount)"
        " SELECT * FROM unnest(%s::uuid[], %s::date[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])",
        (*([group[part] for group in groups] for part in range(4)), [payments[g] for g in groups], [amounts[g] for g in groups]),
    )


_FOLD = """
WITH taken AS (
    DELETE FROM payment_tallies WHERE id IN (
        SELECT t.id FROM payment_tallies t JOIN (
            SELECT merchant_id, day, method, status FROM payment_tallies
            GROUP BY merchant_id, day, method, status HAVING count(*) > 1 LIMIT 1000
        ) crowded USING (merchant_id, day, method, status)
        FOR UPDATE OF t SKIP LOCKED
    )
    RETURNING merchant_id, day, method, status, payments, amount
)
INSERT INTO payment_tallies (merchant_id, day, method, status, payments, amount)
SELECT merchant_id, day, method, status, sum(payments), sum(amount) FROM taken GROUP BY merchant_id, day, method, status
"""


def fold_tallies(cursor: Cursor) -> None:
    """Replaces many additions to a group by their sum: reading stays cheap, and the sums do not change."""
    cursor.execute(_FOLD)


def tallies_by(cursor: Cursor, merchant_id: str, columns: str, first: date | None, last: date | None) -> list[tuple[Any, ...]]:
    """``(*columns, status, payments, amount)`` summed over the days from ``first`` to ``last`` (inclusive)."""
    cursor.execute(
        f"SELECT {columns}, status, sum(payments)::bigint, sum(amount)::bigint FROM payment_tallies"
        " WHERE merchant_id = %s AND day >= coalesce(%s, '-infinity'::date) AND day <= coalesce(%s, 'infinity'::date)"
        f" GROUP BY {columns}, status ORDER BY {columns}",
        (merchant_id, first, last),
    )
    return cursor.fetchall()


# ---- lists ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """``search``: the beginning of a payment id, order id or VPA."""

    status: PaymentStatus | None = None
    method: PaymentMethod | None = None
    order_id: str | None = None
    search: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None

    @property
    def is_tallied(self) -> bool:
        """Whether the tallies know the number of matches without reading a payment."""
        return not (self.order_id or self.search or self.created_from or self.created_before)

    def where(self, merchant_id: str) -> tuple[str, list[Any]]:
        conditions, values = ["merchant_id = %s"], [merchant_id]
        for column, value in (("status", self.status), ("method", self.method), ("order_id", self.order_id)):
            if value is not None:
                conditions.append(f"{column} = %s")
                values.append(value)
        if self.created_from is not None:
            conditions.append("created_at >= %s")
            values.append(self.created_from)  # type: ignore[arg-type]
        if self.created_before is not None:
            conditions.append("created_at < %s")
            values.append(self.created_before)  # type: ignore[arg-type]
        if self.search is not None:
            conditions.append("(starts_with(id, %s) OR starts_with(order_id, %s) OR starts_with(vpa, %s))")
            values += [self.search] * 3
        return " AND ".join(conditions), values


def page_of_payments(cursor: Cursor, merchant_id: str, wanted: PaymentFilter, limit: int, offset: int) -> list[PaymentView]:
    where, values = wanted.where(merchant_id)
    cursor.execute(
        f"SELECT {COLUMNS} FROM payments WHERE {where} ORDER BY created_at DESC, id DESC LIMIT %s OFFSET %s",
        (*values, limit, offset),
    )
    return [PaymentView(*row) for row in cursor.fetchall()]


def count_payments(cursor: Cursor, merchant_id: str, wanted: PaymentFilter) -> int:
    """How many match. From the tallies where they can tell: counting a million rows takes a hundred milliseconds."""
    if wanted.is_tallied:
        cursor.execute(
            "SELECT coalesce(sum(payments), 0)::bigint FROM payment_tallies WHERE merchant_id = %s"
            " AND (%s::text IS NULL OR status = %s) AND (%s::text IS NULL OR method = %s)",
            (merchant_id, wanted.status, wanted.status, wanted.method, wanted.method),
        )
    else:
        where, values = wanted.where(merchant_id)
        cursor.execute(f"SELECT count(*) FROM payments WHERE {where}", values)
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def stream_payments(
    cursor: Cursor, merchant_id: str, wanted: PaymentFilter, limit: int, chunk: int
) -> Iterator[list[PaymentView]]:
    """All matches, newest first, in chunks: each goes on where the last ended, so memory stays flat."""
    where, values = wanted.where(merchant_id)
    last: tuple[datetime, str] | None = None
    remaining = limit
    while remaining > 0:
        after = " AND (created_at, id) < (%s, %s)" if last else ""
        cursor.execute(
            f"SELECT {COLUMNS} FROM payments WHERE {where}{after} ORDER BY created_at DESC, id DESC LIMIT %s",
            (*values, *(last or ()), min(chunk, remaining)),
        )
        rows = [PaymentView(*row) for row in cursor.fetchall()]
        if not rows:
            return
        yield rows
        last = (rows[-1].created_at, rows[-1].id)
        remaining -= len(rows)


# ---- test jobs ------------------------------------------------------------------------------------------------------


def insert_test_job(cursor: Cursor) -> tuple[str, datetime]:
    cursor.execute("INSERT INTO test_jobs DEFAULT VALUES RETURNING id::text, created_at")
    row = cursor.fetchone()
    assert row is not None
    return row[0], row[1]


def finish_test_jobs(cursor: Cursor, job_ids: Sequence[str]) -> int:
    """Completes the jobs that are not completed yet and returns how many these were."""
    cursor.execute(
        "UPDATE test_jobs SET status = 'completed', finished_at = now(), lease_expires_at = NULL"
        " WHERE id = ANY (%s::uuid[]) AND status = 'pending'",
        (list(job_ids),),
    )
    return cursor.rowcount
