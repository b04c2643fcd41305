"""What the public door does, on a real nginx."""

import json
import re

import pytest
from gateway_e2e.waiting import wait_for

OWNERS = {
    "/health": "payments",
    "/api/v1/test/merchant": "merchants",
    "/api/v1/merchants": "merchants",
    "/api/v1/merchants/me": "merchants",
    "/api/v1/merchants/me/webhook-secret": "merchants",
    "/api/v1/merchants/me/api-keys/rotate": "merchants",
    "/api/v1/auth/login": "merchants",
    "/api/v1/auth/logout": "merchants",
    "/api/v1/orders": "orders",
    "/api/v1/orders/public": "orders",
    "/api/v1/orders/order_1": "orders",
    "/api/v1/orders/order_1/public": "orders",
    "/api/v1/orders/public/order_1": "orders",
    "/api/v1/payments": "payments",
    "/api/v1/payments/public": "payments",
    "/api/v1/payments/stats": "payments",
    "/api/v1/payments/export": "payments",
    "/api/v1/payments/pay_1": "payments",
    "/api/v1/payments/pay_1/public": "payments",
    "/api/v1/payments/public/pay_1": "payments",
    "/api/v1/payments/pay_1/capture": "payments",
    "/api/v1/payments/pay_1/refunds": "refunds",
    "/api/v1/refunds": "refunds",
    "/api/v1/refunds/rfnd_1": "refunds",
    "/api/v1/webhooks": "webhooks",
    "/api/v1/webhooks/1": "webhooks",
    "/api/v1/webhooks/1/retry": "webhooks",
    "/api/v1/webhooks/test": "webhooks",
    "/api/v1/webhooks/retry-failed": "webhooks",
    "/api/v1/events": "webhooks",
    "/api/v1/events/evt_1": "webhooks",
    "/api/v1/test/jobs/status": "payments",
    "/api/v1/test/jobs/enqueue": "payments",
}
UNKNOWN_PATHS = [
    "/",
    "/metrics",
    "/api/v1/metrics",
    "/api/v1/orders/",
    "/api/v1/orders/order_1/unknown",
    "/errors/502",
    "/metrics/../api/v1/orders",
    "/metrics/%2e%2e/api/v1/orders",
    "//metrics",
    "/%6detrics",
    "/api/v1/orders/%2fmetrics",
    "/docs/missing.js",
]


def test_every_path_reaches_its_owner(proxy):
    reached = {path: json.loads(proxy.request("GET", path).body)["service"] for path in OWNERS}
    assert reached == OWNERS


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_unknown_paths_are_a_404_in_the_envelope(proxy, path):
    answer = proxy.request("GET", path)
    assert (answer.status, answer.error["code"]) == (404, "NOT_FOUND_ERROR")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    assert not any(service.requests for service in proxy.services.values())


def test_path_and_query_arrive_as_they_were_sent(proxy):
    proxy.request("GET", "/api/v1/orders/order%20%C3%A9?receipt=a%2Fb&x=1")
    assert proxy.services["orders"].requests[0][1] == "/api/v1/orders/order%20%C3%A9?receipt=a%2Fb&x=1"


def test_body_over_the_limit_is_413(proxy):
    answer = proxy.request("POST", "/api/v1/orders", b"x" * (1024 * 1024 + 1))
    assert (answer.status, answer.error) == (413, {"code": "BAD_REQUEST_ERROR", "description": "Request body too large"})
    assert proxy.services["orders"].requests == []


def test_body_at_the_limit_passes(proxy):
    assert proxy.request("POST", "/api/v1/orders", b"x" * 1024 * 1024).status == 200


