"""A receiver that misbehaves to order, and what the tests of deliveries share."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import psycopg2
from chassis.db import Database
from chassis.settings import DatabaseSettings
from chassis.times import now
from webhooks import NewEvent, record_events
from webhooks.delivery import DeliveryEngine
from webhooks.repository import AttemptResult, Delivery
from webhooks.sender import Resolver, create_sender
from webhooks.settings import DeliverySettings

SEEDED_SECRET = "whsec_test_abc123"
PAYMENT = {
    "id": "pay_H8sK3jD9s2L1pQrT",
    "amount": 50000,
    "currency": "INR",
    "status": "success",
    "note": '₹ “é” \u2028 / \\ " 😀',
}

DatabaseUrl = Callable[[str], str]
# Gets the connection and the number of the request, from 0; writes what it likes.
Behaviour = Callable[[socket.socket, int], None]


def wait_until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        pause.wait(0.01)


@dataclass
class Received:
    at: float
    connection: int
    request_line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that answers as ``behaviour`` says, request by request, on kept connections."""

    behaviour: Behaviour
    received: list[Received] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._server.getsockname()[1]
        self._connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhook"

    def close(self) -> None:
        self.released.set()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections += 1
                threading.Thread(target=self._serve, args=(connection, self._connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            while request_line := stream.readline():
                headers = {}
                while line := stream.readline().strip():
                    name, value = line.decode().split(": ", 1)
                    headers[name.lower()] = value
                body = stream.read(int(headers["content-length"]))
                self.received.append(Received(time.monotonic(), number, request_line.decode().strip(), headers, body))
                self.behaviour(connection, len(self.received) - 1)


def answer(status: int, body: bytes = b"ok", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answering(*statuses: int) -> Behaviour:
    """Answers with these, one after another, and with the last for ever."""
    return lambda connection, number: connection.sendall(answer(statuses[min(number, len(statuses) - 1)]))


def sending(raw: bytes) -> Behaviour:
    return lambda connection, _: connection.sendall(raw)


@contextlib.contextmanager
def receiving(behaviour: Behaviour) -> Iterator[Receiver]:
    receiver = Receiver(behaviour)
    try:
        yield receiver
    finally:
        receiver.close()


@contextlib.contextmanager
def hanging() -> Iterator[Receiver]:
    """Takes requests and answers none until ``released`` is set."""

    def behave(connection: socket.socket, _: int) -> None:
        receiver.released.wait(30)
        connection.sendall(answer(200))

    receiver = Receiver(behave)
    try:
        yield receiver
    finally:
        receiver.close()


class Store:
    """Rows as the tests make and see them: as the roles that do so in production, and as the superuser for looking."""

    def __init__(self, database_url: DatabaseUrl):
        self._url = database_url

    def sql(self, statement: str, *values: object, role: str = "gateway_user") -> list[tuple]:
        with contextlib.closing(psycopg2.connect(self._url(role))) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def merchant(self, url: str | None, secret: str | None = SEEDED_SECRET, previous_secret: str | None = None) -> str:
        unique = uuid.uuid4().hex
        ((merchant_id,),) = self.sql(
            "INSERT INTO merchants (name, email, api_key, api_secret, webhook_url, webhook_secret, previous_webhook_secret,"
            " previous_webhook_secret_expires_at) VALUES ('m', %s, %s, 'secret', %s, %s, %s, now() + interval '1 hour')"
            " RETURNING id::text",
            f"{unique}@example.com",
            f"key_{unique}",
            url,
            secret,
            previous_secret,
            role="merchants_service",
        )
        return merchant_id

    def credentials(self, merchant_id: str) -> dict[str, str]:
        ((api_key,),) = self.sql("SELECT api_key FROM merchants WHERE id = %s::uuid", merchant_id)
        return {"X-Api-Key": api_key, "X-Api-Secret": "secret"}

    def event(self, merchant_id: str, count: int = 1, event: str = "payment.success", payment_id: str | None = None) -> list[str]:
        """Records events as the payments service does; the ids of their deliveries."""
        new = [
            NewEvent(merchant_id, event, {"payment": PAYMENT}, now(), payment_id=payment_id, request_id="request-1")
            for _ in range(count)
        ]
        with contextlib.closing(psycopg2.connect(self._url("payments_service"))) as connection, connection:
            record_events(connection.cursor(), new)
        rows = self.sql("SELECT id::text FROM webhook_logs WHERE event_id = ANY (%s)", [happened.id for happened in new])
        return [log_id for (log_id,) in rows]

    def log(self, log_id: str) -> dict[str, object]:
        columns = "status, attempts, next_retry_at, lease_expires_at, response_code, response_body, last_attempt_at"
        (row,) = self.sql(f"SELECT {columns} FROM webhook_logs WHERE id = %s::uuid", log_id)
        return dict(zip(columns.split(", "), row, strict=True))

    def attempts(self, log_id: str) -> list[tuple]:
        """(attempt, succeeded, response_code, error), oldest first."""
        return self.sql(
            "SELECT attempt, succeeded, response_code, error FROM webhook_attempts WHERE webhook_log_id = %s::uuid ORDER BY id",
            log_id,
        )

    def status(self, log_id: str) -> object:
        return self.log(log_id)["status"]

    def clear(self) -> None:
        self.sql("TRUNCATE webhook_attempts, webhook_logs, events")


def database(database_url: DatabaseUrl) -> Database:
    return Database(DatabaseSettings(database_url=database_url("webhooks_service")), "test")


@dataclass
class Running:
    """An engine that is fed as a dispatcher and the queue's tasks would feed it."""

    engine: DeliveryEngine
    database: Database
    _stopping: threading.Event = field(default_factory=threading.Event)

    def claim(self, limit: int = 500) -> list[str]:
        with self.database.cursor() as cursor:
            return self.engine.claim(cursor, limit)

    def feed(self) -> None:
        """Claims and delivers until stopped."""
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def _feed(self) -> None:
        while not self._stopping.wait(0.01):
            self.engine.deliver(self.claim())

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.engine.stop()
        self.database.close()


@contextlib.contextmanager
def running(database_url: DatabaseUrl, *, feed: bool = True, **settings: object) -> Iterator[Running]:
    """An engine with short times: the time-out is 1 s unless told otherwise, and retries come at once."""
    defaults = {"webhook_allow_private_targets": True, "webhook_timeout_ms": 1000, "webhook_retry_intervals_test": "0,0,0,0"}
    known = database(database_url)
    engine = DeliveryEngine(known, DeliverySettings(**(defaults | settings)))
    engine.start()
    run = Running(engine, known)
    if feed:
        run.feed()
    try:
        yield run
    finally:
        run.stop()


def gaps(received: Sequence[Received]) -> list[float]:
    """Seconds between one request and the next."""
    return [after.at - before.at for before, after in itertools.pairwise(received)]


BODY = NewEvent("m", "payment.success", {"payment": PAYMENT}, now()).body().encode()


def delivery_to(url: str | None, *, secret: str | None = SEEDED_SECRET, previous_secret: str | None = None) -> Delivery:
    return Delivery(str(uuid.uuid4()), str(uuid.uuid4()), "payment.success", 0, BODY, url, secret, previous_secret, None)


def send(*deliveries: Delivery, resolver: Resolver | None = None, **settings: object) -> list[AttemptResult]:
    """Sends one after another with one sender; the time-out is 1 s unless told otherwise."""
    defaults: dict[str, object] = {"webhook_allow_private_targets": True, "webhook_timeout_ms": 1000}

    async def run() -> list[AttemptResult]:
        sender = await create_sender(DeliverySettings(**(defaults | settings)), resolver)
        try:
            return [await sender.send(delivery) for delivery in deliveries]
        finally:
            await sender.close()

    return asyncio.run(run())
