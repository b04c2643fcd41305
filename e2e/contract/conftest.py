"""What the contract is checked against: the document, and where the platform keeps things."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from devstack.folders import folders_of
from gateway_e2e.client import Merchant, sign_up


@dataclass(frozen=True)
class Stores:
    """Where a running platform keeps what it knows. ``folders`` hold its logs and its data."""

    database_url: str
    redis_url: str
    folders: tuple[Path, ...]


@pytest.fixture(scope="session")
def stores(platform) -> Stores:
    """Of the platform of this run; of one that runs already, as GATEWAY_E2E_DATABASE_URL and its siblings say."""
    if platform.stack is None:
        home = Path(os.environ["GATEWAY_E2E_HOME"])
        return Stores(os.environ["GATEWAY_E2E_DATABASE_URL"], os.environ["GATEWAY_E2E_REDIS_URL"], _folders(home))
    return Stores(platform.stack.database.url(), platform.stack.redis.url, _folders(platform.stack.home))


def _folders(home: Path) -> tuple[Path, ...]:
    return tuple({home, folders_of(home).open_home})


@pytest.fixture
def sql(stores: Stores) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """``sql("SELECT …", value, …)`` as the superuser: the rows, if the statement has any."""
    connection = psycopg2.connect(stores.database_url)
    connection.autocommit = True

    def execute(statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    yield execute
    connection.close()


@pytest.fixture(scope="module")
def shop(http: httpx.Client) -> Merchant:
    """A merchant of this module's own, which takes public orders."""
    merchant = sign_up(http)
    merchant.request("PATCH", "/merchants/me", json={"public_orders_enabled": True}).raise_for_status()
    return merchant


@pytest.fixture
def shopper(http: httpx.Client) -> httpx.Client:
    """A customer's browser: no credentials of any kind."""
    http.cookies.clear()
    return http


@pytest.fixture(scope="module")
def payment(shop: Merchant) -> dict[str, Any]:
    """A successful payment of the shop."""
    return shop.paid()
