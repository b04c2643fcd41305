"""Structured logs: one JSON object a line on stdout, with the request id from the proxy to the worker."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

__all__ = ["configure", "get_logger"]

# Whatever a library or a careless line hands over under these names is masked before it reaches a sink.
_SECRET_NAMES = frozenset(
    {"api_secret", "authorization", "card", "cookie", "cvv", "number", "password", "secret", "token", "webhook_secret"}
)


def _mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in _SECRET_NAMES.intersection(event):
        event[name] = "***"
    return event


def _render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(event, default=repr).decode()


def configure(service: str, level: str) -> None:
    """Sends this process's own and its libraries' records to stdout as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _with_service(service), _render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their chatter at info repeats what the access log says.
    for name in ("uvicorn.error", "uvicorn.access", "httpx", "alembic", "celery", "kombu", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _with_service(service: str) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def get_logger(name: str) -> Any:
    return structlog.stdlib.get_logger(name)
