"""One key, one answer: everywhere that something is created or money is moved."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from gateway_e2e.client import CARD, Merchant, sign_up
from gateway_e2e.errors import refused

# Declined by the bank of the test mode, so that the order stays unpaid and can be paid again.
DECLINED = "failure@bank"
Prepared = tuple[str, dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A way to create something. ``prepare`` gives a path, a body, and another body that would be accepted too."""

    name: str
    prepare: Callable[[Merchant], Prepared]
    status: int = 201


def order(path: str) -> Callable[[Merchant], Prepared]:
    return lambda _: (path, {"amount": 50_000, "receipt": "one"}, {"amount": 50_000, "receipt": "two"})


def upi(path: str) -> Callable[[Merchant], Prepared]:
    def prepare(merchant: Merchant) -> Prepared:
        body = {"order_id": merchant.create_order()["id"], "method": "upi", "vpa": DECLINED}
        return path, body, {**body, "vpa": "other@bank"}

    return prepare


def card(path: str) -> Callable[[Merchant], Prepared]:
    def prepare(merchant: Merchant) -> Prepared:
        declined = {**CARD, "number": "4000000000000002"}
        body = {"order_id": merchant.create_order()["id"], "method": "card", "card": declined}
        return path, body, {**body, "card": {**declined, "holder_name": "Somebody Else"}}

    return prepare


def refund(path: str, *, names_payment: bool) -> Callable[[Merchant], Prepared]:
    def prepare(merchant: Merchant) -> Prepared:
        payment_id = merchant.paid()["id"]
        named = {"payment_id": payment_id} if names_payment else {}
        return path.format(payment_id), {**named, "amount": 100}, {**named, "amount": 200}

    return prepare


def capture(merchant: Merchant) -> Prepared:
    return f"/payments/{merchant.paid()['id']}/capture", {"amount": 50_000}, {}


CREATIONS = [
    Endpoint("orders", order("/orders")),
    Endpoint("public orders", order("/orders/public")),
    Endpoint("payments by UPI", upi("/payments")),
    Endpoint("payments by card", card("/payments")),
    Endpoint("public payments by UPI", upi("/payments/public")),
    Endpoint("public payments by card", card("/payments/public")),
    Endpoint("refunds of a payment", refund("/payments/{}/refunds", names_payment=False)),
    Endpoint("refunds", refund("/refunds", names_payment=True)),
]
CAPTURE = Endpoint("captures", capture, 200)
every_endpoint = pytest.mark.parametrize("endpoint", [*CREATIONS, CAPTURE], ids=lambda endpoint: endpoint.name)
every_creation = pytest.mark.parametrize("endpoint", CREATIONS, ids=lambda endpoint: endpoint.name)


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


@every_endpoint
def test_the_same_key_gives_the_same_bytes(shop: Merchant, endpoint: Endpoint):
    path, body, _ = endpoint.prepare(shop)
    key = new_key()
    first, second, third = (shop.post(path, body, **key) for _ in range(3))
    assert first.status_code == endpoint.status
    assert "idempotent-replayed" not in first.headers
    for again in (second, third):
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["x-request-id"] != first.headers["x-request-id"]


@every_endpoint
def test_another_body_under_the_same_key_is_refused(shop: Merchant, endpoint: Endpoint):
    path, body, other = endpoint.prepare(shop)
    key = new_key()
    created = shop.post(path, body, **key)
    assert created.status_code == endpoint.status
    assert refused(shop.post(path, other, **key), 422)["code"] == "IDEMPOTENCY_ERROR"
    assert shop.post(path, body, **key).content == created.content


@every_creation
def test_without_a_key_each_request_is_one_of_its_own(shop: Merchant, endpoint: Endpoint):
    path, body, _ = endpoint.prepare(shop)
    assert shop.post(path, body).json()["id"] != shop.post(path, body).json()["id"]


