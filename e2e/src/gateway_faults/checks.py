"""What must be true once everything is quiet, checked against what customers and endpoints saw with their own eyes.

The platform's own invariants are one of these checks; the others do not rely on anything that the platform says of
itself: they compare its tables with the journal of the load and with the endpoints' record.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chassis.db import Cursor
from chassis.invariants import check_everything

from gateway_faults.endpoints import Arrival
from gateway_faults.journal import Fault, Sent

__all__ = ["CHECKS", "Evidence", "Violation", "check"]

ATTEMPTS_MAX = 5


@dataclass(frozen=True)
class Violation:
    """``subject`` is an id or a tag by which its history can be found."""

    check: str
    subject: str
    detail: str


@dataclass(frozen=True)
class Evidence:
    """What was seen from outside. ``repeats_allowed``: workers were killed, so a POST may have come more than once
    for one recorded attempt; ``intervals_s`` are the least pauses before the second and later attempts. ``lasting`` are
    the faults after which no payment went through any more, ``ailing`` what was not well when everything should have been."""

    sent: Sequence[Sent]
    arrivals: Sequence[Arrival]
    repeats_allowed: bool
    intervals_s: Sequence[float]
    lasting: Sequence[Fault] = ()
    ailing: Sequence[str] = ()


Findings = Iterator[tuple[str, str]]


def check(cursor: Cursor, evidence: Evidence) -> list[Violation]:
    """Every violation of every check."""
    return [Violation(name, subject, detail) for name, run in CHECKS.items() for subject, detail in run(cursor, evidence)]


def _rows(cursor: Cursor, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    cursor.execute(statement, values)
    return cursor.fetchall()


# Where the tag of a request ends up.
_TAGGED = {
    "order": "SELECT receipt, id FROM orders WHERE receipt = ANY (%s)",
    "payment": "SELECT split_part(vpa, '@', 1), id FROM payments WHERE split_part(vpa, '@', 1) = ANY (%s)",
    "refund": "SELECT reason, id FROM refunds WHERE reason = ANY (%s)",
}


def _accepted_once(cursor: Cursor, evidence: Evidence) -> Findings:
    """Accepted: in the database, once. Refused: not in it. Neither: at most once."""
    for operation, statement in _TAGGED.items():
        by_tag: dict[str, list[Sent]] = defaultdict(list)
        for sent in evidence.sent:
            if sent.operation == operation:
                by_tag[sent.tag].append(sent)
        stored: dict[str, list[str]] = defaultdict(list)
        for tag, row_id in _rows(cursor, statement, list(by_tag)):
            stored[tag].append(row_id)
        for tag, requests in by_tag.items():
            ids = stored[tag]
            answered = {json.loads(sent.body)["id"] for sent in requests if sent.accepted}
            if len(ids) > 1:
                yield tag, f"one {operation} is stored {len(ids)} times: {', '.join(ids)}"
            elif answered and answered != set(ids):
                yield tag, f"{operation} answered as {', '.join(sorted(answered))}, stored as {', '.join(ids) or 'nothing'}"
            elif ids and all(sent.refused for sent in requests):
                yield tag, f"{operation} was refused, and is stored as {ids[0]}"


def _accepted_cards_and_captures(cursor: Cursor, evidence: Evidence) -> Findings:
    cards = {json.loads(s.body)["id"]: s.tag for s in evidence.sent if s.operation == "card payment" and s.accepted}
    stored = {row_id for (row_id,) in _rows(cursor, "SELECT id FROM payments WHERE id = ANY (%s)", list(cards))}
    for payment_id in cards.keys() - stored:
        yield payment_id, f"the card payment {cards[payment_id]} was accepted and is not stored"
    captures = {s.subject for s in evidence.sent if s.operation == "capture" and s.accepted}
    statement = "SELECT id FROM payments WHERE captured AND id = ANY (%s)"
    for payment_id in captures - {row_id for (row_id,) in _rows(cursor, statement, list(captures))}:
        yield payment_id, "its capture was accepted, and it is not captured"


def _captured_once(_: Cursor, evidence: Evidence) -> Findings:
    """Requests with different tags are different captures, and only one of them may have been carried out."""
    captures: dict[str, set[str]] = defaultdict(set)
    for sent in evidence.sent:
        if sent.operation == "capture" and sent.accepted:
            captures[sent.subject].add(sent.tag)
    for payment_id, tags in captures.items():
        if len(tags) > 1:
            yield payment_id, f"{len(tags)} captures were accepted: {', '.join(sorted(tags))}"


def _replays_equal(cursor: Cursor, evidence: Evidence) -> Findings:
    """All answers of one key are the same bytes, and those that are kept."""
    answers: dict[str, set[tuple[int, bytes]]] = defaultdict(set)
    for sent in evidence.sent:
        if sent.key and sent.accepted:
            answers[sent.key].add((sent.status, sent.body))
    statement = "SELECT key, status_code, response::text FROM idempotency_keys WHERE key = ANY (%s)"
    kept = {key: (status, body.encode()) for key, status, body in _rows(cursor, statement, list(answers))}
    for key, different in answers.items():
        if len(different) > 1:
            yield key, f"{len(different)} different answers"
        elif kept.get(key) not in different:
            yield key, "its answer is not the one that is kept"


_NOT_SETTLED = """
SELECT id, 'payment is still pending' FROM payments WHERE status = 'pending'
UNION ALL SELECT id, 'refund is still pending' FROM refunds WHERE status = 'pending'
UNION ALL SELECT l.id::text, format('webhook of the merchant %%s is still pending after %%s attempts', m.name, l.attempts)
FROM webhook_logs AS l JOIN merchants AS m ON m.id = l.merchant_id WHERE l.status = 'pending'
"""
_SUCCESSES = """
SELECT o.id, format('%%s, with %%s successful payments', o.status, count(p.id))
FROM orders AS o LEFT JOIN payments AS p ON p.order_id = o.id AND p.status = 'success'
GROUP BY o.id, o.status HAVING count(p.id) > 1 OR (o.status = 'paid') <> (count(p.id) = 1)
"""
_REFUNDED = """
SELECT p.id, format('%%s of %%s refunded, %%s', sum(r.amount), p.amount, p.status)
FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id WHERE r.status <> 'failed'
GROUP BY p.id HAVING sum(r.amount) > p.amount OR p.status <> 'success'
"""
_TERMINAL = """
SELECT s.id, format('%%s, with %%s terminal events', s.status, count(e.id))
FROM (SELECT id, status, id AS payment_id, 'payment' AS kind FROM payments
      UNION ALL SELECT id, status, payment_id, 'refund' FROM refunds) AS s
