"""Lanes: one transaction for all that wait, and nobody pays for a neighbour."""

import asyncio
from collections.abc import Sequence

import psycopg2
import pytest
import uvloop
from chassis.db import Cursor, Database
from chassis.errors import BadRequest, Unavailable
from chassis.lanes import BATCH_LIMIT, Lane
from chassis.settings import DatabaseSettings


@pytest.fixture
def database(database_url):
    database = Database(DatabaseSettings(database_url=database_url("orders_service")), "test")
    yield database
    database.close()


async def run(database: Database, handler, items: Sequence, **options):
    """Every item's result or exception, submitted together."""
    lane = Lane("test", database, handler, **({"queue_limit": 1000, "timeout_ms": 5000} | options))
    await lane.start()
    try:
        return await asyncio.gather(*(lane.submit(item) for item in items), return_exceptions=True)
    finally:
        await lane.stop()


def test_everybody_gets_their_own_answer(database):
    def double(cursor: Cursor, items: Sequence[int]) -> list[int]:
        cursor.execute("SELECT i * 2 FROM unnest(%s::int[]) WITH ORDINALITY AS t(i, place) ORDER BY place", (list(items),))
        return [value for (value,) in cursor.fetchall()]

    assert uvloop.run(run(database, double, range(500))) == [2 * i for i in range(500)]


def test_batches_are_shared_and_bounded(database):
    sizes: list[int] = []

    def note(_: Cursor, items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    uvloop.run(run(database, note, range(500)))
    assert sum(sizes) == 500
    assert max(sizes) == BATCH_LIMIT


def test_one_that_the_database_refuses_does_not_take_its_neighbours_with_it(database):
    def divide(cursor: Cursor, items: Sequence[int]) -> list[int]:
        cursor.execute("SELECT 100 / i FROM unnest(%s::int[]) AS t(i)", (list(items),))
        return [value for (value,) in cursor.fetchall()]

    results = uvloop.run(run(database, divide, [1, 2, 0, 4]))
    assert results[:2] + results[3:] == [100, 50, 25]
    assert isinstance(results[2], psycopg2.errors.DivisionByZero)


def test_a_refusal_is_one_items_own(database):
    def refuse_odd(_: Cursor, items: Sequence[int]) -> list:
        return [BadRequest("odd") if item % 2 else item for item in items]

    results = uvloop.run(run(database, refuse_odd, range(4)))
    assert [type(result) for result in results] == [int, BadRequest, int, BadRequest]


def test_a_defect_in_the_handler_reaches_those_who_wait_and_the_lane_goes_on(database):
    calls: list[int] = []

    def fail_once(_: Cursor, items: Sequence[int]) -> Sequence[int]:
        calls.append(1)
        if len(calls) <= 1:
            raise RuntimeError("defect")
        return items

    async def twice():
        lane = Lane("test", database, fail_once, queue_limit=10, timeout_ms=5000)
        await lane.start()
        first = await asyncio.gather(lane.submit(1), return_exceptions=True)
        second = await lane.submit(2)
        await lane.stop()
        return first[0], second

    failed, done = uvloop.run(twice())
    assert isinstance(failed, RuntimeError)
    assert done == 2


def test_a_drawn_id_that_exists_is_drawn_again(database):
    calls: list[int] = []

    def collide_once(cursor: Cursor, items: Sequence[int]) -> Sequence[int]:
        calls.append(1)
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS taken (id int PRIMARY KEY)")
        cursor.execute("INSERT INTO taken VALUES (1), (%s)", (len(calls),))
        return items

    assert uvloop.run(run(database, collide_once, [7])) == [7]
    assert len(calls) == 2


def test_more_than_may_wait_are_told_to_come_back(database):
    def echo(_: Cursor, items: Sequence[int]) -> Sequence[int]:
        return items

    results = uvloop.run(run(database, echo, range(10), queue_limit=4))
    assert results[:4] == [0, 1, 2, 3]
    assert all(isinstance(result, Unavailable) and result.headers["Retry-After"] for result in results[4:])


def test_nobody_waits_for_ever(database):
    def slow(cursor: Cursor, items: Sequence[int]) -> Sequence[int]:
        cursor.execute("SELECT pg_sleep(1)")
        return items

    assert isinstance(uvloop.run(run(database, slow, [1], timeout_ms=100))[0], Unavailable)


def test_a_broken_connection_is_replaced(database, database_url):
    def backend(cursor: Cursor, items: Sequence[int]) -> list[int]:
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
        return [row[0]] * len(items)

    async def with_a_cut():
        lane = Lane("test", database, backend, queue_limit=10, timeout_ms=5000)
        await lane.start()
        pid = await lane.submit(1)
        with psycopg2.connect(database_url("gateway_user")) as administrator, administrator.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        during = await lane.submit(2)
        after = await lane.submit(3)
        await lane.stop()
        return pid, during, after

    before, during, after = uvloop.run(with_a_cut())
    # Noticed before anybody's work was lost on it.
    assert during == after != before
