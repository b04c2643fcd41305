"""Times on the wire: UTC, ISO 8601, whole seconds, ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now", "wire_time", "wire_time_or_none"]


def now() -> datetime:
    return datetime.now(UTC)


def wire_time(moment: datetime) -> str:
    """``2024-01-15T10:30:00Z``; fractions are cut, so a time never lies in the future of the clock that made it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wire_time_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else wire_time(moment)
