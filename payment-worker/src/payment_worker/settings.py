"""Settings of the payment worker."""

from __future__ import annotations

from chassis.worker import WorkerSettings
from payments import AcquirerSettings

__all__ = ["PaymentWorkerSettings"]


class PaymentWorkerSettings(WorkerSettings, AcquirerSettings):
    """The bank is asked here, so its settings are the worker's as well as the payments service's."""
