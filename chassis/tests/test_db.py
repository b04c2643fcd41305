"""A database that does not answer, a row that somebody holds: the request ends all the same."""

import asyncio
import threading
from datetime import UTC

import psycopg2
import pytest
from chassis.db import Database, KeptConnection, is_contended, is_unavailable, write
from chassis.errors import Unavailable
from chassis.settings import DatabaseSettings
from hypothesis import given, settings
from hypothesis import strategies as st


def database_for(url: str, **options) -> Database:
    return Database(DatabaseSettings(database_url=url, **options), "test")


def test_a_call_that_hangs_is_answered_503_in_time(database_url):
    database = database_for(database_url("orders_service"), database_statement_timeout_ms=100)
    hanging = threading.Event()

    async def call() -> None:
        await database.call(lambda: hanging.wait(30))

    try:
        with pytest.raises(Unavailable) as refused:
            asyncio.run(call())
        assert refused.value.headers["Retry-After"]
    finally:
        hanging.set()
        database.close()


def test_more_than_may_wait_are_refused_at_once(database_url):
    database = database_for(database_url("orders_service"), database_pool_size=1, database_queue_limit=3)
    hanging = threading.Event()

    async def call_all() -> list[object]:
        waiting = [asyncio.create_task(database.call(lambda: hanging.wait(30))) for _ in range(5)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        hanging.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    answers = asyncio.run(call_all())
    database.close()
    assert [type(answer) for answer in answers] == [bool] * 3 + [Unavailable] * 2


def test_a_row_that_somebody_holds_is_waited_for_briefly(database_url):
    holding, waiting = (
        database_for(database_url(role), database_lock_timeout_ms=100) for role in ("gateway_user", "gateway_user")
    )
    statement = "SELECT FROM orders_alembic_version FOR UPDATE"
    with holding.cursor() as cursor:
        cursor.execute(statement)
        with pytest.raises(psycopg2.errors.LockNotAvailable) as refused, waiting.cursor() as other:
            other.execute(statement)
    assert is_unavailable(refused.value)
    assert is_contended(refused.value)
    holding.close()
    waiting.close()


def test_a_process_that_freezes_in_a_transaction_loses_its_locks(database_url):
    frozen = database_for(database_url("gateway_user"), database_idle_transaction_timeout_ms=100).connect()
    cursor = frozen.cursor()
    cursor.execute("SELECT FROM orders_alembic_version FOR UPDATE")
    other = database_for(database_url("gateway_user"), database_lock_timeout_ms=60_000, database_statement_timeout_ms=60_000)
    with other.cursor() as free:
        free.execute("SELECT FROM orders_alembic_version FOR UPDATE")
        assert free.rowcount == 1
    with pytest.raises(psycopg2.Error) as lost:
        cursor.execute("SELECT 1")
    assert is_unavailable(lost.value)
    other.close()


def test_a_kept_connection_that_the_server_ended_is_replaced_before_it_is_used(database_url):
    database = database_for(database_url("orders_service"))
    connection = KeptConnection(database)
    with connection.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (first,) = cursor.fetchone()
    with psycopg2.connect(database_url("gateway_user")) as administrator, administrator.cursor() as cursor:
        # Returns once the backend is gone.
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", (first,))
    with connection.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() != (first,)
    connection.close()
    database.close()


@pytest.fixture
def kept(database_url):
    """A kept connection with a table of its own, whose column ``number`` is unique."""
    database = database_for(database_url("gateway_user"))
    connection = KeptConnection(database)
    with connection.transaction() as cursor:
        write(cursor, "CREATE TABLE numbers (number int PRIMARY KEY)")
    yield connection
    with connection.transaction() as cursor:
        write(cursor, "DROP TABLE numbers")
    connection.close()
    database.close()


def numbers(kept):
    with kept.reading() as cursor:
        cursor.execute("SELECT number FROM numbers ORDER BY number")
        return [number for (number,) in cursor.fetchall()]


def test_what_is_written_without_looking_is_committed_with_the_rest(kept):
    with kept.transaction() as cursor:
        write(cursor, "INSERT INTO numbers VALUES (%s)", (1,))
        cursor.execute("SELECT count(*) FROM numbers WHERE number <> %s", (2,))
        assert cursor.fetchone() == (1,)
        write(cursor, "INSERT INTO numbers VALUES (%s)", (2,))
    assert numbers(kept) == [1, 2]


def test_a_write_that_fails_on_its_way_to_the_commit_takes_all_back(kept):
    with pytest.raises(psycopg2.errors.UniqueViolation), kept.transaction() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (1)")
        write(cursor, "INSERT INTO numbers VALUES (%s)", (2,))
        write(cursor, "INSERT INTO numbers VALUES (%s)", (1,))
    assert numbers(kept) == []


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT 1/0"])
def test_an_error_in_the_block_takes_back_what_was_sent_and_forgets_what_was_not(kept, statement):
    with pytest.raises((ZeroDivisionError, psycopg2.errors.DivisionByZero)), kept.transaction() as cursor:
        write(cursor, "INSERT INTO numbers VALUES (1)")
        cursor.execute("SELECT 1")
        write(cursor, "INSERT INTO numbers VALUES (2)")
        cursor.execute(statement)
        write(cursor, "INSERT INTO numbers VALUES (3)")
        raise ZeroDivisionError
    assert numbers(kept) == []


def test_a_block_that_sends_nothing_is_no_transaction(kept):
    with pytest.raises(ZeroDivisionError), kept.transaction():
        raise ZeroDivisionError
    with kept.transaction():
        pass
    assert numbers(kept) == []


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("kind", "elements"),
    [
        ("text", TEXTS | st.sampled_from(["", "NULL", "null", '"', "\\", "{}", ",", "'", " a ", "%s", "E'\\x00'"])),
        ("int", st.integers(-(2**31), 2**31 - 1)),
        ("bool", st.booleans()),
        ("float8", st.floats(allow_nan=False)),
        ("bytea", st.binary()),
        ("date", st.dates()),
        ("timestamptz", st.datetimes(timezones=st.just(UTC))),
    ],
)
def test_a_list_arrives_as_it_was_sent(database_url, kind, elements):
    database = database_for(database_url("gateway_user"))

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.none() | elements))
    def arrives(values):
        with database.cursor() as cursor:
            cursor.execute(f"SELECT v FROM unnest(%s::{kind}[]) WITH ORDINALITY AS t(v, place) ORDER BY place", (values,))
            assert [bytes(v) if isinstance(v, memoryview) else v for (v,) in cursor.fetchall()] == values

    arrives()
    database.close()


def test_an_element_that_no_array_holds_is_refused(database_url):
    database = database_for(database_url("gateway_user"))
    with database.cursor() as cursor:
        with pytest.raises(TypeError):
            cursor.execute("SELECT %s::text[]", ([object()],))
        with pytest.raises(ValueError, match="NUL"):
            cursor.execute("SELECT %s::text[]", (["a\0b"],))
    database.close()
