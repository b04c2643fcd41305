"""Which queues have a live worker: each writes its beat into PostgreSQL, so the answer does not depend on Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a health check asks every few seconds: it must not load SQLAlchemy for a name
    from chassis.db import Cursor

__all__ = ["BEAT_INTERVAL_S", "beat", "is_live_on", "live_queues", "stop_beating", "worker_id_of"]

BEAT_INTERVAL_S = 2.0
# Three missed beats: a worker busy with a large batch is not dead, one killed is missed soon enough to matter.
_LIVE_S = 6


def worker_id_of(queue: str, host: str, process_id: int) -> str:
    return f"{queue}@{host}:{process_id}"


def beat(cursor: Cursor, worker_id: str, queue: str) -> None:
    cursor.execute(
        "INSERT INTO worker_heartbeats (worker_id, queue) VALUES (%s, %s) ON CONFLICT (worker_id) DO UPDATE SET beat_at = now()",
        (worker_id, queue),
    )


def stop_beating(cursor: Cursor, worker_id: str) -> None:
    """Called at a graceful stop. Also drops the rows of workers that were killed long ago."""
    cursor.execute("DELETE FROM worker_heartbeats WHERE worker_id = %s OR beat_at < now() - interval '1 hour'", (worker_id,))


def live_queues(cursor: Cursor) -> set[str]:
    cursor.execute("SELECT DISTINCT queue FROM worker_heartbeats WHERE beat_at > now() - %s * interval '1 second'", (_LIVE_S,))
    return {queue for (queue,) in cursor.fetchall()}


def is_live_on(cursor: Cursor, host: str) -> bool:
    """Whether a worker of any queue beats on this host, which for a container is the container."""
    cursor.execute(
        "SELECT 1 FROM worker_heartbeats WHERE split_part(split_part(worker_id, '@', 2), ':', 1) = %s"
        " AND beat_at > now() - %s * interval '1 second' LIMIT 1",
        (host, _LIVE_S),
    )
    return cursor.fetchone() is not None
