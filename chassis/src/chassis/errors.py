"""The one error shape, ``{"error": {"code", "description"}}``, and the catalogue every context adds to."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

__all__ = [
    "ApiError",
    "BadRequest",
    "Conflicted",
    "Forbidden",
    "NotFound",
    "RateLimited",
    "ServerError",
    "Unauthenticated",
    "Unavailable",
    "error_body",
]


def error_body(code: str, description: str) -> bytes:
    return orjson.dumps({"error": {"code": code, "description": description}})


class ApiError(Exception):
    """An error that the client is told of. ``code`` is stable; ``description`` is for people."""

    status = 500
    code = "SERVER_ERROR"

    def __init__(self, description: str, *, headers: Mapping[str, str] | None = None, status: int | None = None):
        super().__init__(description)
        self.description = description
        self.headers = dict(headers or {})
        if status is not None:
            self.status = status

    def body(self) -> bytes:
        return error_body(self.code, self.description)


class BadRequest(ApiError):
    status = 400
    code = "BAD_REQUEST_ERROR"


class Unauthenticated(ApiError):
    status = 401
    code = "AUTHENTICATION_ERROR"

    def __init__(self, description: str = "Invalid API credentials"):
        super().__init__(description)


class Forbidden(ApiError):
    """Known caller, but the request cannot be trusted or is not allowed to it."""

    status = 403
    code = "BAD_REQUEST_ERROR"


class NotFound(ApiError):
    status = 404
    code = "NOT_FOUND_ERROR"


class Conflicted(ApiError):
    """An idempotency key came back with another body."""

    status = 422
    code = "IDEMPOTENCY_ERROR"


class RateLimited(ApiError):
    status = 429
    code = "RATE_LIMIT_ERROR"

    def __init__(self, description: str, retry_after_s: int):
        super().__init__(description, headers={"Retry-After": str(retry_after_s)})


class ServerError(ApiError):
    def __init__(self) -> None:
        super().__init__("An unexpected error occurred")


class Unavailable(ApiError):
    """The service cannot do this now but may shortly."""

    status = 503

    def __init__(self, description: str = "The service is temporarily unavailable", retry_after_s: int = 1):
        super().__init__(description, headers={"Retry-After": str(retry_after_s)})
