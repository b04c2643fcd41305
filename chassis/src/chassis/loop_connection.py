"""A PostgreSQL connection that an event loop waits for, used by plain code that knows nothing of the loop.

Why: a thread beside the loop costs a wake-up on both sides of each batch, and the two fight for the interpreter's lock.
Measured on two cores, without it an order read takes 0.8 and a payment 0.7 of the CPU, and 1.2 and 1.3 times as many
are done. psycopg2 stays, in the mode in which it never waits; who has to wait, a greenlet, gives way to the loop.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import select
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
from greenlet import getcurrent, greenlet
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

from chassis.db import BatchingCursor, Connection, Database, KeptConnection, is_ready

__all__ = ["LoopConnection", "in_greenlet"]


# Plans are made once, perhaps while a table is empty, and kept while it grows: so by index, however few rows there are.
_PLANNING = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
# What PostgreSQL does not answer within so many times the time that it gives a statement, it will not answer.
_SILENCE = 2
# What each of psycopg2's states waits for.
_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}


def in_greenlet(function: Callable[[], None]) -> None:
    """Runs a function on the event loop's thread until it is done or first waits; it goes on when what it waits for is there."""
    greenlet(function).switch()


def _give_way() -> None:
    """Back to the event loop, until somebody switches to this greenlet."""
    loop = getcurrent().parent
    assert loop is not None, "only code in a greenlet can wait for the event loop"
    loop.switch()


class _Driver(psycopg2.extensions.connection):
    """psycopg2's connection, which tells what it would wait for, and who waits for it."""

    loop: asyncio.AbstractEventLoop
    # Kept, since a connection that broke does not tell it any more.
    socket: int
    waiting: greenlet | None = None
    waiting_since: float

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        # How to execute each statement that has been prepared.
        self.prepared: dict[str, str] = {}

    def until_answered(self) -> None:
        while (state := self.poll()) != POLL_OK:
            # Where there is something to hear, nobody waits for it: uvloop tells of a socket that has broken once and
            # then is silent, even if a server's last words were all that was read of it by then.
            if not is_ready(self.socket, _EVENTS[state]):
                self._wait(state)

    def _wait(self, state: int) -> None:
        self.waiting, self.waiting_since = getcurrent(), time.monotonic()
        # What the server sends is listened for all the time. That it takes no more is rare: a batch fits its buffer.
        if state == POLL_WRITE:
            self.loop.add_writer(self.socket, self.go_on)
        try:
            _give_way()
        finally:
            if state == POLL_WRITE:
                self.loop.remove_writer(self.socket)

    def go_on(self) -> None:
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.switch()


class _Cursor(BatchingCursor):
    """Prepares each statement that has parameters, once per connection.

    Parsing and planning were a quarter of what a payment costs PostgreSQL, and almost half of what a read does.
    """

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  (psycopg2's name)
        super().execute(query, vars)
        self._driver.until_answered()

    @property
    def _driver(self) -> _Driver:
        driver = self.connection
        assert isinstance(driver, _Driver)
        return driver

    def _rendered(self, statement: str, parameters: Any) -> bytes:
        if not parameters:
            return super()._rendered(statement, parameters)
        execution = self._driver.prepared.get(statement) or self._prepare(statement, len(parameters))
        return super()._rendered(execution, parameters)

    def _prepare(self, statement: str, count: int) -> str:
        """Not sent together with others: of what fails in company nobody knows how far it came."""
        name = f"prepared_{len(self._driver.prepared)}"
        # To psycopg2's own method, past what waits to be sent: what is prepared outlasts its transaction, if there is one.
        super(BatchingCursor, self).execute(f"PREPARE {name} AS {_numbered(statement)}")
        self._driver.until_answered()
        execution = f"EXECUTE {name} ({', '.join(['%s'] * count)})"
        self._driver.prepared[statement] = execution
        return execution


def _numbered(statement: str) -> str:
    """psycopg2's ``%s`` as PostgreSQL's ``$1``, ``$2``; its ``%%`` as ``%``."""
    numbers = itertools.count(1)
    return re.sub("%[s%]", lambda match: f"${next(numbers)}" if match[0] == "%s" else "%", statement)


class LoopConnection(KeptConnection):
    """A kept connection for code in greenlets of one event loop, one at a time: each of its blocks must end before the next."""

    _cursors = _Cursor

    def __init__(self, database: Database):
        super().__init__(database)
        # Looking up a host's name is the one thing that cannot be done without waiting.
        self._connector = ThreadPoolExecutor(1, "connect")

    def _connect(self) -> Connection:
        loop, here = asyncio.get_running_loop(), getcurrent()
        opening = loop.run_in_executor(self._connector, self._open)
        opening.add_done_callback(lambda _: here.switch())
        _give_way()
        driver = opening.result()
        driver.loop, driver.socket = loop, driver.fileno()
        loop.add_reader(driver.socket, self._heard_from, driver)
        return driver

    def _open(self) -> _Driver:
        driver = self._database.connect(_PLANNING, connection_factory=_Driver, async_=True)
        assert isinstance(driver, _Driver)
        deadline = time.monotonic() + self._database.connect_timeout_s
        while (state := driver.poll()) != POLL_OK:
            if not is_ready(driver.fileno(), _EVENTS[state], max(0.0, deadline - time.monotonic())):
                driver.close()
                raise psycopg2.OperationalError("timeout expired while connecting")
        return driver

    def _heard_from(self, driver: _Driver) -> None:
        if driver.waiting is not None:
            driver.go_on()
        else:
            # Nobody has asked: it is the server's farewell. Left open, it would be heard again and again.
            self.close()

    def give_up_on_silence(self) -> None:
        """Ends a wait for PostgreSQL that takes longer than PostgreSQL lets a statement take: whoever is there, it is not
        a server that will answer. What was asked may have been carried out, as with any lost answer."""
        driver = self._connection
        if not isinstance(driver, _Driver) or (waiting := driver.waiting) is None:
            return
        if time.monotonic() - driver.waiting_since > _SILENCE * self._database.statement_timeout_s:
            self.close()
            waiting.throw(psycopg2.OperationalError("no answer"))

    def close(self) -> None:
        driver = self._connection
        if isinstance(driver, _Driver):
            driver.loop.remove_reader(driver.socket)
        super().close()

    def close_for_good(self) -> None:
        self.close()
        self._connector.shutdown(wait=False)
