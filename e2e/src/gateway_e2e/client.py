"""A merchant at the API, and a customer at its public part."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from gateway_e2e.waiting import wait_for

__all__ = ["CARD", "FINAL", "Merchant", "sign_up"]

FINAL = ("success", "failed")
# Published test data; expires after everybody who reads this has moved on.
CARD = {"number": "4111111111111111", "expiry_month": "12", "expiry_year": "2049", "cvv": "123", "holder_name": "Asha Rao"}


@dataclass
class Merchant:
    """One merchant's credentials and what it does with them. Methods raise for answers that are not 2xx."""

    http: httpx.Client
    api_key: str
    api_secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.api_key, "X-Api-Secret": self.api_secret}

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """A request with this merchant's credentials; further headers may be given."""
        headers = {**self.headers, **arguments.pop("headers", {})}
        return self.http.request(method, f"/api/v1{path}", headers=headers, **arguments)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.request("POST", path, json=body, headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        response = self.request("GET", path, params=query)
        response.raise_for_status()
        return response.json()

    def me(self) -> dict[str, Any]:
        return dict(self.get("/merchants/me"))

    def set_webhook_url(self, url: str | None) -> None:
        self.request("PATCH", "/merchants/me", json={"webhook_url": url}).raise_for_status()

    def create_order(self, amount: int = 50_000, **extra: Any) -> dict[str, Any]:
        response = self.post("/orders", {"amount": amount, **extra})
        response.raise_for_status()
        return dict(response.json())

    def create_payment(self, order_id: str, vpa: str = "user@bank", **headers: str) -> dict[str, Any]:
        response = self.post("/payments", {"order_id": order_id, "method": "upi", "vpa": vpa}, **headers)
        response.raise_for_status()
        return dict(response.json())

    def get_payment(self, payment_id: str) -> dict[str, Any]:
        return dict(self.get(f"/payments/{payment_id}"))

    def settled(self, payment_id: str, timeout_s: float = 15) -> dict[str, Any]:
        """The payment once the bank has answered."""

        def final() -> dict[str, Any] | None:
            payment = self.get_payment(payment_id)
            return payment if payment["status"] in FINAL else None

        return wait_for(f"{payment_id} to be settled", final, timeout_s)

    def pay(self, order_id: str, vpa: str = "user@bank") -> dict[str, Any]:
        """A UPI payment, settled."""
        return self.settled(self.create_payment(order_id, vpa)["id"])

    def paid(self, amount: int = 50_000) -> dict[str, Any]:
        """A fresh order's successful payment."""
        payment = self.pay(self.create_order(amount)["id"])
        assert payment["status"] == "success", payment
        return payment


def sign_up(http: httpx.Client, name: str = "Shop") -> Merchant:
    """A fresh merchant."""
    email = f"{secrets.token_hex(6)}@shop.example"
    response = http.post("/api/v1/merchants", json={"name": name, "email": email, "password": f"pass-{secrets.token_hex(8)}"})
    response.raise_for_status()
    http.cookies.clear()
    account = response.json()
    return Merchant(http, account["api_key"], account["api_secret"])
