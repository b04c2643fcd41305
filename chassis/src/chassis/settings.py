"""Settings from environment variables, checked once, at start.

A wrong value stops the process with exit code 78 (``EX_CONFIG`` of sysexits.h) and one line per variable on
stderr: ``configuration error: NAME: what is wrong``.
"""

from __future__ import annotations

import sys
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["EXIT_CONFIGURATION", "DatabaseSettings", "ProcessSettings", "ServiceSettings", "load"]

EXIT_CONFIGURATION = 78


class DatabaseSettings(BaseSettings):
    """Where PostgreSQL is, and how long anything may wait for it."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    database_url: str = Field(description="postgresql://role:password@host:port/database")
    # One URL for a whole platform, and each process still logs in as its own role: Compose cannot take a URL apart.
    database_role: str = Field(default="", description="Logs in as this role instead of the URL's")
    service_database_password: str = Field(default="", description="Of the login roles; default: the one in the URL")
    # As many as there are worker threads: a thread that waits for a connection while it holds a slot stalls everyone.
    database_pool_size: int = Field(default=8, ge=1, le=100)
    database_connect_timeout_s: int = Field(default=2, ge=1, le=60)
    # Nothing a request does takes longer than this unless it is stuck behind a lock.
    database_statement_timeout_ms: int = Field(default=5000, ge=100, le=600_000)
    # Locks are held for milliseconds; whoever holds one longer is frozen, and the client should hear of it in time.
    database_lock_timeout_ms: int = Field(default=1500, ge=100, le=600_000)
    # A process that froze in the middle of a transaction must not keep its locks. 0 turns it off.
    database_idle_transaction_timeout_ms: int = Field(default=10_000, ge=0, le=600_000)
    # Requests that may wait for a connection of the pool; one more is refused with 503.
    database_queue_limit: int = Field(default=512, ge=1, le=100_000)

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        if not value.startswith(("postgresql://", "postgres://", "postgresql+psycopg2://")):
            raise ValueError("must be a postgresql:// URL")
        return value


class ProcessSettings(DatabaseSettings):
    """What every long-running process takes."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    environment: Literal["development", "production"] = "development"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must be a redis:// URL")
        return value


class ServiceSettings(ProcessSettings):
    """What every HTTP service takes."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    # The proxy refuses larger bodies too; a service reached directly must not trust that.
    request_body_limit_bytes: int = Field(default=1_048_576, ge=1024, le=104_857_600)
    # How many requests may wait for the writer before the service says 503 rather than grow without bound.
    write_queue_limit: int = Field(default=4096, ge=1, le=1_000_000)
    # A request that the database has not answered by then gets 503: clients and the proxy give up soon after.
    write_timeout_ms: int = Field(default=2000, ge=100, le=60_000)


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings_class: type[Settings]) -> Settings:
    """The settings, or the end of the process with a line that names each wrong variable."""
    try:
        return settings_class()
    except ValidationError as error:
        _stop(error)


def _stop(error: ValidationError) -> NoReturn:
    for problem in error.errors(include_url=False, include_input=False):
        name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        message = problem["msg"].removeprefix("Value error, ")
        print(f"configuration error: {name}: {message}", file=sys.stderr, flush=True)
    sys.exit(EXIT_CONFIGURATION)
