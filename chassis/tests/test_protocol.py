"""What is no HTTP, sent to a service without a proxy in front of it."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from chassis.protocol import EnvelopeProtocol
from gateway_e2e.waiting import wait_for


async def never(scope, receive, send) -> None:
    raise AssertionError("nothing of this reaches an application")


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """A server with this protocol and an application that must not be called."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(never, http=EnvelopeProtocol, lifespan="off", log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    wait_for("the server to listen", lambda: server.started)
    yield listener.getsockname()
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: a\x01b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: a\x7fb\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_it_is_refused_in_the_envelope(address, request_bytes):
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request_bytes)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    assert lines[0] == "HTTP/1.1 400 Bad Request"
    assert "content-type: application/json" in lines
    assert [line for line in lines if line.startswith("x-request-id: ")]
    assert json.loads(body) == {"error": {"code": "BAD_REQUEST_ERROR", "description": "Malformed HTTP request"}}
