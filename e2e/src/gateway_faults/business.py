"""A little of everything that the platform makes, made by its own use cases, for tests that break it afterwards."""

from __future__ import annotations

from datetime import datetime

from chassis.db import Cursor
from orders.service import CreateOrder, create_orders
from payments.acquirer import Acquirer
from payments.instruments import DECLINE, Upi
from payments.service import CreatePayment, create_payments
from payments.service import settle as settle_payments
from payments.settings import AcquirerSettings
from refunds.service import CreateRefund, create_refund
from refunds.service import settle as settle_refunds
from webhooks.repository import AttemptResult, load_leased, record_attempts

__all__ = ["MERCHANT", "do_business"]

MERCHANT = "550e8400-e29b-41d4-a716-446655440000"
BANK = Acquirer(AcquirerSettings(test_mode=True, test_processing_delay=0))


def column(cursor: Cursor, statement: str, *values: object) -> list[str]:
    cursor.execute(statement, values)
    return [value for (value,) in cursor.fetchall()]


def do_business(cursor: Cursor) -> None:
    """A paid, an unpaid and a pending order, refunds that were processed and that wait, webhooks of every kind."""
    cursor.execute(
        "INSERT INTO merchants (id, name, email, api_key, api_secret, webhook_url, webhook_secret)"
        " VALUES (%s, 'x', 'x@x.example', 'key', 's', 'http://127.0.0.1:9/', 'whsec_x')",
        (MERCHANT,),
    )
    create_orders(cursor, [CreateOrder(MERCHANT, 500, "INR", None, b"{}")] * 3)
    paid, declined, pending = column(cursor, "SELECT id FROM orders ORDER BY id")

    def pay(order_id: str, instruction: str | None = None) -> str:
        create_payments(cursor, [CreatePayment(MERCHANT, order_id, None, None, Upi("a@b", instruction), None, "r")], BANK, 100)
        (payment_id,) = column(cursor, "SELECT id FROM payments WHERE order_id = %s AND status = 'pending'", order_id)
        return payment_id

    success = pay(paid)
    settle_payments(cursor, [success, pay(declined, DECLINE)], BANK)
    pay(pending)
    for amount in (200, 100):
        create_refund(cursor, CreateRefund(MERCHANT, success, amount, None, None, 0, "r"))
    settle_refunds(cursor, column(cursor, "SELECT id FROM refunds WHERE amount = 200"))
    deliver(cursor, "payment.created", [True])
    deliver(cursor, "payment.pending", [False, True])
    deliver(cursor, "payment.success", [False] * 5)
    deliver(cursor, "refund.created", [False])


def _clock(cursor: Cursor) -> datetime:
    cursor.execute("SELECT clock_timestamp()")
    row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def deliver(cursor: Cursor, event: str, outcomes: list[bool]) -> None:
    """Attempts of all logs of an event."""
    for succeeded in outcomes:
        ids = column(
            cursor,
            "UPDATE webhook_logs SET lease_expires_at = now() + interval '1 minute'"
            " WHERE event = %s AND status = 'pending' RETURNING id::text",
            event,
        )
        moment = _clock(cursor)
        deliveries = load_leased(cursor, ids, lease_needed_s=1)
        results = [AttemptResult(d, moment, succeeded, 1, 200 if succeeded else 500) for d in deliveries]
        record_attempts(cursor, results, (0.0,) * 5)