@every_endpoint
def test_the_order_of_members_and_their_spacing_do_not_matter(shop: Merchant, endpoint: Endpoint):
    path, body, _ = endpoint.prepare(shop)
    key = new_key()
    first = shop.post(path, body, **key)
    again = shop.request("POST", path, content=json.dumps(dict(reversed(body.items())), indent=3).encode(), headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)


@every_creation
def test_an_expired_key_is_free_again(shop: Merchant, endpoint: Endpoint, sql):
    path, body, other = endpoint.prepare(shop)
    key = new_key()
    first = shop.post(path, body, **key)
    sql("UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE key = %s", *key.values())
    anew = shop.post(path, other, **key)
    assert anew.status_code == endpoint.status
    assert "idempotent-replayed" not in anew.headers
    assert anew.json()["id"] != first.json()["id"]
    assert shop.post(path, other, **key).content == anew.content


def test_a_captures_expired_key_captures_nothing_twice(shop: Merchant, sql):
    path, body, _ = capture(shop)
    key = new_key()
    assert shop.post(path, body, **key).status_code == 200
    sql("UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE key = %s", *key.values())
    assert refused(shop.post(path, body, **key), 400)["description"] == "Payment not in capturable state"


def test_a_key_lives_for_a_day(shop: Merchant, sql):
    key = new_key()
    shop.post("/orders", {"amount": 100}, **key)
    lifetime = "SELECT extract(epoch FROM expires_at - created_at)::int FROM idempotency_keys WHERE key = %s"
    assert sql(lifetime, *key.values()) == [(86_400,)]


@every_endpoint
@pytest.mark.parametrize("key", ["", "x" * 256, "x" * 2_000])
def test_a_key_has_one_to_255_characters(shop: Merchant, endpoint: Endpoint, key):
    path, body, _ = endpoint.prepare(shop)
    assert refused(shop.post(path, body, **{"Idempotency-Key": key}), 400)["code"] == "BAD_REQUEST_ERROR"


@every_endpoint
def test_the_longest_key_works(shop: Merchant, endpoint: Endpoint):
    path, body, _ = endpoint.prepare(shop)
    key = {"Idempotency-Key": secrets.token_hex(127) + "~"}
    first, again = shop.post(path, body, **key), shop.post(path, body, **key)
    assert (first.status_code, again.headers["idempotent-replayed"]) == (endpoint.status, "true")


@pytest.mark.parametrize("key", ["with space", "'; DROP TABLE idempotency_keys; --", "%s %(a)s {} \\", "näïve", "a" * 255])
def test_a_key_is_any_printable_text(shop: Merchant, key):
    unique = key.encode("latin-1")[:240] + secrets.token_hex(6).encode()
    headers = {"Idempotency-Key": unique}
    first = shop.request("POST", "/orders", json={"amount": 100}, headers=headers)
    again = shop.request("POST", "/orders", json={"amount": 100}, headers=headers)
    assert (first.status_code, again.content) == (201, first.content)


def test_keys_that_differ_in_case_are_two(shop: Merchant):
    key = secrets.token_hex(8)
    first = shop.post("/orders", {"amount": 100}, **{"Idempotency-Key": f"k{key}"})
    assert shop.post("/orders", {"amount": 200}, **{"Idempotency-Key": f"K{key}"}).json()["id"] != first.json()["id"]


def test_a_key_belongs_to_one_merchant(shop: Merchant, http: httpx.Client):
    key = new_key()
    other = sign_up(http)
    assert shop.post("/orders", {"amount": 100}, **key).json()["id"] != other.post("/orders", {"amount": 100}, **key).json()["id"]


