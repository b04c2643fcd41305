"""``GET /health`` and ``GET /metrics``.

The database decides: lost, the service is unhealthy (503). Redis and the workers only delay what has been accepted,
so without them it is degraded, and still 200.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal

import orjson
import psycopg2
import redis.asyncio
from fastapi import APIRouter
from pydantic import BaseModel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from chassis.db import Database
from chassis.heartbeat import live_queues
from chassis.metrics import CONTENT_TYPE_LATEST, generate_latest
from chassis.openapi import documented
from chassis.times import now, wire_time

__all__ = ["Health", "health_router"]

# The proxy and every orchestrator ask often and give up soon; a probe that hangs is a probe that failed.
PROBE_TIMEOUT_S = 1.5


class HealthBody(BaseModel):
    """``degraded`` means that work is accepted and waits; ``unhealthy`` comes with status 503."""

    status: Literal["healthy", "degraded", "unhealthy"]
    database: Literal["connected", "disconnected"]
    redis: Literal["connected", "disconnected"]
    worker: Literal["running", "stopped"]
    timestamp: datetime


class Health:
    def __init__(self, database: Database, redis_url: str, required_queues: frozenset[str]):
        self._database = database
        self._required_queues = required_queues
        self._redis = redis.asyncio.Redis.from_url(
            redis_url,
            socket_timeout=PROBE_TIMEOUT_S,
            socket_connect_timeout=PROBE_TIMEOUT_S,
            max_connections=4,
            # A connection that was kept since before Redis was restarted says so only when it is used; then it is made anew.
            retry=Retry(NoBackoff(), 1),
        )

    async def report(self) -> tuple[int, dict[str, str]]:
        queues, redis_connected = await asyncio.gather(self._queues(), self._redis_answers())
        worker_runs = queues is not None and queues >= self._required_queues
        status, code = "healthy", 200
        if queues is None:
            status, code = "unhealthy", 503
        elif not redis_connected or not worker_runs:
            status = "degraded"
        return code, {
            "status": status,
            "database": "disconnected" if queues is None else "connected",
            "redis": "connected" if redis_connected else "disconnected",
            "worker": "running" if worker_runs else "stopped",
            "timestamp": wire_time(now()),
        }

    async def _queues(self) -> set[str] | None:
        """The queues with a live worker, or None where the database does not answer."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._read_queues), PROBE_TIMEOUT_S)
        except (TimeoutError, SQLAlchemyError, psycopg2.Error):
            return None

    def _read_queues(self) -> set[str]:
        with self._database.cursor() as cursor:
            return live_queues(cursor)

    async def _redis_answers(self) -> bool:
        try:
            return bool(await asyncio.wait_for(self._redis.ping(), PROBE_TIMEOUT_S))
        except (TimeoutError, RedisError, OSError):
            return False

    async def close(self) -> None:
        await self._redis.aclose()


def health_router(health: Health) -> APIRouter:
    router = APIRouter()

    @router.get("/health", tags=["Platform"], **documented("getHealth", answer=HealthBody, unavailable=HealthBody))
    async def get_health() -> Response:
        """Whether money moves: database, Redis, workers."""
        code, report = await health.report()
        return Response(orjson.dumps(report), code, {"Cache-Control": "no-store"}, "application/json")

    @router.get("/metrics", include_in_schema=False)
    async def get_metrics() -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router
