"""Recording that something happened: the published way into this context.

An event and, where its merchant has a ``webhook_url``, its delivery are written in the caller's own transaction, with
the caller's own role: either the thing happened and the event exists, or neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chassis.db import Cursor, write
from chassis.ids import new_id
from chassis.rendering import render

__all__ = ["NewEvent", "record_events"]

EVENT_PREFIX = "evt_"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """``event`` is a name such as ``payment.success``; ``data`` what goes under that key into the body:
    ``{"payment": {…}}``, for refunds ``{"payment": {…}, "refund": {…}}``."""

    merchant_id: str
    event: str
    data: dict[str, Any]
    occurred_at: datetime
    payment_id: str | None = None
    order_id: str | None = None
    request_id: str | None = None
    id: str = field(default_factory=lambda: new_id(EVENT_PREFIX))

    def body(self) -> str:
        """Compact UTF-8 JSON, byte for byte what ``JSON.stringify(JSON.parse(body))`` gives back: merchants sign that."""
        document = {"event": self.event, "timestamp": int(self.occurred_at.timestamp()), "data": self.data}
        return render(document).decode()


_RECORD = """
WITH happened AS (
    SELECT * FROM unnest(
        %s::text[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[]::json[], %s::timestamptz[], %s::text[]
    ) AS t(id, merchant_id, event, payment_id, order_id, payload, created_at, request_id)
), recorded AS (
    INSERT INTO events (id, merchant_id, event, payment_id, order_id, payload, created_at)
    SELECT id, merchant_id, event, payment_id, order_id, payload, created_at FROM happened
)
INSERT INTO webhook_logs (merchant_id, event_id, payment_id, event, payload, request_id, created_at)
SELECT merchant_id, id, payment_id, event, payload, request_id, created_at
FROM happened JOIN merchant_endpoints USING (merchant_id)
"""


def record_events(cursor: Cursor, events: Sequence[NewEvent]) -> None:
    """Writes the events and their deliveries, due at once, in the cursor's transaction."""
    if not events:
        return
    write(
        cursor,
        _RECORD,
        (
            [event.id for event in events],
            [event.merchant_id for event in events],
            [event.event for event in events],
            [event.payment_id for event in events],
            [event.order_id for event in events],
            [event.body() for event in events],
            [event.occurred_at for event in events],
            [event.request_id for event in events],
        ),
    )
