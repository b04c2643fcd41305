"""What can be done with an account."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from chassis.ids import new_id
from chassis.signing import new_signing_secret
from chassis.times import now
from sqlmodel import Session

from merchants import repository
from merchants.errors import MerchantNotFound
from merchants.models import Merchant
from merchants.settings import PUBLISHED_WEBHOOK_SECRET, MerchantsSettings

__all__ = [
    "TEST_MERCHANT_ID",
    "get",
    "new_api_keys",
    "regenerate_webhook_secret",
    "rotate_api_keys",
    "seed_test_merchant",
    "update",
]

TEST_MERCHANT_ID = UUID("550e8400-e29b-41d4-a716-446655440000")
# Both secrets sign for a day, so that a merchant can change over without losing a delivery.
SECRET_OVERLAP = timedelta(hours=24)


def seed_test_merchant(session: Session, settings: MerchantsSettings) -> bool:
    """Creates the published test merchant once, by e-mail. False where its id or key belong to another e-mail already:
    then ``TEST_MERCHANT_EMAIL`` was changed after the first start, and the merchant of the first start stays."""
    repository.insert_unless_taken(
        session,
        Merchant(
            id=TEST_MERCHANT_ID,
            name="Test Merchant",
            email=settings.test_merchant_email,
            api_key=settings.test_api_key,
            api_secret=settings.test_api_secret,
            webhook_secret=PUBLISHED_WEBHOOK_SECRET,
            public_orders_enabled=True,
        ),
    )
    return repository.find_by_email(session, settings.test_merchant_email) is not None


def get(session: Session, merchant_id: str, *, for_update: bool = False) -> Merchant:
    merchant = repository.find(session, merchant_id, for_update=for_update)
    if merchant is None:
        raise MerchantNotFound()
    return merchant


def update(session: Session, merchant_id: str, changes: dict[str, str | bool | None]) -> Merchant:
    """Changes ``name``, ``webhook_url`` (checked already; None clears it) and ``public_orders_enabled``."""
    merchant = get(session, merchant_id, for_update=True)
    for name, value in changes.items():
        setattr(merchant, name, value)
    # A merchant that just gave a URL needs a secret to verify with.
    if merchant.webhook_url and not merchant.webhook_secret:
        merchant.webhook_secret = new_signing_secret()
    if changes:
        merchant.updated_at = now()
    return merchant


def regenerate_webhook_secret(session: Session, merchant_id: str) -> str:
    """A new secret. The old one goes on signing, in the Standard Webhooks header alone, for 24 hours."""
    merchant = get(session, merchant_id, for_update=True)
    merchant.previous_webhook_secret = merchant.webhook_secret
    merchant.previous_webhook_secret_expires_at = now() + SECRET_OVERLAP
    merchant.webhook_secret = new_signing_secret()
    merchant.updated_at = now()
    return merchant.webhook_secret


def rotate_api_keys(session: Session, merchant_id: str) -> tuple[str, str]:
    """A new key pair; the old one is dead everywhere within five seconds."""
    merchant = get(session, merchant_id, for_update=True)
    merchant.api_key, merchant.api_secret = new_api_keys()
    merchant.updated_at = now()
    return merchant.api_key, merchant.api_secret


def new_api_keys() -> tuple[str, str]:
    return new_id("key_live_"), "secret_live_" + secrets.token_urlsafe(24)
