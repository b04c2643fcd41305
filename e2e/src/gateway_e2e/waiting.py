"""Waiting for conditions: tests name what they wait for, and fail with that name."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["wait_for"]

POLL_S = 0.02

Value = TypeVar("Value")


def wait_for(what: str, condition: Callable[[], Value | None], timeout_s: float = 15) -> Value:
    """The first truthy value of ``condition``; an AssertionError naming ``what`` when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(POLL_S)
