"""PostgreSQL: sessions that commit before the answer, and plain psycopg2 connections for the hot paths.

``commit`` is called in this module and nowhere else. A session or cursor is committed when its block ends without
an exception, so a caller that renders its answer after the block answers only for what is safe.

Plain SQL casts ``uuid`` columns to ``text``: SQLAlchemy's connections would give UUID objects and kept ones strings.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from chassis.errors import Unavailable
from chassis.settings import DatabaseSettings

__all__ = [
    "Connection",
    "Cursor",
    "Database",
    "KeptConnection",
    "cursor_of",
    "is_contended",
    "is_ready",
    "is_unavailable",
    "write",
]


class _ArrayLiteral:
    """How psycopg2 writes a list: as one literal, ``'{…}'``.

    Its own way is ``ARRAY[…]``, of which each element is adapted here, and parsed, typed and cast there, for itself.
    """

    _connection: psycopg2.extensions.connection | None = None

    def __init__(self, values: Sequence[Any]):
        self._values = values

    def prepare(self, connection: psycopg2.extensions.connection) -> None:
        self._connection = connection

    def getquoted(self) -> bytes:
        literal = psycopg2.extensions.QuotedString("{" + ",".join(map(_array_element, self._values)) + "}")
        if self._connection is not None:
            literal.prepare(self._connection)
        return literal.getquoted()


def _array_element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    raise TypeError(f"an array of {type(value).__name__} is not known here")


psycopg2.extensions.register_adapter(list, _ArrayLiteral)

Connection = psycopg2.extensions.connection
Cursor = psycopg2.extensions.cursor

Value = TypeVar("Value")

# PostgreSQL's SQLSTATE classes for "try again, the server is not there or is out of something":
# 08 connection, 53 resources, 57P operator intervention, 25006 a standby that took over, 57014 timed out,
# 55P03 a lock that somebody holds for too long, 25P03 a transaction that idled for too long.
_UNAVAILABLE_CLASSES = ("08", "53", "57", "25006", "55P03", "25P03")


def is_unavailable(error: BaseException) -> bool:
    """Whether the database, not the request, is the trouble: answer 503 and let the client try again."""
    if isinstance(error, PoolTimeout):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg2.Error):
        return False
    if cause.pgcode:
        return cause.pgcode.startswith(_UNAVAILABLE_CLASSES)
    return isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)


def is_contended(error: BaseException) -> bool:
    """Whether it is one row that somebody holds for too long, and not the database: of a batch, only some suffer."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg2.errors.LockNotAvailable | psycopg2.errors.QueryCanceled)


