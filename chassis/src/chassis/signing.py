"""Webhook signatures: the plain HMAC that merchants know, and the three headers of Standard Webhooks.

Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["hex_signature", "new_signing_secret", "signing_keys", "standard_signatures"]

_PREFIX = "whsec_"
# The specification asks for 24 to 64 bytes.
_KEY_BYTES = 24


def new_signing_secret() -> str:
    """``whsec_`` and 24 random bytes in base64: a form that every Standard Webhooks library takes as it is."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii")


def hex_signature(secret: str, body: bytes) -> str:
    """Lowercase hex HMAC-SHA256 of the body; the key is the secret as a string, prefix and all."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


@lru_cache(maxsize=4096)
def signing_keys(secret: str) -> tuple[bytes, ...]:
    """The keys that Standard Webhooks libraries may derive from a secret, best first.

    A secret of ours is base64 after its prefix and gives one key. One that is not proper base64, such as a
    hand-written ``whsec_test_abc123``, is read in two ways out there: the Python library skips what base64 does not
    know, others take the secret's own bytes. The header may carry several signatures, so each finds its own.
    """
    encoded = secret.removeprefix(_PREFIX)
    try:
        return (base64.b64decode(encoded, validate=True),)
    except binascii.Error:
        own = secret.encode()
    try:
        return tuple(key for key in (base64.b64decode(encoded + "=="), own) if key)
    except (binascii.Error, ValueError):
        return (own,)


def standard_signatures(secrets_in_use: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> str:
    """The ``webhook-signature`` header: ``v1,…`` over ``id.timestamp.body`` for each key, joined by spaces."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    keys = [key for secret in secrets_in_use for key in signing_keys(secret)]
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii") for key in keys)
