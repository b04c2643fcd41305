"""The worker as a process of its own, between a real PostgreSQL and a real Redis."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis
from chassis.jobs import celery_message
from chassis.settings import EXIT_CONFIGURATION
from chassis.times import now
from webhooks import NewEvent, record_events
from webhooks.contract import DELIVER_TASK, QUEUE

# Starting takes two seconds; several test runs may share the machine.
START_TIMEOUT_S = 60.0


def wait_until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        pause.wait(0.02)


class Receiver(ThreadingHTTPServer):
    """Answers 200 once ``released`` is set; until then it takes requests and keeps them waiting."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.released = threading.Event()
        self.webhook_ids: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/webhook"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.webhook_ids.append(self.headers["X-Webhook-Id"])
        self.server.released.wait(60)
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.released.set()
    receiver.shutdown()
    receiver.server_close()


class Platform:
    """The database, Redis, and workers between them."""

    def __init__(self, database_url: Callable[[str], str], redis_url: str, folder: Path):
        self._database_url = database_url
        self._redis_url = redis_url
        self._folder = folder
        self.redis = redis.Redis.from_url(redis_url)
        self.workers: list[subprocess.Popen[bytes]] = []

    def sql(self, statement: str, *values: object) -> list[tuple]:
        with contextlib.closing(psycopg2.connect(self._database_url("gateway_user"))) as connection, connection:
            cursor = connection.cursor()
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def merchant(self, url: str) -> str:
        unique = uuid.uuid4().hex
        ((merchant_id,),) = self.sql(
            "INSERT INTO merchants (name, email, api_key, api_secret, webhook_url, webhook_secret)"
            " VALUES ('m', %s, %s, 's', %s, 'whsec_test_abc123') RETURNING id::text",
            f"{unique}@example.com",
            unique,
            url,
        )
        return merchant_id

    def event(self, merchant_id: str, count: int = 1) -> list[str]:
        new = [
            NewEvent(merchant_id, "payment.success", {"payment": {"id": "pay_1"}}, now(), request_id="from-the-proxy")
            for _ in range(count)
        ]
        with contextlib.closing(psycopg2.connect(self._database_url("payments_service"))) as connection, connection:
            record_events(connection.cursor(), new)
        rows = self.sql("SELECT id::text FROM webhook_logs WHERE event_id = ANY (%s)", [happened.id for happened in new])
        return [log_id for (log_id,) in rows]

    def log(self, log_id: str) -> tuple:
        """(status, attempts)"""
        (row,) = self.sql("SELECT status, attempts FROM webhook_logs WHERE id = %s::uuid", log_id)
        return row

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """A worker that has begun to work: its heartbeat is there."""
        process = self.process(**environment)
        wait_until(lambda: self._beats(process), START_TIMEOUT_S)
        return process

    def process(self, **environment: str) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "HOME", "LANG")}
        own = {
            "DATABASE_URL": self._database_url("webhooks_service"),
            "REDIS_URL": self._redis_url,
            "WEBHOOK_ALLOW_PRIVATE_TARGETS": "true",
            "WEBHOOK_TIMEOUT_MS": "2000",
        }
        with (self._folder / f"worker-{len(self.workers)}").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "webhook_worker"],
                env=inherited | own | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(process)
        return process

    def _beats(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.output(process)
        return bool(self.sql("SELECT 1 FROM worker_heartbeats WHERE worker_id LIKE %s", f"%:{process.pid}"))

    def output(self, process: subprocess.Popen[bytes]) -> str:
        return (self._folder / f"worker-{self.workers.index(process)}").read_text()

    def close(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.kill()
            process.wait(10)
        self.redis.delete(QUEUE)
        self.redis.close()
        self.sql("TRUNCATE webhook_attempts, webhook_logs, events, worker_heartbeats")


@pytest.fixture
def platform(database_url: Callable[[str], str], redis_url: str, tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(database_url, redis_url, tmp_path)
    yield platform
    platform.close()


def test_an_event_is_delivered_and_its_request_id_is_in_the_log(platform: Platform, receiver: Receiver) -> None:
    receiver.released.set()
    worker = platform.worker()
    merchant = platform.merchant(receiver.url)
    (first,) = platform.event(merchant)
    wait_until(lambda: platform.log(first) == ("success", 1))
    (log_id,) = platform.event(merchant)
    wait_until(lambda: platform.log(log_id) == ("success", 1))
    assert receiver.webhook_ids == [first, log_id]

    def logged() -> list[dict[str, Any]]:
        whole_lines = platform.output(worker).rpartition("\n")[0].splitlines()
        return [line for line in map(json.loads, whole_lines) if line.get("webhook_id") == log_id]

    # The worker tells the log after the database.
    wait_until(logged)
    (line,) = logged()
    assert (line["request_id"], line["succeeded"], line["response_code"]) == ("from-the-proxy", True, 200)


def test_what_a_killed_worker_had_under_way_is_delivered_by_the_next_with_the_same_id(
    platform: Platform, receiver: Receiver
) -> None:
    killed = platform.worker()
    (log_id,) = platform.event(platform.merchant(receiver.url))
    wait_until(lambda: receiver.webhook_ids == [log_id])
    killed.send_signal(signal.SIGKILL)
    killed.wait(5)
    assert platform.log(log_id) == ("pending", 0)
    receiver.released.set()
    platform.worker()
    wait_until(lambda: platform.log(log_id) == ("success", 1), timeout_s=30)
    assert set(receiver.webhook_ids) == {log_id}
    assert platform.sql("SELECT count(*) FROM webhook_attempts") == [(1,)]


def test_a_message_that_redis_delivers_twice_makes_one_post(platform: Platform, receiver: Receiver) -> None:
    worker = platform.worker()
    (log_id,) = platform.event(platform.merchant(receiver.url))
    wait_until(lambda: receiver.webhook_ids == [log_id])
    for _ in range(3):
        platform.redis.lpush(QUEUE, celery_message(QUEUE, DELIVER_TASK, [log_id]))
    wait_until(lambda: platform.redis.llen(QUEUE) == 0)
    receiver.released.set()
    wait_until(lambda: platform.log(log_id) == ("success", 1))
    platform.redis.lpush(QUEUE, celery_message(QUEUE, DELIVER_TASK, [log_id, "no id at all"]))
    platform.redis.lpush(QUEUE, celery_message(QUEUE, DELIVER_TASK, [log_id]))
    (other,) = platform.event(platform.merchant(receiver.url))
    wait_until(lambda: platform.log(other) == ("success", 1))
    assert receiver.webhook_ids == [log_id, other]
    assert worker.poll() is None


def test_a_redis_that_forgets_everything_loses_nothing(platform: Platform, receiver: Receiver) -> None:
    receiver.released.set()
    platform.worker(WEBHOOK_TIMEOUT_MS="500", WEBHOOK_RETRY_INTERVALS_TEST="0,0,0,0")
    merchants = [platform.merchant(receiver.url) for _ in range(5)]
    logs = [log_id for merchant in merchants for log_id in platform.event(merchant, 20)]
    for _ in range(5):
        platform.redis.flushall()
    wait_until(lambda: platform.sql("SELECT count(*) FROM webhook_logs WHERE status = 'success'") == [(100,)], timeout_s=40)
    assert set(receiver.webhook_ids) == set(logs)


def test_two_workers_deliver_each_webhook_once(platform: Platform, receiver: Receiver) -> None:
    receiver.released.set()
    platform.worker()
    platform.worker()
    logs = [log_id for _ in range(10) for log_id in platform.event(platform.merchant(receiver.url), 30)]
    wait_until(lambda: platform.sql("SELECT count(*) FROM webhook_logs WHERE status = 'success'") == [(300,)], timeout_s=30)
    assert sorted(receiver.webhook_ids) == sorted(logs)
    assert platform.sql("SELECT count(*) FROM webhook_attempts") == [(300,)]


def test_a_hanging_endpoint_delays_nobody_else(platform: Platform, receiver: Receiver) -> None:
    platform.worker(WEBHOOK_TIMEOUT_MS="60000")
    platform.event(platform.merchant(receiver.url), 300)
    wait_until(lambda: receiver.webhook_ids)
    healthy = Receiver()
    healthy.released.set()
    merchant = platform.merchant(healthy.url)
    for _ in range(5):
        (log_id,) = platform.event(merchant)
        wait_until(lambda log_id=log_id: platform.log(log_id) == ("success", 1))
    assert platform.sql("SELECT count(*) FROM webhook_attempts WHERE NOT succeeded") == [(0,)]
    healthy.shutdown()
    healthy.server_close()


def test_sigterm_lets_it_finish_what_is_under_way(platform: Platform, receiver: Receiver) -> None:
    worker = platform.worker(WEBHOOK_TIMEOUT_MS="5000")
    (log_id,) = platform.event(platform.merchant(receiver.url))
    wait_until(lambda: receiver.webhook_ids == [log_id])
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: "hutdown" in platform.output(worker) or worker.poll() is not None)
    receiver.released.set()
    assert worker.wait(10) == 0
    assert platform.log(log_id) == ("success", 1)
    assert platform.sql("SELECT count(*) FROM worker_heartbeats") == [(0,)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_RETRY_INTERVALS_TEST", "sometimes"),
        ("WEBHOOK_TIMEOUT_MS", "5 s"),
        ("WEBHOOK_ALLOW_PRIVATE_TARGETS", "perhaps"),
        ("WEBHOOK_IN_FLIGHT_LIMIT", "0"),
        ("WORKER_POOL", "prefork"),
        ("DATABASE_URL", "mysql://x"),
    ],
)
def test_a_wrong_setting_stops_it_with_one_line(platform: Platform, name: str, value: str) -> None:
    worker = platform.process(**{name: value})
    assert worker.wait(START_TIMEOUT_S) == EXIT_CONFIGURATION
    (line,) = platform.output(worker).splitlines()
    assert line.startswith(f"configuration error: {name}: ")
