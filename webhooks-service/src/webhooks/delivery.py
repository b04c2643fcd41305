"""The delivery engine: claim – call – record, with no database session open while it waits on the network.

Three threads meet here. The dispatcher's claims due rows; the queue's tasks load them and hand them over, waiting
where the process is full; the engine's event loop makes the POSTs; and the engine's recorder writes the results, all
that are there in one statement (one UPDATE each measured 3.5 times slower). Nothing is kept in memory alone: what a
killed process had under way is due again when its lease ends, with its attempts not counted.
"""

from __future__ import annotations

import asyncio
import queue
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import islice

import orjson
import psycopg2
import uvloop
from chassis.db import Cursor, Database, KeptConnection, is_unavailable
from chassis.jobs import JobSource, Periodic
from chassis.logging import get_logger
from chassis.metrics import JOBS_DONE
from chassis.times import now, wire_time
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from webhooks import repository
from webhooks.contract import DELIVER_TASK, QUEUE
from webhooks.pacing import Pacing
from webhooks.repository import AttemptResult, Delivery
from webhooks.sender import LocalTrouble, Resolver, Sender, create_sender
from webhooks.settings import DeliverySettings

__all__ = ["DeliveryEngine"]

# Results gather this long before they are written together.
_RECORD_INTERVAL_S = 0.01
_RECORD_BATCH_LIMIT = 500
_RECONNECT_INTERVAL_S = 0.5
# The time-out of the last POST and a moment to write it down; an orchestrator gives ten seconds in all.
_STOP_TIMEOUT_S = 6.0
# A task that waits for room takes what is there only from so many on: a query per row would be the slower way.
_ROOM_WORTH_TAKING = 25
# As long as fewer rows than these are due, looking at them tells which merchants have any.
_DUE_SEEN_LIMIT = 1000
# Beyond that, all merchants with due rows are looked up so often (15 ms for 5,000 of them) and served in turn, so many
# per claim: each has at least one row, and 500 rows make a claim.
_ROUND_INTERVAL_S = 0.2
_MERCHANTS_PER_CLAIM = 500
_MERCHANTS_PER_ROUND = 5000
# Before all others.
_NO_MERCHANT = "00000000-0000-0000-0000-000000000000"
_BACKLOG_INTERVAL_S = 15.0
_BACKLOG_COUNT_LIMIT = 100_000

_BACKLOG = Gauge("webhooks_due", "Deliveries due or under way, counted up to 100,000")
_IN_FLIGHT = Gauge("webhooks_in_flight", "POSTs under way in this process")

log = get_logger(__name__)


