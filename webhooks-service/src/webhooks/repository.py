"""Queries on this context's tables. Those for people take the merchant as an argument; those for the worker do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.db import Cursor, write
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from webhooks.models import Event, WebhookAttempt, WebhookLog
from webhooks.states import ATTEMPTS_MAX

__all__ = [
    "AttemptResult",
    "Delivery",
    "EventFilter",
    "LogFilter",
    "attempts_of",
    "claim_due",
    "count_due",
    "count_logs",
    "deliveries_of",
    "find_event",
    "find_log",
    "find_log_of_event",
    "has_endpoint",
    "list_events",
    "list_logs",
    "load_leased",
    "merchants_with_due",
    "merchants_with_due_after",
    "record_attempts",
    "release",
    "retry",
    "retry_all",
    "walk_indexes",
]

# --- The worker: claim, load, record -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """A leased webhook log with what it takes to send it. ``url`` and ``secret`` are None where the merchant has none."""

    id: str
    merchant_id: str
    event: str
    attempts: int
    body: bytes
    url: str | None
    secret: str | None
    previous_secret: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What became of one POST. ``is_final`` ends the delivery although attempts are left."""

    delivery: Delivery
    attempted_at: datetime
    succeeded: bool
    duration_ms: int
    response_code: int | None = None
    response_body: str | None = None
    error: str | None = None
    timed_out: bool = False
    is_final: bool = False


# The claim's statements must walk the partial indexes of due rows, whatever the statistics say: with a sort, the
# planner may read every row that a merchant ever had, and statistics of a queue are always out of date.
_WALK_INDEXES = """
SELECT set_config(name, 'off', true)
FROM unnest(ARRAY['enable_sort', 'enable_incremental_sort', 'enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin']) AS name
"""


def walk_indexes(cursor: Cursor) -> None:
    """For the rest of this transaction, plans follow indexes. To be called before claiming."""
    write(cursor, _WALK_INDEXES)


_MERCHANTS_WITH_DUE = """
SELECT merchant_id::text, count(*) FROM (
    SELECT merchant_id FROM webhook_logs
    WHERE status = 'pending' AND next_retry_at <= now()
    ORDER BY next_retry_at LIMIT %s
) AS oldest GROUP BY merchant_id
"""


def merchants_with_due(cursor: Cursor, limit: int) -> dict[str, int]:
    """Merchants among the ``limit`` oldest due rows, with how many of these are theirs."""
    cursor.execute(_MERCHANTS_WITH_DUE, (limit,))
    return dict(cursor.fetchall())


# A loose index scan: one step down webhook_logs_due_by_merchant per merchant, however many rows each has.
_MERCHANTS_WITH_DUE_AFTER = """
WITH RECURSIVE pending AS (
    (SELECT merchant_id, next_retry_at FROM webhook_logs
     WHERE status = 'pending' AND merchant_id > %s::uuid
     ORDER BY merchant_id, next_retry_at LIMIT 1)
    UNION ALL
    SELECT following.merchant_id, following.next_retry_at FROM pending CROSS JOIN LATERAL (
        SELECT merchant_id, next_retry_at FROM webhook_logs
        WHERE status = 'pending' AND merchant_id > pending.merchant_id
        ORDER BY merchant_id, next_retry_at LIMIT 1
    ) AS following
)
SELECT merchant_id::text FROM pending WHERE next_retry_at <= now() LIMIT %s
"""


def merchants_with_due_after(cursor: Cursor, merchant_id: str, limit: int) -> list[str]:
    """The next ``limit`` merchants, in the order of their ids, that have due rows."""
    cursor.execute(_MERCHANTS_WITH_DUE_AFTER, (merchant_id, limit))
    return [found for (found,) in cursor.fetchall()]


