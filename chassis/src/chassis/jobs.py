"""Jobs that are rows first: a dispatcher claims due rows and hands their ids to a Celery queue.

PostgreSQL is the truth and Redis only carries. A claim is a lease: whoever does not finish in time (killed, Redis
flushed, network gone) loses it, and the row is due again. Tasks are therefore written so that twice, late or after a
crash gives the same end. Rows due together travel in one message: a quiet system sends one id, a busy one hundreds.
"""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
import psycopg2
import redis
from redis.exceptions import RedisError

from chassis.db import Cursor, Database, KeptConnection, is_unavailable
from chassis.heartbeat import BEAT_INTERVAL_S, beat, stop_beating, worker_id_of
from chassis.logging import get_logger
from chassis.metrics import JOBS_CLAIMED

__all__ = ["CLAIM_LIMIT", "Consumer", "Dispatcher", "JobSource", "Periodic", "job_totals"]

# Rows per message: settling 500 in one transaction measured 2,000 a second; more only makes the first wait.
CLAIM_LIMIT = 500
POLL_INTERVAL_S = 0.02
# After a while with nothing to do. Asking costs PostgreSQL and the worker 300 µs each: three idle workers that ask
# fifty times a second take a tenth of a core.
IDLE_POLL_INTERVAL_S = 0.05
IDLE_AFTER_S = 1.0
# Messages that may wait in Redis per queue. A backlog belongs into the table, where it survives.
QUEUE_DEPTH_LIMIT = 8
_RECONNECT_INTERVAL_S = 0.5
_REDIS_TIMEOUT_S = 2
# A message that nobody takes for this long, with workers that say they live: their consumers are stuck, as Celery's have
# been seen to be after Redis was away. Longer than three leases, so that no busy worker is meant.
UNTAKEN_LIMIT_S = 30.0
# The same of a worker that has nothing to do and takes nothing: as long as its consumer may take to find Redis again.
IDLE_LIMIT_S = 10.0
_UNTAKEN_LOOK_INTERVAL_S = 1.0
# EX_SOFTWARE of sysexits.h: whoever supervises this process starts it again.
_EXIT_STUCK = 70

log = get_logger(__name__)


@dataclass(frozen=True)
class JobSource:
    """Due rows of one kind. ``due`` is a query that has a row where there are any, ``claim(cursor, limit)`` leases up to
    ``limit`` of them and returns their ids, ``release(cursor, ids)`` makes them due again at once, for when they could
    not be handed over."""

    queue: str
    task: str
    due: str
    claim: Callable[[Cursor, int], list[str]]
    release: Callable[[Cursor, Sequence[str]], None]


@dataclass(frozen=True)
class Periodic:
    """Housekeeping every ``interval_s``, safe to run in several workers at once.

    It runs in the dispatcher's own thread, where due jobs wait for it; ``apart`` gives what may take longer than a
    moment a thread and a connection of its own.
    """

    name: str
    interval_s: float
    run: Callable[[Cursor], None]
    apart: bool = False


@dataclass(frozen=True)
class Consumer:
    """What this process takes from the queue: how many messages so far, and how many it is at work on."""

    taken: Callable[[], int]
    in_hand: Callable[[], int]


class QueueWatch:
    """Notices a queue that nobody takes from, by the message that is next in it, and a consumer that leaves it there."""

    def __init__(self, connection: redis.Redis, queue: str, consumer: Consumer):
        self._redis = connection
        self._queue = queue
        self._consumer = consumer
        self._next: object = None
        self._untaken_s = 0.0
        self._taken = 0
        self._idle_s = 0.0
        self._looked_at = time.monotonic()

    def is_stuck(self) -> bool:
        """Whether the same message has been next for too long, over looks at least a second apart; or whether, since
        the last one that this process took, messages have waited for too long in all while it had nothing to do.

        The second sum outlives what is next: a queue that is emptied, by FLUSHALL or by other workers, starts the first
        one anew. A pause between two looks counts for a second at most: after this process was frozen, or waited for
        PostgreSQL, the others have not had their chance yet.
        """
        clock = time.monotonic()
        if clock - self._looked_at < _UNTAKEN_LOOK_INTERVAL_S:
            return False
        self._looked_at = clock
        next_message = self._redis.lindex(self._queue, -1)
        same = next_message is not None and next_message == self._next
        self._untaken_s = self._untaken_s + _UNTAKEN_LOOK_INTERVAL_S if same else 0.0
        self._next = next_message
        taken = self._consumer.taken()
        if taken != self._taken or self._consumer.in_hand():
            self._taken, self._idle_s = taken, 0.0
        elif same:
            self._idle_s += _UNTAKEN_LOOK_INTERVAL_S
        return self._untaken_s >= UNTAKEN_LIMIT_S or self._idle_s >= IDLE_LIMIT_S


