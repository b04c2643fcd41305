"""``Idempotency-Key``: one request carried out, its answer given to all its twins.

The answer is written in the transaction that does the work, under a unique index on (merchant, endpoint, key). Of
requests that arrive together the index lets one in; the others wait for its commit and read its answer. There is no
check before the act that could be raced. A request that fails leaves no row and its key stays free.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from chassis.db import Cursor
from chassis.errors import ApiError, BadRequest, Conflicted, Unavailable

__all__ = ["KEY_MAX_LENGTH", "Answer", "IdempotencyKey", "Verdict", "decide", "key_from", "sweep_expired"]

KEY_MAX_LENGTH = 255
LIFETIME_HOURS = 24
_REUSED = "Idempotency-Key was already used with a different request body"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key within its scope, and a fingerprint of what it asked for.

    The fingerprint is a keyless digest of the body. Bodies with a card in them must be fingerprinted without its
    number and CVV (``material``): a digest of sixteen digits is as good as the digits.
    """

    merchant_id: str
    endpoint: str
    key: str
    fingerprint: bytes

    def of(self, merchant_id: str) -> IdempotencyKey:
        """The same key in another merchant's scope: for requests that name their merchant only through a row."""
        return replace(self, merchant_id=merchant_id)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with: the same status and bytes for each of its twins."""

    status: int
    body: bytes
    replayed: bool = False

    def response(self) -> Response:
        headers = {"Idempotent-Replayed": "true"} if self.replayed else None
        return Response(self.body, self.status, headers, "application/json")


def key_from(headers: Headers, merchant_id: str, endpoint: str, material: Any) -> IdempotencyKey | None:
    """The request's key, or None where it has none. ``material``: what makes the request this request, as JSON;
    the order of its members does not matter."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if not key or len(key) > KEY_MAX_LENGTH:
        raise BadRequest(f"Idempotency-Key must be 1 to {KEY_MAX_LENGTH} characters long")
    if not key.isprintable():
        raise BadRequest("Idempotency-Key must consist of printable characters")
    fingerprinted = orjson.dumps(material, option=orjson.OPT_SORT_KEYS)
    return IdempotencyKey(merchant_id, endpoint, key, hashlib.sha256(fingerprinted).digest())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request: whether its work is to be done in this transaction, and its answer."""

    carry_out: bool
    answer: Answer | ApiError


def decide(cursor: Cursor, requests: Sequence[tuple[IdempotencyKey | None, Answer | ApiError]]) -> list[Verdict]:
    """Who of a batch may act. Each request brings its key, if any, and what it would be answered if it were new.

    A request that would be refused does not use up its key, but gets the answer of an earlier twin that went through:
    a payment whose order has been paid since is replayed, not refused.
    """
    claims: dict[IdempotencyKey, Answer] = {}
    scopes: set[tuple[str, str, str]] = set()
    candidates: list[bool] = []
    for key, outcome in requests:
        scope = (key.merchant_id, key.endpoint, key.key) if key else None
        first = scope is not None and isinstance(outcome, Answer) and scope not in scopes
        candidates.append(first)
        if first and key and scope and isinstance(outcome, Answer):
            scopes.add(scope)
            claims[key] = outcome
    won = _claim(cursor, list(claims.items()))
    acting = [key is None or (first and key in won) for (key, _), first in zip(requests, candidates, strict=True)]
    stored = _stored_answers(cursor, [key for (key, _), acts in zip(requests, acting, strict=True) if key and not acts])
    return [_verdict(key, outcome, acts, stored) for (key, outcome), acts in zip(requests, acting, strict=True)]


def _verdict(
    key: IdempotencyKey | None, outcome: Answer | ApiError, acts: bool, stored: dict[IdempotencyKey, Answer | ApiError]
) -> Verdict:
    if acts:
        return Verdict(isinstance(outcome, Answer), outcome)
    assert key is not None
    if key in stored:
        return Verdict(False, stored[key])
    # An answer that neither won nor lost: its twin's row expired in this very moment.
    return Verdict(False, outcome if isinstance(outcome, ApiError) else Unavailable())


_CLAIM = """
INSERT INTO idempotency_keys AS k (merchant_id, endpoint, key, fingerprint, status_code, response, expires_at)
SELECT m, e, key, f, s, r, now() + %s * interval '1 hour'
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bytea[], %s::int[], %s::text[]::json[]) AS t(m, e, key, f, s, r)
ON CONFLICT (merchant_id, endpoint, key) DO UPDATE
SET fingerprint = excluded.fingerprint, status_code = excluded.status_code, response = excluded.response,
    created_at = now(), expires_at = excluded.expires_at
WHERE k.expires_at <= now()
RETURNING k.merchant_id::text, k.endpoint, k.key
"""


def _claim(cursor: Cursor, claims: Sequence[tuple[IdempotencyKey, Answer]]) -> set[IdempotencyKey]:
    """Stores the answers of the keys that are free, and returns those keys. Waits for twins that are under way.

    The keys must differ from each other. They are claimed in one order everywhere: two batches that share keys
    would deadlock otherwise.
    """
    if not claims:
        return set()
    ordered = sorted(claims, key=lambda pair: (pair[0].merchant_id, pair[0].endpoint, pair[0].key))
    keys = [key for key, _ in ordered]
    cursor.execute(
        _CLAIM,
        (
            LIFETIME_HOURS,
            [key.merchant_id for key in keys],
            [key.endpoint for key in keys],
            [key.key for key in keys],
            [key.fingerprint for key in keys],
            [answer.status for _, answer in ordered],
            [answer.body.decode() for _, answer in ordered],
        ),
    )
    won = set(cursor.fetchall())
    return {key for key in keys if (key.merchant_id, key.endpoint, key.key) in won}


_STORED = """
SELECT k.merchant_id::text, k.endpoint, k.key, k.fingerprint, k.status_code, k.response::text
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS t(m, e, key)
JOIN idempotency_keys AS k ON k.merchant_id = m AND k.endpoint = e AND k.key = t.key
WHERE k.expires_at > now()
"""


def _stored_answers(cursor: Cursor, keys: Sequence[IdempotencyKey]) -> dict[IdempotencyKey, Answer | ApiError]:
    """For each key that has been used: its stored answer, or the error for one that was used with another body."""
    if not keys:
        return {}
    cursor.execute(_STORED, ([k.merchant_id for k in keys], [k.endpoint for k in keys], [k.key for k in keys]))
    rows = {row[:3]: row[3:] for row in cursor.fetchall()}
    answers: dict[IdempotencyKey, Answer | ApiError] = {}
    for key in keys:
        row = rows.get((key.merchant_id, key.endpoint, key.key))
        if row is None:
            continue
        fingerprint, status, body = row
        same = bytes(fingerprint) == key.fingerprint
        answers[key] = Answer(status, body.encode(), replayed=True) if same else Conflicted(_REUSED)
    return answers


def sweep_expired(cursor: Cursor, limit: int = 10_000) -> int:
    """Deletes up to ``limit`` expired keys and returns how many; correctness does not depend on it."""
    cursor.execute(
        "DELETE FROM idempotency_keys WHERE ctid IN"
        " (SELECT ctid FROM idempotency_keys WHERE expires_at < now() LIMIT %s FOR UPDATE SKIP LOCKED)",
        (limit,),
    )
    return cursor.rowcount
