"""Twenty threads released together, six rounds each: what must happen once happens once."""

import secrets
from functools import partial

import httpx
import pytest
from gateway_e2e.client import Merchant
from gateway_e2e.races import together
from gateway_e2e.waiting import wait_for

THREADS = 20
ROUNDS = range(6)


def post(path: str, body, headers: dict[str, str], http: httpx.Client) -> httpx.Response:
    return http.post(f"/api/v1{path}", json=body, headers=headers)


@pytest.mark.parametrize("round_", ROUNDS)
def test_one_idempotency_key_makes_one_payment(raced, merchant: Merchant, round_):
    order = merchant.create_order()
    body = {"order_id": order["id"], "method": "upi", "vpa": "user@bank"}
    headers = {**merchant.headers, "Idempotency-Key": secrets.token_hex(8)}
    answers = together(raced.api, [partial(post, "/payments", body, headers)] * THREADS)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert merchant.get("/payments", order_id=order["id"])["total"] == 1


@pytest.mark.parametrize("round_", ROUNDS)
def test_one_idempotency_key_makes_one_public_payment(raced, merchant: Merchant, round_):
    order = merchant.create_order()
    body = {"order_id": order["id"], "method": "upi", "vpa": "user@bank"}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    answers = together(raced.api, [partial(post, "/payments/public", body, headers)] * THREADS)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert merchant.get("/payments", order_id=order["id"])["total"] == 1


@pytest.mark.parametrize("round_", ROUNDS)
def test_one_idempotency_key_makes_one_order(raced, merchant: Merchant, round_):
    receipt = secrets.token_hex(8)
    headers = {**merchant.headers, "Idempotency-Key": receipt}
    answers = together(raced.api, [partial(post, "/orders", {"amount": 500, "receipt": receipt}, headers)] * THREADS)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert merchant.get("/orders", receipt=receipt)["total"] == 1


@pytest.mark.parametrize("round_", ROUNDS)
def test_of_refunds_of_two_fifths_exactly_two_fit(raced, merchant: Merchant, round_):
    payment = merchant.paid(50_000)
    path = f"/payments/{payment['id']}/refunds"
    answers = together(raced.api, [partial(post, path, {"amount": 20_000}, merchant.headers)] * THREADS)
    assert sorted(answer.status_code for answer in answers) == [201, 201] + [400] * (THREADS - 2)
    assert sum(refund["amount"] for refund in merchant.get(path)["data"]) == 40_000


@pytest.mark.parametrize("round_", ROUNDS)
def test_one_idempotency_key_makes_one_refund(raced, merchant: Merchant, round_):
    payment = merchant.paid(50_000)
    headers = {**merchant.headers, "Idempotency-Key": secrets.token_hex(8)}
    answers = together(raced.api, [partial(post, f"/payments/{payment['id']}/refunds", {"amount": 20_000}, headers)] * THREADS)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert merchant.get(f"/payments/{payment['id']}/refunds")["total"] == 1


@pytest.mark.parametrize("round_", ROUNDS)
def test_of_many_captures_one_captures(raced, merchant: Merchant, round_):
    payment = merchant.paid()
    answers = together(raced.api, [partial(post, f"/payments/{payment['id']}/capture", {}, merchant.headers)] * THREADS)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * (THREADS - 1)


@pytest.mark.parametrize("round_", ROUNDS)
def test_of_many_payments_of_one_order_one_succeeds(raced, merchant: Merchant, round_):
    order = merchant.create_order()
    body = {"order_id": order["id"], "method": "upi", "vpa": "user@bank"}
    answers = together(raced.api, [partial(post, "/payments", body, merchant.headers)] * THREADS)
    assert {answer.status_code for answer in answers} == {201}

    def settled():
        payments = merchant.get("/payments", order_id=order["id"], limit=100)["data"]
        return payments if all(payment["status"] != "pending" for payment in payments) else None

    payments = wait_for("all payments to be settled", settled)
    assert len(payments) == THREADS
    assert [payment["status"] for payment in payments].count("success") == 1
    assert merchant.get(f"/orders/{order['id']}")["status"] == "paid"
    assert {p["error_code"] for p in payments if p["status"] == "failed"} == {"ORDER_ALREADY_PAID"}