def test_malformed_requests_are_400(proxy):
    answer = proxy.send_raw(b"GET /api/v1/orders HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert (answer.status, answer.error["code"]) == (400, "BAD_REQUEST_ERROR")
    assert answer.headers["X-Request-Id"]


def test_broken_request_line_is_400(proxy):
    answer = proxy.send_raw(b"nonsense\r\n\r\n")
    assert (answer.status, answer.error["code"]) == (400, "BAD_REQUEST_ERROR")


def test_long_uri_is_414(proxy):
    answer = proxy.request("GET", "/api/v1/orders/" + "x" * 10_000)
    assert (answer.status, answer.error["code"]) == (414, "BAD_REQUEST_ERROR")


def test_large_headers_are_431(proxy):
    answer = proxy.request("GET", "/api/v1/orders", headers={"X-Large": "x" * 10_000})
    assert (answer.status, answer.error["code"]) == (431, "BAD_REQUEST_ERROR")


def test_trace_is_405(proxy):
    answer = proxy.request("TRACE", "/api/v1/orders")
    assert (answer.status, answer.error["code"]) == (405, "BAD_REQUEST_ERROR")


def test_absent_service_is_502(proxy):
    proxy.services["orders"].stop()
    answer = proxy.request("GET", "/api/v1/orders")
    assert (answer.status, answer.error["code"]) == (502, "SERVER_ERROR")
    assert answer.headers["X-Request-Id"]


def test_hanging_service_is_504(proxy):
    answer = proxy.request("GET", "/api/v1/orders/hang")
    assert (answer.status, answer.error["code"]) == (504, "SERVER_ERROR")


def test_errors_of_a_service_pass_untouched(proxy):
    answer = proxy.request("GET", "/api/v1/orders/missing")
    assert (answer.status, json.loads(answer.body)) == (404, {"service": "orders"})


def test_a_sent_post_is_never_sent_again(twin_proxy):
    answers = [twin_proxy.request("POST", "/api/v1/payments/public/break", b"{}") for _ in range(4)]
    assert [answer.status for answer in answers] == [502] * 4
    assert sum(len(copy.requests) for copy in twin_proxy.payment_copies) == 4


def test_a_post_that_hangs_is_not_sent_again(twin_proxy):
    assert twin_proxy.request("POST", "/api/v1/payments/public/hang", b"{}").status == 504
    assert sum(len(copy.requests) for copy in twin_proxy.payment_copies) == 1


def test_a_broken_get_is_tried_on_the_other_copy(twin_proxy):
    assert twin_proxy.request("GET", "/api/v1/payments/public/break").status == 502
    assert sum(len(copy.requests) for copy in twin_proxy.payment_copies) == 2


def test_a_post_goes_to_the_copy_that_is_there(twin_proxy):
    twin_proxy.payment_copies[0].stop()
    answers = [twin_proxy.request("POST", "/api/v1/payments", b"{}") for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert len(twin_proxy.payment_copies[1].requests) == 4


@pytest.mark.parametrize("sent", ["order-import.7_A", "x" * 64])
def test_a_sane_request_id_is_kept(proxy, sent):
    answer = proxy.request("GET", "/api/v1/orders", headers={"X-Request-Id": sent})
    assert answer.headers.get_all("X-Request-Id") == [sent]
    assert proxy.services["orders"].requests[0][2]["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", 'a"b', "<script>", "a;b"])
def test_another_request_id_is_replaced(proxy, sent):
    answer = proxy.request("GET", "/api/v1/orders", headers={"X-Request-Id": sent})
    returned = answer.headers.get_all("X-Request-Id")
    assert len(returned) == 1
    assert re.fullmatch("[0-9a-f]{32}", returned[0])
    assert proxy.services["orders"].requests[0][2]["X-Request-Id"] == returned[0]


def logged(proxy):
    whole = proxy.log.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]


def test_an_error_of_the_proxy_is_logged_under_the_id_it_was_answered_with(proxy):
    answer = proxy.request("GET", "/unknown?secret=1")
    # nginx writes the line after the answer.
    line = wait_for("the line of the request", lambda: next((line for line in logged(proxy) if line["path"] == "/unknown"), None))
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["status"] == 404
    assert "secret" not in proxy.log.read_text()


PUBLIC_PATHS = [
    "/api/v1/orders/public",
    "/api/v1/orders/public/order_1",
    "/api/v1/orders/order_1/public",
    "/api/v1/payments/public",
    "/api/v1/payments/pay_1/public?x=1",
    "/api/v1/payments/public/pay_1",
]


@pytest.mark.parametrize("path", PUBLIC_PATHS)
def test_public_endpoints_answer_cors(proxy, path):
    preflight = proxy.request("OPTIONS", path, headers={"Origin": "https://shop.example"})
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type, X-Api-Key, Idempotency-Key"
    assert preflight.headers["Access-Control-Allow-Credentials"] is None
    assert proxy.request("POST", path).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/orders/order_1", "/api/v1/payments/stats", "/api/v1/merchants/me"])
def test_merchant_endpoints_answer_no_cors(proxy, path):
    for method in ("OPTIONS", "GET"):
        answer = proxy.request(method, path, headers={"Origin": "https://shop.example"})
        assert answer.headers["Access-Control-Allow-Origin"] is None
        assert answer.status == 200


def test_an_error_on_a_public_endpoint_can_be_read_by_the_page(proxy):
    proxy.services["payments"].stop()
    answer = proxy.request("POST", "/api/v1/payments/public", b"{}")
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (502, "*")


def test_too_many_requests_of_one_key_are_429(limited_proxy):
    answers = [limited_proxy.request("GET", "/api/v1/orders", headers={"X-Api-Key": "key_a"}) for _ in range(6)]
    assert {answer.status for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.error["code"] == "RATE_LIMIT_ERROR"
    assert refused.headers.get_all("Retry-After") == ["1"]
    assert limited_proxy.request("GET", "/api/v1/orders", headers={"X-Api-Key": "key_b"}).status == 200


def test_the_client_cannot_name_its_own_address_to_a_service(proxy):
    proxy.request("GET", "/api/v1/orders", headers={"X-Forwarded-For": "not an address"})
    assert proxy.services["orders"].requests[0][2]["X-Forwarded-For"] == "127.0.0.1"


def test_connections_to_a_service_are_kept(proxy):
    for _ in range(5):
        proxy.request("GET", "/api/v1/orders")
    assert all("Connection" not in headers for _, _, headers in proxy.services["orders"].requests)
