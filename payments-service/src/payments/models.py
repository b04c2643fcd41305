"""The tables that this context owns."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, ForeignKey, Identity, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

__all__ = ["Payment", "PaymentTally", "TestJob"]


def _moment(nullable: bool = False) -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=nullable, server_default=None if nullable else text("now()"))


class Payment(SQLModel, table=True):
    """One attempt to pay an order. ``amount`` in paise; ``due_at`` is when the bank will have answered."""

    __tablename__ = "payments"
    __table_args__ = (
        Index("payments_order_id", "order_id"),
        Index("payments_status", "status"),
        Index("payments_created_at", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index("payments_merchant_newest", "merchant_id", text("created_at DESC"), text("id DESC")),
        Index("payments_due", "due_at", postgresql_where=text("status = 'pending'")),
        Index("payments_one_success_per_order", "order_id", unique=True, postgresql_where=text("status = 'success'")),
    )

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    order_id: str = Field(sa_column=Column(String(64), ForeignKey("orders.id"), nullable=False))
    merchant_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), ForeignKey("merchants.id"), nullable=False))
    amount: int = Field(sa_column=Column(Integer, nullable=False))
    currency: str = Field(sa_column=Column(String(3), nullable=False, server_default="INR"))
    method: str = Field(sa_column=Column(String(20), nullable=False))
    status: str = Field(default="pending", sa_column=Column(String(20), nullable=False, server_default="pending"))
    captured: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    vpa: str | None = Field(default=None, sa_column=Column(String(255)))
    card_network: str | None = Field(default=None, sa_column=Column(String(20)))
    card_last4: str | None = Field(default=None, sa_column=Column(String(4)))
    error_code: str | None = Field(default=None, sa_column=Column(String(50)))
    error_description: str | None = Field(default=None, sa_column=Column(Text))
    acquirer_instruction: str | None = Field(default=None, sa_column=Column(String(20)))
    due_at: datetime = Field(sa_column=_moment())
    lease_expires_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    request_id: str | None = Field(default=None, sa_column=Column(String(64)))
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


class PaymentTally(SQLModel, table=True):
    """An addition to how many payments a merchant has, and of how much, per day, method and status."""

    __tablename__ = "payment_tallies"
    __table_args__ = (Index("payment_tallies_group", "merchant_id", "day", "method", "status"),)

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    merchant_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    day: date = Field(sa_column=Column(Date, nullable=False))
    method: str = Field(sa_column=Column(String(20), nullable=False))
    status: str = Field(sa_column=Column(String(20), nullable=False))
    payments: int = Field(sa_column=Column(BigInteger, nullable=False))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))


class TestJob(SQLModel, table=True):
    """A job that does nothing but go through the queue, so that anybody can see whether the queue runs."""

    __tablename__ = "test_jobs"
    __table_args__ = (Index("test_jobs_due", "due_at", postgresql_where=text("status = 'pending'")),)

    id: UUID = Field(
        default=None, sa_column=Column(PgUuid(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()"))
    )
    status: str = Field(default="pending", sa_column=Column(String(20), nullable=False, server_default="pending"))
    due_at: datetime = Field(default=None, sa_column=_moment())
    lease_expires_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    created_at: datetime = Field(default=None, sa_column=_moment())
    finished_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