LEFT JOIN events AS e ON e.payment_id = s.payment_id AND e.payload #>> ARRAY['data', s.kind, 'id'] = s.id
     AND e.event IN (s.kind || '.success', s.kind || '.failed', s.kind || '.processed')
GROUP BY s.id, s.status HAVING count(e.id) <> (s.status <> 'pending')::int
    OR count(e.id) FILTER (WHERE e.event LIKE '%%.' || s.status) <> (s.status <> 'pending')::int
"""


def _statement(statement: str) -> Callable[[Cursor, Evidence], Findings]:
    def run(cursor: Cursor, _: Evidence) -> Findings:
        cursor.execute(statement, ())
        yield from cursor.fetchall()

    return run


_LOGS = """
SELECT l.id::text, l.status, l.attempts, count(a.id), count(a.id) FILTER (WHERE a.succeeded),
       coalesce(array_agg(a.response_code) FILTER (WHERE a.response_code IS NOT NULL), '{}'),
       coalesce(array_agg(extract(epoch FROM a.attempted_at)::float8 ORDER BY a.id) FILTER (WHERE a.id IS NOT NULL), '{}'),
       coalesce(array_agg(a.succeeded ORDER BY a.id) FILTER (WHERE a.id IS NOT NULL), '{}')
FROM webhook_logs AS l LEFT JOIN webhook_attempts AS a ON a.webhook_log_id = l.id GROUP BY l.id
"""


def _deliveries(cursor: Cursor, evidence: Evidence) -> Findings:
    """The log of each delivery against what its endpoint recorded."""
    arrived: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in evidence.arrivals:
        arrived[arrival.webhook_id].append(arrival)
    for log_id, status, attempts, recorded, succeeded, codes, moments, successes in _rows(cursor, _LOGS):
        answers = Counter(arrival.answered for arrival in arrived.pop(log_id, []))
        if attempts != recorded:
            yield log_id, f"{attempts} attempts counted, {recorded} recorded"
        if status == "success" and not (succeeded == 1 and answers[200]):
            yield log_id, f"success, with {succeeded} recorded and {answers[200]} answered as such"
        if status == "failed" and attempts != ATTEMPTS_MAX:
            yield log_id, f"failed after {attempts} attempts"
        if not evidence.repeats_allowed and answers.total() > recorded:
            yield log_id, f"{answers.total()} POSTs for {recorded} attempts"
        yield from ((log_id, detail) for detail in _unmatched(codes, answers))
        # A lease that ran out has two workers post the same attempt, and a success counts beside its twin's failure.
        may_be_twins = successes if evidence.repeats_allowed else [False] * len(successes)
        yield from ((log_id, detail) for detail in _hasty(moments, may_be_twins, evidence.intervals_s))
    for log_id in arrived:
        yield log_id, "delivered, and not in the log"


def _unmatched(recorded: Sequence[int], given: Counter[int]) -> Iterator[str]:
    """Answers that the log has and the endpoint never gave."""
    for code, count in Counter(recorded).items():
        if count > given[code]:
            yield f"{count} answers of {code} recorded, {given[code]} given"


def _hasty(moments: Sequence[float], may_be_twins: Sequence[bool], intervals_s: Sequence[float]) -> Iterator[str]:
    """Attempts that came sooner after the one before than they may, but for those that may be its twin."""
    for number, (before, after) in enumerate(pairwise(moments)):
        if after - before < intervals_s[number] and not may_be_twins[number + 1]:
            yield f"attempt {number + 2} came {after - before:.2f} s after the one before"


def _arrivals_are_whole(_: Cursor, evidence: Evidence) -> Findings:
    digests: dict[str, set[str]] = defaultdict(set)
    for arrival in evidence.arrivals:
        digests[arrival.webhook_id].add(arrival.digest)
        if not arrival.is_signed:
            yield arrival.webhook_id, "its signature is wrong"
    for webhook_id, different in digests.items():
        if len(different) > 1:
            yield webhook_id, f"{len(different)} different bodies"


_EVENTS_WITHOUT_LOG = """
SELECT e.id, format('%%s has %%s deliveries', e.event, count(l.id))
FROM events AS e JOIN merchants AS m ON m.id = e.merchant_id AND m.webhook_url IS NOT NULL
LEFT JOIN webhook_logs AS l ON l.event_id = e.id GROUP BY e.id, e.event HAVING count(l.id) <> 1
"""


def _invariants(cursor: Cursor, _: Evidence) -> Findings:
    for found in check_everything(cursor):
        for example in found.examples:
            subject, detail = example.split(": ", 1)
            yield subject, f"{found.name}: {detail}"


def _money_moves_again(_: Cursor, evidence: Evidence) -> Findings:
    for fault in evidence.lasting:
        yield fault.target, f"no payment went through any more after {fault.kind} at {fault.at:.1f} s"


def _well_again(_: Cursor, evidence: Evidence) -> Findings:
    for trouble in evidence.ailing:
        yield "platform", trouble


CHECKS: dict[str, Callable[[Cursor, Evidence], Findings]] = {
    "accepted requests are stored once": _accepted_once,
    "accepted cards and captures are stored": _accepted_cards_and_captures,
    "a payment is captured once": _captured_once,
    "one key, one answer": _replays_equal,
    "nothing is stuck": _statement(_NOT_SETTLED),
    "paid exactly where one payment succeeded": _statement(_SUCCESSES),
    "refunds stay within their payment": _statement(_REFUNDED),
    "one terminal event each": _statement(_TERMINAL),
    "every event has its delivery": _statement(_EVENTS_WITHOUT_LOG),
    "deliveries are as their endpoints saw them": _deliveries,
    "what arrives is whole and signed": _arrivals_are_whole,
    "the platform's own invariants": _invariants,
    "money moves again after each fault": _money_moves_again,
    "everything is well again by itself": _well_again,
}
