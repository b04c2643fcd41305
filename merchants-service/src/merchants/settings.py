"""Settings of authentication, which every service reads, and of the merchants service."""

from __future__ import annotations

from typing import Literal

from chassis.settings import ServiceSettings
from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from merchants.emails import normalised_email

__all__ = ["PUBLISHED_API_KEY", "PUBLISHED_API_SECRET", "PUBLISHED_WEBHOOK_SECRET", "AuthenticationSettings", "MerchantsSettings"]

# Everybody knows these: they stand in the documentation. In production no service accepts them.
PUBLISHED_API_KEY = "key_test_abc123"
PUBLISHED_API_SECRET = "secret_test_xyz789"
PUBLISHED_WEBHOOK_SECRET = "whsec_test_abc123"

# What can travel in a header without being trimmed or decoded on its way.
_HEADER_SAFE = r"^[\x21-\x7e]+$"


class AuthenticationSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    environment: Literal["development", "production"] = "development"
    # A rotated key, a deactivated merchant and an ended session are dead everywhere within this time; the promise is 5 s.
    credential_cache_ms: int = Field(default=2000, ge=0, le=5000)


class MerchantsSettings(ServiceSettings):
    test_merchant_email: str = Field(default="test@example.com", max_length=255)
    test_api_key: str = Field(default=PUBLISHED_API_KEY, min_length=8, max_length=64, pattern=_HEADER_SAFE)
    test_api_secret: str = Field(default=PUBLISHED_API_SECRET, min_length=8, max_length=64, pattern=_HEADER_SAFE)
    # The seeded test merchant signs in with any password. Never in production.
    test_merchant_any_password: bool = False
    # Webhook URLs may point to private and loopback addresses. The local set-ups turn it on.
    webhook_allow_private_targets: bool = False

    # A working day: whoever comes back the next morning signs in again.
    session_lifetime_hours: int = Field(default=12, ge=1, le=720)
    # Ten wrong guesses are more than a person needs, and far too few for a list of passwords.
    login_failures_per_account: int = Field(default=10, ge=1, le=1_000_000)
    # An office shares one address, so the address alone gets more.
    login_failures_per_address: int = Field(default=100, ge=1, le=1_000_000)
    login_window_minutes: int = Field(default=15, ge=1, le=1440)
    # Each hash takes 19 MiB and a core for 30 ms; as many at once as there are cores to work them.
    password_hash_concurrency: int = Field(default=2, ge=1, le=64)
    # Beyond this many waiting sign-ins (a second's work) the next one hears 503 instead of waiting for nothing.
    password_waiting_limit: int = Field(default=64, ge=1, le=10_000)
    # How often expired sessions, login attempts and idempotency keys are deleted. Correctness does not depend on it.
    housekeeping_interval_s: int = Field(default=60, ge=1, le=86_400)

    @field_validator("test_merchant_email")
    @classmethod
    def _is_email(cls, value: str) -> str:
        email = normalised_email(value)
        if email is None:
            raise ValueError("must be an e-mail address")
        return email

    @field_validator("test_merchant_any_password")
    @classmethod
    def _never_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("environment") == "production":
            raise ValueError("must not be true while ENVIRONMENT is production")
        return value
