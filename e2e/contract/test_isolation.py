"""A second merchant sees nothing of the first's, by whatever way it asks."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gateway_e2e.client import Merchant, sign_up
from gateway_e2e.errors import refused
from gateway_e2e.receiver import Receiver
from gateway_e2e.waiting import wait_for


@dataclass(frozen=True)
class Belongings:
    """One of each thing that the first merchant has."""

    order: str
    unpaid_order: str
    payment: str
    refund: str
    webhook: str
    event: str
    receipt: str
    key: str


@pytest.fixture(scope="module")
def first(http: httpx.Client) -> Iterator[Merchant]:
    with Receiver() as receiver:
        merchant = sign_up(http, "First")
        merchant.set_webhook_url(receiver.url)
        yield merchant


@pytest.fixture(scope="module")
def theirs(first: Merchant) -> Belongings:
    receipt, key = secrets.token_hex(8), secrets.token_hex(8)
    unpaid = first.post("/orders", {"amount": 70_000, "receipt": receipt}, **{"Idempotency-Key": key}).json()
    payment = first.paid(60_000)
    refund = first.post("/refunds", {"payment_id": payment["id"], "amount": 5_000}).json()
    webhooks = wait_for("deliveries", lambda: first.get("/webhooks", payment_id=payment["id"])["data"])
    events = first.get("/events", payment_id=payment["id"])["data"]
    return Belongings(
        payment["order_id"], unpaid["id"], payment["id"], refund["id"], webhooks[0]["id"], events[0]["id"], receipt, key
    )


@dataclass(frozen=True)
class Caller:
    """The second merchant, however it proves who it is."""

    http: httpx.Client
    headers: dict[str, str]

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {**self.headers, **arguments.pop("headers", {})}
        return self.http.request(method, f"/api/v1{path}", headers=headers, **arguments)


@pytest.fixture(scope="module")
def by_keys(http: httpx.Client) -> Caller:
    return Caller(http, sign_up(http, "Second").headers)


@pytest.fixture(scope="module")
def by_session(platform) -> Iterator[Caller]:
    account = {"name": "Third", "email": f"{secrets.token_hex(6)}@shop.example", "password": f"pass-{secrets.token_hex(8)}"}
    origin = {"Origin": f"http://{urlsplit(platform.api).netloc}"}
    with httpx.Client(base_url=platform.api, timeout=30) as browser:
        browser.post("/api/v1/merchants", json=account).raise_for_status()
        yield Caller(browser, origin)


@pytest.fixture(params=["by_keys", "by_session"])
def second(request: pytest.FixtureRequest) -> Caller:
    caller: Caller = request.getfixturevalue(request.param)
    return caller


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/orders/{order}", None),
        ("GET", "/payments/{payment}", None),
        ("POST", "/payments/{payment}/capture", {}),
        ("POST", "/payments/{payment}/capture", {"amount": 60_000}),
        ("POST", "/payments/{payment}/refunds", {"amount": 100}),
        ("GET", "/payments/{payment}/refunds", None),
        ("POST", "/refunds", {"payment_id": "{payment}", "amount": 100}),
        ("POST", "/payments", {"order_id": "{unpaid_order}", "method": "upi", "vpa": "user@bank"}),
        ("POST", "/payments", {"order_id": "{order}", "method": "upi", "vpa": "user@bank"}),
        ("GET", "/refunds/{refund}", None),
        ("GET", "/webhooks/{webhook}", None),
        ("POST", "/webhooks/{webhook}/retry", None),
        ("GET", "/events/{event}", None),
    ],
)
def test_their_things_are_not_found(second: Caller, theirs: Belongings, method, path, body):
    """In the same words as what does not exist: that something exists is not said either."""

    def filled(text: str) -> str:
        for name, value in vars(theirs).items():
            text = text.replace("{" + name + "}", value)
        return text

    strangers = refused(second.request(method, filled(path), json=json.loads(filled(json.dumps(body)))), 404)
    absent = {name: value[:-4] + "0000" for name, value in vars(theirs).items()}
    missing = second.request(method, path.format(**absent), json=json.loads(filled(json.dumps(body))))
    assert strangers["code"] == "NOT_FOUND_ERROR"
    assert refused(missing, 404) == strangers


@pytest.mark.parametrize("list_", ["/orders", "/payments", "/refunds", "/webhooks", "/events"])
def test_lists_are_empty(second: Caller, theirs: Belongings, list_):
    assert second.request("GET", list_).json() == {"data": [], "total": 0, "limit": 10, "offset": 0}


@pytest.mark.parametrize(
    ("list_", "name", "of"),
    [
        ("/orders", "receipt", "receipt"),
        ("/payments", "order_id", "order"),
        ("/payments", "q", "payment"),
        ("/payments", "q", "order"),
        ("/refunds", "payment_id", "payment"),
        ("/webhooks", "payment_id", "payment"),
        ("/events", "payment_id", "payment"),
        ("/events", "order_id", "order"),
    ],
)
def test_filters_find_only_ones_own(first: Merchant, second: Caller, theirs: Belongings, list_, name, of):
    wanted = {name: getattr(theirs, of)}
    assert first.get(list_, **wanted)["total"] >= 1
    assert second.request("GET", list_, params=wanted).json()["total"] == 0


@pytest.mark.parametrize(
    ("list_", "filters"),
    [
        ("/orders", {"status": "paid"}),
        ("/payments", {"status": "success"}),
        ("/payments", {"method": "upi"}),
        ("/payments", {"from": "2020-01-01", "to": "2099-01-01"}),
        ("/webhooks", {"event": "payment.created"}),
        ("/events", {"event": "payment.success"}),
    ],
)
def test_filters_by_kind_and_time_find_only_ones_own(first: Merchant, second: Caller, theirs: Belongings, list_, filters):
    assert first.get(list_, **filters)["total"] >= 1
    assert second.request("GET", list_, params=filters).json()["total"] == 0


def test_statistics_are_of_nothing(second: Caller, theirs: Belongings):
    expected = {"total_transactions": 0, "total_amount": 0, "success_rate": 0, "by_day": [], "by_method": []}
    assert second.request("GET", "/payments/stats").json() == expected


def test_the_export_is_a_line_of_names(second: Caller, theirs: Belongings):
    assert second.request("GET", "/payments/export").text.count("\n") == 1


def test_dead_letters_are_ones_own(second: Caller, theirs: Belongings):
    assert second.request("POST", "/webhooks/retry-failed", json={"dry_run": True}).json() == {"count": 0}


def test_an_idempotency_key_is_ones_own(second: Caller, theirs: Belongings):
    body = {"amount": 70_000, "receipt": theirs.receipt}
    response = second.request("POST", "/orders", json=body, headers={"Idempotency-Key": theirs.key})
    assert response.status_code == 201
    assert "idempotent-replayed" not in response.headers
    assert response.json()["id"] != theirs.unpaid_order


def test_another_body_under_their_key_is_no_conflict(http: httpx.Client, theirs: Belongings):
    fresh = sign_up(http)
    assert fresh.post("/orders", {"amount": 71_000}, **{"Idempotency-Key": theirs.key}).status_code == 201


def test_a_key_pair_of_two_merchants_opens_nothing(first: Merchant, by_keys: Caller, theirs: Belongings):
    mixed = {"X-Api-Key": first.api_key, "X-Api-Secret": by_keys.headers["X-Api-Secret"]}
    refused(first.http.get("/api/v1/orders", headers=mixed), 401)


def test_a_key_pair_goes_before_a_session(first: Merchant, by_session: Caller, theirs: Belongings):
    """A browser that is signed in as one merchant and sends another's keys speaks for the keys."""
    response = by_session.http.get(f"/api/v1/orders/{theirs.order}", headers=first.headers)
    assert response.json()["id"] == theirs.order
    refused(by_session.http.get(f"/api/v1/orders/{theirs.order}", headers={**first.headers, "X-Api-Secret": "wrong"}), 401)


PRIVATE = {"merchant_id", "receipt", "notes", "created_at", "updated_at", "api_key", "email", "webhook_url"}


@pytest.mark.parametrize("path", ["/orders/{order}/public", "/orders/public/{order}"])
def test_a_public_order_tells_nothing_of_its_merchant(shopper: httpx.Client, theirs: Belongings, path):
    order = shopper.get(f"/api/v1{path.format(**vars(theirs))}").json()
    assert order == {"id": theirs.order, "amount": 60_000, "currency": "INR", "status": "paid", "merchant_name": "First"}
    assert not PRIVATE & set(order)


@pytest.mark.parametrize("path", ["/payments/{payment}/public", "/payments/public/{payment}"])
def test_a_public_payment_does_not_name_its_merchant(shopper: httpx.Client, first: Merchant, theirs: Belongings, path):
    public = shopper.get(f"/api/v1{path.format(**vars(theirs))}").json()
    own = first.get_payment(theirs.payment)
    assert public == {name: value for name, value in own.items() if name != "merchant_id"}
