"""What this context tells its callers."""

from __future__ import annotations

from chassis.errors import BadRequest, NotFound

__all__ = ["EventNotFound", "WebhookNotFound", "WebhookUrlMissing"]


class WebhookNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Webhook not found")


class EventNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Event not found")


class WebhookUrlMissing(BadRequest):
    def __init__(self) -> None:
        super().__init__("Webhook URL is not configured")
