"""Lists: ``{"data", "total", "limit", "offset"}``, newest first."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field, WithJsonSchema

from chassis.errors import BadRequest

__all__ = ["LIMIT_DEFAULT", "LIMIT_MAX", "OFFSET_MAX", "From", "Limit", "Moment", "Offset", "Page", "To", "page", "period"]

LIMIT_DEFAULT = 10
LIMIT_MAX = 100
# Rows that are skipped are still read: whoever needs to go deeper narrows the period instead.
OFFSET_MAX = 10_000

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows on the page")]
Offset = Annotated[int, Query(ge=0, le=OFFSET_MAX, description="Rows to skip")]
_MOMENT = {
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "maxLength": 0, "description": "As if it had not been sent, which is what empty form fields mean"},
    ],
    "examples": ["2024-01-15"],
}
Moment = Annotated[str, Field(max_length=40), WithJsonSchema(_MOMENT)]
From = Annotated[Moment | None, Query(alias="from", description="Created at or after: ISO 8601 time, or a day (UTC)")]
To = Annotated[Moment | None, Query(alias="to", description="Created before this time, or up to the end of this day (UTC)")]


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list, newest first. ``total`` counts all rows that match."""

    data: list[Item]
    total: Annotated[int, Field(ge=0, examples=[1])]
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, examples=[LIMIT_DEFAULT])]
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX, examples=[0])]


def page(data: list[Any], total: int, limit: int, offset: int) -> dict[str, Any]:
    return {"data": data, "total": total, "limit": limit, "offset": offset}


def period(start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """The half-open period [from, to) that two query parameters mean; a plain day as ``to`` is inclusive."""
    return _moment("from", start, 0), _moment("to", end, 1)


def _moment(name: str, text: str | None, extra_days: int) -> datetime | None:
    if not text:
        return None
    try:
        if len(text) == len("2024-01-15"):
            day = date.fromisoformat(text) + timedelta(days=extra_days)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        # A plus sign that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} must be an ISO 8601 date or time") from None
