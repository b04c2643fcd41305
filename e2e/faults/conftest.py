"""The platform with two copies of everything, whole before and after each test, and a merchant of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import psycopg2
import pytest
from devstack.stack import Stack
from gateway_e2e.client import Merchant, sign_up
from gateway_e2e.waiting import wait_for

if TYPE_CHECKING:
    from e2e.conftest import Platform

# A killed worker's leases end after ten seconds; a crashed PostgreSQL replays its log.
RECOVERY_S = 60


class Cluster:
    """The platform from the side of whoever breaks it."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.api = stack.urls["api"]

    def wait_until_whole(self) -> None:
        wait_for("every process to run and every copy to be healthy", lambda: not any(self.stack.ailments()), RECOVERY_S)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg2.connect(self.stack.database.url()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()


@pytest.fixture
def cluster(copies: Platform) -> Iterator[Cluster]:
    assert copies.stack is not None
    cluster = Cluster(copies.stack)
    cluster.wait_until_whole()
    yield cluster
    cluster.wait_until_whole()
    assert_invariants(cluster)


def assert_invariants(cluster: Cluster) -> None:
    """What the platform says of its own data."""
    report = httpx.get(f"{cluster.api}/api/v1/test/invariants", params={"full": "true"}, timeout=30).json()
    assert report["status"] == "ok", json.dumps(report, indent=1)


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Merchant]:
    with httpx.Client(base_url=cluster.api, timeout=30) as http:
        yield sign_up(http)


@pytest.fixture
def other_shop(cluster: Cluster) -> Iterator[Merchant]:
    with httpx.Client(base_url=cluster.api, timeout=30) as http:
        yield sign_up(http)
