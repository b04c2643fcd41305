"""Bodies of the merchants API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis.requests import RequestModel, StorableText
from chassis.times import wire_time
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from merchants.models import Merchant
from merchants.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN

__all__ = [
    "LOG_IN_EXAMPLES",
    "SIGN_UP_EXAMPLES",
    "UPDATE_EXAMPLES",
    "ApiKeysBody",
    "LogIn",
    "MerchantBody",
    "SignUp",
    "TestMerchantBody",
    "UpdateMerchant",
    "WebhookSecretBody",
    "merchant_json",
]

# Bounds what is hashed and compared; a text this long is neither an address nor a password of anybody.
_CREDENTIAL_LENGTH_MAX = 1024


def _stripped(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise ValueError("must not be blank")
    return stripped


DisplayName = Annotated[
    StorableText,
    Field(max_length=255, json_schema_extra={"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}),
    AfterValidator(_stripped),
]
# Said for readers; ``accounts`` checks both, with words of its own.
_EMAIL: dict[str, Any] = {"format": "email"}
_PASSWORD: dict[str, Any] = {"format": "password", "minLength": PASSWORD_LENGTH_MIN, "maxLength": PASSWORD_LENGTH_MAX}


class SignUp(RequestModel):
    name: DisplayName
    email: Annotated[StorableText, Field(max_length=255, json_schema_extra=_EMAIL)]
    password: Annotated[StorableText, Field(max_length=_CREDENTIAL_LENGTH_MAX, repr=False, json_schema_extra=_PASSWORD)]


class LogIn(RequestModel):
    email: Annotated[StorableText, Field(max_length=_CREDENTIAL_LENGTH_MAX)]
    password: Annotated[StorableText, Field(max_length=_CREDENTIAL_LENGTH_MAX, repr=False)]


_URL: dict[str, Any] = {"pattern": r"^\s*(https?://[^\s@\u0000]+)?\s*$"}


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class UpdateMerchant(RequestModel):
    """Each field is optional; one that is absent stays as it is."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: DisplayName = ""
    webhook_url: Annotated[StorableText, Field(max_length=2048, json_schema_extra=_URL)] | None = None
    public_orders_enabled: bool = False


SIGN_UP_EXAMPLES = {"A shop": {"name": "Corner Shop", "email": "owner@corner-shop.example", "password": "seven-blue-lanterns"}}
LOG_IN_EXAMPLES = {"The test merchant, where it may have any password": {"email": "test@example.com", "password": "any"}}
UPDATE_EXAMPLES = {
    "Where webhooks go": {"webhook_url": "http://host.docker.internal:4000/webhook"},
    "No webhooks any more": {"webhook_url": None},
    "Another name": {"name": "Test Merchant"},
}


class MerchantBody(BaseModel):
    id: UUID
    name: Annotated[str, Field(examples=["Test Merchant"])]
    email: Annotated[str, Field(examples=["test@example.com"])]
    api_key: Annotated[str, Field(examples=["key_test_abc123"])]
    api_secret: Annotated[str, Field(examples=["secret_test_xyz789"])]
    webhook_url: Annotated[str | None, Field(examples=["http://host.docker.internal:4000/webhook"])]
    webhook_secret: Annotated[str | None, Field(examples=["whsec_test_abc123"])]
    public_orders_enabled: bool
    is_active: bool
    created_at: datetime
    updated_at: datetime


class WebhookSecretBody(BaseModel):
    webhook_secret: Annotated[str, Field(examples=["whsec_test_abc123"])]


class ApiKeysBody(BaseModel):
    """Shown here and in the merchant's own view. The pair before it is dead within five seconds."""

    api_key: Annotated[str, Field(examples=["key_test_abc123"])]
    api_secret: Annotated[str, Field(examples=["secret_test_xyz789"])]


class TestMerchantBody(BaseModel):
    id: UUID
    email: Annotated[str, Field(examples=["test@example.com"])]
    api_key: Annotated[str, Field(examples=["key_test_abc123"])]
    seeded: Literal[True]


def merchant_json(merchant: Merchant) -> dict[str, object]:
    return {
        "id": str(merchant.id),
        "name": merchant.name,
        "email": merchant.email,
        "api_key": merchant.api_key,
        "api_secret": merchant.api_secret,
        "webhook_url": merchant.webhook_url,
        "webhook_secret": merchant.webhook_secret,
        "public_orders_enabled": merchant.public_orders_enabled,
        "is_active": merchant.is_active,
        "created_at": wire_time(merchant.created_at),
        "updated_at": wire_time(merchant.updated_at),
    }
