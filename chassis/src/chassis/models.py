"""The chassis' own table."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, DateTime, Text, text
from sqlmodel import Field, SQLModel

__all__ = ["WorkerHeartbeat"]


class WorkerHeartbeat(SQLModel, table=True):
    """One row per running worker process, renewed every two seconds."""

    __tablename__ = "worker_heartbeats"

    worker_id: str = Field(sa_column=Column(Text, primary_key=True))
    queue: str = Field(sa_column=Column(Text, nullable=False))
    beat_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")))
