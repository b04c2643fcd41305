"""The payments service, assembled."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.app import create_app
from chassis.db import Cursor, Database
from chassis.errors import ApiError
from chassis.hot_paths import HotPaths
from chassis.idempotency import Answer
from chassis.lanes import Lane
from chassis.settings import load
from fastapi import FastAPI
from merchants import AuthenticationSettings, Authenticator

from payments.acquirer import Acquirer
from payments.api.endpoints import REQUIRED_QUEUES, create_router
from payments.service import CreatePayment, create_payments
from payments.settings import PaymentsSettings

__all__ = ["create"]


def create(settings: PaymentsSettings) -> FastAPI:
    database = Database(settings, "payments-service")
    acquirer = Acquirer(settings)

    def carry_out(cursor: Cursor, requests: Sequence[CreatePayment]) -> list[Answer | ApiError]:
        return create_payments(cursor, requests, acquirer, settings.public_attempts_per_order)

    writer: Lane[CreatePayment, Answer] = Lane(
        "payments.create",
        database,
        carry_out,
        queue_limit=settings.write_queue_limit,
        timeout_ms=settings.write_timeout_ms,
    )
    authenticator = Authenticator(database, load(AuthenticationSettings))
    hot = HotPaths()
    return create_app(
        service="payments",
        title="Payments",
        description="Asking the bank for an order's amount by UPI or card.",
        settings=settings,
        database=database,
        required_queues=REQUIRED_QUEUES,
        routers=[create_router(database, authenticator, writer, hot)],
        hot=hot,
        lanes=[authenticator.lane, writer],
    )
