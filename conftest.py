"""Real servers for every test: PostgreSQL and Redis once per run, a database per test module that asks for one."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from devstack.ports import free_ports
from devstack.stack import Stack
from sqlalchemy.engine import make_url
from xdist.scheduler import LoadScopeScheduling

# Imported before any test: pytest would take the folder of the same name for the package otherwise.
import chassis  # noqa: F401

REPOSITORY = Path(__file__).resolve().parent


def pytest_configure() -> None:
    """A run that is told to end takes down the servers that it started, as it does on Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


# Folders whose tests share a platform, longest first. A run in parallel gives each group to one process, and everything
# else file by file.
GROUPS = {
    "e2e/browser": "browser",
    "e2e/faults": "copies",
    "e2e/races": "copies",
    "e2e/contract": "platform",
    "e2e/journeys": "platform",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that a run in parallel does not end with it."""
    order = list(GROUPS.values())
    items.sort(key=lambda item: order.index(_scope(item.nodeid)) if _scope(item.nodeid) in order else len(order))


class ByPlatform(LoadScopeScheduling):
    """Gives the tests of a run in parallel to its processes group by group."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByPlatform:
    return ByPlatform(config, log)


def _scope(nodeid: str) -> str:
    file, _, test = nodeid.partition("::")
    # The races are run on either platform.
    if file.startswith("e2e/races/") and "one-copy" in test:
        return "platform"
    return GROUPS.get(file.rpartition("/")[0], file)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, Redis and nginx without a service behind them; migrated."""
    home = tmp_path_factory.mktemp("servers")
    home.chmod(0o755)
    with Stack(home, free_ports(), {}, application=()) as stack:
        yield stack


@pytest.fixture(scope="session")
def redis_url(servers: Stack) -> str:
    return servers.redis.url


@pytest.fixture(scope="module")
def database_url(servers: Stack) -> Iterator[Callable[[str], str]]:
    """``database_url("orders_service")``: a migrated database of this module's own, as that role."""
    administrator = make_url(servers.database.url())
    name = f"test_{secrets.token_hex(6)}"
    own = administrator.set(database=name)
    # A copy of the one that was migrated when the servers started: nobody else is connected to it.
    migrated = administrator.database
    _execute(administrator.render_as_string(hide_password=False), f'CREATE DATABASE "{name}" TEMPLATE "{migrated}"')
    yield lambda role: own.set(username=role).render_as_string(hide_password=False)
    _execute(administrator.render_as_string(hide_password=False), f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
