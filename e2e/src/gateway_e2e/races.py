"""Races: the same call from many threads, released together, each on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx

__all__ = ["together"]

Value = TypeVar("Value")


def together(base_url: str, calls: Sequence[Callable[[httpx.Client], Value]]) -> list[Value]:
    """The result of each call. All start at once: each has opened its connection before the barrier lets it go."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[httpx.Client], Value]) -> Value:
        with httpx.Client(base_url=base_url, timeout=30) as http:
            http.get("/api/v1/test/merchant")
            barrier.wait(30)
            return call(http)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
