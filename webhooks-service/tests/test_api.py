"""The webhooks API, through its application, as the role it runs as."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterator

import pytest
from chassis.settings import ServiceSettings
from fastapi.testclient import TestClient
from webhooks.api.main import create

from .support import PAYMENT, DatabaseUrl, Store, answering, receiving, running, wait_until

WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NOBODY_LISTENS = "http://127.0.0.1:1/hook"


@pytest.fixture(scope="module")
def client(database_url: DatabaseUrl, redis_url: str) -> Iterator[TestClient]:
    settings = ServiceSettings(database_url=database_url("webhooks_service"), redis_url=redis_url)
    with TestClient(create(settings), raise_server_exceptions=False) as client:
        yield client


class Caller:
    """A merchant with a URL, and its calls."""

    def __init__(self, client: TestClient, store: Store, url: str | None = NOBODY_LISTENS):
        self.id = store.merchant(url)
        self._client = client
        self._headers = store.credentials(self.id)

    def get(self, path: str, **query: object):
        return self._client.get(f"/api/v1{path}", params=query, headers=self._headers)

    def post(self, path: str, body: object = None):
        return self._client.post(f"/api/v1{path}", json=body, headers=self._headers)


@pytest.fixture
def caller(client: TestClient, store: Store) -> Caller:
    return Caller(client, store)


def error_of(response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["description"]


# --- lists ---


def test_the_list_is_newest_first_in_the_documented_shape(caller: Caller, store: Store) -> None:
    ids = [store.event(caller.id)[0] for _ in range(3)]
    document = caller.get("/webhooks", limit=2).json()
    assert (document["total"], document["limit"], document["offset"]) == (3, 2, 0)
    assert [item["id"] for item in document["data"]] == [ids[2], ids[1]]
    item = document["data"][0]
    assert list(item) == ["id", "event", "status", "attempts", "created_at", "last_attempt_at", "next_retry_at", "response_code"]
    assert (item["event"], item["status"], item["attempts"], item["last_attempt_at"]) == ("payment.success", "pending", 0, None)
    assert WIRE_TIME.fullmatch(item["created_at"])
    assert WIRE_TIME.fullmatch(item["next_retry_at"])
    assert [item["id"] for item in caller.get("/webhooks", offset=2).json()["data"]] == [ids[0]]
    assert caller.get("/webhooks").json()["limit"] == 10


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "pending"}, 2),
        ({"status": "failed"}, 1),
        ({"status": "success"}, 0),
        ({"event": "payment.failed"}, 1),
        ({"event": "payment.failed", "status": "pending"}, 0),
        ({"payment_id": "pay_1"}, 2),
        ({"payment_id": "pay_2"}, 1),
        ({"payment_id": "pay_' OR 1=1"}, 0),
        ({"from": "2020-01-01"}, 3),
        ({"to": "2020-01-01"}, 0),
        ({"from": "2020-01-01T00:00:00Z", "to": "2099-01-01"}, 3),
    ],
)
def test_logs_are_filtered(caller: Caller, store: Store, query: dict[str, str], found: int) -> None:
    store.event(caller.id, payment_id="pay_1")
    store.event(caller.id, payment_id="pay_2")
    store.event(caller.id, event="payment.failed", payment_id="pay_1")
    store.sql("UPDATE webhook_logs SET status = 'failed', next_retry_at = NULL WHERE event = 'payment.failed'")
    document = caller.get("/webhooks", **query).json()
    assert (document["total"], len(document["data"])) == (found, found)


@pytest.mark.parametrize(
    ("path", "query", "description"),
    [
        ("/webhooks", {"status": "done"}, "status must be one of 'pending', 'success' or 'failed'"),
        ("/webhooks", {"limit": "0"}, "limit must be at least 1"),
        ("/webhooks", {"limit": "101"}, "limit must be at most 100"),
        ("/webhooks", {"limit": "ten"}, "limit must be an integer"),
        ("/webhooks", {"offset": "-1"}, "offset must be at least 0"),
        ("/webhooks", {"offset": "10001"}, "offset must be at most 10000"),
        ("/webhooks", {"from": "yesterday"}, "from must be an ISO 8601 date or time"),
        ("/webhooks", {"to": "2024-02-30"}, "to must be an ISO 8601 date or time"),
        ("/webhooks", {"payment_id": "a\0b"}, "payment_id must not contain NUL characters"),
        ("/webhooks", {"payment_id": "x" * 65}, "payment_id must be at most 64 characters long"),
        ("/events", {"order_id": "\0"}, "order_id must not contain NUL characters"),
        ("/events", {"limit": "1e9"}, "limit must be an integer"),
    ],
)
def test_wrong_queries_are_told_so(caller: Caller, path: str, query: dict[str, str], description: str) -> None:
    assert error_of(caller.get(path, **query)) == (400, "BAD_REQUEST_ERROR", description)


@pytest.mark.parametrize("path", ["/webhooks", "/events"])
def test_an_unknown_event_name_is_told_so(caller: Caller, path: str) -> None:
    status, code, description = error_of(caller.get(path, event="payment.gone"))
    assert (status, code) == (400, "BAD_REQUEST_ERROR")
    assert description.startswith("event must be one of 'payment.created'")


# --- one delivery ---


def test_the_single_view_tells_every_attempt_also_those_before_a_retry_by_hand(
    caller: Caller, client: TestClient, store: Store, database_url: DatabaseUrl
) -> None:
    with receiving(answering(500, 500, 500, 500, 500, 201)) as receiver, running(database_url):
        caller = Caller(client, store, receiver.url)
        (log_id,) = store.event(caller.id)
        wait_until(lambda: store.status(log_id) == "failed")
        answer = caller.post(f"/webhooks/{log_id}/retry")
        assert (answer.status_code, answer.json()) == (
            200,
            {"id": log_id, "status": "pending", "message": "Webhook retry scheduled"},
        )
        wait_until(lambda: store.status(log_id) == "success", timeout_s=5)
    view = caller.get(f"/webhooks/{log_id}").json()
    assert (view["status"], view["attempts"], view["response_code"], view["response_body"]) == ("success", 1, 201, "ok")
    assert view["payload"]["data"]["payment"] == PAYMENT
    assert view["next_retry_at"] is None
    history = [(attempt["attempt"], attempt["status"], attempt["response_code"]) for attempt in view["attempts_log"]]
    assert history == [*((number, "failed", 500) for number in range(1, 6)), (1, "success", 201)]
    first = view["attempts_log"][0]
    assert list(first) == ["attempt", "attempted_at", "status", "duration_ms", "response_code", "response_body", "error"]
    assert (first["response_body"], first["error"]) == ("ok", "The endpoint answered 500")
    assert isinstance(first["duration_ms"], int)
    assert WIRE_TIME.fullmatch(first["attempted_at"])
    assert {request.headers["x-webhook-id"] for request in receiver.received} == {log_id}


def test_a_retry_by_hand_is_delivered_without_waiting_for_the_schedule(
    client: TestClient, store: Store, database_url: DatabaseUrl
) -> None:
    with receiving(answering(200)) as receiver, running(database_url, webhook_retry_intervals_test="false"):
        caller = Caller(client, store, receiver.url)
        (log_id,) = store.event(caller.id)
        wait_until(lambda: store.status(log_id) == "success")
        caller.post(f"/webhooks/{log_id}/retry")
        wait_until(lambda: len(receiver.received) == 2)


IDS = [
    "x",
    "%00",
    "a%00b",
    "1",
    "../test",
    "{}",
    "0" * 5000,
    "550e8400e29b41d4a716446655440000",
    "%F0%9F%98%80",
    str(uuid.UUID(int=7)),
]


@pytest.mark.parametrize("webhook_id", IDS)
def test_what_is_no_delivery_is_not_found(caller: Caller, webhook_id: str) -> None:
    assert error_of(caller.get(f"/webhooks/{webhook_id}"))[:2] == (404, "NOT_FOUND_ERROR")
    assert error_of(caller.post(f"/webhooks/{webhook_id}/retry"))[:2] == (404, "NOT_FOUND_ERROR")


# --- many ---


WRONG_BODIES = [
    {"dry_run": "yes"},
    {"dry_run": 1},
    {"event": "x"},
    {"event": 5},
    {"from": "x"},
    {"from": 5},
    {"to": "\0"},
    {"to": ["a"]},
    [],
    "x",
    5,
]


def fail_all(store: Store) -> None:
    store.sql("UPDATE webhook_logs SET status = 'failed', attempts = 5, next_retry_at = NULL")


def test_failed_ones_are_counted_first_and_then_retried(caller: Caller, client: TestClient, store: Store) -> None:
    stranger = Caller(client, store)
    store.event(caller.id, 3)
    store.event(caller.id, event="payment.failed")
    store.event(stranger.id, 2)
    fail_all(store)
    (delivered,) = store.event(caller.id)
    store.sql("UPDATE webhook_logs SET status = 'success', attempts = 1, next_retry_at = NULL WHERE id = %s::uuid", delivered)
    assert caller.post("/webhooks/retry-failed", {"dry_run": True}).json() == {"count": 4}
    assert caller.post("/webhooks/retry-failed", {"dry_run": True, "event": "payment.failed"}).json() == {"count": 1}
    assert caller.post("/webhooks/retry-failed", {"to": "2020-01-01"}).json() == {"count": 0}
    assert caller.post("/webhooks/retry-failed", {"event": "payment.failed"}).json() == {"count": 1}
    assert caller.post("/webhooks/retry-failed").json() == {"count": 3}
    assert caller.post("/webhooks/retry-failed", {}).json() == {"count": 0}
    rows = store.sql("SELECT merchant_id::text, status, attempts, count(*) FROM webhook_logs GROUP BY 1, 2, 3")
    assert sorted(rows) == sorted([(caller.id, "pending", 0, 4), (caller.id, "success", 1, 1), (stranger.id, "failed", 5, 2)])


@pytest.mark.parametrize(
    "body",
    [
        {"dry_run": "yes"},
        {"dry_run": 1},
        {"event": "x"},
        {"event": 5},
        {"from": "x"},
        {"from": 5},
        {"to": "\0"},
        {"to": ["a"]},
        [],
        "x",
        5,
    ],
)
def test_wrong_bodies_are_told_so(caller: Caller, store: Store, body: object) -> None:
    store.event(caller.id)
    fail_all(store)
    assert error_of(caller.post("/webhooks/retry-failed", body))[:2] == (400, "BAD_REQUEST_ERROR")
    assert store.sql("SELECT DISTINCT status FROM webhook_logs") == [("failed",)]


# --- test deliveries ---


def test_a_test_delivery_arrives_like_any_other(client: TestClient, store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(200)) as receiver, running(database_url):
        caller = Caller(client, store, receiver.url)
        answer = caller.post("/webhooks/test")
        assert answer.status_code == 201
        item = answer.json()
        assert (item["event"], item["status"], item["attempts"]) == ("webhook.test", "pending", 0)
        wait_until(lambda: store.status(item["id"]) == "success")
    (request,) = receiver.received
    assert request.headers["x-webhook-event"] == "webhook.test"
    payload = caller.get(f"/webhooks/{item['id']}").json()["payload"]
    assert re.fullmatch("pay_[A-Za-z0-9]{16}", payload["data"]["payment"]["id"])
    assert payload["data"]["payment"]["sample"] is True
    (event,) = caller.get("/events", event="webhook.test").json()["data"]
    assert event["data"] == payload["data"]


def test_without_a_url_there_is_nothing_to_test(client: TestClient, store: Store) -> None:
    answer = Caller(client, store, url=None).post("/webhooks/test")
    assert error_of(answer) == (400, "BAD_REQUEST_ERROR", "Webhook URL is not configured")
    assert store.sql("SELECT count(*) FROM events") == [(0,)]


# --- events ---


def test_events_are_listed_whether_or_not_they_were_delivered(client: TestClient, store: Store) -> None:
    caller = Caller(client, store, url=None)
    store.event(caller.id, payment_id="pay_1")
    store.event(caller.id, event="payment.failed", payment_id="pay_2")
    document = caller.get("/events").json()
    assert (document["total"], [event["event"] for event in document["data"]]) == (2, ["payment.failed", "payment.success"])
    event = document["data"][0]
    assert list(event) == ["id", "event", "created_at", "data"]
    assert event["data"] == {"payment": PAYMENT}
    assert caller.get("/events", payment_id="pay_1").json()["total"] == 1
    assert caller.get("/events", order_id="order_1").json()["total"] == 0
    assert caller.get(f"/events/{event['id']}").json() == event | {"deliveries": []}
    assert caller.get("/webhooks").json()["total"] == 0


def test_an_event_names_its_deliveries(caller: Caller, store: Store) -> None:
    (log_id,) = store.event(caller.id)
    (event,) = caller.get("/events").json()["data"]
    assert caller.get(f"/events/{event['id']}").json()["deliveries"] == [{"id": log_id, "status": "pending", "attempts": 0}]
    assert caller.get(f"/webhooks/{log_id}").json()["event_id"] == event["id"]


@pytest.mark.parametrize("event_id", ["evt_x", "%00", "evt_" + "a" * 15 + "%0A", "evt_" + "a" * 16, "x" * 5000])
def test_what_is_no_event_is_not_found(caller: Caller, event_id: str) -> None:
    assert error_of(caller.get(f"/events/{event_id}")) == (404, "NOT_FOUND_ERROR", "Event not found")


# --- whose ---


def test_another_merchant_sees_and_moves_nothing(caller: Caller, client: TestClient, store: Store) -> None:
    (log_id,) = store.event(caller.id, payment_id="pay_1")
    fail_all(store)
    (event,) = caller.get("/events").json()["data"]
    stranger = Caller(client, store)
    for path, query in itertools.product(["/webhooks", "/events"], [{}, {"payment_id": "pay_1"}]):
        assert stranger.get(path, **query).json()["total"] == 0
    assert stranger.get(f"/webhooks/{log_id}").status_code == 404
    assert stranger.post(f"/webhooks/{log_id}/retry").status_code == 404
    assert stranger.get(f"/events/{event['id']}").status_code == 404
    assert stranger.post("/webhooks/retry-failed").json() == {"count": 0}
    assert store.status(log_id) == "failed"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/webhooks"),
        ("GET", "/webhooks/x"),
        ("POST", "/webhooks/x/retry"),
        ("POST", "/webhooks/retry-failed"),
        ("POST", "/webhooks/test"),
        ("GET", "/events"),
        ("GET", "/events/x"),
    ],
)
def test_nobody_gets_in_without_credentials(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, f"/api/v1{path}")
    assert error_of(answer) == (401, "AUTHENTICATION_ERROR", "Invalid API credentials")