class DeliveryEngine:
    """One per worker process: ``start``, then tasks call ``deliver`` from any thread, then ``stop``."""

    def __init__(self, database: Database, settings: DeliverySettings, resolver: Resolver | None = None):
        self._database = database
        self._settings = settings
        self._resolver = resolver
        self._pacing = Pacing(settings)
        self._round: deque[str] = deque()
        self._round_ends = 0.0
        self._round_begins_after = _NO_MERCHANT
        # Ids under way, from the moment a task takes them until their result is written.
        self._in_flight: set[str] = set()
        self._room = threading.Condition()
        self._stopping = threading.Event()
        self._results: queue.SimpleQueue[AttemptResult | None] = queue.SimpleQueue()
        self._loop_ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sender: Sender | None = None
        self._loop_stop: asyncio.Event | None = None
        self._loop_thread = threading.Thread(target=self._run_loop, name="webhook-loop", daemon=True)
        self._recorder = threading.Thread(target=self._run_recorder, name="webhook-recorder", daemon=True)

    # --- claim ---

    def job_source(self) -> JobSource:
        return JobSource(QUEUE, DELIVER_TASK, repository.DUE, self.claim, repository.release)

    def periodic(self) -> list[Periodic]:
        return [Periodic("webhook-backlog", _BACKLOG_INTERVAL_S, _measure_backlog)]

    def claim(self, cursor: Cursor, limit: int) -> list[str]:
        """Leases due deliveries: no more than this process has room for, and per merchant no more than its window."""
        limit = min(limit, self._settings.webhook_in_flight_limit - len(self._in_flight))
        if limit <= 0 or self._stopping.is_set():
            return []
        repository.walk_indexes(cursor)
        merchants = self._merchants_with_due(cursor)
        # In varying order, or those at the end would get what the others leave.
        random.shuffle(merchants)
        windows = self._pacing.windows(merchants)
        if not windows:
            return []
        return repository.claim_due(cursor, windows, lease_s=self._settings.lease_s, limit=limit)

    def _merchants_with_due(self, cursor: Cursor) -> list[str]:
        """Everybody's backlog is short: those who are in it. Somebody's is long: the next of all who have one."""
        seen = repository.merchants_with_due(cursor, _DUE_SEEN_LIMIT)
        if sum(seen.values()) < _DUE_SEEN_LIMIT:
            return list(seen)
        if time.monotonic() >= self._round_ends:
            found = repository.merchants_with_due_after(cursor, self._round_begins_after, _MERCHANTS_PER_ROUND)
            self._round_begins_after = found[-1] if len(found) == _MERCHANTS_PER_ROUND else _NO_MERCHANT
            # Each round begins with somebody else: it may be over before everybody has had a turn.
            self._round = deque(random.sample(found, len(found)))
            self._round_ends = time.monotonic() + _ROUND_INTERVAL_S
        turn = list(islice(self._round, _MERCHANTS_PER_CLAIM))
        self._round.rotate(-len(turn))
        return turn

    # --- call ---

    def start(self) -> None:
        self._loop_thread.start()
        self._loop_ready.wait()
        self._recorder.start()

    def deliver(self, ids: Sequence[str]) -> None:
        """Begins the deliveries, in parts as room comes; returns when the last has begun. Ids that are under way here
        already, delivered, or no longer leased are left alone."""
        waiting = list(dict.fromkeys(ids))
        while waiting and not self._stopping.is_set():
            taken, waiting = self._take(waiting)
            if taken:
                self._begin(taken)
        self._give_back(waiting)

    def _take(self, ids: list[str]) -> tuple[list[str], list[str]]:
        """Waits for room, then marks as many ids as fit as under way: (those to begin, those still to wait)."""
        wanted = min(len(ids), _ROOM_WORTH_TAKING, self._settings.webhook_in_flight_limit)
        with self._room:
            self._room.wait_for(lambda: self._stopping.is_set() or self._free() >= wanted)
            if self._stopping.is_set():
                return [], ids
            room = self._free()
            fresh = [log_id for log_id in ids[:room] if log_id not in self._in_flight]
            self._in_flight.update(fresh)
            return fresh, ids[room:]

    def _free(self) -> int:
        return self._settings.webhook_in_flight_limit - len(self._in_flight)

    def _begin(self, ids: list[str]) -> None:
        deliveries: list[Delivery] = []
        try:
            with self._database.cursor() as cursor:
                deliveries = repository.load_leased(cursor, ids, lease_needed_s=self._settings.lease_needed_s)
        except (SQLAlchemyError, psycopg2.Error) as error:
            # Their leases end, and they are due again.
            log.warning("deliveries not loaded", count=len(ids), error=type(error).__name__)
        finally:
            self._done(set(ids) - {delivery.id for delivery in deliveries})
        if deliveries:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._start_tasks, deliveries)

    def _done(self, ids: set[str]) -> None:
        if ids:
            with self._room:
                self._in_flight -= ids
                _IN_FLIGHT.set(len(self._in_flight))
                self._room.notify_all()

    def _give_back(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        try:
            with self._database.cursor() as cursor:
                repository.release(cursor, ids)
        except (SQLAlchemyError, psycopg2.Error) as error:
            log.warning("deliveries not given back", count=len(ids), error=type(error).__name__)

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop_stop = asyncio.Event()
        self._sender = await create_sender(self._settings, self._resolver)
        self._loop_ready.set()
        await self._loop_stop.wait()
        await self._sender.close()

    def _start_tasks(self, deliveries: Sequence[Delivery]) -> None:
        assert self._loop is not None and self._sender is not None
        for delivery in deliveries:
            self._pacing.started(delivery.merchant_id)
            task = self._loop.create_task(self._sender.send(delivery))
            task.add_done_callback(partial(self._ended, delivery))

    def _ended(self, delivery: Delivery, task: asyncio.Task[AttemptResult]) -> None:
        if task.cancelled() or isinstance(task.exception(), LocalTrouble):
            # Not tried: its lease ends, and it is due again.
            self._pacing.finished(delivery.merchant_id, timed_out=False, succeeded=False, duration_s=0)
            self._done({delivery.id})
            return
        if (error := task.exception()) is not None:
            # Counted as an attempt, or it would come back for ever.
            log.error("delivery broke", webhook_id=delivery.id, request_id=delivery.request_id, exc_info=error)
            result = AttemptResult(delivery, now(), succeeded=False, duration_ms=0, error="The delivery broke off")
        else:
            result = task.result()
        self._pacing.finished(
            delivery.merchant_id,
            timed_out=result.timed_out,
            succeeded=result.succeeded,
            duration_s=result.duration_ms / 1000,
        )
        self._results.put(result)

    # --- record ---

    def _run_recorder(self) -> None:
        connection = KeptConnection(self._database)
        more = True
        while more:
            batch, more = self._next_batch()
            if batch:
                self._record(connection, batch)
                self._report(batch)
                self._done({result.delivery.id for result in batch})
        connection.close()

    def _next_batch(self) -> tuple[list[AttemptResult], bool]:
        """What has come in within the interval of the first; and whether more is to come."""
        result = self._results.get()
        batch: list[AttemptResult] = []
        if result is not None:
            time.sleep(_RECORD_INTERVAL_S)
        while result is not None:
            batch.append(result)
            if len(batch) == _RECORD_BATCH_LIMIT:
                return batch, True
            try:
                result = self._results.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _record(self, connection: KeptConnection, batch: list[AttemptResult]) -> None:
        """Writes the results; while the database is away, waits for it, for at most as long as the leases last."""
        give_up = time.monotonic() + self._settings.lease_s
        while True:
            try:
                with connection.transaction() as cursor:
                    repository.record_attempts(cursor, batch, self._settings.retry_intervals_s)
                return
            except psycopg2.Error as error:
                log.warning("results not recorded", count=len(batch), error=type(error).__name__)
                if not is_unavailable(error) and len(batch) > 1:
                    # One that the database refuses must not take the others with it.
                    for result in batch:
                        self._record(connection, [result])
                    return
                if not is_unavailable(error) or self._stopping.is_set() or time.monotonic() > give_up:
                    return
            self._stopping.wait(_RECONNECT_INTERVAL_S)

    def _report(self, batch: Sequence[AttemptResult]) -> None:
        """One log line per attempt, written together and past structlog, which costs more than the POST."""
        moment = wire_time(now())
        lines = []
        for result in batch:
            line = {
                "event": "webhook attempt",
                "level": "info",
                "service": "webhooks-worker",
                "timestamp": moment,
                "request_id": result.delivery.request_id,
                "merchant_id": result.delivery.merchant_id,
                "webhook_id": result.delivery.id,
                "webhook_event": result.delivery.event,
                "attempt": result.delivery.attempts + 1,
                "succeeded": result.succeeded,
                "response_code": result.response_code,
                "duration_ms": result.duration_ms,
                "error": result.error,
            }
            lines.append(orjson.dumps(line).decode() + "\n")
        sys.stdout.write("".join(lines))
        succeeded = sum(result.succeeded for result in batch)
        JOBS_DONE.labels(QUEUE, "success").inc(succeeded)
        JOBS_DONE.labels(QUEUE, "failed").inc(len(batch) - succeeded)

    # --- stop ---

    def close(self) -> None:
        """Takes nothing more: tasks that wait for room give back what they hold."""
        self._stopping.set()
        with self._room:
            self._room.notify_all()

    def stop(self) -> None:
        """Finishes and records what is under way, for at most six seconds; the rest is due again with its lease."""
        self.close()
        with self._room:
            self._room.wait_for(lambda: not self._in_flight, _STOP_TIMEOUT_S)
        self._results.put(None)
        self._recorder.join(1)
        assert self._loop is not None and self._loop_stop is not None
        self._loop.call_soon_threadsafe(self._loop_stop.set)
        self._loop_thread.join(1)


def _measure_backlog(cursor: Cursor) -> None:
    _BACKLOG.set(repository.count_due(cursor, _BACKLOG_COUNT_LIMIT))
