"""Waits for a platform: for its database, for its health, and watches for what dies meanwhile."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devstack.logs import last_lines
from devstack.problems import ConfigurationError, StackError
from devstack.supervision import ProcessState

POLL_SECONDS = 0.05
REQUEST_TIMEOUT_SECONDS = 5
LOG_LINES_SHOWN = 12
CONFIGURATION_PREFIX = "configuration error: "


class StartWatch:
    """Looks after processes that are starting: the first that ends by itself ends the start.

    `offsets` are the sizes in bytes of the log files before the start, so that nobody is shown the
    troubles of the last one.
    """

    def __init__(self, states: Callable[[], list[ProcessState]], logs: Path, offsets: Mapping[str, int]) -> None:
        self._states = states
        self._logs = logs
        self._offsets = offsets
        self._pids: dict[str, int] = {}

    def check(self) -> None:
        """Raises the error of the first process that has ended."""
        for state in self._states():
            known = self._pids.get(state.name)
            if state.has_failed or (known and state.pid and state.pid != known):
                raise self.trouble(state.name)
            if state.pid:
                self._pids[state.name] = state.pid

    def trouble(self, name: str) -> StackError:
        """Why a process ended: its configuration error, else the end of its log."""
        path = self._logs / f"{name}.log"
        lines = last_lines(path, offset=self._offsets.get(name, 0))
        return trouble_of(f"{name} ended while starting", path, lines)

    def wait(self, ready: Callable[[], bool], what: str, timeout_seconds: float) -> None:
        """Waits until something is ready while nothing dies."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise StackError(f"{what} after {timeout_seconds:.0f} s; the logs are in {self._logs}")
            time.sleep(POLL_SECONDS)


def trouble_of(what: str, path: Path, lines: Sequence[str]) -> StackError:
    """A configuration error where the lines hold one, else their end."""
    for line in lines:
        if CONFIGURATION_PREFIX in line:
            return ConfigurationError(line.split(CONFIGURATION_PREFIX, 1)[1])
    end = "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:])
    return StackError(f"{what}; the end of {path}:\n{end}")


def read_health(address: str) -> dict[str, object]:
    """The platform's /health, empty where nobody answers in JSON."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=REQUEST_TIMEOUT_SECONDS) as answer:
            body = json.load(answer)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def is_healthy(address: str) -> bool:
    """Whether database, Redis and worker are all there."""
    return read_health(address).get("status") == "healthy"
