"""What is done to the platform."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable

import psycopg2
import redis
from chassis.jobs import celery_message
from devstack.problems import StackError
from devstack.stack import Stack
from redis.exceptions import RedisError

from gateway_faults.cutting import CuttingProxy
from gateway_faults.journal import Fault, Journal

__all__ = ["Injector"]

QUEUES = {"payments": "payments.settle", "refunds": "refunds.settle", "webhooks": "webhooks.deliver"}
_TABLES = {"payments": "payments", "refunds": "refunds", "webhooks": "webhook_logs"}
PAUSE_MIN_S, PAUSE_MAX_S = 0.5, 3.0
FREEZE_MAX_S = 5.0
OUTAGE_MAX_S = 4.0


class Injector:
    """Draws faults from a shuffled deck, so that each kind has its turn, until told to stop."""

    def __init__(self, stack: Stack, cutting: CuttingProxy, seed: str, journal: Journal, done: threading.Event):
        self._stack = stack
        self._cutting = cutting
        self._random = random.Random(seed)
        self._journal = journal
        self._done = done
        self._redis = redis.Redis.from_url(stack.redis.url, socket_timeout=2, socket_connect_timeout=2)
        self._processes = [state.name for state in stack.states()]
        self._kinds: dict[str, Callable[[], str]] = {
            "kill -9": self._kill,
            "freeze": self._freeze,
            "restart": self._restart,
            "FLUSHALL": self._flush,
            "queue deleted": self._delete_queue,
            "Redis away": lambda: self._take_away("redis"),
            "PostgreSQL away": lambda: self._take_away("postgres"),
            "PostgreSQL backend killed": self._kill_backend,
            "connections cut": self._cut,
            "leases run out": self._expire_leases,
            "messages twice and out of order": self._repeat_messages,
        }

    def run(self) -> None:
        deck: list[str] = []
        while not self._done.wait(self._random.uniform(PAUSE_MIN_S, PAUSE_MAX_S)):
            if not deck:
                # Processes are what fails most; they have more than one card.
                deck = [*self._kinds, "kill -9", "kill -9", "freeze"]
                self._random.shuffle(deck)
            kind = deck.pop()
            at = self._journal.clock()
            try:
                target = self._kinds[kind]()
            except (StackError, RedisError, psycopg2.Error) as error:
                # What it was meant for is away already, by an earlier fault.
                target = f"nothing ({type(error).__name__})"
            self._journal.add(Fault(at, self._journal.clock(), kind, target))
        self._redis.close()

    def _kill(self) -> str:
        name = self._random.choice(self._processes)
        self._stack.kill(name, signal.SIGKILL)
        return name

    def _freeze(self) -> str:
        name = self._random.choice(self._processes)
        seconds = self._random.uniform(0.3, FREEZE_MAX_S)
        frozen = self._stack.kill(name, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in frozen:
            # By pid, not by name: a process that was replaced meanwhile is not the one that was stopped.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        return f"{name} for {seconds:.1f} s"

    def _restart(self) -> str:
        name = self._random.choice([name for name in self._processes if name not in ("postgres", "redis")])
        self._stack.restart(name)
        return name

    def _flush(self) -> str:
        for _ in range(5):
            self._redis.flushall()
            time.sleep(0.05)
        return "redis"

    def _delete_queue(self) -> str:
        queue = self._random.choice(list(QUEUES))
        self._redis.delete(queue)
        return queue

    def _take_away(self, name: str) -> str:
        seconds = self._random.uniform(0.2, OUTAGE_MAX_S)
        self._stack.stop_process(name)
        time.sleep(seconds)
        self._stack.start_process(name)
        return f"{name} for {seconds:.1f} s"

    def _kill_backend(self) -> str:
        """PostgreSQL takes the loss of one backend for possible corruption and restarts all of them."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid, usename FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            pid, role = self._random.choice(sorted(cursor.fetchall()))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return str(role)

    def _cut(self) -> str:
        seconds = self._random.uniform(0.5, 3.0)
        self._cutting.cuts.set()
        time.sleep(seconds)
        self._cutting.cuts.clear()
        return f"for {seconds:.1f} s"

    def _expire_leases(self) -> str:
        table = _TABLES[self._random.choice(list(QUEUES))]
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET lease_expires_at = now() - interval '1 second'"
                " WHERE status = 'pending' AND lease_expires_at IS NOT NULL"
            )
            return f"{cursor.rowcount} of {table}"

    def _repeat_messages(self) -> str:
        """What lies in the list, and messages for what was handed over lately, three times each in random order."""
        queue = self._random.choice(list(QUEUES))
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT id::text FROM {_TABLES[queue]} ORDER BY created_at DESC LIMIT 200")
            ids = [row_id for (row_id,) in cursor.fetchall()]
        messages = list(self._redis.lrange(queue, 0, -1))
        for _ in range(5):
            messages.append(celery_message(queue, QUEUES[queue], self._random.sample(ids, min(40, len(ids)))))
        messages *= 3
        self._random.shuffle(messages)
        self._redis.lpush(queue, *messages)
        return f"{len(messages)} of {queue}"

    def _connect(self) -> psycopg2.extensions.connection:
        return psycopg2.connect(self._stack.database.url(), connect_timeout=2)
