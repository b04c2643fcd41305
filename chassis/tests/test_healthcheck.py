"""What a container's health check sees, and whom a process logs in as."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from chassis.db import Database
from chassis.healthcheck import service_is_healthy, worker_is_healthy
from chassis.heartbeat import beat, worker_id_of
from chassis.settings import DatabaseSettings


@pytest.fixture
def answering() -> Iterator[Callable[[int], int]]:
    """A server on a port of its own that answers everything with one status."""
    servers = []

    def start(status: int) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silence."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_service_is_healthy_when_it_says_so(answering):
    assert service_is_healthy(answering(200))


def test_a_service_without_its_database_is_not(answering):
    assert not service_is_healthy(answering(503))


def test_a_service_that_does_not_listen_is_not():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not service_is_healthy(port)


def test_a_worker_is_healthy_while_its_own_beat_is_fresh(database_url):
    url = database_url("webhooks_service")
    settings = DatabaseSettings(database_url=url)
    database = Database(settings, "test")
    try:
        with database.cursor() as cursor:
            beat(cursor, worker_id_of("jobs", "another-container", 1), "jobs")
        assert not worker_is_healthy(url, "", "")
        with database.cursor() as cursor:
            beat(cursor, worker_id_of("jobs", socket.gethostname(), 1), "jobs")
        assert worker_is_healthy(url, "", "")
        with database.cursor() as cursor:
            cursor.execute("UPDATE worker_heartbeats SET beat_at = now() - interval '1 minute'")
        assert not worker_is_healthy(url, "", "")
    finally:
        database.close()


def test_a_worker_without_its_database_is_not():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not worker_is_healthy(f"postgresql://nobody:none@127.0.0.1:{port}/none", "", "")


def test_one_url_serves_every_role(database_url):
    settings = DatabaseSettings(database_url=database_url("orders_service"), database_role="webhooks_service")
    database = Database(settings, "test")
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("webhooks_service",)
    finally:
        database.close()
