"""The refunds service, assembled."""

from __future__ import annotations

from chassis.app import create_app
from chassis.db import Database
from chassis.settings import load
from fastapi import FastAPI
from merchants import AuthenticationSettings, Authenticator

from refunds.api.endpoints import create_router
from refunds.settings import RefundsSettings

__all__ = ["create"]


def create(settings: RefundsSettings) -> FastAPI:
    database = Database(settings, "refunds-service")
    authenticator = Authenticator(database, load(AuthenticationSettings))
    return create_app(
        service="refunds",
        title="Refunds",
        description="Giving back what was paid, in whole or in part.",
        settings=settings,
        database=database,
        required_queues=frozenset({"refunds"}),
        routers=[create_router(database, authenticator, settings)],
        lanes=[authenticator.lane],
    )
