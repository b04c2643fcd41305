"""The tables that this context owns."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

__all__ = ["Event", "WebhookAttempt", "WebhookLog"]


def _created() -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _merchant() -> Column[Any]:
    return Column(PgUuid(as_uuid=True), ForeignKey("merchants.id"), nullable=False)


class Event(SQLModel, table=True):
    """Something that happened to a merchant's payment or refund, whether or not anybody was told."""

    __tablename__ = "events"
    __table_args__ = (
        Index("events_merchant_newest", "merchant_id", text("created_at DESC"), text("id DESC")),
        Index("events_created_at", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index("events_payment", "payment_id", "created_at", postgresql_where=text("payment_id IS NOT NULL")),
    )

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    merchant_id: UUID = Field(sa_column=_merchant())
    event: str = Field(sa_column=Column(String(50), nullable=False))
    payment_id: str | None = Field(default=None, sa_column=Column(String(64)))
    order_id: str | None = Field(default=None, sa_column=Column(String(64)))
    payload: Any = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=_created())


class WebhookLog(SQLModel, table=True):
    """One event on its way to its merchant. ``next_retry_at`` is when it is due; a lease hides it while it is tried."""

    __tablename__ = "webhook_logs"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'success', 'failed')", name="webhook_logs_status"),
        CheckConstraint("attempts BETWEEN 0 AND 5", name="webhook_logs_attempts"),
        CheckConstraint("(status = 'pending') = (next_retry_at IS NOT NULL)", name="webhook_logs_due"),
        Index("webhook_logs_merchant_newest", "merchant_id", text("created_at DESC"), text("id DESC")),
        Index("webhook_logs_status", "status"),
        Index("webhook_logs_next_retry_at", "next_retry_at", postgresql_where=text("status = 'pending'")),
        Index("webhook_logs_due_by_merchant", "merchant_id", "next_retry_at", postgresql_where=text("status = 'pending'")),
        Index("webhook_logs_event", "event_id"),
        Index("webhook_logs_payment", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
    )

    id: UUID = Field(
        default=None, sa_column=Column(PgUuid(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()"))
    )
    merchant_id: UUID = Field(sa_column=_merchant())
    event_id: str | None = Field(default=None, sa_column=Column(String(64), ForeignKey("events.id")))
    payment_id: str | None = Field(default=None, sa_column=Column(String(64)))
    event: str = Field(sa_column=Column(String(50), nullable=False))
    payload: Any = Field(sa_column=Column(JSON, nullable=False))
    status: str = Field(default="pending", sa_column=Column(String(20), nullable=False, server_default="pending"))
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    last_attempt_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    next_retry_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), server_default=text("now()")))
    lease_expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    response_code: int | None = Field(default=None, sa_column=Column(Integer))
    response_body: str | None = Field(default=None, sa_column=Column(Text))
    request_id: str | None = Field(default=None, sa_column=Column(String(64)))
    created_at: datetime = Field(sa_column=_created())


class WebhookAttempt(SQLModel, table=True):
    """One POST to a merchant and what came back. Never changed: a manual retry restarts the counter, not the history."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        Index("webhook_attempts_log", "webhook_log_id", "id"),
        Index("webhook_attempts_at", "attempted_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    )

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    webhook_log_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), ForeignKey("webhook_logs.id"), nullable=False))
    attempt: int = Field(sa_column=Column(Integer, nullable=False))
    attempted_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    succeeded: bool = Field(sa_column=Column(Boolean, nullable=False))
    duration_ms: int = Field(sa_column=Column(Integer, nullable=False))
    response_code: int | None = Field(default=None, sa_column=Column(Integer))
    response_body: str | None = Field(default=None, sa_column=Column(Text))
    error: str | None = Field(default=None, sa_column=Column(String(200)))
