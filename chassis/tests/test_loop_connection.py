"""Plain code waits for PostgreSQL without holding up the event loop that it runs on."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager

import psycopg2
import pytest
from chassis.db import Database, is_unavailable, write
from chassis.errors import Unavailable
from chassis.lanes import Lane
from chassis.loop_connection import LoopConnection, in_greenlet
from chassis.settings import DatabaseSettings


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
    assert asyncio.run(both()) > 20


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

    assert asyncio.run(both()) == 1


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

    assert asyncio.run(send()) == (size, size)


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

    assert asyncio.run(fail_between()) == (1, 3)
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

    asyncio.run(fail_then_work())
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

    assert asyncio.run(migrate_between()) == (False, True)


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

    error, before, after = asyncio.run(cut())
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

    assert asyncio.run(end()) is None


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

        (refused,) = asyncio.run(ask())
        assert isinstance(refused, Unavailable)
        database.close()
