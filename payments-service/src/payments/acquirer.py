"""The simulated bank: how long it takes, and what it answers.

It is asked once per payment, at settlement, under the payment's row lock, so a payment has one answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from payments.instruments import DECLINE
from payments.settings import AcquirerSettings
from payments.states import PaymentMethod

__all__ = ["Acquirer", "Decline"]


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the bank said no: a stable code, and a sentence for people."""

    code: str
    description: str


_DECLINED = {
    "upi": Decline("PAYMENT_FAILED", "The payment was declined by the UPI app or the bank"),
    "card": Decline("PAYMENT_FAILED", "The payment was declined by the card issuer"),
}


class Acquirer:
    def __init__(self, settings: AcquirerSettings):
        self._settings = settings
        # Outcomes need not be secret, but two workers must not draw the same ones.
        self._random = random.SystemRandom()

    def delay_ms(self) -> int:
        """How long the bank will take for a payment that is created now."""
        if self._settings.test_mode:
            return self._settings.test_processing_delay
        return self._random.randint(self._settings.processing_delay_min, self._settings.processing_delay_max)

    def answer(self, method: PaymentMethod, instruction: str | None) -> Decline | None:
        """None where the bank approves."""
        return None if self._approves(method, instruction) else _DECLINED[method]

    def _approves(self, method: PaymentMethod, instruction: str | None) -> bool:
        if self._settings.test_mode:
            return self._settings.test_payment_success and instruction != DECLINE
        rate = self._settings.upi_success_rate if method == "upi" else self._settings.card_success_rate
        return self._random.random() < rate
