"""Page one of very many rows is read from an index: as fast as of a hundred."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import orders.repository
import payments.repository
import psycopg2
import pytest
import refunds.repository
import webhooks.repository
from sqlalchemy import create_engine, event
from sqlmodel import Session

ROWS = 100_000
MERCHANT = UUID(int=1)
# Ours is one of ten merchants, and its rows are spread over the table as they would be.
FILL = """
INSERT INTO merchants (id, name, email, api_key, api_secret, webhook_secret)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'Shop', n || '@shop.example', 'key_' || n, 'secret_' || n, 'whsec_' || n
FROM generate_series(1, 10) AS n;

INSERT INTO orders (id, merchant_id, amount, status, receipt, created_at, updated_at)
SELECT 'order_' || lpad(n::text, 16, '0'), lpad(to_hex(1 + n % 10), 32, '0')::uuid, 100 + n, 'paid', 'receipt_' || n,
       timestamptz '2024-01-01' + n * interval '1 minute', now()
FROM generate_series(1, {rows}) AS n;

INSERT INTO payments (id, order_id, merchant_id, amount, method, vpa, status, due_at, created_at)
SELECT 'pay_' || lpad(n::text, 16, '0'), 'order_' || lpad(n::text, 16, '0'), lpad(to_hex(1 + n % 10), 32, '0')::uuid, 100 + n,
       'upi', 'user' || n || '@bank', 'success', now(), timestamptz '2024-01-01' + n * interval '1 minute'
FROM generate_series(1, {rows}) AS n;

INSERT INTO refunds (id, payment_id, merchant_id, amount, status, processed_at, created_at)
SELECT 'rfnd_' || lpad(n::text, 16, '0'), 'pay_' || lpad(n::text, 16, '0'), lpad(to_hex(1 + n % 10), 32, '0')::uuid, 1,
       'processed', now(), timestamptz '2024-01-01' + n * interval '1 minute'
FROM generate_series(1, {rows}) AS n;

INSERT INTO events (id, merchant_id, event, payment_id, payload, created_at)
SELECT 'evt_' || lpad(n::text, 16, '0'), lpad(to_hex(1 + n % 10), 32, '0')::uuid, 'payment.success',
       'pay_' || lpad(n::text, 16, '0'), '{{}}', timestamptz '2024-01-01' + n * interval '1 minute'
FROM generate_series(1, {rows}) AS n;

INSERT INTO webhook_logs (merchant_id, event_id, payment_id, event, payload, status, next_retry_at, created_at)
SELECT lpad(to_hex(1 + n % 10), 32, '0')::uuid, 'evt_' || lpad(n::text, 16, '0'), 'pay_' || lpad(n::text, 16, '0'),
       'payment.success', '{{}}', 'success', NULL, timestamptz '2024-01-01' + n * interval '1 minute'
FROM generate_series(1, {rows}) AS n;
"""


@pytest.fixture(scope="module")
def filled(database_url: Callable[[str], str]) -> Callable[[str], str]:
    connection = psycopg2.connect(database_url("gateway_user"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(FILL.format(rows=ROWS))
        cursor.execute("VACUUM ANALYZE")
    connection.close()
    return database_url


@pytest.fixture
def statements(filled: Callable[[str], str]) -> Iterator[Callable[[str, Callable[[Session], Any]], list[str]]]:
    """``statements(role, work)``: what the work asks of PostgreSQL as that role, with its values filled in."""
    engines = []

    def run(role: str, work: Callable[[Session], Any]) -> list[str]:
        engine = create_engine(filled(role).replace("postgresql://", "postgresql+psycopg2://"))
        engines.append(engine)
        seen: list[str] = []
        event.listen(engine, "after_cursor_execute", lambda _c, cursor, *_: seen.append(cursor.query.decode()))
        with Session(engine) as session:
            work(session)
        return seen

    yield run
    for engine in engines:
        engine.dispose()


class Recording:
    """A cursor that keeps what it has executed."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.seen: list[str] = []

    def execute(self, statement: str, values: Any = None) -> None:
        self._cursor.execute(statement, values)
        self.seen.append(self._cursor.query.decode())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def recorded(url: str, work: Callable[[Any], Any]) -> list[str]:
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        recording = Recording(cursor)
        work(recording)
    connection.close()
    return recording.seen


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def explained(url: str, statement: str) -> list[dict[str, Any]]:
    """The nodes of the plan that PostgreSQL carried out."""
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
        (document,) = cursor.fetchone()
    connection.close()
    return list(nodes((json.loads(document) if isinstance(document, str) else document)[0]["Plan"]))