# Of each merchant's oldest due rows, as many as its window is wide, those without a lease. Leased rows are the oldest
# and take up the window, so nothing needs to be counted. The comparison of pairs, instead of ``merchant_id = …``,
# leaves no index but webhook_logs_due_by_merchant to give the order: another merchant's backlog is never read. What made
# a row due is asked again under its lock: since the candidates were read, an attempt may have been recorded, and the
# row, given back, is in the pause before its next one.
_CLAIM = """
WITH windows AS (
    SELECT merchant_id, size FROM unnest(%(merchants)s::uuid[], %(sizes)s::int[]) AS w(merchant_id, size)
), candidates AS (
    SELECT oldest.id FROM windows CROSS JOIN LATERAL (
        SELECT id, lease_expires_at FROM webhook_logs AS log
        WHERE status = 'pending'
          AND (log.merchant_id, log.next_retry_at) > (windows.merchant_id, '-infinity'::timestamptz)
          AND (log.merchant_id, log.next_retry_at) <= (windows.merchant_id, now())
        ORDER BY log.merchant_id, log.next_retry_at LIMIT windows.size
    ) AS oldest
    WHERE oldest.lease_expires_at IS NULL OR oldest.lease_expires_at < now()
    LIMIT %(limit)s
), claimed AS (
    SELECT id FROM webhook_logs
    WHERE id = ANY (ARRAY(SELECT id FROM candidates))
      AND status = 'pending' AND next_retry_at <= now() AND (lease_expires_at IS NULL OR lease_expires_at < now())
    FOR UPDATE SKIP LOCKED
)
UPDATE webhook_logs SET lease_expires_at = now() + %(lease_s)s * interval '1 second'
WHERE id = ANY (ARRAY(SELECT id FROM claimed))
RETURNING id::text
"""


def claim_due(cursor: Cursor, windows: Mapping[str, int], *, lease_s: float, limit: int) -> list[str]:
    """Leases up to ``limit`` due rows, so that no merchant of ``windows`` has more under way than its window allows."""
    cursor.execute(_CLAIM, {"merchants": list(windows), "sizes": list(windows.values()), "limit": limit, "lease_s": lease_s})
    return [claimed for (claimed,) in cursor.fetchall()]


DUE = (
    "SELECT 1 FROM webhook_logs WHERE status = 'pending' AND next_retry_at <= now()"
    " AND (lease_expires_at IS NULL OR lease_expires_at < now())"
)

_RELEASE = "UPDATE webhook_logs SET lease_expires_at = NULL WHERE id = ANY (%s::uuid[]) AND status = 'pending'"


def release(cursor: Cursor, ids: Sequence[str]) -> None:
    """Gives claimed rows back, due as before: nothing has been attempted."""
    cursor.execute(_RELEASE, (list(ids),))


_LOAD = """
SELECT log.id::text, log.merchant_id::text, log.event, log.attempts, log.payload::text,
       endpoint.url, endpoint.secret, endpoint.previous_secret, log.request_id
FROM webhook_logs AS log LEFT JOIN merchant_endpoints AS endpoint ON endpoint.merchant_id = log.merchant_id
WHERE log.id = ANY (%s::uuid[]) AND log.status = 'pending' AND log.lease_expires_at > now() + %s * interval '1 second'
"""


def load_leased(cursor: Cursor, ids: Sequence[str], *, lease_needed_s: float) -> list[Delivery]:
    """Those of the rows that are still to be delivered and whose lease lasts long enough to do so."""
    cursor.execute(_LOAD, (list(ids), lease_needed_s))
    return [
        Delivery(log_id, merchant_id, event, attempts, payload.encode(), *endpoint)
        for log_id, merchant_id, event, attempts, payload, *endpoint in cursor.fetchall()
    ]


# The row is judged as it is now. It may have been recorded by somebody whose copy of the message was faster: then its
# attempts are more than they were when this delivery began, and a failure counts for nothing. It may have been set
# back by hand: then they are fewer, and this was the first attempt of the new count. A success always counts, and so
# that the counter and the history agree, as an attempt of its own.
_RECORD = """
WITH results AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(attempts)s::int[], %(attempted_at)s::timestamptz[], %(succeeded)s::bool[], %(duration_ms)s::int[],
        %(response_code)s::int[], %(response_body)s::text[], %(error)s::text[], %(is_final)s::bool[]
    ) AS r(id, attempts_before, attempted_at, succeeded, duration_ms, response_code, response_body, error, is_final)
), judged AS (
    UPDATE webhook_logs AS log SET
        status = CASE WHEN result.succeeded THEN 'success'
                      WHEN result.is_final OR log.attempts + 1 >= %(attempts_max)s THEN 'failed'
                      ELSE 'pending' END,
        attempts = log.attempts + 1,
        next_retry_at = CASE WHEN result.succeeded OR result.is_final OR log.attempts + 1 >= %(attempts_max)s THEN NULL
                             ELSE now() + (%(intervals_s)s::float[])[log.attempts + 2] * interval '1 second' END,
        last_attempt_at = result.attempted_at,
        lease_expires_at = NULL,
        response_code = result.response_code,
        response_body = result.response_body
    FROM results AS result
    WHERE log.id = result.id AND log.status = 'pending'
      AND (log.attempts <= result.attempts_before OR result.succeeded)
    RETURNING log.id, log.attempts
)
INSERT INTO webhook_attempts
    (webhook_log_id, attempt, attempted_at, succeeded, duration_ms, response_code, response_body, error)
SELECT judged.id, judged.attempts, attempted_at, succeeded, duration_ms, response_code, response_body, error
FROM judged JOIN results USING (id)
"""


