"""What a customer pays with: UPI addresses and cards.

A card's number and CVV exist only in the objects of this module, for as long as it takes to check them. What leaves
is a network and four digits. Errors never repeat what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from payments.errors import ExpiredCard, InvalidCard, InvalidVpa

__all__ = [
    "HOLDER_MAX_LENGTH",
    "VPA",
    "VPA_MAX_LENGTH",
    "Card",
    "CardNetwork",
    "Instrument",
    "Upi",
    "card_network",
    "passes_luhn",
    "read_card",
    "read_upi",
]

CardNetwork = Literal["visa", "mastercard", "amex", "rupay", "unknown"]

VPA_MAX_LENGTH = 255
# Always used with fullmatch: Python's ``$`` also matches before a final newline.
VPA = re.compile(r"[a-zA-Z0-9._-]+@[a-zA-Z0-9]+")
_CARD_NUMBER = re.compile(r"[0-9]{13,19}")
_CVV = re.compile(r"[0-9]{3,4}")
_SHORT_NUMBER = re.compile(r"[0-9]{1,2}")
_YEAR = re.compile(r"[0-9]{2}|[0-9]{4}")
# A card number with separators, and a name on a card.
_NUMBER_MAX_LENGTH = 64
HOLDER_MAX_LENGTH = 255

# Test data for the simulated bank in test mode, in the manner of other gateways: these are always declined.
DECLINED_VPA = "failure@bank"
DECLINED_CARD = "4000000000000002"
DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Upi:
    """``material`` goes into idempotency fingerprints. ``instruction`` tells the simulated bank what to answer in
    test mode; None leaves it to the settings."""

    vpa: str
    instruction: str | None = None

    @property
    def material(self) -> tuple[Any, ...]:
        return (self.vpa,)


@dataclass(frozen=True, slots=True)
class Card:
    """What may be kept of a card, and nothing else."""

    network: CardNetwork
    last4: str
    material: tuple[Any, ...]
    instruction: str | None = None


Instrument = Upi | Card


def read_upi(vpa: Any) -> Upi:
    if not isinstance(vpa, str) or len(vpa) > VPA_MAX_LENGTH or not VPA.fullmatch(vpa):
        raise InvalidVpa()
    return Upi(vpa, DECLINE if vpa == DECLINED_VPA else None)


def read_card(card: Any, today: datetime | None = None) -> Card:
    """Checks a card as a client sent it: number (spaces and dashes allowed), expiry, CVV, holder."""
    if not isinstance(card, dict):
        raise InvalidCard("card must be an object with number, expiry_month, expiry_year, cvv and holder_name")
    number = _number(card.get("number"))
    month, year = _expiry(card.get("expiry_month"), card.get("expiry_year"))
    _check_cvv(card.get("cvv"))
    holder = _holder(card.get("holder_name"))
    _check_not_expired(month, year, today or datetime.now(UTC))
    material = (card_network(number), number[-4:], month, year, holder)
    return Card(card_network(number), number[-4:], material, DECLINE if number == DECLINED_CARD else None)


def _number(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _NUMBER_MAX_LENGTH:
        raise InvalidCard("card.number must be a string of 13 to 19 digits")
    number = value.replace(" ", "").replace("-", "")
    if not _CARD_NUMBER.fullmatch(number) or not passes_luhn(number):
        raise InvalidCard("Card number is invalid")
    return number


def passes_luhn(number: str) -> bool:
    """The checksum of ISO/IEC 7812-1 annex B: every second digit from the right doubled, its digits summed."""
    total = 0
    for place, character in enumerate(reversed(number)):
        digit = int(character) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def card_network(number: str) -> CardNetwork:
    two = number[:2]
    if number.startswith("4"):
        return "visa"
    if "51" <= two <= "55":
        return "mastercard"
    if two in ("34", "37"):
        return "amex"
    if two in ("60", "65") or "81" <= two <= "89":
        return "rupay"
    return "unknown"


def _expiry(month: Any, year: Any) -> tuple[int, int]:
    if month is None or year is None:
        raise InvalidCard("card.expiry_month and card.expiry_year are required")
    month_text, year_text = _digits(month), _digits(year)
    if not _SHORT_NUMBER.fullmatch(month_text) or not 1 <= int(month_text) <= 12:
        raise ExpiredCard("card.expiry_month must be between 1 and 12")
    if not _YEAR.fullmatch(year_text):
        raise ExpiredCard("card.expiry_year must have two or four digits")
    return int(month_text), int(year_text) + (2000 if len(year_text) == 2 else 0)


def _digits(value: Any) -> str:
    """A number that may come as a string or an integer; anything else becomes what no pattern matches."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _check_not_expired(month: int, year: int, today: datetime) -> None:
    if (year, month) < (today.year, today.month):
        raise ExpiredCard("Card has expired")


def _check_cvv(value: Any) -> None:
    if not _CVV.fullmatch(_digits(value)):
        raise InvalidCard("card.cvv must have three or four digits")


def _holder(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > HOLDER_MAX_LENGTH:
        raise InvalidCard(f"card.holder_name must be 1 to {HOLDER_MAX_LENGTH} characters long")
    return value.strip()
