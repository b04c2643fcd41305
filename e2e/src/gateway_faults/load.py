"""Customers and merchants: random but seeded, and as stubborn as a good client is."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
from gateway_e2e.client import CARD, Merchant

from gateway_faults.journal import Journal, Probe, Sent

__all__ = ["Customer", "Shop", "probe_until"]

# Longer than the proxy waits for a service that hangs is longer than anybody waits for a payment.
TIMEOUT_S = 8.0
TRIES = 12
TWINS = 5
PAUSE_S = 0.05
# An endpoint that hangs gets one POST at a time, and each of its deliveries takes five time-outs: more orders than these
# could not have been delivered or given up by the time everything else is quiet.
HANGING_ORDERS_PER_CUSTOMER = 1
_PROBE_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Shop:
    """A merchant with an endpoint of one behaviour."""

    behaviour: str
    headers: dict[str, str]


class Customer:
    """One thread of the load. Everything it draws comes from its own generator."""

    def __init__(self, name: str, seed: str, api: str, shops: list[Shop], journal: Journal, done: threading.Event):
        self._name = name
        self._random = random.Random(seed)
        self._api = api
        self._shops = shops
        self._journal = journal
        self._done = done
        self._count = 0
        self._hanging_orders = 0
        self._payments: list[tuple[Shop, str, int]] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._api, timeout=TIMEOUT_S) as http, ThreadPoolExecutor(TWINS) as twins:
            self._http, self._twins = http, twins
            while not self._done.wait(PAUSE_S):
                shop = self._choose_shop()
                if self._payments and self._random.random() < 0.4:
                    self._follow_up()
                else:
                    self._buy(shop)

    def _choose_shop(self) -> Shop:
        shop = self._random.choice(self._shops)
        if shop.behaviour != "hangs":
            return shop
        self._hanging_orders += 1
        return shop if self._hanging_orders <= HANGING_ORDERS_PER_CUSTOMER else self._shops[0]

    def _buy(self, shop: Shop) -> None:
        amount = self._random.randrange(100, 100_000)
        tag = self._tag()
        order = self._send("order", shop.headers, "/orders", {"amount": amount, "receipt": tag}, tag, "")
        if order is None:
            return
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            self._pay(shop, order["id"], amount)

    def _pay(self, shop: Shop, order_id: str, amount: int) -> None:
        tag, public = self._tag(), self._random.random() < 0.3
        path, headers = ("/payments/public", {}) if public else ("/payments", shop.headers)
        if self._random.random() < 0.25:
            body: dict[str, Any] = {"order_id": order_id, "method": "card", "card": CARD}
            payment = self._send("card payment", headers, path, body, tag, order_id)
        else:
            body = {"order_id": order_id, "method": "upi", "vpa": f"{tag}@bank"}
            payment = self._send("payment", headers, path, body, tag, order_id)
        if payment is not None and shop.behaviour != "hangs":
            self._payments.append((shop, payment["id"], amount))

    def _follow_up(self) -> None:
        """Captures or refunds something; that it may not have succeeded yet is the platform's to refuse."""
        shop, payment_id, amount = self._random.choice(self._payments[-50:])
        tag = self._tag()
        if self._random.random() < 0.3:
            self._send("capture", shop.headers, f"/payments/{payment_id}/capture", {}, tag, payment_id)
        else:
            part = self._random.choice((amount, amount // 2, amount // 3, self._random.randrange(1, amount)))
            body = {"amount": max(1, part), "reason": tag}
            self._send("refund", shop.headers, f"/payments/{payment_id}/refunds", body, tag, payment_id)

    def _tag(self) -> str:
        self._count += 1
        return f"{self._name}-{self._count}"

    def _send(
        self, operation: str, headers: dict[str, str], path: str, body: dict[str, Any], tag: str, subject: str
    ) -> dict[str, Any] | None:
        """One request, or with a key as many as it takes; sometimes several at once. The accepted answer, if any."""
        draw = self._random.random()
        if draw < 0.3:
            answers = [self._once(operation, headers, path, body, tag, None, subject)]
        elif draw < 0.5:
            twin = (operation, headers, path, body, tag, f"key-{tag}", subject)
            answers = [future.result() for future in [self._twins.submit(self._once, *twin) for _ in range(TWINS)]]
        else:
            answers = self._persistently(operation, headers, path, body, tag, f"key-{tag}", subject)
        accepted = [answer for answer in answers if answer.accepted]
        return dict(json.loads(accepted[0].body)) if accepted else None

    def _persistently(self, *request: Any) -> list[Sent]:
        answers: list[Sent] = []
        for _ in range(TRIES):
            answers.append(self._once(*request))
            if answers[-1].accepted or answers[-1].refused or self._done.wait(PAUSE_S * 4):
                break
        return answers

    def _once(
        self, operation: str, headers: dict[str, str], path: str, body: dict[str, Any], tag: str, key: str | None, subject: str
    ) -> Sent:
        at = self._journal.clock()
        sent_headers = {**headers, "Idempotency-Key": key} if key else headers
        try:
            answer = self._http.post(f"/api/v1{path}", json=body, headers=sent_headers)
        except httpx.HTTPError:
            sent = Sent(at, operation, tag, key, subject, 0)
        else:
            sent = Sent(at, operation, tag, key, subject, answer.status_code, answer.content)
        self._journal.add(sent)
        return sent


def probe_until(done: threading.Event, api: str, headers: dict[str, str], journal: Journal) -> None:
    """Pays small orders one after another, past the proxy that cuts, so that it shows when money moves again."""
    while not done.wait(PAUSE_S):
        started = journal.clock()
        try:
            with httpx.Client(base_url=api, timeout=3) as http:
                shop = Merchant(http, headers["X-Api-Key"], headers["X-Api-Secret"])
                payment = shop.create_payment(shop.create_order()["id"])
                while not done.wait(PAUSE_S) and journal.clock() < started + _PROBE_PATIENCE_S:
                    if shop.get_payment(payment["id"])["status"] != "pending":
                        journal.add(Probe(started, journal.clock()))
                        break
                else:
                    if not done.is_set():
                        journal.failed_probes.append((started, f"{payment['id']} was still pending"))
        except httpx.HTTPError as error:
            # It is down at the moment; the next probe begins anew.
            journal.failed_probes.append((started, f"{type(error).__name__}: {error}".splitlines()[0]))
