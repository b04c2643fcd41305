"""A service that stops leaves its open connections to the proxy: what was sent into one is answered."""

import asyncio
import http.client
import threading

import pytest
import uvicorn
from chassis.app import DrainingServer
from gateway_e2e.waiting import wait_for
from starlette.responses import PlainTextResponse


@pytest.fixture
def server():
    release = asyncio.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/slow":
            await release.wait()
        await PlainTextResponse("done")(scope, receive, send)

    server = DrainingServer(
        uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for("the server to start", lambda: server.started)
    server.release = release
    yield server
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def connect(server) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1], timeout=10)
    connection.connect()
    return connection


def get(connection: http.client.HTTPConnection, path: str = "/") -> http.client.HTTPResponse:
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.read() == b"done"
    return response


def is_refused(server, address: tuple[str, int]) -> bool:
    try:
        http.client.HTTPConnection(*address, timeout=10).connect()
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_on_an_idle_connection_is_answered_while_the_server_stops(server):
    address = server.servers[0].sockets[0].getsockname()
    idle = connect(server)
    assert get(idle).getheader("connection") is None
    server.should_exit = True
    wait_for("new connections to be refused", lambda: is_refused(server, address))
    assert get(idle).getheader("connection") == "close"


def test_a_running_request_is_finished(server):
    address = server.servers[0].sockets[0].getsockname()
    running = connect(server)
    running.request("GET", "/slow")
    server.should_exit = True
    wait_for("new connections to be refused", lambda: is_refused(server, address))
    server.servers[0].get_loop().call_soon_threadsafe(server.release.set)
    response = running.getresponse()
    assert (response.read(), response.getheader("connection")) == (b"done", "close")