class Dispatcher:
    """A thread of every worker; any number may run side by side, ``SKIP LOCKED`` keeps them apart."""

    def __init__(
        self,
        database: Database,
        redis_url: str,
        queue: str,
        consumer: Consumer,
        sources: Sequence[JobSource],
        periodic: Sequence[Periodic] = (),
    ):
        self._database = database
        self._connection = KeptConnection(database)
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S)
        self._queue = queue
        self._watch = QueueWatch(self._redis, queue, consumer)
        self._sources = sources
        # Asked many times a second by every worker, mostly in vain: one round trip for all sources, no transaction.
        self._any_due = "SELECT " + ", ".join(f"EXISTS ({source.due})" for source in sources)
        self._periodic = dict.fromkeys((job for job in periodic if not job.apart), 0.0)
        self._apart = [job for job in periodic if job.apart]
        self._worker_id = worker_id_of(queue, socket.gethostname(), os.getpid())
        self._next_beat = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"dispatcher-{queue}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        for job in self._apart:
            threading.Thread(target=self._run_apart, args=(job,), name=f"periodic-{job.name}", daemon=True).start()

    def close(self) -> None:
        """Stops claiming. Returns at once, so that a signal handler may call it."""
        self._stopping.set()

    def stop(self) -> None:
        """Stops claiming and withdraws the heartbeat; what has been handed over is the workers' to finish."""
        self.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        last_busy_at = time.monotonic()
        while not self._stopping.is_set():
            try:
                self._maintain()
                with self._connection.reading() as cursor:
                    cursor.execute(self._any_due)
                    due = cursor.fetchone() or ()
                handed_over = sum(self._dispatch(source) for source, is_due in zip(self._sources, due, strict=True) if is_due)
                self._leave_if_stuck()
            except (psycopg2.Error, RedisError) as error:
                if isinstance(error, RedisError) or is_unavailable(error):
                    # Both come back; until then every job is safe in its row.
                    log.warning("dispatcher cannot work", queue=self._queue, error=type(error).__name__)
                else:
                    log.exception("dispatcher failed", queue=self._queue)
                self._stopping.wait(_RECONNECT_INTERVAL_S)
                continue
            clock = time.monotonic()
            if handed_over:
                last_busy_at = clock
            if handed_over < CLAIM_LIMIT:
                self._stopping.wait(POLL_INTERVAL_S if clock - last_busy_at < IDLE_AFTER_S else IDLE_POLL_INTERVAL_S)
        self._withdraw()

    def _leave_if_stuck(self) -> None:
        if self._watch.is_stuck():
            log.error("nobody takes from the queue: this worker ends to be started anew", queue=self._queue)
            # At once and without a word to Celery, which is what is stuck; everything leased is due again by itself.
            os._exit(_EXIT_STUCK)

    def _maintain(self) -> None:
        clock = time.monotonic()
        if clock >= self._next_beat:
            with self._connection.transaction() as cursor:
                beat(cursor, self._worker_id, self._queue)
            self._next_beat = clock + BEAT_INTERVAL_S
        for job, due in self._periodic.items():
            if clock >= due:
                self._periodic[job] = clock + job.interval_s
                with self._connection.transaction() as cursor:
                    job.run(cursor)

    def _run_apart(self, job: Periodic) -> None:
        connection = KeptConnection(self._database)
        while not self._stopping.wait(job.interval_s):
            try:
                with connection.transaction() as cursor:
                    job.run(cursor)
            except psycopg2.Error as error:
                log.warning("periodic job failed", job=job.name, queue=self._queue, error=type(error).__name__)
        connection.close()

    def _dispatch(self, source: JobSource) -> int:
        """Claims and hands over one batch. The claim is committed before Redis is spoken to."""
        if self._redis.llen(source.queue) >= QUEUE_DEPTH_LIMIT:
            return 0
        with self._connection.transaction() as cursor:
            ids = source.claim(cursor, CLAIM_LIMIT)
        if not ids:
            return 0
        try:
            self._redis.lpush(source.queue, celery_message(source.queue, source.task, ids))
        except RedisError:
            with self._connection.transaction() as cursor:
                source.release(cursor, ids)
            raise
        JOBS_CLAIMED.labels(source.queue).inc(len(ids))
        return len(ids)

    def _withdraw(self) -> None:
        try:
            with self._connection.transaction() as cursor:
                stop_beating(cursor, self._worker_id)
        except psycopg2.Error as error:
            log.warning("heartbeat not withdrawn", queue=self._queue, error=type(error).__name__)
        self._connection.close()


def celery_message(queue: str, task: str, ids: Sequence[str]) -> bytes:
    """A message of Celery's task protocol 2 as kombu's Redis transport stores it, for ``LPUSH`` to the queue's list.

    Made by hand because ``apply_async`` costs 420 µs and routes through a binding table in Redis that FLUSHALL
    deletes; the list itself needs none.
    Source: https://docs.celeryq.dev/en/stable/internals/protocol.html
    """
    message_id = str(uuid.uuid4())
    body = base64.b64encode(orjson.dumps([[list(ids)], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]))
    return orjson.dumps(
        {
            "body": body.decode("ascii"),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"lang": "py", "task": task, "id": message_id, "root_id": message_id, "parent_id": None, "group": None},
            "properties": {
                "correlation_id": message_id,
                "delivery_mode": 2,
                "delivery_tag": message_id,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": 0,
                "body_encoding": "base64",
            },
        }
    )


_JOB_VIEWS = (
    "SELECT c.relname FROM pg_class c WHERE c.relkind = 'v' AND c.relname LIKE '%\\_job\\_counts'"
    " AND has_table_privilege(c.oid, 'SELECT')"
)


def job_totals(cursor: Cursor) -> dict[str, int]:
    """Jobs not started, being run, done and failed, over every context that publishes a view
    ``<context>_job_counts (pending, processing, completed, failed)`` and lets this role read it."""
    cursor.execute(_JOB_VIEWS)
    totals = dict.fromkeys(("pending", "processing", "completed", "failed"), 0)
    for (view,) in cursor.fetchall():
        cursor.execute(f'SELECT pending, processing, completed, failed FROM "{view}"')
        for name, count in zip(totals, cursor.fetchone() or (), strict=True):
            totals[name] += int(count)
    return totals
