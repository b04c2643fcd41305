"""The webhooks service, assembled."""

from __future__ import annotations

from chassis.app import create_app
from chassis.db import Database
from chassis.settings import ServiceSettings, load
from fastapi import FastAPI
from merchants import AuthenticationSettings, Authenticator

from webhooks.api.endpoints import create_router
from webhooks.contract import QUEUE

__all__ = ["create"]


def create(settings: ServiceSettings) -> FastAPI:
    database = Database(settings, "webhooks-service")
    authenticator = Authenticator(database, load(AuthenticationSettings))
    return create_app(
        service="webhooks",
        title="Webhooks",
        description="Everything that happened, and who has been told of it.",
        settings=settings,
        database=database,
        routers=[create_router(database, authenticator)],
        lanes=[authenticator.lane],
        required_queues=frozenset({QUEUE}),
    )
