"""Settlement as the service's own role: twice, together, out of order — the end is the same."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from chassis.errors import ApiError
from orders.service import CreateOrder, create_orders
from payments import jobs, repository, service
from payments.acquirer import Acquirer
from payments.contract import read_payments
from payments.instruments import DECLINE, Upi
from payments.repository import PaymentFilter
from payments.service import CreatePayment
from payments.settings import AcquirerSettings

MERCHANT = "550e8400-e29b-41d4-a716-446655440000"
BANK = Acquirer(AcquirerSettings(test_mode=True, test_processing_delay=0))


@pytest.fixture
def connect(database_url):
    """Connections as payments_service; the merchant exists."""
    execute(
        database_url,
        "INSERT INTO merchants (id, name, email, api_key, api_secret) VALUES (%s, 'x', 'x@x.example', 'key', 's')"
        " ON CONFLICT DO NOTHING",
        MERCHANT,
    )
    return lambda: psycopg2.connect(database_url("payments_service"))


def execute(database_url, statement: str, *values):
    with psycopg2.connect(database_url("gateway_user")) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def new_orders(database_url, count: int) -> list[str]:
    with psycopg2.connect(database_url("orders_service")) as connection, connection.cursor() as cursor:
        create_orders(cursor, [CreateOrder(MERCHANT, 500, "INR", None, b"{}")] * count)
        cursor.execute("SELECT id FROM orders ORDER BY created_at DESC, id LIMIT %s", (count,))
        return [order_id for (order_id,) in cursor.fetchall()]


def new_payments(connection, order_ids: list[str], instruction: str | None = None) -> list[str]:
    """One pending payment per order id given, due at once."""
    requests = [CreatePayment(MERCHANT, order_id, None, None, Upi("a@b", instruction), None, "request") for order_id in order_ids]
    with connection, connection.cursor() as cursor:
        answers = service.create_payments(cursor, requests, BANK, public_attempts_limit=30)
    assert not [answer for answer in answers if isinstance(answer, ApiError)]
    return [answer.body.split(b'"')[3].decode() for answer in answers]


def settle(connection, payment_ids: list[str]) -> list[str]:
    with connection, connection.cursor() as cursor:
        return [settled.payment.id for settled in service.settle(cursor, payment_ids, BANK)]


def statuses(connection, payment_ids: list[str]) -> list[str]:
    with connection, connection.cursor() as cursor:
        found = read_payments(cursor, payment_ids)
        return [found[payment_id].status for payment_id in payment_ids]


def terminal_events(database_url, payment_ids: list[str]) -> list[int]:
    rows = execute(
        database_url,
        "SELECT payment_id, count(*) FROM events WHERE payment_id = ANY (%s) AND event IN ('payment.success', 'payment.failed')"
        " GROUP BY payment_id",
        payment_ids,
    )
    return [count for _, count in rows]


def test_twice_is_once(connect, database_url):
    connection = connect()
    payments = new_payments(connection, new_orders(database_url, 5))
    assert sorted(settle(connection, payments)) == sorted(payments)
    assert settle(connection, payments) == []
    assert statuses(connection, payments) == ["success"] * 5
    assert terminal_events(database_url, payments) == [1] * 5


def test_of_two_payments_of_one_order_in_one_batch_one_succeeds(connect, database_url):
    connection = connect()
    (order,) = new_orders(database_url, 1)
    payments = new_payments(connection, [order] * 4)
    settle(connection, payments)
    assert sorted(statuses(connection, payments)) == ["failed"] * 3 + ["success"]


def test_a_declined_payment_leaves_the_order_to_the_next(connect, database_url):
    connection = connect()
    (order,) = new_orders(database_url, 1)
    declined = new_payments(connection, [order], DECLINE)
    settle(connection, declined)
    approved = new_payments(connection, [order])
    settle(connection, approved)
    assert statuses(connection, declined + approved) == ["failed", "success"]


@pytest.mark.parametrize("round_", range(5))
def test_batches_that_overlap_settle_each_payment_once(connect, database_url, round_):
    orders = new_orders(database_url, 30)
    payments = new_payments(connect(), [order for order in orders for _ in range(2)])
    barrier = threading.Barrier(6)

    def run(number: int) -> list[str]:
        connection = connect()
        mine = payments[number * 3 :] + payments[: number * 3]
        barrier.wait(10)
        return settle(connection, mine)

    with ThreadPoolExecutor(6) as pool:
        settled = [payment_id for part in pool.map(run, range(6)) for payment_id in part]
    # What two batches fought over is left to whoever held it; nothing is left to nobody.
    settled += settle(connect(), payments)
    assert sorted(settled) == sorted(payments)
    assert statuses(connect(), payments).count("success") == 30
    assert terminal_events(database_url, payments) == [1] * 60


def test_a_crash_before_the_commit_leaves_everything_to_be_done(connect, database_url):
    crashing = connect()
    payments = new_payments(crashing, new_orders(database_url, 3))
    with crashing.cursor() as cursor:
        service.settle(cursor, payments, BANK)
    crashing.close()
    assert statuses(connect(), payments) == ["pending"] * 3
    assert sorted(settle(connect(), payments)) == sorted(payments)


def test_a_payment_is_not_settled_before_it_is_due(connect, database_url):
    connection = connect()
    payments = new_payments(connection, new_orders(database_url, 1))
    execute(database_url, "UPDATE payments SET due_at = now() + interval '1 minute' WHERE id = ANY (%s)", payments)
    assert settle(connection, payments) == []


def test_a_lease_hides_a_payment_until_it_ends(connect, database_url):
    connection = connect()
    payments = new_payments(connection, new_orders(database_url, 2))

    def claim() -> set[str]:
        with connection, connection.cursor() as cursor:
            return set(jobs.claim_due_payments(cursor, 1000)) & set(payments)

    assert claim() == set(payments)
    assert claim() == set()
    execute(database_url, "UPDATE payments SET lease_expires_at = now() - interval '1 second' WHERE id = ANY (%s)", payments)
    assert claim() == set(payments)
    with connection, connection.cursor() as cursor:
        jobs.release_payments(cursor, payments)
    assert claim() == set(payments)


def test_the_database_refuses_a_second_success(connect, database_url):
    connection = connect()
    (order,) = new_orders(database_url, 1)
    first, second = new_payments(connection, [order] * 2)
    settle(connection, [first])
    with pytest.raises(psycopg2.errors.UniqueViolation):
        execute(database_url, "UPDATE payments SET status = 'success' WHERE id = %s", second)


def test_tallies_agree_with_the_payments_before_and_after_folding(connect, database_url):
    connection = connect()
    settle(connection, new_payments(connection, new_orders(database_url, 4)))
    new_payments(connection, new_orders(database_url, 3))
    filters = [
        PaymentFilter(),
        PaymentFilter(status="success"),
        PaymentFilter(status="pending", method="upi"),
        PaymentFilter(method="card"),
    ]

    def counted() -> list[int]:
        with connection, connection.cursor() as cursor:
            return [repository.count_payments(cursor, MERCHANT, wanted) for wanted in filters]

    (total,) = execute(database_url, "SELECT count(*) FROM payments")[0]
    before = counted()
    assert before[0] == total
    with connection, connection.cursor() as cursor:
        jobs.fold_tallies(cursor)
    assert counted() == before
    assert execute(
        database_url, "SELECT max(n) FROM (SELECT count(*) n FROM payment_tallies GROUP BY day, method, status) x"
    ) == [(1,)]


def test_the_public_checkout_may_not_try_card_after_card(connect, database_url):
    connection = connect()
    order, other = new_orders(database_url, 2)

    def attempt(order_id: str, merchant_id: str | None) -> int:
        request = CreatePayment(merchant_id, order_id, None, None, Upi("a@b", DECLINE), None, "request")
        with connection, connection.cursor() as cursor:
            return service.create_payments(cursor, [request], BANK, public_attempts_limit=3)[0].status

    assert [attempt(order, None) for _ in range(4)] == [201, 201, 201, 429]
    assert attempt(order, MERCHANT) == 201
    assert attempt(other, None) == 201
