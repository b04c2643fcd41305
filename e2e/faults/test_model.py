"""Orders, payments, captures and refunds against a model of a few lines: whatever order they come in, both agree."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest
from gateway_e2e.client import Merchant, sign_up
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule, run_state_machine_as_test

GOOD, DECLINED = "user@bank", "failure@bank"


@dataclass
class Order:
    """What the model knows of an order and of its successful payment, if there is one."""

    id: str
    amount: int
    payment_id: str | None = None
    captured: bool = False
    refunded: int = 0


class Business(RuleBasedStateMachine):
    """Each rule does one thing at the API and says what must come of it."""

    merchant: Merchant
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Order] = []

    @initialize()
    def begin(self) -> None:
        self.known = []

    @rule(target=orders, amount=st.integers(100, 100_000))
    def order(self, amount: int) -> Order:
        order = Order(self.merchant.create_order(amount)["id"], amount)
        self.known.append(order)
        return order

    @rule(amount=st.integers(-1, 99))
    def order_too_little(self, amount: int) -> None:
        assert self.merchant.post("/orders", {"amount": amount}).status_code == 400

    @rule(order=orders, vpa=st.sampled_from([GOOD, GOOD, DECLINED]))
    def pay(self, order: Order, vpa: str) -> None:
        answer = self.merchant.post("/payments", {"order_id": order.id, "method": "upi", "vpa": vpa})
        if order.payment_id is not None:
            assert answer.status_code == 400
            return
        assert answer.status_code == 201
        payment = self.merchant.settled(answer.json()["id"], 30)
        assert payment["amount"] == order.amount
        assert payment["status"] == ("success" if vpa == GOOD else "failed")
        if payment["status"] == "success":
            order.payment_id = payment["id"]

    @rule(order=orders, difference=st.sampled_from([0, 0, 1]))
    def capture(self, order: Order, difference: int) -> None:
        if order.payment_id is None:
            return
        answer = self.merchant.post(f"/payments/{order.payment_id}/capture", {"amount": order.amount + difference})
        assert answer.status_code == (200 if not order.captured and difference == 0 else 400)
        order.captured = order.captured or answer.status_code == 200

    @rule(order=orders, share=st.sampled_from([1, 2, 3, 5]), key=st.none() | st.sampled_from(["a", "b"]))
    def refund(self, order: Order, share: int, key: str | None) -> None:
        if order.payment_id is None:
            return
        amount = order.amount // share
        # A key of its own for each amount: another body under one key is another rule's business.
        headers = {"Idempotency-Key": f"{order.id}-{amount}-{key}"} if key else {}
        before = order.refunded
        answer = self.merchant.post("/refunds", {"payment_id": order.payment_id, "amount": amount}, **headers)
        if "idempotent-replayed" in answer.headers:
            assert answer.status_code == 201
            return
        assert answer.status_code == (201 if before + amount <= order.amount else 400)
        order.refunded += amount if answer.status_code == 201 else 0

    @rule(order=consumes(orders))
    def refund_the_rest(self, order: Order) -> None:
        rest = order.amount - order.refunded
        if order.payment_id is None or rest == 0:
            return
        body = {"payment_id": order.payment_id, "amount": rest}
        assert self.merchant.post("/refunds", body).status_code == 201
        assert self.merchant.post("/refunds", {**body, "amount": 1}).status_code == 400
        order.refunded = order.amount

    @invariant()
    def the_platform_agrees(self) -> None:
        for order in self.known[-3:]:
            status = self.merchant.get(f"/orders/{order.id}")["status"]
            assert status == ("paid" if order.payment_id else "created")
            if order.payment_id is None:
                continue
            assert self.merchant.get_payment(order.payment_id)["captured"] == order.captured
            refunds = self.merchant.get(f"/payments/{order.payment_id}/refunds", limit=100)["data"]
            assert sum(refund["amount"] for refund in refunds if refund["status"] != "failed") == order.refunded


@pytest.fixture
def modelled(platform):
    with httpx.Client(base_url=platform.api, timeout=30) as http:
        yield sign_up(http)


def test_the_platform_does_what_the_model_says(modelled):
    machine = type("ModelledBusiness", (Business,), {"merchant": modelled})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
