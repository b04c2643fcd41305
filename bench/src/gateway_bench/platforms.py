"""A platform of the bench's own, with what measuring needs of it: SQL as the superuser, addresses, processes."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from devstack.health import is_healthy
from devstack.ports import LOOPBACK, free_ports
from devstack.problems import StackError
from devstack.stack import Stack

from gateway_bench.processes import Memory, cpu_s, memory_of

__all__ = ["Merchant", "Platform", "open_platform", "wait_until"]

_POLL_S = 0.05
_HEALTHY_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Merchant:
    """A merchant made for measuring."""

    id: str
    api_key: str
    api_secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.api_key, "X-Api-Secret": self.api_secret}


class Platform:
    """A started stack. Its processes must stay the same for as long as this lives."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self._roots = {state.name: state.pid for state in stack.states() if state.pid}
        self._connection: Any = None

    @property
    def proxy_url(self) -> str:
        return f"http://{LOOPBACK}:{self.stack.ports.api}"

    def direct_url(self, service: str) -> str:
        """The first process of a service, without the proxy."""
        return f"http://{LOOPBACK}:{self.stack.ports.of_service(service)}"

    def database_url(self, role: str) -> str:
        """As what a service logs in."""
        return self.stack.database.url(role, self.stack.environment.get("SERVICE_DATABASE_PASSWORD"))

    # ---- SQL ----

    def rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Runs one statement in a transaction of its own, as the superuser."""
        if self._connection is None:
            self._connection = psycopg2.connect(self.stack.database.url())
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def value(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        return self.rows(statement, values)[0][0]

    def merchants(self, count: int, webhook_urls: Sequence[str | None] = (None,)) -> list[Merchant]:
        """Fresh merchants; the webhook URLs are dealt out in turn."""
        made = [(f"key_{secrets.token_hex(12)}", f"secret_{secrets.token_hex(12)}") for _ in range(count)]
        rows = self.rows(
            "INSERT INTO merchants (name, email, api_key, api_secret, webhook_url, webhook_secret)"
            " SELECT 'Bench', key || '@bench.example', key, secret, url, 'whsec_' || key"
            " FROM unnest(%s::text[], %s::text[], %s::text[]) AS t(key, secret, url) RETURNING id::text, api_key",
            (
                [key for key, _ in made],
                [secret for _, secret in made],
                [webhook_urls[number % len(webhook_urls)] for number in range(count)],
            ),
        )
        ids = {key: merchant_id for merchant_id, key in rows}
        return [Merchant(ids[key], key, secret) for key, secret in made]

    def track_commits(self) -> None:
        """Makes PostgreSQL remember when each transaction was committed: rows know only when theirs began."""
        self.rows("ALTER SYSTEM SET track_commit_timestamp = on")
        self.close()
        self.stack.restart("postgres")
        wait_until(lambda: is_healthy(self.proxy_url), "the platform to be healthy again", _HEALTHY_TIMEOUT_S)
        self._roots = {state.name: state.pid for state in self.stack.states() if state.pid}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ---- processes ----

    def names(self, kind: str) -> list[str]:
        """The copies of a service or worker."""
        return [name for name in self._roots if name == kind or (name.rpartition("-")[0] == kind and name[-1].isdigit())]

    def cpu_s(self, *kinds: str) -> float:
        """CPU used so far by all copies of these; by everything where none is named."""
        names = [name for kind in kinds for name in self.names(kind)] if kinds else list(self._roots)
        return cpu_s(self._roots[name] for name in names)

    def memory(self) -> dict[str, Memory]:
        return {name: memory_of(pid) for name, pid in self._roots.items()}


@contextlib.contextmanager
def open_platform(settings: Mapping[str, str], scale: Mapping[str, int] | None = None) -> Iterator[Platform]:
    """A platform in a temporary folder, on free ports; rate limits are off."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        # The database and nginx run under users of their own.
        home.chmod(0o755)
        with Stack(home, free_ports(), {"RATE_LIMIT_ENABLED": "false", **settings}, scale=scale) as stack:
            platform = Platform(stack)
            try:
                yield platform
            finally:
                platform.close()


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float) -> None:
    """Asks until it holds; names what did not come in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(_POLL_S)
