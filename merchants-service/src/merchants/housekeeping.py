"""Deleting what has expired, so that tables stay as small as what is alive.

Nothing depends on it: expired rows are ignored wherever they are read. Every copy of the merchants service does it,
at times of its own; rows that another copy is deleting are passed over.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import psycopg2
from chassis.db import Cursor, Database
from chassis.idempotency import sweep_expired as sweep_idempotency_keys
from chassis.logging import get_logger
from sqlalchemy.exc import SQLAlchemyError

__all__ = ["Housekeeper", "sweep_idempotency_keys", "sweep_login_attempts", "sweep_sessions"]

# One transaction's worth: short enough for the statement timeout, and for replicas.
SWEEP_LIMIT = 10_000

log = get_logger(__name__)


def sweep_sessions(cursor: Cursor, limit: int = SWEEP_LIMIT) -> int:
    """Deletes up to ``limit`` expired sessions and returns how many. Revoked ones stay on record until they expire."""
    return _sweep(cursor, "merchant_sessions", limit)


def sweep_login_attempts(cursor: Cursor, limit: int = SWEEP_LIMIT) -> int:
    """Deletes up to ``limit`` counters whose window is over and returns how many."""
    return _sweep(cursor, "login_attempts", limit)


def _sweep(cursor: Cursor, table: str, limit: int) -> int:
    cursor.execute(
        f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE expires_at <= now() LIMIT %s FOR UPDATE SKIP LOCKED)",
        (limit,),
    )
    return cursor.rowcount


_SWEEPS: dict[str, Callable[[Cursor, int], int]] = {
    "idempotency_keys": sweep_idempotency_keys,
    "merchant_sessions": sweep_sessions,
    "login_attempts": sweep_login_attempts,
}


class Housekeeper:
    """Sweeps in the background of a service, about every ``interval_s``. Ends with the event loop it was started on."""

    def __init__(self, database: Database, interval_s: float):
        self._database = database
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def _run(self) -> None:
        while True:
            # Copies that were started together drift apart instead of meeting at the same rows every time.
            await asyncio.sleep(self._interval_s * random.uniform(0.5, 1.5))
            try:
                await asyncio.to_thread(self._sweep_all)
            except (SQLAlchemyError, psycopg2.Error) as error:
                log.warning("housekeeping failed", error=type(error).__name__)

    def _sweep_all(self) -> None:
        for table, sweep in _SWEEPS.items():
            deleted = SWEEP_LIMIT
            while deleted == SWEEP_LIMIT:
                with self._database.cursor() as cursor:
                    deleted = sweep(cursor, SWEEP_LIMIT)
                if deleted:
                    log.info("expired rows deleted", table=table, rows=deleted)
