"""Paths that are answered before FastAPI's router and middleware: the ones that are called thousands of times a second.

Why: router, dependency and middleware layers cost 150 µs of a request's 350; these take none of them. The very same
function is also registered with FastAPI, which documents it and answers other methods on its path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HotPaths"]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Response]])


@dataclass(frozen=True, slots=True)
class _Hot:
    """Also stands in for the route in ``scope["route"]``, where logs and metrics look for its path."""

    path: str
    endpoint: Callable[..., Awaitable[Response]]


class HotPaths:
    """A path is a whole path, or one whose last segment is a parameter: ``/api/v1/orders/{order_id}``."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], _Hot] = {}
        self._under: dict[tuple[str, str], _Hot] = {}

    def add(self, method: str, path: str) -> Callable[[Endpoint], Endpoint]:
        """A decorator for an endpoint that takes the request, and the last segment where that is a parameter."""

        def register(endpoint: Endpoint) -> Endpoint:
            parent, _, last = path.rpartition("/")
            if last.startswith("{"):
                self._under[(method, parent)] = _Hot(path, endpoint)
            else:
                self._exact[(method, path)] = _Hot(path, endpoint)
            return endpoint

        return register

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application with these paths in front of it."""
        if not self._exact and not self._under:
            return app

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            found = self._find(scope) if scope["type"] == "http" else None
            if found is None:
                await app(scope, receive, send)
                return
            hot, parameters = found
            scope["route"] = hot
            response = await hot.endpoint(Request(scope, receive), *parameters)
            await response(scope, receive, send)

        return answer

    def _find(self, scope: Scope) -> tuple[_Hot, tuple[Any, ...]] | None:
        method, path = scope["method"], scope["path"]
        if hot := self._exact.get((method, path)):
            return hot, ()
        parent, _, last = path.rpartition("/")
        hot = self._under.get((method, parent))
        # A last segment that is a path of its own, such as /orders/public, is the router's to know.
        return (hot, (last,)) if hot and "_" in last else None
