"""Every error comes in the envelope: those of the services, and those of the proxy itself."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from gateway_e2e.client import Merchant
from gateway_e2e.errors import refused

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "gateway-proxy" / "public" / "openapi.json").read_text())
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
API_PATHS = {path: {method.upper() for method in item} for path, item in DOCUMENT["paths"].items() if path.startswith("/api/")}
# A browser's preflight is answered for what a checkout page may call.
UNDECLARED = [
    (method, path, ", ".join(sorted(declared)))
    for path, declared in API_PATHS.items()
    for method in METHODS
    if method not in declared and not (method == "OPTIONS" and "public" in path)
]
UNKNOWN = (
    "/",
    "/api",
    "/api/v1",
    "/api/v1/",
    "/api/v1/nothing",
    "/api/v2/orders",
    "/api/v1/orders/",
    "/api/v1/orders/a/b",
    "/api/v1/payments/a/b/c",
    "/api/v1/merchants/somebody",
    "/metrics",
    "/openapi",
    "/docs/missing.js",
    "/errors/404",
    "/.env",
)


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_not_found(shopper: httpx.Client, merchant: Merchant, method, path):
    error = refused(shopper.request(method, path, headers=merchant.headers), 404, 405)
    assert error["code"] in ("NOT_FOUND_ERROR", "BAD_REQUEST_ERROR")


def test_unknown_paths_say_that_they_are_unknown(shopper: httpx.Client):
    assert refused(shopper.get("/api/v1/nothing"), 404)["code"] == "NOT_FOUND_ERROR"


@pytest.mark.parametrize(("method", "path", "allowed"), UNDECLARED)
def test_an_undeclared_method_is_405_and_names_those_that_there_are(merchant: Merchant, method, path, allowed):
    response = merchant.http.request(method, path.replace("{", "x").replace("}", ""), headers=merchant.headers)
    assert refused(response, 405) == {"code": "BAD_REQUEST_ERROR", "description": "Method not allowed"}
    assert response.headers["allow"] == allowed


def test_every_path_has_undeclared_methods():
    assert {path for _, path, _ in UNDECLARED} == set(API_PATHS)


@pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"amount": 50000', b"\xff\xfe", b"{'amount': 50000}", b"amount=50000"])
def test_a_malformed_body_is_400(merchant: Merchant, body):
    response = merchant.request("POST", "/orders", content=body, headers={"Content-Type": "application/json"})
    assert refused(response, 400) == {"code": "BAD_REQUEST_ERROR", "description": "Request body must be valid JSON"}


@pytest.mark.parametrize("body", [b"[]", b"1", b'"text"', b"null", b"true"])
def test_a_body_that_is_no_object_is_400(merchant: Merchant, body):
    error = refused(merchant.request("POST", "/orders", content=body), 400)
    assert error == {"code": "BAD_REQUEST_ERROR", "description": "Request body must be a JSON object"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Api-Key": "key_test_abc123"},
        {"X-Api-Secret": "secret_test_xyz789"},
        {"X-Api-Key": "key_test_abc123", "X-Api-Secret": "secret_test_xyz788"},
        {"X-Api-Key": "key_test_abc124", "X-Api-Secret": "secret_test_xyz789"},
        {"X-Api-Key": "", "X-Api-Secret": ""},
        {"X-Api-Key": "KEY_TEST_ABC123", "X-Api-Secret": "secret_test_xyz789"},
        {"Authorization": "Basic a2V5X3Rlc3RfYWJjMTIzOnNlY3JldF90ZXN0X3h5ejc4OQ=="},
        {"Cookie": "gateway_session=nonsense"},
    ],
)
def test_wrong_credentials_are_401_in_the_same_words(shopper: httpx.Client, headers):
    response = shopper.get("/api/v1/orders", headers=headers)
    assert refused(response, 401) == {"code": "AUTHENTICATION_ERROR", "description": "Invalid API credentials"}


def test_a_body_over_the_limit_is_413(merchant: Merchant):
    error = refused(merchant.request("POST", "/orders", content=b" " * 1_048_577), 413)
    assert error == {"code": "BAD_REQUEST_ERROR", "description": "Request body too large"}


def test_a_body_over_the_limit_is_413_also_where_its_length_is_not_announced(merchant: Merchant):
    response = merchant.request("POST", "/orders", content=(b" " * 65_536 for _ in range(20)))
    assert refused(response, 413)["description"] == "Request body too large"


def test_a_path_beyond_all_measure_is_414(shopper: httpx.Client):
    assert refused(shopper.get("/api/v1/orders/" + "x" * 40_000), 414)["code"] == "BAD_REQUEST_ERROR"


def test_headers_beyond_all_measure_are_431(shopper: httpx.Client):
    response = shopper.get("/api/v1/orders", headers={f"X-Padding-{n}": "x" * 8000 for n in range(6)})
    assert refused(response, 400, 431)["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize(
    "head",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /api/v1/orders HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /api/v1/orders HTTP/1.1\r\n\r\n",
        b"GET /% HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: nonsense\r\n\r\n",
        b"GET /api/v1/orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: a\x00b\r\n\r\n",
        b"GET /api/v1/orders/caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /api/v1/orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Api-Key: a\x01b\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_by_the_proxy_in_the_envelope(platform, head):
    """Bytes that no HTTP library sends: nginx answers before any service hears of them."""
    address = urlsplit(platform.api)
    with socket.create_connection((address.hostname, address.port), timeout=15) as connection:
        connection.sendall(head)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    error = json.loads(answer[answer.index(b'{"error"') :])["error"]
    assert error["code"] == "BAD_REQUEST_ERROR"


def test_a_request_id_of_the_clients_comes_back(shopper: httpx.Client):
    response = shopper.get("/api/v1/nothing", headers={"X-Request-Id": "checkout-7.A_b"})
    assert response.headers.get_list("x-request-id") == ["checkout-7.A_b"]


@pytest.mark.parametrize("identifier", ["", "with space", "x" * 65, "semi;colon", "<script>", "naïve".encode()])
def test_a_request_id_that_could_do_harm_is_replaced(shopper: httpx.Client, identifier):
    response = shopper.get("/api/v1/nothing", headers={"X-Request-Id": identifier})
    refused(response, 404)


def test_two_requests_have_two_ids(shopper: httpx.Client):
    first, second = shopper.get("/api/v1/nothing"), shopper.get("/api/v1/nothing")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
