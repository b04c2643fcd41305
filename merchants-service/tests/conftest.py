"""The merchants service as a process of its own, on a real PostgreSQL, as the role it runs as."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg2
import pytest

from .support import (
    WHOAMI_SERVICE,
    Account,
    DatabaseUrl,
    RunSql,
    Service,
    StartService,
    answers,
    free_port,
    plain_environment,
    sign_up,
    wait_until,
)

# Starting takes two seconds, and far more where several test runs share the machine.
_START_TIMEOUT_S = 100


@pytest.fixture(scope="module")
def start_service(database_url: DatabaseUrl, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Starts ``command`` (default: the merchants service) with the environment given on top of a plain one."""
    with contextlib.ExitStack() as stack:

        def start(
            command: Sequence[str] = ("-m", "merchants.api"), role: str = "merchants_service", **environment: str
        ) -> Service:
            port = free_port()
            output_file = tmp_path_factory.mktemp("service") / "output"
            output = stack.enter_context(output_file.open("wb"))
            process = subprocess.Popen(
                [sys.executable, *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=plain_environment()
                | {"DATABASE_URL": database_url(role), "REDIS_URL": redis_url, "PORT": str(port)}
                | environment,
            )
            service = Service(f"http://127.0.0.1:{port}", process, output_file)
            stack.callback(service.stop)
            wait_until(lambda: answers(service), _START_TIMEOUT_S)
            return service

        yield start


@pytest.fixture(scope="module")
def service(start_service: StartService) -> Service:
    """The merchants service with its default settings."""
    return start_service()


@pytest.fixture(scope="module")
def orders_like_service(start_service: StartService) -> Service:
    """Another service, which knows merchants by what this context publishes to its role."""
    return start_service(WHOAMI_SERVICE, role="orders_service")


@pytest.fixture
def run_sql(database_url: DatabaseUrl) -> Iterator[RunSql]:
    """Runs a statement as the merchants service's role and gives its rows."""
    connection = psycopg2.connect(database_url("merchants_service"))
    connection.autocommit = True

    def run(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    yield run
    connection.close()


@pytest.fixture
def new_account(service: Service) -> Iterator[Callable[..., Account]]:
    with contextlib.ExitStack() as stack:

        def create(on: Service = service) -> Account:
            client = stack.enter_context(on.client())
            response = sign_up(client)
            assert response.status_code == 201, response.text
            return Account(client, response.json())

        yield create


@pytest.fixture
def account(new_account: Callable[..., Account]) -> Account:
    return new_account()
