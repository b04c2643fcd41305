"""Methods that a path does not have: always 405, and ``Allow`` names all that it has.

The framework's router names those of the first route alone, and takes ``GET /orders/public`` for an order called
«public». Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import Receive, Scope, Send

__all__ = ["UndeclaredMethods"]


class UndeclaredMethods(BaseRoute):
    """Goes before all routes and answers for paths without parameters where the method is not one of theirs."""

    def __init__(self, routes: Sequence[BaseRoute]):
        self._methods: defaultdict[str, set[str]] = defaultdict(set)
        for route in iter_route_contexts(routes):
            if route.path is not None:
                self._methods[route.path] |= set(route.methods or ())
        self._patterns = {path: compile_path(path)[0] for path in self._methods if "{" in path}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        declared = self._methods.get(scope["path"]) if scope["type"] == "http" else None
        undeclared = declared is not None and scope["method"] not in declared
        return (Match.FULL if undeclared else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (the framework's signature)
        raise HTTPException(405)

    def allowed(self, path: str) -> str:
        """The value of ``Allow`` for a path."""
        if path in self._methods:
            return _listed(self._methods[path])
        return _listed(
            method for known, pattern in self._patterns.items() if pattern.match(path) for method in self._methods[known]
        )


def _listed(methods: Iterable[str]) -> str:
    return ", ".join(sorted(set(methods)))
