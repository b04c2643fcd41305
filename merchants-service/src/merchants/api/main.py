"""The merchants service, assembled."""

from __future__ import annotations

from chassis.app import create_app
from chassis.db import Database
from chassis.logging import get_logger
from chassis.settings import load
from fastapi import FastAPI

from merchants import repository, service
from merchants.accounts import Accounts
from merchants.api.endpoints import create_routers
from merchants.authentication import Authenticator
from merchants.housekeeping import Housekeeper
from merchants.settings import AuthenticationSettings, MerchantsSettings

__all__ = ["create"]

log = get_logger(__name__)


def create(settings: MerchantsSettings) -> FastAPI:
    database = Database(settings, "merchants-service")
    # Nothing is kept here: what this service itself revokes is dead at its next request, on each of its copies.
    authenticator = Authenticator(database, load(AuthenticationSettings).model_copy(update={"credential_cache_ms": 0}))
    accounts = Accounts(database, settings)

    async def seed() -> None:
        # The published credentials open every door of a set-up that has them: none in production.
        if settings.environment == "production":
            if published := await database.run(repository.count_published_credentials):
                log.warning("merchants carry published test credentials, which are refused in production", merchants=published)
        elif not await database.run(lambda session: service.seed_test_merchant(session, settings)):
            log.warning("test merchant not seeded: its id or key belongs to another e-mail")

    return create_app(
        service="merchants",
        title="Merchants",
        description="Accounts, credentials, sessions and settings.",
        settings=settings,
        database=database,
        routers=create_routers(database, authenticator, accounts, settings),
        lanes=[authenticator.lane],
        on_start=[seed, Housekeeper(database, settings.housekeeping_interval_s).start],
    )
