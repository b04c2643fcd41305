"""The tables that this context owns."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

__all__ = ["Refund", "RefundBalance"]


def _moment(nullable: bool = False) -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=nullable, server_default=None if nullable else text("now()"))


class Refund(SQLModel, table=True):
    """Money on its way back. ``amount`` in paise; ``due_at`` is when the bank will have answered."""

    __tablename__ = "refunds"
    __table_args__ = (
        Index("refunds_payment_id", "payment_id"),
        Index("refunds_merchant_newest", "merchant_id", text("created_at DESC"), text("id DESC")),
        Index("refunds_status", "status"),
        Index("refunds_created_at", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index("refunds_due", "due_at", postgresql_where=text("status = 'pending'")),
    )

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    payment_id: str = Field(sa_column=Column(String(64), ForeignKey("payments.id"), nullable=False))
    merchant_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), ForeignKey("merchants.id"), nullable=False))
    amount: int = Field(sa_column=Column(Integer, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    status: str = Field(default="pending", sa_column=Column(String(20), nullable=False, server_default="pending"))
    due_at: datetime = Field(sa_column=_moment())
    lease_expires_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    request_id: str | None = Field(default=None, sa_column=Column(String(64)))
    created_at: datetime = Field(sa_column=_moment())
    processed_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class RefundBalance(SQLModel, table=True):
    """How much of a payment is refunded or about to be; a CHECK keeps it within the payment."""

    __tablename__ = "refund_balances"

    payment_id: str = Field(sa_column=Column(String(64), ForeignKey("payments.id"), primary_key=True))
    payment_amount: int = Field(sa_column=Column(Integer, nullable=False))
    refunded_amount: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
