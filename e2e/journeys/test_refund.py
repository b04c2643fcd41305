"""Giving money back, and never more than was paid."""

import re

import pytest
from gateway_e2e.client import Merchant
from gateway_e2e.receiver import Receiver
from gateway_e2e.waiting import wait_for


@pytest.fixture
def told(merchant: Merchant, receiver: Receiver):
    merchant.set_webhook_url(receiver.url)
    yield receiver
    merchant.set_webhook_url(None)


def processed(merchant: Merchant, refund_id: str):
    def final():
        refund = merchant.get(f"/refunds/{refund_id}")
        return refund if refund["status"] != "pending" else None

    return wait_for(f"{refund_id} to be processed", final)


def test_partial_refunds_add_up_to_the_payment_and_no_further(merchant: Merchant, told: Receiver):
    payment = merchant.paid(50_000)
    first = merchant.post(f"/payments/{payment['id']}/refunds", {"amount": 20_000, "reason": "Zwei «Stück» zurück"})
    assert first.status_code == 201
    refund = first.json()
    assert re.fullmatch(r"rfnd_[A-Za-z0-9]{16}", refund["id"])
    assert (refund["status"], refund["amount"], refund["processed_at"]) == ("pending", 20_000, None)

    second = merchant.post("/refunds", {"payment_id": payment["id"], "amount": 30_000})
    assert second.status_code == 201
    third = merchant.post(f"/payments/{payment['id']}/refunds", {"amount": 1})
    assert third.status_code == 400
    assert third.json()["error"] == {"code": "BAD_REQUEST_ERROR", "description": "Refund amount exceeds available amount"}

    done = processed(merchant, refund["id"])
    assert done["status"] == "processed"
    assert done["processed_at"] >= done["created_at"]
    processed(merchant, second.json()["id"])
    listed = merchant.get(f"/payments/{payment['id']}/refunds")
    assert {entry["id"] for entry in listed["data"]} == {refund["id"], second.json()["id"]}
    for event in ("refund.created", "refund.processed"):
        data = told.wait_for_event(payment["id"], event).json["data"]
        assert data["payment"]["id"] == data["refund"]["payment_id"] == payment["id"]


def test_only_successful_payments_are_refunded(merchant: Merchant):
    failed = merchant.pay(merchant.create_order()["id"], vpa="failure@bank")
    pending = merchant.create_payment(merchant.create_order()["id"])
    for payment in (failed, pending):
        response = merchant.post(f"/payments/{payment['id']}/refunds", {"amount": 100})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "BAD_REQUEST_ERROR")


@pytest.mark.parametrize("amount", [0, -1, 1.5, "100", True, None, 2**40])
def test_amounts_that_are_none(merchant: Merchant, amount):
    payment = merchant.paid()
    response = merchant.post(f"/payments/{payment['id']}/refunds", {"amount": amount})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "BAD_REQUEST_ERROR")