class Database:
    """One role's way into PostgreSQL: a bounded pool, and connections of one's own where a thread keeps one."""

    def __init__(self, settings: DatabaseSettings, application: str):
        # SQLAlchemy 2.1 reads ``postgresql://`` as psycopg 3, so the driver is always named.
        self._url = make_url(settings.database_url).set(drivername="postgresql+psycopg2")
        if settings.database_role:
            password = settings.service_database_password or self._url.password
            self._url = self._url.set(username=settings.database_role, password=password)
        self._connect_arguments: dict[str, Any] = {
            "connect_timeout": settings.database_connect_timeout_s,
            "application_name": application,
            "options": _options(
                statement_timeout=settings.database_statement_timeout_ms,
                lock_timeout=settings.database_lock_timeout_ms,
                idle_in_transaction_session_timeout=settings.database_idle_transaction_timeout_ms,
                timezone="UTC",
            ),
            # A peer that vanished without a word is noticed in seconds, not in the kernel's two hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        }
        self.statement_timeout_s = settings.database_statement_timeout_ms / 1000
        self._threads = ThreadPoolExecutor(settings.database_pool_size, thread_name_prefix="database")
        self._queue_limit = settings.database_queue_limit
        self._waiting = 0
        self.engine = create_engine(
            self._url,
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_connect_timeout_s,
            pool_pre_ping=True,
            pool_recycle=1800,
            # An error message that repeats the parameters would carry secrets into the log.
            hide_parameters=True,
            connect_args=self._connect_arguments,
        )

    def connect(self, parameters: Mapping[str, str] | None = None, **options: Any) -> Connection:
        """A connection outside the pool, for somebody who keeps it. ``parameters`` are PostgreSQL's, ``options`` psycopg2's."""
        url = self._url
        options = self._connect_arguments | options
        options["options"] += " " + _options(**(parameters or {}))
        connection: Connection = psycopg2.connect(
            host=url.query.get("host") or url.host,
            port=url.port or 5432,
            user=url.username,
            password=url.password,
            dbname=url.database,
            **options,
        )
        return connection

    @property
    def connect_timeout_s(self) -> float:
        timeout_s: float = self._connect_arguments["connect_timeout"]
        return timeout_s

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A SQLModel session: committed at the end of the block, rolled back on any exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A pooled psycopg2 cursor in one transaction: committed at the end of the block."""
        with self.engine.connect() as connection, connection.begin():
            driver = connection.connection.driver_connection
            assert driver is not None
            with driver.cursor() as cursor:
                yield cursor

    async def run(self, use_case: Callable[[Session], Value]) -> Value:
        """Runs a use case in a thread with a session of its own, committed before this returns."""

        def in_session() -> Value:
            with self.session() as session:
                return use_case(session)

        return await self.call(in_session)

    async def run_cursor(self, use_case: Callable[[Cursor], Value], timeout_s: float | None = None) -> Value:
        """The same with a plain cursor; ``timeout_s`` as for ``call``."""

        def in_transaction() -> Value:
            with self.cursor() as cursor:
                return use_case(cursor)

        return await self.call(in_transaction, timeout_s)

    async def call(self, function: Callable[[], Value], timeout_s: float | None = None) -> Value:
        """Runs a function that uses this database in one of as many threads as there are pooled connections.

        A server that is frozen, or behind a network that swallows everything, neither answers nor refuses, and no
        time-out of its own helps. So the caller waits for ``timeout_s`` (by default as long as a statement may take)
        and then answers 503; the function may or may not be carried out, as with any lost answer.
        """
        if self._waiting >= self._queue_limit:
            raise Unavailable("Too many requests are waiting for the database")
        self._waiting += 1
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, function)
            return await asyncio.wait_for(running, timeout_s or self.statement_timeout_s)
        except TimeoutError:
            raise Unavailable() from None
        finally:
            self._waiting -= 1

    def forget_connections(self) -> None:
        """For a forked child: its parent's sockets must be neither used nor closed by it."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.engine.dispose()


def _options(**parameters: object) -> str:
    """Run-time parameters in libpq's words."""
    return " ".join(f"-c {name}={value}" for name, value in parameters.items())


class BatchingCursor(psycopg2.extensions.cursor):
    """Keeps back what nobody waits for, and sends it together with what comes next.

    So BEGIN travels with the first statement and the last writes with COMMIT: creating an order is one round trip
    instead of three, a payment three instead of eight. What was kept back and fails fails where it is sent.
    """

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._unsent: list[bytes] = []

    def later(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        """Executes a statement whose rows and row count do not matter, with the next one."""
        self._unsent.append(self._rendered(statement, parameters))

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  (psycopg2's name)
        together = b";\n".join([*self._unsent, self._rendered(query, vars)])
        self._unsent.clear()
        super().execute(together)

    def _rendered(self, statement: str, parameters: Any) -> bytes:
        return self.mogrify(statement, parameters)

    def roll_back(self) -> None:
        """Ends the transaction, if it has begun, and forgets what has not been sent."""
        self._unsent.clear()
        # Neither open nor failed is a transaction that never began, or one that COMMIT has ended.
        if not self.connection.closed and self.connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            self.execute("ROLLBACK")


def write(cursor: Cursor, statement: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
    """Executes a statement whose outcome, other than an error, does not matter: later, where the cursor can do that."""
    if isinstance(cursor, BatchingCursor):
        cursor.later(statement, parameters)
    else:
        cursor.execute(statement, parameters)


def cursor_of(session: Session) -> Cursor:
    """The session's own psycopg2 cursor, to run a published statement inside its transaction."""
    driver = session.connection().connection.driver_connection
    assert driver is not None
    cursor: Cursor = driver.cursor()
    return cursor


def is_ready(descriptor: int, event: int, timeout_s: float = 0.0) -> bool:
    """Whether a socket can be read (``select.POLLIN``) or written to (``select.POLLOUT``) within a time, or has broken."""
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(timeout_s * 1000))


def _was_ended(connection: Connection) -> bool:
    """Whether the other side has ended an idle connection: then there is something to read, if only its end.

    A look at the socket costs a microsecond, a question to the server a round trip.
    """
    if connection.closed:
        return True
    return is_ready(connection.fileno(), select.POLLIN)


class KeptConnection:
    """A connection that one thread keeps and replaces when it breaks. Not shared: each thread has its own."""

    _cursors: type[BatchingCursor] = BatchingCursor

    def __init__(self, database: Database):
        self._database = database
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor in one transaction: committed at the end of the block, rolled back on any exception."""
        with self._usable() as connection, connection.cursor(cursor_factory=self._cursors) as cursor:
            cursor.later("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            finally:
                cursor.roll_back()

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """A cursor for a query outside any transaction: one round trip instead of two."""
        with self._usable() as connection, connection.cursor(cursor_factory=self._cursors) as cursor:
            yield cursor

    @contextmanager
    def _usable(self) -> Iterator[Connection]:
        if self._connection is not None and _was_ended(self._connection):
            # The server was restarted meanwhile. Found out by using it, this would cost whoever comes first an error.
            self.close()
        if self._connection is None:
            self._connection = self._connect()
        try:
            yield self._connection
        except (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.NotSupportedError):
            # The last of these is a prepared statement whose table has been migrated since: a new connection knows none.
            self.close()
            raise

    def _connect(self) -> Connection:
        connection = self._database.connect()
        # Transactions are begun and ended in words, so that these can travel with others.
        connection.autocommit = True
        return connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
