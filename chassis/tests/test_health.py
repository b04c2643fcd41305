"""What ``/health`` says of Redis."""

from __future__ import annotations

import asyncio
import secrets

import pytest
import redis
import uvloop
from chassis.db import Database
from chassis.health import Health
from chassis.settings import DatabaseSettings


@pytest.fixture
def database(database_url):
    database = Database(DatabaseSettings(database_url=database_url("gateway_user")), "test")
    yield database
    database.close()


def test_redis_is_connected_as_soon_as_it_is_back(database, redis_url):
    """A restart of Redis ends every connection; those that were kept say so only when they are used."""

    name = f"health-{secrets.token_hex(4)}"

    async def reports():
        health = Health(database, f"{redis_url}?client_name={name}", frozenset())
        try:
            before = await asyncio.gather(*(health.report() for _ in range(3)))
            with redis.Redis.from_url(redis_url) as server:
                kept = [client["id"] for client in server.client_list() if client["name"] == name]
                assert len(kept) > 1
                for client_id in kept:
                    server.client_kill_filter(_id=client_id)
            return [*before, await health.report(), await health.report()]
        finally:
            await health.close()

    assert [report["redis"] for _, report in uvloop.run(reports())] == ["connected"] * 5
