from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from merchants import housekeeping

from .support import Account, DatabaseUrl, RunSql, StartService, wait_until


@pytest.fixture
def expired_and_live(account: Account, run_sql: RunSql) -> dict[str, tuple[Any, Any]]:
    """Per table, what tells an expired row and a live one."""
    merchant_id = account.merchant["id"]
    old, new = secrets.token_bytes(32), secrets.token_bytes(32)
    for digest, span in ((old, "-1 second"), (new, "1 hour")):
        run_sql(
            "INSERT INTO merchant_sessions (token_digest, merchant_id, created_at, expires_at)"
            " VALUES (%s, %s, now() - interval '1 day', now() + %s::interval)",
            digest, merchant_id, span,
        )  # fmt: skip
        run_sql("INSERT INTO login_attempts VALUES (%s, 1, now() + %s::interval)", digest, span)
        run_sql(
            "INSERT INTO idempotency_keys (merchant_id, endpoint, key, fingerprint, status_code, response, expires_at)"
            " VALUES (%s, 'orders', %s, '', 201, '{}', now() + %s::interval)",
            merchant_id, digest.hex(), span,
        )  # fmt: skip
    return {
        "merchant_sessions.token_digest": (old, new),
        "login_attempts.subject": (old, new),
        "idempotency_keys.key": (old.hex(), new.hex()),
    }


def remaining(run_sql: RunSql, column: str, values: tuple[Any, Any]) -> list[Any]:
    table, _, name = column.partition(".")
    rows = run_sql(f"SELECT {name} FROM {table} WHERE {name} IN (%s, %s)", *values)
    return [bytes(value) if isinstance(value, memoryview) else value for (value,) in rows]


def test_copies_of_the_service_delete_what_has_expired_and_nothing_else(
    start_service: StartService, expired_and_live: dict[str, tuple[Any, Any]], run_sql: RunSql
) -> None:
    for _ in range(2):
        start_service(HOUSEKEEPING_INTERVAL_S="1")
    for column, (old, new) in expired_and_live.items():
        wait_until(lambda c=column, o=old, n=new: remaining(run_sql, c, (o, n)) == [n], 20)


@pytest.fixture
def two_connections(database_url: DatabaseUrl) -> Iterator[tuple[Any, Any]]:
    pair = [psycopg2.connect(database_url("merchants_service")) for _ in range(2)]
    yield pair[0], pair[1]
    for connection in pair:
        connection.rollback()
        connection.close()


def test_rows_that_another_copy_is_deleting_are_passed_over(two_connections: tuple[Any, Any], run_sql: RunSql) -> None:
    subject = hashlib.sha256(secrets.token_bytes(8)).digest()
    run_sql("INSERT INTO login_attempts VALUES (%s, 1, now() - interval '1 hour')", subject)
    first, second = two_connections
    with first.cursor() as one, second.cursor() as other:
        one.execute("SELECT 1 FROM login_attempts WHERE subject = %s FOR UPDATE", (subject,))
        other.execute("SET statement_timeout = '2s'")
        housekeeping.sweep_login_attempts(other)
        other.execute("SELECT count(*) FROM login_attempts WHERE subject = %s", (subject,))
        assert other.fetchone() == (1,)


def test_a_sweep_takes_no_more_than_its_limit(two_connections: tuple[Any, Any]) -> None:
    connection, _ = two_connections
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO login_attempts"
            " SELECT sha256(i::text::bytea), 1, now() - interval '1 hour' FROM generate_series(1, 30) AS i"
        )
        assert housekeeping.sweep_login_attempts(cursor, 20) == 20