def test_a_key_belongs_to_one_endpoint(shop: Merchant):
    """Orders, public orders, payments, public payments, refunds and captures under one key are all carried out."""
    key = new_key()
    unpaid = shop.create_order()
    paid = shop.paid()
    by_upi = {"order_id": unpaid["id"], "method": "upi", "vpa": DECLINED}
    answers = [
        shop.post("/orders", {"amount": 100}, **key),
        shop.post("/orders/public", {"amount": 100}, **key),
        shop.post("/payments", by_upi, **key),
        shop.post("/payments/public", by_upi, **key),
        shop.post("/refunds", {"payment_id": paid["id"], "amount": 100}, **key),
        shop.post(f"/payments/{paid['id']}/capture", **key),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 201, 201, 200]
    assert not [answer for answer in answers if "idempotent-replayed" in answer.headers]


def test_both_ways_to_a_refund_are_one_endpoint(shop: Merchant):
    payment, key = shop.paid(), new_key()
    first = shop.post("/refunds", {"payment_id": payment["id"], "amount": 100}, **key)
    again = shop.post(f"/payments/{payment['id']}/refunds", {"amount": 100}, **key)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


def test_captures_of_two_payments_under_one_key_are_two_requests(shop: Merchant):
    key = new_key()
    first, second = shop.paid(), shop.paid()
    assert shop.post(f"/payments/{first['id']}/capture", **key).status_code == 200
    refused(shop.post(f"/payments/{second['id']}/capture", **key), 422)


@every_endpoint
def test_a_failed_validation_does_not_use_up_the_key(shop: Merchant, endpoint: Endpoint, sql):
    path, body, _ = endpoint.prepare(shop)
    key = new_key()
    refused(shop.post(path, {**body, "amount": -1}, **key), 400)
    refused(shop.request("POST", path, content=b"{", headers=key), 400)
    assert sql("SELECT count(*) FROM idempotency_keys WHERE key = %s", *key.values()) == [(0,)]
    assert shop.post(path, body, **key).status_code == endpoint.status


def test_what_was_not_found_does_not_use_up_the_key(shop: Merchant):
    key = new_key()
    refused(shop.post("/payments", {"order_id": "order_AAAAAAAAAAAAAAAA", "method": "upi", "vpa": DECLINED}, **key), 404)
    order_id = shop.create_order()["id"]
    assert shop.post("/payments", {"order_id": order_id, "method": "upi", "vpa": DECLINED}, **key).status_code == 201


@pytest.mark.parametrize("path", ["/payments", "/payments/public"])
def test_a_payment_is_replayed_although_its_order_has_been_paid_since(shop: Merchant, path):
    key = new_key()
    body = {"order_id": shop.create_order()["id"], "method": "upi", "vpa": "user@bank"}
    first = shop.post(path, body, **key)
    assert shop.settled(first.json()["id"])["status"] == "success"
    again = shop.post(path, body, **key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.json()["status"] == "pending"
    assert refused(shop.post(path, body, **new_key()), 400)["description"] == "Order already paid"
    assert shop.get("/payments", order_id=body["order_id"])["total"] == 1


def test_a_refund_is_replayed_although_nothing_is_left_to_refund(shop: Merchant, payment):
    key, body = new_key(), {"payment_id": payment["id"], "amount": payment["amount"]}
    first = shop.post("/refunds", body, **key)
    assert shop.post("/refunds", body, **key).content == first.content
    assert refused(shop.post("/refunds", body), 400)["description"] == "Refund amount exceeds available amount"
    assert shop.get("/refunds", payment_id=payment["id"])["total"] == 1


def test_cards_that_share_what_may_be_kept_are_one_request(shop: Merchant):
    """Fingerprints know a card by network, last four digits, expiry and holder: of the number nothing may be kept, not
    even a digest."""
    key = new_key()
    body = {"order_id": shop.create_order()["id"], "method": "card", "card": CARD}
    first = shop.post("/payments", body, **key)
    spaced = {**body, "card": {**CARD, "number": "4111 1111-1111 1111", "expiry_month": 12, "expiry_year": 49}}
    assert shop.post("/payments", spaced, **key).content == first.content
