"""A merchant's webhook endpoint: keeps what it gets, verifies it, and misbehaves on demand."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from gateway_e2e.waiting import wait_for

__all__ = ["Delivery", "Receiver", "verify"]

HOST_SETTING = "GATEWAY_E2E_RECEIVER_HOST"
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"

# What a handler answers an attempt with: a status code.
Answer = Callable[["Delivery"], int]


@dataclass(frozen=True)
class Delivery:
    """One POST as it arrived. ``at`` is a monotonic time in seconds."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def event(self) -> str:
        return str(self.json["event"])

    @property
    def id(self) -> str:
        return self.headers["x-webhook-id"]

    @property
    def payment_id(self) -> str:
        return str(self.json["data"]["payment"]["id"])


def verify(delivery: Delivery, secret: str) -> None:
    """What the integration guide tells merchants to do: HMAC-SHA256 over the raw body."""
    expected = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    for header in ("x-webhook-signature", "x-signature"):
        assert hmac.compare_digest(delivery.headers[header], expected), header


@dataclass
class Receiver:
    """Listens on a free port while it is entered: of the loopback address, or of every address where
    ``GATEWAY_E2E_RECEIVER_HOST`` says under which name a platform elsewhere, such as in containers, finds this machine."""

    answer: Answer = field(default=lambda _: 200)
    received: list[Delivery] = field(default_factory=list)
    host: str = field(default_factory=lambda: os.environ.get(HOST_SETTING, LOOPBACK))

    def __enter__(self) -> Receiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                delivery = Delivery(self.path, headers, body, time.monotonic())
                receiver.received.append(delivery)
                self.send_response(receiver.answer(delivery))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Silence: what arrives is in ``received``."""

        self._server = ThreadingHTTPServer((LOOPBACK if self.host == LOOPBACK else EVERYWHERE, 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self._server.server_address[1]}/webhook"

    def of_payment(self, payment_id: str, event: str | None = None) -> list[Delivery]:
        """What arrived about a payment, in the order of arrival."""
        return [d for d in list(self.received) if d.payment_id == payment_id and event in (None, d.event)]

    def wait_for_event(self, payment_id: str, event: str, timeout_s: float = 15) -> Delivery:
        return wait_for(f"{event} of {payment_id}", lambda: self.of_payment(payment_id, event), timeout_s)[0]
