"""JSON as it goes out: compact, and times as UTC in whole seconds with ``Z``."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["render"]

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS | orjson.OPT_NAIVE_UTC


def render(document: Any) -> bytes:
    """The bytes of a JSON document. Datetimes must be in UTC; they become ``2024-01-15T10:30:00Z``."""
    return orjson.dumps(document, option=_OPTIONS)