def assert_reads_a_page_from(index: str, plan: list[dict[str, Any]]) -> None:
    """Ten rows, in the order of the index: nothing is sorted, and no more of the table is touched than they are on."""
    assert [node["Index Name"] for node in plan if "Index Name" in node] == [index], plan
    assert not [node for node in plan if "Sort" in node["Node Type"] or node["Node Type"] == "Seq Scan"], plan
    assert plan[0]["Actual Rows"] == 10
    assert plan[0]["Shared Hit Blocks"] + plan[0]["Shared Read Blocks"] < 100, plan


def test_page_one_of_payments(filled):
    url = filled("payments_service")
    wanted = payments.repository.PaymentFilter(None, None, None, None, None, None)
    (statement,) = recorded(url, lambda cursor: payments.repository.page_of_payments(cursor, str(MERCHANT), wanted, 10, 0))
    assert_reads_a_page_from("payments_merchant_newest", explained(url, statement))


def test_page_one_of_successful_payments(filled):
    url = filled("payments_service")
    wanted = payments.repository.PaymentFilter("success", None, None, None, None, None)
    (statement,) = recorded(url, lambda cursor: payments.repository.page_of_payments(cursor, str(MERCHANT), wanted, 10, 0))
    assert_reads_a_page_from("payments_merchant_newest", explained(url, statement))


def test_the_number_of_payments_is_not_counted_row_by_row(filled):
    url = filled("payments_service")
    wanted = payments.repository.PaymentFilter(None, None, None, None, None, None)
    (statement,) = recorded(url, lambda cursor: payments.repository.count_payments(cursor, str(MERCHANT), wanted))
    assert {node["Relation Name"] for node in explained(url, statement) if "Relation Name" in node} == {"payment_tallies"}


def test_page_one_of_refunds(filled):
    url = filled("refunds_service")
    wanted = refunds.repository.RefundFilter()
    statement, _ = recorded(url, lambda cursor: refunds.repository.list_refunds(cursor, str(MERCHANT), wanted, 10, 0))
    assert_reads_a_page_from("refunds_merchant_newest", explained(url, statement))


def test_page_one_of_orders(filled, statements):
    wanted = orders.repository.OrderFilter()
    seen = statements("orders_service", lambda session: orders.repository.list_orders(session, str(MERCHANT), wanted, 10, 0))
    (statement,) = [text for text in seen if "LIMIT" in text]
    assert_reads_a_page_from("orders_merchant_newest", explained(filled("orders_service"), statement))


def test_page_one_of_webhook_logs(filled, statements):
    wanted = webhooks.repository.LogFilter()
    seen = statements("webhooks_service", lambda session: webhooks.repository.list_logs(session, str(MERCHANT), wanted, 10, 0))
    (statement,) = [text for text in seen if "LIMIT" in text]
    assert_reads_a_page_from("webhook_logs_merchant_newest", explained(filled("webhooks_service"), statement))


def test_page_one_of_events(filled, statements):
    wanted = webhooks.repository.EventFilter()
    seen = statements("webhooks_service", lambda session: webhooks.repository.list_events(session, str(MERCHANT), wanted, 10, 0))
    (statement,) = [text for text in seen if "LIMIT" in text]
    assert_reads_a_page_from("events_merchant_newest", explained(filled("webhooks_service"), statement))
