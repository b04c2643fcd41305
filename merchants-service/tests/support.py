"""What the tests here share beside their fixtures."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import random
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

SESSION_COOKIE = "gateway_session"
PASSWORD = "correct horse battery"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
# Only that a process that hangs fails its test instead of blocking the run.
STOP_TIMEOUT_S = 10
WHOAMI_SERVICE = (str(Path(__file__).parent / "whoami_service.py"),)

Value = TypeVar("Value")
DatabaseUrl = Callable[[str], str]
RunSql = Callable[..., list[tuple[Any, ...]]]


def wait_until(condition: Callable[[], Value], timeout_s: float = 10) -> Value:
    """What the condition gives once it is true; fails where it never is."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not so within {timeout_s} s"
        pause.wait(0.02)
    return value


def together(actions: Sequence[Callable[[], Value]]) -> list[Value]:
    """Carries out all actions, each in a thread of its own, released at the same moment."""
    barrier = threading.Barrier(len(actions))

    def released(action: Callable[[], Value]) -> Value:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(released, actions))


@dataclass(frozen=True)
class Service:
    """A running process and what it printed."""

    url: str
    process: subprocess.Popen[bytes]
    output_file: Path

    def output_so_far(self) -> str:
        """Lines of the access log come a tenth of a second later than their answers."""
        return self.output_file.read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(STOP_TIMEOUT_S)

    def whole_output(self) -> str:
        """To the last line, for which the process is stopped."""
        self.stop()
        return self.output_so_far()

    def client(self, address: str | None = None, **options: Any) -> httpx.Client:
        """A client with an address, cookies and connections of its own, as the proxy would present it."""
        headers = {"X-Forwarded-For": address or new_address(), **options.pop("headers", {})}
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, **options)

    def metric(self, name: str) -> float:
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def new_address() -> str:
    """An address that nobody else counts failures on."""
    return str(ipaddress.IPv4Address(random.SystemRandom().randrange(0x0B000000, 0x7F000000)))


def new_email() -> str:
    return f"owner-{secrets.token_hex(8)}@shop.example"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


StartService = Callable[..., Service]


def plain_environment() -> dict[str, str]:
    """Without whatever settings the machine happens to have."""
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}


def answers(service: Service) -> bool:
    assert service.process.poll() is None, service.output_so_far()
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{service.url}/health").status_code == 200
    return False


@dataclass(frozen=True)
class Account:
    """A merchant that has signed up, and the client that did it and holds its session."""

    client: httpx.Client
    merchant: dict[str, Any]

    @property
    def email(self) -> str:
        return str(self.merchant["email"])

    @property
    def keys(self) -> dict[str, str]:
        return {"X-Api-Key": self.merchant["api_key"], "X-Api-Secret": self.merchant["api_secret"]}

    @property
    def token(self) -> str:
        return self.client.cookies[SESSION_COOKIE]


def sign_up(client: httpx.Client, **changes: Any) -> httpx.Response:
    return client.post("/api/v1/merchants", json={"name": "A Shop", "email": new_email(), "password": PASSWORD} | changes)


def log_in(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/v1/auth/login", json={"email": email, "password": password})


def who(service: Service, token: str) -> int:
    """The status that a session gets."""
    return httpx.get(f"{service.url}/api/v1/merchants/me", headers={"Cookie": f"{SESSION_COOKIE}={token}"}).status_code


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and description; the body must be the envelope and nothing else."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "description"}
    assert response.headers["x-request-id"]
    return response.status_code, body["error"]["code"], body["error"]["description"]
