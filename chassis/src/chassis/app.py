"""The application every service is made from, and the server it runs in."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import anyio.to_thread
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis import logging
from chassis.db import Database
from chassis.errors import ApiError, error_body
from chassis.health import Health, health_router
from chassis.hot_paths import HotPaths
from chassis.http import RequestLayer, access_log, error_for
from chassis.lanes import Lane
from chassis.methods import UndeclaredMethods
from chassis.openapi import document
from chassis.protocol import EnvelopeProtocol
from chassis.requests import describe
from chassis.settings import ServiceSettings

__all__ = ["JSON", "ApiResponse", "DrainingServer", "create_app", "serve"]

JSON = "application/json"
# At SIGTERM, open connections get this long to be ended by their other side, and then running requests this long.
_DRAIN_S = 3
_GRACEFUL_STOP_S = 5
_DRAIN_POLL_S = 0.02
_EXIT_NOT_STARTED = 3
# Longer than any proxy keeps an idle upstream connection, so that it is never the proxy that finds it closed.
_KEEP_ALIVE_S = 75


class Service(FastAPI):
    """FastAPI whose document says what the endpoints' decorators say, behind the request layer and the hot paths."""

    def __init__(self, *, hot: HotPaths, layer: Callable[[ASGIApp], ASGIApp], **options: Any):
        super().__init__(**options)
        self._hot = hot
        self._layer = layer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests go past FastAPI's own telemetry, which looks for a provider at each: 7 % of an order's CPU."""
        if scope["type"] != "http" or self.middleware_stack is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        return self._layer(self._hot.before(super().build_middleware_stack()))

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = document(self)
        return self.openapi_schema


class ApiResponse(Response):
    """Bytes that are JSON already."""

    media_type = JSON


def create_app(
    *,
    service: str,
    title: str,
    description: str = "",
    settings: ServiceSettings,
    database: Database,
    routers: Sequence[APIRouter],
    hot: HotPaths | None = None,
    required_queues: frozenset[str] = frozenset(),
    lanes: Sequence[Lane[Any, Any]] = (),
    on_start: Sequence[Callable[[], Awaitable[None]]] = (),
) -> FastAPI:
    """A FastAPI application with the envelope, health, metrics and logs that all services share.

    ``hot`` paths are answered before FastAPI. ``title`` and ``description`` head the endpoints in the documents.
    ``required_queues`` are those that this service counts on: without a live worker on each, it is degraded.
    """
    logging.configure(service, settings.log_level)
    health = Health(database, settings.redis_url, required_queues)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Threads beyond the pool would only wait for each other while they hold their slots.
        threads = settings.database_pool_size
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(threads, "use-case"))
        async with AsyncExitStack() as stack:
            stack.callback(access_log.write)
            stack.callback(database.close)
            stack.push_async_callback(health.close)
            for lane in lanes:
                await lane.start()
                stack.push_async_callback(lane.stop)
            for start in on_start:
                await start()
            # What has been imported by now stays: a collection that walks through all of it holds every request up.
            gc.collect()
            gc.freeze()
            yield

    app = Service(
        hot=hot or HotPaths(),
        layer=partial(RequestLayer, service=service, body_limit_bytes=settings.request_body_limit_bytes),
        title=title,
        version="1.0.0",
        openapi_tags=[{"name": title, "description": description}, {"name": "Platform"}],
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _unexpected_error)
    app.include_router(health_router(health))
    for router in routers:
        app.include_router(router, tags=[title])
    app.state.undeclared_methods = UndeclaredMethods(app.routes)
    app.router.routes.insert(0, app.state.undeclared_methods)
    return app


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return Response(error.body(), error.status, error.headers, JSON)


async def _http_exception(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        body = error_body("NOT_FOUND_ERROR", "The requested URL was not found")
    elif error.status_code == 405:
        body = error_body("BAD_REQUEST_ERROR", "Method not allowed")
        headers["Allow"] = request.app.state.undeclared_methods.allowed(request.scope["path"])
    else:
        body = error_body("BAD_REQUEST_ERROR", "The request could not be understood")
    return Response(body, error.status_code, headers, JSON)


async def _validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Response(error_body("BAD_REQUEST_ERROR", describe(error.errors()[0])), 400, media_type=JSON)


async def _unexpected_error(_: Request, error: Exception) -> Response:
    """Answers; the framework raises the error again for the request layer to log."""
    answer = error_for(error)
    return Response(answer.body(), answer.status, answer.headers, JSON)


class DrainingServer(uvicorn.Server):
    """Stops without failing a request.

    uvicorn closes idle connections at once, and the proxy may be sending a request into one at that very moment: it is
    lost, and a POST must not be sent again. Here every answer from now on asks the proxy to close, and what is idle is
    left to it: the connection always ends on the side that knows what it has sent.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self.server_state.default_headers.append((b"connection", b"close"))
        deadline = time.monotonic() + _DRAIN_S
        while self.server_state.connections and time.monotonic() < deadline and not self.force_exit:
            await asyncio.sleep(_DRAIN_POLL_S)
        await super().shutdown(sockets)


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Runs the application until SIGTERM, which lets running requests finish."""
    # A pipe is block-buffered by default: the last lines before a crash are the ones that matter.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    configuration = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=EnvelopeProtocol,
        ws="none",
        access_log=False,
        # Who the client is matters to sign-in alone, which reads the proxy's header itself.
        proxy_headers=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACEFUL_STOP_S,
        timeout_keep_alive=_KEEP_ALIVE_S,
        backlog=2048,
    )
    server = DrainingServer(configuration)
    server.run()
    if not server.started:
        sys.exit(_EXIT_NOT_STARTED)
