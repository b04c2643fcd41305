"""What a merchant can do with webhooks and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.db import cursor_of
from chassis.ids import id_pattern
from chassis.times import now, wire_time
from sqlmodel import Session

from webhooks import repository
from webhooks.contract import TEST_EVENT
from webhooks.errors import EventNotFound, WebhookNotFound, WebhookUrlMissing
from webhooks.events import EVENT_PREFIX, NewEvent, record_events
from webhooks.models import Event, WebhookAttempt, WebhookLog
from webhooks.repository import LogFilter

__all__ = [
    "EVENT_ID",
    "RETRY_FAILED_LIMIT",
    "EventView",
    "WebhookView",
    "count_failed",
    "get_event",
    "get_webhook",
    "retry",
    "retry_failed",
    "send_test",
]

# Rows per call, so that it ends within the statement timeout. Whoever has more dead letters calls again.
RETRY_FAILED_LIMIT = 10_000
EVENT_ID = id_pattern(EVENT_PREFIX)


@dataclass(frozen=True, slots=True)
class WebhookView:
    """A delivery with the history of its attempts, oldest first."""

    log: WebhookLog
    attempts: Sequence[WebhookAttempt]


@dataclass(frozen=True, slots=True)
class EventView:
    """An event with id, status and attempts of its deliveries."""

    event: Event
    deliveries: Sequence[Any]


def get_webhook(session: Session, merchant_id: str, webhook_id: str) -> WebhookView:
    log = repository.find_log(session, merchant_id, _known_form(webhook_id))
    if log is None:
        raise WebhookNotFound()
    return WebhookView(log, repository.attempts_of(session, merchant_id, webhook_id))


def retry(session: Session, merchant_id: str, webhook_id: str) -> None:
    """Makes the delivery due now, with five attempts to go; the history of attempts stays."""
    if not repository.retry(cursor_of(session), merchant_id, _known_form(webhook_id)):
        raise WebhookNotFound()


def count_failed(session: Session, merchant_id: str, wanted: LogFilter) -> int:
    """How many dead letters ``retry_failed`` would schedule if it took all of them."""
    return repository.count_logs(session, merchant_id, wanted)


def retry_failed(session: Session, merchant_id: str, wanted: LogFilter) -> int:
    """Makes dead letters due now, oldest first, at most ``RETRY_FAILED_LIMIT``; how many it were."""
    return repository.retry_all(session, merchant_id, wanted, RETRY_FAILED_LIMIT)


def get_event(session: Session, merchant_id: str, event_id: str) -> EventView:
    event = repository.find_event(session, merchant_id, event_id) if EVENT_ID.fullmatch(event_id) else None
    if event is None:
        raise EventNotFound()
    return EventView(event, repository.deliveries_of(session, merchant_id, event_id))


def send_test(session: Session, merchant_id: str, request_id: str) -> WebhookLog:
    """Records a ``webhook.test`` event and its delivery, due at once like any other."""
    cursor = cursor_of(session)
    if not repository.has_endpoint(cursor, merchant_id):
        raise WebhookUrlMissing()
    moment = now()
    event = NewEvent(
        merchant_id=merchant_id,
        event=TEST_EVENT,
        data={"payment": _sample_payment(merchant_id, wire_time(moment))},
        occurred_at=moment,
        request_id=request_id,
    )
    record_events(cursor, [event])
    log = repository.find_log_of_event(session, merchant_id, event.id)
    # The URL was removed in between.
    if log is None:
        raise WebhookUrlMissing()
    return log


def _sample_payment(merchant_id: str, moment: str) -> dict[str, Any]:
    """A payment of the usual shape, so that a receiver written for payments takes it; ``sample`` tells that it is none."""
    return {
        "id": "pay_TestDelivery0000",
        "order_id": "order_TestDelivery0000",
        "merchant_id": merchant_id,
        "amount": 100,
        "currency": "INR",
        "method": "upi",
        "status": "success",
        "captured": False,
        "vpa": "sample@upi",
        "error_code": None,
        "error_description": None,
        "created_at": moment,
        "updated_at": moment,
        "sample": True,
    }


def _known_form(webhook_id: str) -> str:
    """The id, if it is one: ``UUID`` alone would also take braces, ``urn:uuid:`` and missing dashes."""
    try:
        known = str(UUID(webhook_id)) == webhook_id.lower()
    except ValueError:
        known = False
    if not known:
        raise WebhookNotFound()
    return webhook_id
