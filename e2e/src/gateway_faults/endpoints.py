"""Merchants' webhook endpoints, most of them bad, and their own record of what they were sent."""

from __future__ import annotations

import hashlib
import hmac
import socket
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

__all__ = ["BEHAVIOURS", "Arrival", "Endpoints"]

# What an endpoint does with an attempt, by the last part of its path.
BEHAVIOURS = ("good", "fails-twice", "never", "slow", "redirects", "hangs", "cuts")
SLOW_S = 0.4
# Longer than the platform waits for an answer in these runs.
HANG_S = 4.0


@dataclass(frozen=True)
class Arrival:
    """One POST. ``answered`` is the status it got, 0 where it got none."""

    webhook_id: str
    behaviour: str
    digest: str
    answered: int
    is_signed: bool


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed in the middle of a POST is what this is about; anything else is a mistake here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Endpoints:
    """One server on the loopback address with a path per behaviour. ``secrets`` are filled in by path."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self._arrivals: list[Arrival] = []
        self._tries: dict[str, int] = {}
        self._lock = threading.Lock()
        self._released = threading.Event()

    def __enter__(self) -> Endpoints:
        endpoints = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                endpoints.take(self)

            def log_message(self, *_: object) -> None:
                """Silence: what arrives is recorded."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{behaviour}"

    def arrivals(self) -> list[Arrival]:
        with self._lock:
            return list(self._arrivals)

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Records one attempt before it is answered: what is answered has been recorded."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        behaviour, webhook_id = request.path.strip("/"), request.headers.get("X-Webhook-Id", "")
        signature = hmac.new(self.secrets.get(behaviour, "").encode(), body, hashlib.sha256).hexdigest()
        is_signed = hmac.compare_digest(signature, request.headers.get("X-Webhook-Signature", ""))
        with self._lock:
            number = self._tries[webhook_id] = self._tries.get(webhook_id, 0) + 1
            answer = _answer(behaviour, number)
            digest = hashlib.sha256(body).hexdigest()
            self._arrivals.append(Arrival(webhook_id, behaviour, digest, answer, is_signed))
        if behaviour in ("slow", "hangs"):
            self._released.wait(SLOW_S if behaviour == "slow" else HANG_S)
        if not answer:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        request.send_response(answer)
        if answer == 302:
            request.send_header("Location", self.url("good"))
        request.send_header("Content-Length", "0")
        request.end_headers()


def _answer(behaviour: str, number: int) -> int:
    if behaviour in ("hangs", "cuts"):
        return 0
    if behaviour == "redirects":
        return 302
    if behaviour == "never" or (behaviour == "fails-twice" and number <= 2):
        return 500
    return 200
