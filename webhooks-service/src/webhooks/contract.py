"""Names that producers, the worker and the API agree on."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["DELIVER_TASK", "EVENT_NAMES", "QUEUE", "TEST_EVENT", "EventName"]

QUEUE = "webhooks"
# Takes a list of webhook log ids, leased by whoever sent the message.
DELIVER_TASK = "webhooks.deliver"

EventName = Literal[
    "payment.created",
    "payment.pending",
    "payment.success",
    "payment.failed",
    "refund.created",
    "refund.processed",
    "refund.failed",
    "webhook.test",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)
TEST_EVENT: EventName = "webhook.test"
