"""HTTP load from a closed loop of connections: by wrk where the machine has it, else by autocannon from npm."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.frontends import npm_command, npm_environment
from devstack.problems import StackError

from gateway_bench.platforms import Merchant

__all__ = ["Generator", "Load", "LoadResult", "generator"]

_HERE = Path(__file__).parent
_AUTOCANNON = _HERE.parents[1] / "autocannon"
_RESULT = "RESULT "
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Load:
    """One kind of request, over and over. ``{id}`` in ``path`` and ``body`` stands for the next of ``ids``, merchants
    take turns, and with ``key_prefix`` every request has an idempotency key of its own."""

    method: str
    url: str
    path: str
    merchants: Sequence[Merchant]
    body: str | None = None
    ids: Sequence[str] = ()
    key_prefix: str | None = None


@dataclass(frozen=True)
class LoadResult:
    """``sent`` counts requests written, ``requests`` those answered. Latencies in ms, from the moment of writing."""

    requests: int
    seconds: float
    sent: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Generator:
    """wrk, or autocannon."""

    def __init__(self, name: str):
        self.name = name

    def run(self, load: Load, connections: int, seconds: float) -> LoadResult:
        """The load for so long. A single answer that is not 2xx, or none, is an error: its figures would be worth nothing."""
        with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
            credentials, ids = Path(folder) / "credentials", Path(folder) / "ids"
            credentials.write_text("".join(f"{merchant.api_key} {merchant.api_secret}\n" for merchant in load.merchants))
            ids.write_text("".join(f"{each}\n" for each in load.ids))
            arguments = [load.method, load.path, load.body or "-", str(ids) if load.ids else "-", str(credentials)]
            arguments.append(load.key_prefix or "-")
            command = self._command(load.url, connections, seconds, arguments)
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT_S + seconds, check=False
            )
        lines = [line for line in done.stdout.splitlines() if line.startswith(_RESULT)]
        if done.returncode != 0 or not lines:
            raise StackError(f"{self.name} failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return _result(lines[0], load)

    def _command(self, url: str, connections: int, seconds: float, arguments: Sequence[str]) -> list[str]:
        if self.name == "wrk":
            options = ["-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s", "--timeout", "10s"]
            return ["wrk", *options, "-s", str(_HERE / "load.lua"), url, "--", *arguments]
        node = npm_command()[0]
        return [node, str(_AUTOCANNON / "load.mjs"), url, str(connections), str(max(1, round(seconds))), *arguments]


def _result(line: str, load: Load) -> LoadResult:
    requests, micros, sent, bad, broken, p50, p99, highest, *example = line.removeprefix(_RESULT).split(" ", 8)
    if int(bad) or int(broken):
        raise StackError(
            f"{load.method} {load.path}: {bad} answers were not 2xx, {broken} did not come; the last: {' '.join(example)}"
        )
    if not int(requests):
        raise StackError(f"{load.method} {load.path}: nothing was answered")
    return LoadResult(int(requests), int(micros) / 1e6, int(sent), float(p50) / 1000, float(p99) / 1000, float(highest) / 1000)


def generator(wanted: str | None = None) -> Generator:
    """The one that is asked for by name, else wrk if the machine has it."""
    if wanted != "autocannon" and shutil.which("wrk"):
        return Generator("wrk")
    if wanted == "wrk":
        raise StackError("wrk is not on the PATH")
    _install_autocannon()
    return Generator("autocannon")


def _install_autocannon() -> None:
    lock = (_AUTOCANNON / "package-lock.json").read_text()
    stamp = _AUTOCANNON / "node_modules" / ".installed-lock"
    if stamp.exists() and stamp.read_text() == lock:
        return
    command = [*npm_command(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=_AUTOCANNON, env=npm_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"autocannon could not be installed:\n{done.stderr[-2000:]}")
    stamp.write_text(lock)
