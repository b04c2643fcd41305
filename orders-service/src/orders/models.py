"""The table that this context owns."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, String, text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

__all__ = ["Order"]


class Order(SQLModel, table=True):
    """What a customer is asked to pay. ``amount`` is in the smallest unit of the currency (paise)."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("amount >= 100", name="orders_amount"),
        CheckConstraint("status IN ('created', 'paid')", name="orders_status"),
        Index("orders_created_at", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index("orders_merchant_newest", "merchant_id", text("created_at DESC"), text("id DESC")),
    )

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    merchant_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), ForeignKey("merchants.id"), nullable=False))
    amount: int = Field(sa_column=Column(Integer, nullable=False))
    currency: str = Field(default="INR", sa_column=Column(String(3), nullable=False, server_default="INR"))
    receipt: str | None = Field(default=None, sa_column=Column(String(255)))
    notes: Any = Field(sa_column=Column(JSON, nullable=False, server_default=text("'{}'")))
    status: str = Field(default="created", sa_column=Column(String(20), nullable=False, server_default="created"))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")))
    updated_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")))
