"""The queue's one task."""

from __future__ import annotations

from celery import Celery
from webhooks.contract import DELIVER_TASK
from webhooks.delivery import DeliveryEngine

__all__ = ["register"]


def register(app: Celery, engine: DeliveryEngine) -> None:
    @app.task(name=DELIVER_TASK)
    def deliver(webhook_ids: list[str]) -> None:
        engine.deliver(webhook_ids)
