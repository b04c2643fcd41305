"""The tables that this context owns."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

__all__ = ["IdempotencyKeyRow", "LoginAttempt", "Merchant", "MerchantSession"]


def _timestamp(nullable: bool = False) -> Column[Any]:
    default = None if nullable else text("now()")
    return Column(DateTime(timezone=True), nullable=nullable, server_default=default)


class Merchant(SQLModel, table=True):
    """An account. ``api_secret`` and ``webhook_secret`` are shown to their owner, so they are stored as they are;
    the password is stored as an argon2 hash, and is absent while nobody has set one."""

    __tablename__ = "merchants"
    __table_args__ = (CheckConstraint("email = lower(email)", name="merchants_email_is_normalised"),)

    id: UUID = Field(
        default=None, sa_column=Column(PgUuid(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()"))
    )
    name: str = Field(sa_column=Column(String(255), nullable=False))
    email: str = Field(sa_column=Column(String(255), nullable=False, unique=True))
    password_hash: str | None = Field(default=None, sa_column=Column(Text), repr=False)
    api_key: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    api_secret: str = Field(sa_column=Column(String(64), nullable=False), repr=False)
    webhook_url: str | None = Field(default=None, sa_column=Column(Text))
    webhook_secret: str | None = Field(default=None, sa_column=Column(String(64)), repr=False)
    previous_webhook_secret: str | None = Field(default=None, sa_column=Column(String(64)), repr=False)
    previous_webhook_secret_expires_at: datetime | None = Field(default=None, sa_column=_timestamp(nullable=True))
    public_orders_enabled: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    is_active: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    created_at: datetime = Field(default=None, sa_column=_timestamp())
    updated_at: datetime = Field(default=None, sa_column=_timestamp())


class IdempotencyKeyRow(SQLModel, table=True):
    """A used ``Idempotency-Key`` with the answer it got; written through ``chassis.idempotency``."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_expires_at", "expires_at"),)

    merchant_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), ForeignKey("merchants.id"), primary_key=True))
    endpoint: str = Field(sa_column=Column(String(64), primary_key=True))
    key: str = Field(sa_column=Column(String(255), primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status_code: int = Field(sa_column=Column(Integer, nullable=False))
    response: Any = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=_timestamp())
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class MerchantSession(SQLModel, table=True):
    """A sign-in at the dashboard, known by the SHA-256 of the token that the browser keeps in its cookie.

    Other services read it as ``merchant_session_credentials``, where only live ones appear."""

    __tablename__ = "merchant_sessions"
    __table_args__ = (
        CheckConstraint("octet_length(token_digest) = 32", name="merchant_sessions_token_digest"),
        CheckConstraint("expires_at > created_at", name="merchant_sessions_expires_at"),
        Index("merchant_sessions_expiry", "expires_at"),
    )

    token_digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    merchant_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), ForeignKey("merchants.id"), nullable=False))
    created_at: datetime = Field(default=None, sa_column=_timestamp())
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=_timestamp(nullable=True))


class LoginAttempt(SQLModel, table=True):
    """Failed and running sign-ins of one subject (an address, or an address with an e-mail) in the current window."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        CheckConstraint("octet_length(subject) = 32", name="login_attempts_subject"),
        CheckConstraint("failures >= 0", name="login_attempts_failures"),
        Index("login_attempts_expiry", "expires_at"),
    )

    subject: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    failures: int = Field(sa_column=Column(Integer, nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
