"""Plain code waits for PostgreSQL without holding up the event loop that it runs on."""

import asyncio
import os
import select
import signal
import socket
import struct
import threading
import time
from contextlib import contextmanager

import psycopg2
import pytest
import uvloop
from chassis.db import Database, is_unavailable, write
from chassis.errors import Unavailable
from chassis.lanes import Lane
from chassis.loop_connection import LoopConnection, in_greenlet
from chassis.settings import DatabaseSettings
from sqlalchemy.engine import make_url


@pytest.fixture
def database(database_url):
    database = Database(DatabaseSettings(database_url=database_url("gateway_user")), "test")
    yield database
    database.close()


@pytest.fixture
def numbers(database):
    """A table with a unique column ``number``."""
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE numbers (number int PRIMARY KEY, note text)")
    yield
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE numbers")


async def run(function):
    """What a function gives that may wait for the loop."""
    done = asyncio.get_running_loop().create_future()

    def call():
        try:
            done.set_result(function())
        except psycopg2.Error as error:
            done.set_exception(error)

    in_greenlet(call)
    return await done


@contextmanager
def connected(database):
    connection = LoopConnection(database)
    try:
        yield connection
    finally:
        connection.close_for_good()


def test_the_event_loop_goes_on_while_somebody_waits(database):
    async def both():
        turns = 0

        async def turn():
            nonlocal turns
            while not slept.done():
                turns += 1
                await asyncio.sleep(0.001)

        def sleep():
            with connection.reading() as cursor:
                cursor.execute("SELECT pg_sleep(0.5)")

        with connected(database) as connection:
            slept = asyncio.ensure_future(run(sleep))
            await asyncio.gather(slept, turn())
        return turns

    # If it stood still there would be one turn before and one after.
    assert uvloop.run(both()) > 20


def test_two_connections_wait_at_the_same_time(database, numbers):
    """One holds a lock that the other waits for: if the first could not go on, neither would."""

    async def both():
        locked = threading.Event()

        def hold():
            with first.transaction() as cursor:
                cursor.execute("LOCK TABLE numbers")
                locked.set()
                cursor.execute("SELECT pg_sleep(0.2)")
                write(cursor, "INSERT INTO numbers VALUES (%s)", (1,))

        def wait():
            assert locked.is_set()
            with second.transaction() as cursor:
                cursor.execute("SELECT count(*) FROM numbers")
                return cursor.fetchone()[0]

        with connected(database) as first, connected(database) as second:
            holding = asyncio.ensure_future(run(hold))
            while not locked.is_set():
                await asyncio.sleep(0.001)
            return (await asyncio.gather(holding, run(wait)))[1]

    assert uvloop.run(both()) == 1


def test_more_than_a_socket_takes_at_once_arrives_whole(database):
    size = 30_000_000

    async def send():
        def measure():
            with connection.reading() as cursor:
                cursor.execute("SELECT length(%s)", ("x" * size,))
                sent = cursor.fetchone()[0]
                cursor.execute("SELECT repeat('y', %s)", (size,))
                return sent, len(cursor.fetchone()[0])

        with connected(database) as connection:
            return await run(measure)

    assert uvloop.run(send()) == (size, size)


def test_a_statement_is_planned_once_and_outlives_a_failed_transaction(database, numbers):
    def insert(connection, number):
        with connection.transaction() as cursor:
            write(cursor, "INSERT INTO numbers VALUES (%s, '100%%')", (number,))

    def prepared(connection):
        with connection.reading() as cursor:
            cursor.execute("SELECT count(*), sum(generic_plans) FROM pg_prepared_statements")
            return cursor.fetchone()

    async def fail_between():
        with connected(database) as connection:
            await run(lambda: insert(connection, 1))
            with pytest.raises(psycopg2.errors.UniqueViolation):
                await run(lambda: insert(connection, 1))
            await run(lambda: insert(connection, 2))
            return await run(lambda: prepared(connection))

    assert uvloop.run(fail_between()) == (1, 3)
    with database.cursor() as cursor:
        cursor.execute("SELECT number, note FROM numbers ORDER BY number")
        assert cursor.fetchall() == [(1, "100%"), (2, "100%")]


def test_a_statement_that_cannot_be_prepared_takes_nothing_with_it(database, numbers):
    def insert_then(connection, statement):
        with connection.transaction() as cursor:
            write(cursor, "INSERT INTO numbers VALUES (%s)", (1,))
            cursor.execute(statement, (2,))

    async def fail_then_work():
        with connected(database) as connection:
            with pytest.raises(psycopg2.errors.UndefinedTable):
                await run(lambda: insert_then(connection, "SELECT %s FROM nowhere"))
            await run(lambda: insert_then(connection, "SELECT %s::int"))

    uvloop.run(fail_then_work())
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM numbers")
        assert cursor.fetchone() == (1,)


def test_a_table_may_be_migrated_under_its_prepared_statements(database, numbers):
    def read(cursor, items):
        cursor.execute("SELECT number FROM numbers WHERE number = ANY (%s)", (list(items),))
        found = {int(number) for (number,) in cursor.fetchall()}
        return [item in found for item in items]

    async def migrate_between():
        lane = Lane("test", database, read, queue_limit=10, timeout_ms=5000, reads_only=True)
        await lane.start()
        try:
            before = await lane.submit(1)
            with database.cursor() as cursor:
                cursor.execute("INSERT INTO numbers VALUES (1)")
                cursor.execute("ALTER TABLE numbers ALTER COLUMN number TYPE bigint")
            return before, await lane.submit(1)
        finally:
            await lane.stop()

    assert uvloop.run(migrate_between()) == (False, True)


