"""Settings of the webhook worker: a worker's own, and those of delivery."""

from __future__ import annotations

from typing import Literal

from chassis.worker import WorkerSettings
from webhooks.settings import DeliverySettings

__all__ = ["WebhookWorkerSettings"]


class WebhookWorkerSettings(WorkerSettings, DeliverySettings):
    # Tasks only hand over to the delivery loop, which lives in this very process: forked children would not reach it.
    worker_pool: Literal["threads"] = "threads"
