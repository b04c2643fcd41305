"""Bodies and answers of the webhooks API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis.pagination import Moment, Page
from chassis.requests import RequestModel
from fastapi import Path
from pydantic import BaseModel, Field

from webhooks.contract import EventName
from webhooks.service import EVENT_ID, EventView, WebhookView
from webhooks.states import WebhookStatus

__all__ = [
    "RETRY_FAILED_EXAMPLES",
    "EventDetail",
    "EventId",
    "EventItem",
    "EventPage",
    "FailedCount",
    "RetryFailedBody",
    "RetryScheduled",
    "WebhookDetail",
    "WebhookId",
    "WebhookItem",
    "WebhookPage",
    "event_detail_json",
    "event_json",
    "webhook_detail_json",
    "webhook_json",
]

_EVENT_ID: dict[str, Any] = {"pattern": f"^{EVENT_ID.pattern}$"}

WebhookId = Annotated[str, Path(json_schema_extra={"format": "uuid"}, examples=["7d9f2c4e-1b3a-4f6d-8e5c-2a9b7c6d5e4f"])]
EventId = Annotated[str, Path(json_schema_extra=_EVENT_ID, examples=["evt_T4vW7xY1zA3bC6dE"])]
RETRY_FAILED_EXAMPLES = {
    "How many would it be": {"dry_run": True},
    "All": {},
    "Of one day": {"event": "payment.success", "from": "2024-01-15", "to": "2024-01-15"},
}


class RetryFailedBody(RequestModel):
    """With ``dry_run`` nothing is scheduled and the count is of all that match."""

    dry_run: bool = False
    event: EventName | None = None
    created_from: Moment | None = Field(default=None, alias="from")
    created_to: Moment | None = Field(default=None, alias="to")


class FailedCount(BaseModel):
    count: int


class RetryScheduled(BaseModel):
    id: UUID
    status: Literal["pending"]
    message: str


class WebhookItem(BaseModel):
    """One delivery of an event. ``next_retry_at`` is null once it has succeeded or failed for good."""

    id: UUID
    event: EventName
    status: WebhookStatus
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    next_retry_at: datetime | None
    response_code: int | None


class Attempt(BaseModel):
    """One POST. Counted from 1; a manual retry begins at 1 again."""

    attempt: int
    attempted_at: datetime
    status: Literal["success", "failed"]
    duration_ms: int
    response_code: int | None
    response_body: str | None
    error: str | None


class WebhookDetail(WebhookItem):
    event_id: str | None
    payload: dict[str, Any]
    response_body: str | None
    attempts_log: list[Attempt]


class WebhookPage(Page[WebhookItem]):
    """Deliveries, newest first."""


class EventItem(BaseModel):
    """Something that happened, whether or not anybody was told. ``data`` is what a webhook carries under that name."""

    id: str
    event: EventName
    created_at: datetime
    data: dict[str, Any]


class EventDelivery(BaseModel):
    id: UUID
    status: WebhookStatus
    attempts: int


class EventDetail(EventItem):
    deliveries: list[EventDelivery]


class EventPage(Page[EventItem]):
    """Events, newest first."""


def webhook_json(log: Any) -> dict[str, Any]:
    """A list item; ``log`` is a WebhookLog or a row of its columns."""
    return {
        "id": str(log.id),
        "event": log.event,
        "status": log.status,
        "attempts": log.attempts,
        "created_at": log.created_at,
        "last_attempt_at": log.last_attempt_at,
        "next_retry_at": log.next_retry_at,
        "response_code": log.response_code,
    }


def webhook_detail_json(view: WebhookView) -> dict[str, Any]:
    return {
        **webhook_json(view.log),
        "event_id": view.log.event_id,
        "payload": view.log.payload,
        "response_body": view.log.response_body,
        "attempts_log": [
            {
                "attempt": attempt.attempt,
                "attempted_at": attempt.attempted_at,
                "status": "success" if attempt.succeeded else "failed",
                "duration_ms": attempt.duration_ms,
                "response_code": attempt.response_code,
                "response_body": attempt.response_body,
                "error": attempt.error,
            }
            for attempt in view.attempts
        ],
    }


def event_json(event: Any) -> dict[str, Any]:
    """A list item; ``event`` is an Event or a row of its columns."""
    return {"id": event.id, "event": event.event, "created_at": event.created_at, "data": event.payload["data"]}


def event_detail_json(view: EventView) -> dict[str, Any]:
    return {**event_json(view.event), "deliveries": _deliveries_json(view.deliveries)}


def _deliveries_json(deliveries: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"id": str(log.id), "status": log.status, "attempts": log.attempts} for log in deliveries]