def test_a_connection_that_is_cut_while_somebody_waits_is_an_error_and_is_replaced(database):
    def pid_of(connection):
        with connection.reading() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    def sleep(connection):
        with connection.reading() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    async def cut():
        with connected(database) as connection:
            before = await run(lambda: pid_of(connection))
            sleeping = asyncio.ensure_future(run(lambda: sleep(connection)))
            await asyncio.sleep(0)
            await asyncio.to_thread(_end_once_it_sleeps, database, before)
            with pytest.raises(psycopg2.OperationalError) as lost:
                await sleeping
            return lost.value, before, await run(lambda: pid_of(connection))

    error, before, after = uvloop.run(cut())
    assert is_unavailable(error)
    assert before != after


def _end_once_it_sleeps(database, pid):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'", (pid,)
            )
            if cursor.rowcount:
                return
    raise AssertionError("it never slept")


def test_a_server_that_ends_an_idle_connection_is_heard(database):
    def pid_of(connection):
        with connection.reading() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    async def end():
        with connected(database) as connection:
            pid = await run(lambda: pid_of(connection))
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            deadline = time.monotonic() + 10
            while connection._connection is not None and time.monotonic() < deadline:
                await asyncio.sleep(0.001)
            return connection._connection

    assert uvloop.run(end()) is None


@pytest.mark.parametrize("accepts", [True, False])
def test_a_server_that_does_not_answer_is_given_up(accepts, database_url):
    """One that takes the connection and says nothing, and one that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if not accepts:
            silent.close()
        settings = DatabaseSettings(database_url=f"postgresql://nobody:x@127.0.0.1:{port}/none", database_connect_timeout_s=1)
        database = Database(settings, "test")

        async def ask():
            lane = Lane("test", database, lambda _, items: items, queue_limit=10, timeout_ms=5000)
            await lane.start()
            try:
                return await asyncio.gather(lane.submit(1), return_exceptions=True)
            finally:
                await lane.stop()

        (refused,) = uvloop.run(ask())
        assert isinstance(refused, Unavailable)
        database.close()


# A server's last words, as PostgreSQL's protocol has them: a notice, of which nobody takes note.
_FIELDS = b"SWARNING\0C57P02\0Mterminating connection because of crash of another server process\0\0"
LAST_WORDS = b"N" + struct.pack("!i", len(_FIELDS) + 4) + _FIELDS
RESET = struct.pack("ii", 1, 0)


class CrashingServer:
    """PostgreSQL, which once told to answers the next statement with its last words and resets the connection."""

    def __init__(self, address):
        self._address = address
        self.crash = threading.Event()
        self.crashed = threading.Event()

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: that is how this thread ends
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client):
        with client, socket.create_connection(self._address) as server:
            while True:
                source = select.select([client, server], [], [])[0][0]
                data = source.recv(65_536)
                if source is client and self.crash.is_set() and not self.crashed.is_set():
                    client.sendall(LAST_WORDS)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    client.close()
                    self.crashed.set()
                    return
                if not data:
                    return
                (server if source is client else client).sendall(data)


def test_a_server_that_crashes_with_a_word_and_a_reset_at_once_is_heard(database_url):
    """The event loop tells once of a socket that has broken: by then only the word may have been read."""
    url = make_url(database_url("gateway_user"))

    def ask(connection):
        with connection.reading() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone()

    async def crash(server):
        database = Database(DatabaseSettings(database_url=url.set(port=server.port).render_as_string(False)), "test")
        with connected(database) as connection:
            before = await run(lambda: ask(connection))
            server.crash.set()
            asking = asyncio.ensure_future(run(lambda: ask(connection)))
            await asyncio.sleep(0)
            # The loop stands still until both are there.
            assert server.crashed.wait(10)
            with pytest.raises(psycopg2.OperationalError):
                await asyncio.wait_for(asking, 10)
            return before, await run(lambda: ask(connection))

    with CrashingServer((url.host, url.port)) as server:
        assert uvloop.run(crash(server)) == ((1,), (1,))


def test_a_lane_gives_up_a_server_that_has_fallen_silent(database_url):
    """Its process is stopped, so neither does it answer nor does its connection end."""
    database = Database(DatabaseSettings(database_url=database_url("gateway_user"), database_statement_timeout_ms=500), "test")

    def pid(cursor, items):
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone() * len(items)

    async def stop_and_ask():
        lane = Lane("test", database, pid, queue_limit=10, timeout_ms=500)
        await lane.start()
        stopped = await lane.submit(1)
        os.kill(stopped, signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable):
                await lane.submit(1)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                try:
                    return stopped, await lane.submit(1)
                except Unavailable:
                    continue
            raise AssertionError("the lane waits for the stopped process to this day")
        finally:
            os.kill(stopped, signal.SIGCONT)
            await lane.stop()

    before, after = uvloop.run(stop_and_ask())
    assert before != after
