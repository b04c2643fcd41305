"""Everything that the shop says to the payment gateway, and how it knows that the gateway speaks to it.

This is the file to take along: the API behind three methods, and the check of a webhook's signature.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

import httpx

__all__ = ["Gateway", "GatewayRefusal", "GatewayUnreachable", "Registration", "is_signed"]

TIMEOUT_S = 10.0


class GatewayUnreachable(Exception):
    """No answer, or one that is not the gateway's. Whether the call was carried out is not known: repeat it with its key."""


class GatewayRefusal(Exception):
    """The gateway said no: ``code`` is for programs, the text for people."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True)
class Registration:
    """The webhook address that was there before, and the secret that signs what comes to the new one."""

    former_url: str | None
    secret: str = field(repr=False)


class Gateway:
    """The API as one merchant. Amounts are in the currency's smallest unit (paise)."""

    def __init__(self, api_url: str, api_key: str, api_secret: str) -> None:
        self._http = httpx.Client(
            base_url=f"{api_url}/api/v1",
            headers={"X-Api-Key": api_key, "X-Api-Secret": api_secret},
            timeout=TIMEOUT_S,
        )

    def close(self) -> None:
        self._http.close()

    def create_order(self, amount: int, receipt: str, idempotency_key: str) -> str:
        """The id of the order. The same key gives the same order, however often it is asked for."""
        body = {"amount": amount, "currency": "INR", "receipt": receipt}
        return str(self._call("POST", "/orders", body, {"Idempotency-Key": idempotency_key})["id"])

    def register_webhook(self, url: str) -> Registration:
        """Has events sent to this address from now on."""
        former = self._call("GET", "/merchants/me")
        merchant = self._call("PATCH", "/merchants/me", {"webhook_url": url})
        return Registration(former["webhook_url"], str(merchant["webhook_secret"]))

    def restore_webhook(self, own_url: str, former_url: str | None) -> None:
        """Puts the former address back, unless somebody has set another one meanwhile."""
        if self._call("GET", "/merchants/me")["webhook_url"] == own_url:
            self._call("PATCH", "/merchants/me", {"webhook_url": None if former_url == own_url else former_url})

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, json=body, headers=headers)
            answer = response.json()
        except (httpx.TransportError, ValueError) as error:
            raise GatewayUnreachable(str(error)) from error
        if not isinstance(answer, dict) or response.status_code >= 500:
            raise GatewayUnreachable(f"status {response.status_code}")
        if response.is_error:
            raise GatewayRefusal(answer["error"]["code"], answer["error"]["description"])
        return answer


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether the signature is that of exactly these bytes.

    It must be computed before the body is parsed: JSON written anew may differ by a space and would have another signature.
    Comparing in constant time keeps a forger from learning the right one digit by digit.
    """
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("latin-1", "replace"))
