"""Refunds as the service's own role: within the payment, by constraint and by a second check."""

import psycopg2
import pytest
from chassis.errors import ApiError
from refunds import repository, service
from refunds.service import CreateRefund

MERCHANT = "550e8400-e29b-41d4-a716-446655440000"


def execute(database_url, statement: str, *values):
    with psycopg2.connect(database_url("gateway_user")) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def payment(database_url, request) -> str:
    """A successful payment of 500 paise."""
    execute(
        database_url,
        "INSERT INTO merchants (id, name, email, api_key, api_secret) VALUES (%s, 'x', 'x@x.example', 'key', 's')"
        " ON CONFLICT DO NOTHING",
        MERCHANT,
    )
    order_id, payment_id = (f"{prefix}_{abs(hash(request.node.name)) % 10**16:016}" for prefix in ("order", "pay"))
    execute(database_url, "INSERT INTO orders (id, merchant_id, amount, status) VALUES (%s, %s, 500, 'paid')", order_id, MERCHANT)
    execute(
        database_url,
        "INSERT INTO payments (id, order_id, merchant_id, amount, method, vpa, status)"
        " VALUES (%s, %s, %s, 500, 'upi', 'a@b', 'success')",
        payment_id,
        order_id,
        MERCHANT,
    )
    return payment_id


@pytest.fixture
def connection(database_url):
    connection = psycopg2.connect(database_url("refunds_service"))
    yield connection
    connection.close()


def ask(connection, payment_id: str, amount: int) -> str | None:
    """The refund's id, or None where it was refused."""
    with connection, connection.cursor() as cursor:
        answer = service.create_refund(cursor, CreateRefund(MERCHANT, payment_id, amount, None, None, 0, "request"))
        return None if isinstance(answer, ApiError) else answer.body.split(b'"')[3].decode()


def settle(connection, *refund_ids: str) -> list[str]:
    with connection, connection.cursor() as cursor:
        return [settled.refund.status for settled in service.settle(cursor, refund_ids)]


def test_what_is_pending_counts(connection, payment):
    assert ask(connection, payment, 300)
    assert ask(connection, payment, 201) is None
    assert ask(connection, payment, 200)
    assert ask(connection, payment, 1) is None


def test_twice_is_once(connection, payment, database_url):
    refund = ask(connection, payment, 500)
    assert settle(connection, refund) == ["processed"]
    assert settle(connection, refund) == []
    assert execute(database_url, "SELECT event FROM events WHERE payment_id = %s ORDER BY event", payment) == [
        ("refund.created",),
        ("refund.processed",),
    ]


def test_the_constraint_stands_behind_the_code(connection, payment):
    ask(connection, payment, 500)
    with pytest.raises(psycopg2.errors.CheckViolation), connection, connection.cursor() as cursor:
        repository.reserve(cursor, payment, 1)


def test_the_second_check_fails_what_no_longer_fits_and_gives_it_back(connection, payment, database_url):
    refunds = [ask(connection, payment, 300), ask(connection, payment, 200)]
    # As if somebody had corrected the payment in between.
    execute(database_url, "UPDATE payments SET amount = 250 WHERE id = %s", payment)
    assert sorted(settle(connection, *refunds)) == ["failed", "processed"]
    assert execute(database_url, "SELECT refunded_amount FROM refund_balances WHERE payment_id = %s", payment) == [(200,)]
    events = {event for (event,) in execute(database_url, "SELECT event FROM events WHERE payment_id = %s", payment)}
    assert events == {"refund.created", "refund.processed", "refund.failed"}


def test_a_lease_hides_a_refund_until_it_ends(connection, payment, database_url):
    refund = ask(connection, payment, 100)

    def claim() -> bool:
        with connection, connection.cursor() as cursor:
            return refund in repository.claim_due(cursor, 1000)

    assert [claim(), claim()] == [True, False]
    execute(database_url, "UPDATE refunds SET lease_expires_at = now() - interval '1 second' WHERE id = %s", refund)
    assert claim()
