"""How many deliveries each merchant may have under way: a window that grows with success and shrinks with trouble.

A fixed cap must choose: small, and a healthy endpoint is slow; large, and a few that hang fill the process. What is
known of an endpoint decides instead. The knowledge is this process's own and is lost with it, which costs a few
round trips; how much is under way is counted in the database, over all processes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from webhooks.settings import DeliverySettings

__all__ = ["Pacing"]

# A response that takes longer than this earns no larger window once the process is half full.
_QUICK_S = 1.0
# Merchants remembered. The forgotten one that spoke longest ago begins anew.
_MERCHANTS_MAX = 20_000


class _Endpoint:
    __slots__ = ("in_flight", "window")

    def __init__(self, window: int):
        self.window = window
        self.in_flight = 0


class Pacing:
    """Called from the dispatcher's thread and the delivery loop's."""

    def __init__(self, settings: DeliverySettings):
        self._settings = settings
        self._endpoints: OrderedDict[str, _Endpoint] = OrderedDict()
        self._in_flight = 0
        self._suspects_in_flight = 0
        self._lock = threading.Lock()

    def windows(self, merchant_ids: Iterable[str]) -> dict[str, int]:
        """How many deliveries each of these may have under way; those that must wait their turn are left out.

        An endpoint whose window has shrunk to one is a suspect. All suspects together get a part of the process
        only: with more of them than that, they take turns, as the callers ask for them in varying order.
        """
        with self._lock:
            room = self._settings.webhook_in_flight_suspect_limit - self._suspects_in_flight
            allowed: dict[str, int] = {}
            for merchant_id in merchant_ids:
                endpoint = self._endpoints.get(merchant_id)
                if endpoint is None:
                    allowed[merchant_id] = self._settings.webhook_merchant_window_start
                elif endpoint.window > 1:
                    allowed[merchant_id] = endpoint.window
                elif room > 0 and not endpoint.in_flight:
                    room -= 1
                    allowed[merchant_id] = 1
            return allowed

    def started(self, merchant_id: str) -> None:
        with self._lock:
            endpoint = self._endpoints.get(merchant_id)
            if endpoint is None:
                endpoint = self._endpoints[merchant_id] = _Endpoint(self._settings.webhook_merchant_window_start)
                self._forget_one()
            self._endpoints.move_to_end(merchant_id)
            endpoint.in_flight += 1
            self._in_flight += 1
            self._suspects_in_flight += endpoint.window == 1

    def finished(self, merchant_id: str, *, timed_out: bool, succeeded: bool, duration_s: float) -> None:
        """Only time-outs count against an endpoint: they hold sockets, which an error 500 does not."""
        with self._lock:
            endpoint = self._endpoints[merchant_id]
            endpoint.in_flight -= 1
            self._in_flight -= 1
            self._resize(endpoint, self._next_window(endpoint.window, timed_out, succeeded, duration_s))

    def _next_window(self, window: int, timed_out: bool, succeeded: bool, duration_s: float) -> int:
        if timed_out:
            return max(1, window // 2)
        half_full = self._in_flight * 2 > self._settings.webhook_in_flight_limit
        if duration_s > _QUICK_S and half_full:
            return max(min(window, self._settings.webhook_merchant_window_start), window - 1)
        return min(self._settings.webhook_merchant_window_limit, window + 1) if succeeded or window == 1 else window

    def _resize(self, endpoint: _Endpoint, window: int) -> None:
        was_suspect = endpoint.window == 1
        endpoint.window = window
        if was_suspect and window > 1:
            # Those of it still under way were counted when they began, and one has just ended.
            self._suspects_in_flight -= endpoint.in_flight + 1
        elif was_suspect:
            self._suspects_in_flight -= 1
        elif window == 1:
            self._suspects_in_flight += endpoint.in_flight

    def _forget_one(self) -> None:
        if len(self._endpoints) <= _MERCHANTS_MAX:
            return
        for merchant_id, endpoint in self._endpoints.items():
            if not endpoint.in_flight:
                del self._endpoints[merchant_id]
                return