def record_attempts(cursor: Cursor, results: Sequence[AttemptResult], intervals_s: Sequence[float]) -> None:
    """Writes what became of deliveries, at most one result per log: states, due times and the history of attempts."""
    cursor.execute(
        _RECORD,
        {
            "ids": [result.delivery.id for result in results],
            "attempts": [result.delivery.attempts for result in results],
            "attempted_at": [result.attempted_at for result in results],
            "succeeded": [result.succeeded for result in results],
            "duration_ms": [result.duration_ms for result in results],
            "response_code": [result.response_code for result in results],
            "response_body": [result.response_body for result in results],
            "error": [result.error for result in results],
            "is_final": [result.is_final for result in results],
            "attempts_max": ATTEMPTS_MAX,
            "intervals_s": list(intervals_s),
        },
    )


_COUNT_DUE = """
SELECT count(*) FROM (
    SELECT FROM webhook_logs WHERE status = 'pending' AND next_retry_at <= now() LIMIT %s
) AS due
"""


def count_due(cursor: Cursor, limit: int) -> int:
    """Deliveries due or under way, counted up to ``limit``."""
    cursor.execute(_COUNT_DUE, (limit,))
    (count,) = cursor.fetchone() or (0,)
    return int(count)


# --- People: logs, events, retries ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a list of logs is narrowed to; None does not narrow. The period is [start, end)."""

    status: str | None = None
    event: str | None = None
    payment_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def conditions(self, merchant_id: str) -> list[Any]:
        equal = {WebhookLog.status: self.status, WebhookLog.event: self.event, WebhookLog.payment_id: self.payment_id}
        return _conditions(WebhookLog, merchant_id, equal, self.start, self.end)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a list of events is narrowed to; None does not narrow. The period is [start, end)."""

    event: str | None = None
    payment_id: str | None = None
    order_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def conditions(self, merchant_id: str) -> list[Any]:
        equal = {Event.event: self.event, Event.payment_id: self.payment_id, Event.order_id: self.order_id}
        return _conditions(Event, merchant_id, equal, self.start, self.end)


def _conditions(
    table: Any, merchant_id: str, equal: Mapping[Any, str | None], start: datetime | None, end: datetime | None
) -> list[Any]:
    conditions = [table.merchant_id == UUID(merchant_id)]
    conditions += [column == value for column, value in equal.items() if value is not None]
    if start is not None:
        conditions.append(table.created_at >= start)
    if end is not None:
        conditions.append(table.created_at < end)
    return conditions


# A list leaves out payloads and responses: a hundred of them are a megabyte.
_LOG_ITEM: tuple[Any, ...] = (
    WebhookLog.id,
    WebhookLog.event,
    WebhookLog.status,
    WebhookLog.attempts,
    WebhookLog.created_at,
    WebhookLog.last_attempt_at,
    WebhookLog.next_retry_at,
    WebhookLog.response_code,
)


def list_logs(session: Session, merchant_id: str, wanted: LogFilter, limit: int, offset: int) -> tuple[Sequence[Any], int]:
    """A page of logs, newest first, and how many there are in all."""
    where = wanted.conditions(merchant_id)
    newest = (col(WebhookLog.created_at).desc(), col(WebhookLog.id).desc())
    rows = session.execute(select(*_LOG_ITEM).where(*where).order_by(*newest).limit(limit).offset(offset)).all()
    return rows, _count(session, WebhookLog, where)


def _count(session: Session, table: type[Any], where: Sequence[Any]) -> int:
    return int(session.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def find_log(session: Session, merchant_id: str, log_id: str) -> WebhookLog | None:
    wanted = select(WebhookLog).where(WebhookLog.id == UUID(log_id), WebhookLog.merchant_id == UUID(merchant_id))
    return session.exec(wanted).one_or_none()


def find_log_of_event(session: Session, merchant_id: str, event_id: str) -> WebhookLog | None:
    wanted = select(WebhookLog).where(WebhookLog.event_id == event_id, WebhookLog.merchant_id == UUID(merchant_id))
    return session.exec(wanted).one_or_none()


def attempts_of(session: Session, merchant_id: str, log_id: str) -> Sequence[WebhookAttempt]:
    """Every attempt ever made, oldest first, those before a manual retry too."""
    return session.exec(
        select(WebhookAttempt)
        .join(WebhookLog, col(WebhookLog.id) == col(WebhookAttempt.webhook_log_id))
        .where(WebhookLog.id == UUID(log_id), WebhookLog.merchant_id == UUID(merchant_id))
        .order_by(col(WebhookAttempt.id))
    ).all()


_RETRY = """
UPDATE webhook_logs SET attempts = 0, status = 'pending', next_retry_at = now(), lease_expires_at = NULL
WHERE id = %s::uuid AND merchant_id = %s::uuid
"""


def retry(cursor: Cursor, merchant_id: str, log_id: str) -> bool:
    """Makes one delivery due now with a fresh count of attempts. False where the merchant has no such log."""
    cursor.execute(_RETRY, (log_id, merchant_id))
    return cursor.rowcount == 1


def count_logs(session: Session, merchant_id: str, wanted: LogFilter) -> int:
    return _count(session, WebhookLog, wanted.conditions(merchant_id))


def retry_all(session: Session, merchant_id: str, wanted: LogFilter, limit: int) -> int:
    """Makes up to ``limit`` of these deliveries due now, oldest first, with a fresh count; how many it were."""
    oldest = (
        select(WebhookLog.id)
        .where(*wanted.conditions(merchant_id))
        .order_by(col(WebhookLog.created_at), col(WebhookLog.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    renewed = (
        update(WebhookLog)
        .where(col(WebhookLog.id).in_(oldest))
        .values(attempts=0, status="pending", next_retry_at=func.now(), lease_expires_at=None)
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(renewed).rowcount)  # type: ignore[attr-defined]


def has_endpoint(cursor: Cursor, merchant_id: str) -> bool:
    """Whether the merchant has a webhook URL."""
    cursor.execute("SELECT FROM merchant_endpoints WHERE merchant_id = %s::uuid", (merchant_id,))
    return cursor.rowcount == 1


_EVENT_ITEM: tuple[Any, ...] = (Event.id, Event.event, Event.created_at, Event.payload)


def list_events(session: Session, merchant_id: str, wanted: EventFilter, limit: int, offset: int) -> tuple[Sequence[Any], int]:
    """A page of events, newest first, and how many there are in all."""
    where = wanted.conditions(merchant_id)
    newest = (col(Event.created_at).desc(), col(Event.id).desc())
    rows = session.execute(select(*_EVENT_ITEM).where(*where).order_by(*newest).limit(limit).offset(offset)).all()
    return rows, _count(session, Event, where)


def find_event(session: Session, merchant_id: str, event_id: str) -> Event | None:
    wanted = select(Event).where(Event.id == event_id, Event.merchant_id == UUID(merchant_id))
    return session.exec(wanted).one_or_none()


_DELIVERY_ITEM: tuple[Any, ...] = (WebhookLog.id, WebhookLog.status, WebhookLog.attempts)


def deliveries_of(session: Session, merchant_id: str, event_id: str) -> Sequence[Any]:
    """Id, status and attempts of the deliveries of an event."""
    where = (WebhookLog.event_id == event_id, WebhookLog.merchant_id == UUID(merchant_id))
    return session.execute(select(*_DELIVERY_ITEM).where(*where).order_by(col(WebhookLog.created_at))).all()
