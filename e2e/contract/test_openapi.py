"""The document that the proxy serves: valid, complete, and its examples work word for word."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import jsonschema_rs
import pytest
import schemathesis
from gateway_e2e.client import Merchant, sign_up
from gateway_e2e.errors import refused
from gateway_e2e.receiver import Receiver
from gateway_e2e.waiting import wait_for

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "gateway-proxy" / "public" / "openapi.json").read_text())

# Method, path, who may call, status of success: the endpoints that were promised.
MERCHANT, KEY, ANYONE, SESSION = "merchant", "key", "anyone", "session"
PROMISED = [
    ("GET", "/health", ANYONE, 200),
    ("GET", "/api/v1/test/merchant", ANYONE, 200),
    ("POST", "/api/v1/merchants", ANYONE, 201),
    ("POST", "/api/v1/auth/login", ANYONE, 200),
    ("POST", "/api/v1/auth/logout", SESSION, 204),
    ("GET", "/api/v1/merchants/me", MERCHANT, 200),
    ("PATCH", "/api/v1/merchants/me", MERCHANT, 200),
    ("POST", "/api/v1/merchants/me/webhook-secret", MERCHANT, 200),
    ("POST", "/api/v1/merchants/me/api-keys/rotate", MERCHANT, 200),
    ("POST", "/api/v1/orders", MERCHANT, 201),
    ("GET", "/api/v1/orders", MERCHANT, 200),
    ("GET", "/api/v1/orders/{order_id}", MERCHANT, 200),
    ("GET", "/api/v1/orders/{order_id}/public", ANYONE, 200),
    ("GET", "/api/v1/orders/public/{order_id}", ANYONE, 200),
    ("POST", "/api/v1/orders/public", KEY, 201),
    ("POST", "/api/v1/payments", MERCHANT, 201),
    ("GET", "/api/v1/payments", MERCHANT, 200),
    ("GET", "/api/v1/payments/{payment_id}", MERCHANT, 200),
    ("GET", "/api/v1/payments/stats", MERCHANT, 200),
    ("GET", "/api/v1/payments/export", MERCHANT, 200),
    ("POST", "/api/v1/payments/{payment_id}/capture", MERCHANT, 200),
    ("POST", "/api/v1/payments/public", ANYONE, 201),
    ("GET", "/api/v1/payments/{payment_id}/public", ANYONE, 200),
    ("GET", "/api/v1/payments/public/{payment_id}", ANYONE, 200),
    ("POST", "/api/v1/payments/{payment_id}/refunds", MERCHANT, 201),
    ("POST", "/api/v1/refunds", MERCHANT, 201),
    ("GET", "/api/v1/refunds/{refund_id}", MERCHANT, 200),
    ("GET", "/api/v1/refunds", MERCHANT, 200),
    ("GET", "/api/v1/payments/{payment_id}/refunds", MERCHANT, 200),
    ("GET", "/api/v1/webhooks", MERCHANT, 200),
    ("GET", "/api/v1/webhooks/{webhook_id}", MERCHANT, 200),
    ("POST", "/api/v1/webhooks/{webhook_id}/retry", MERCHANT, 200),
    ("POST", "/api/v1/webhooks/retry-failed", MERCHANT, 200),
    ("POST", "/api/v1/webhooks/test", MERCHANT, 201),
    ("GET", "/api/v1/events", MERCHANT, 200),
    ("GET", "/api/v1/events/{event_id}", MERCHANT, 200),
    ("GET", "/api/v1/test/jobs/status", ANYONE, 200),
    ("POST", "/api/v1/test/jobs/enqueue", ANYONE, 201),
    ("GET", "/api/v1/test/invariants", ANYONE, 200),
    ("GET", "/docs", ANYONE, 200),
    ("GET", "/openapi.json", ANYONE, 200),
]
SECURITY = {
    MERCHANT: [{"ApiKey": [], "ApiSecret": []}, {"Session": []}],
    KEY: [{"ApiKey": []}],
    SESSION: [{"Session": []}, {}],
    ANYONE: [],
}
MOVES_MONEY = {
    "createOrder",
    "createPublicOrder",
    "createPayment",
    "createPublicPayment",
    "capturePayment",
    "createRefund",
    "createRefundOfPayment",
}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.body["operationId"])


OPERATIONS = {
    operation.id: operation
    for path, item in DOCUMENT["paths"].items()
    for operation in (Operation(method.upper(), path, body) for method, body in item.items())
}


def test_the_proxy_serves_the_committed_document(http: httpx.Client):
    response = http.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == DOCUMENT


def test_the_document_is_valid():
    assert DOCUMENT["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_nothing_that_was_promised_is_missing_and_nothing_else_is_there():
    assert {(operation.method, operation.path) for operation in OPERATIONS.values()} == {row[:2] for row in PROMISED}


@pytest.mark.parametrize(("method", "path", "caller", "status"), PROMISED)
def test_an_endpoint_says_who_may_call_it_and_how_it_succeeds(method, path, caller, status):
    operation = DOCUMENT["paths"][path][method.lower()]
    assert operation["security"] == SECURITY[caller]
    assert [code for code in operation["responses"] if code.startswith("2")] == [str(status)]
    assert operation["description"]
    assert len(operation["tags"]) == 1


def test_the_document_names_this_host_alone():
    assert DOCUMENT["servers"] == [{"url": "/"}]
    assert {tag["name"] for tag in DOCUMENT["tags"]} == {tag for o in OPERATIONS.values() for tag in o.body["tags"]}


def test_everything_that_moves_money_takes_an_idempotency_key():
    taking = {
        operation.id
        for operation in OPERATIONS.values()
        if "Idempotency-Key" in [parameter["name"] for parameter in operation.body.get("parameters", [])]
    }
    assert taking == MOVES_MONEY
    assert all("422" in OPERATIONS[name].body["responses"] for name in MOVES_MONEY)


def resolved(response: dict[str, Any]) -> dict[str, Any]:
    name = response.get("$ref", "").rpartition("/")[2]
    return dict(DOCUMENT["components"]["responses"].get(name, response))


RESPONSES = [
    (operation.id, status, resolved(response))
    for operation in OPERATIONS.values()
    for status, response in operation.body["responses"].items()
]


def valid_for(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}, validate_formats=True)


@pytest.mark.parametrize(("name", "status", "response"), RESPONSES, ids=[f"{name}-{status}" for name, status, _ in RESPONSES])
def test_every_answer_has_a_request_id_and_every_example_its_schema(name, status, response):
    assert "X-Request-Id" in response["headers"]
    for content in response.get("content", {}).values():
        for example in content.get("examples", {}).values():
            valid_for(content["schema"]).validate(example["value"])


# ---- the examples work ------------------------------------------------------------------------------------------------

REQUESTS = [
    (operation.id, title, example["value"])
    for operation in OPERATIONS.values()
    for title, example in operation.body.get("requestBody", {})
    .get("content", {})
    .get("application/json", {})
    .get("examples", {"": {"value": None}})
    .items()
]


@dataclass(frozen=True)
class World:
    """A merchant to whom the things happened that the examples speak of."""

    merchant: Merchant
    ids: dict[str, str]

    def real(self, text: str) -> str:
        """The text with the ids of this world in place of those of the examples."""
        for example, ours in self.ids.items():
            text = text.replace(example, ours)
        return text


@pytest.fixture(scope="module")
def settled(http: httpx.Client) -> Iterator[World]:
    with Receiver() as receiver:
        merchant = sign_up(http)
        changes = {"public_orders_enabled": True, "webhook_url": receiver.url}
        merchant.request("PATCH", "/merchants/me", json=changes).raise_for_status()
        payment = merchant.paid()
        refund = merchant.post("/refunds", {"payment_id": payment["id"], "amount": 100}).json()
        event = merchant.get("/events", payment_id=payment["id"])["data"][0]
        delivered = wait_for("a delivery", lambda: merchant.get("/webhooks", status="success")["data"])
        ids = {
            "pay_H8sK3jD9s2L1pQrT": payment["id"],
            "rfnd_K9pL2mN4oQ5rS8tU": refund["id"],
            "evt_T4vW7xY1zA3bC6dE": event["id"],
            "7d9f2c4e-1b3a-4f6d-8e5c-2a9b7c6d5e4f": delivered[0]["id"],
        }
        yield World(merchant, ids)


@pytest.fixture
def world(settled: World) -> World:
    """With an order that nobody has paid yet, and an e-mail that nobody has."""
    order = settled.merchant.create_order()
    email = f"{secrets.token_hex(6)}@corner-shop.example"
    return World(settled.merchant, settled.ids | {"order_NXhj67fGH2jk9mPq": order["id"], "owner@corner-shop.example": email})


@pytest.fixture
def callers(world: World, other_merchant: Merchant) -> dict[str, Merchant]:
    """By operation: one that changes credentials gets a merchant whose credentials nobody else needs."""
    return dict.fromkeys(OPERATIONS, world.merchant) | {"rotateApiKeys": other_merchant}


def url_of(operation: Operation) -> str:
    url = operation.path
    for parameter in operation.body.get("parameters", []):
        url = url.replace(
            "{" + parameter["name"] + "}", str([parameter.get("example"), *parameter["schema"].get("examples", [])][-1])
        )
    return url


@pytest.mark.parametrize(("name", "title", "body"), REQUESTS, ids=[f"{name}-{title}" for name, title, _ in REQUESTS])
def test_every_example_works(world: World, callers: dict[str, Merchant], name, title, body):
    operation = OPERATIONS[name]
    content = {"content": world.real(json.dumps(body)).encode()} if body is not None else {}
    caller = callers[name]
    caller.http.cookies.clear()
    response = caller.http.request(operation.method, world.real(url_of(operation)), headers=caller.headers, **content)
    declared = {int(status): answer for status, answer in operation.body["responses"].items() if status.startswith("2")}
    assert response.status_code in declared, response.text
    caller.http.cookies.clear()
    for media_type, expected in declared[response.status_code].get("content", {}).items():
        assert response.headers["content-type"].split(";")[0] == media_type
        valid_for(expected["schema"]).validate({"application/json": response.json}.get(media_type, lambda: response.text)())


GUARDED = [name for name, operation in OPERATIONS.items() if operation.body["security"] in (SECURITY[MERCHANT], SECURITY[KEY])]


@pytest.mark.parametrize("name", GUARDED)
def test_an_endpoint_that_wants_credentials_refuses_without(shopper: httpx.Client, name):
    operation = OPERATIONS[name]
    assert refused(shopper.request(operation.method, url_of(operation)), 401)["code"] == "AUTHENTICATION_ERROR"


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if "{" in operation.path])
def test_an_id_that_nothing_has_is_not_found(merchant: Merchant, name):
    operation = OPERATIONS[name]
    response = merchant.http.request(operation.method, url_of(operation), headers=merchant.headers, json={"amount": 100})
    assert refused(response, 404)["code"] == "NOT_FOUND_ERROR"


# ---- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_needs_no_file_from_another_host(http: httpx.Client):
    page = http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "page.js", "page.css"):
        assert f"/docs/{file}" in page.text
        assert http.get(urljoin("/docs/", file)).status_code == 200
