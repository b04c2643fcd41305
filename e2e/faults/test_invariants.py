"""The invariants that the database checks: silent over what the platform makes, and each one loud when it is broken.

Every test breaks something as the superuser, constraints and all, looks with the role of the payments service, and
rolls back.
"""

from collections.abc import Iterator

import psycopg2
import pytest
from chassis.db import Cursor
from chassis.invariants import Check, check_everything, check_recent
from gateway_faults.business import MERCHANT, do_business

LOOKS = {"recent": check_recent, "everything": check_everything}


@pytest.fixture(scope="module")
def connection(database_url) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(database_url("gateway_user"))
    with connection, connection.cursor() as cursor:
        do_business(cursor)
    yield connection
    connection.close()


@pytest.fixture
def cursor(connection) -> Iterator[Cursor]:
    with connection.cursor() as cursor:
        yield cursor
    connection.rollback()


def look(cursor: Cursor, how: str) -> dict[str, Check]:
    """The checks by name, run with the rights of the service that runs them."""
    cursor.execute("SET LOCAL ROLE payments_service")
    checks = LOOKS[how](cursor)
    cursor.execute("RESET ROLE")
    return {check.name: check for check in checks}


@pytest.mark.parametrize("how", LOOKS)
def test_what_the_platform_makes_violates_nothing(cursor, how):
    checks = look(cursor, how)
    assert {name for name, check in checks.items() if check.violations} == set()
    assert checks.keys() == {*BREAKS}


PENDING_ORDER = "(SELECT order_id FROM payments WHERE status = 'pending')"
SUCCESS = "(SELECT id FROM payments WHERE status = 'success')"
LOG = "(SELECT id FROM webhook_logs WHERE status = '{}' ORDER BY id LIMIT 1)"
# For each invariant, statements that break it. Constraints that forbid it go first.
BREAKS = {
    "payments.none_stuck": "UPDATE payments SET due_at = now() - interval '2 minutes' WHERE status = 'pending'",
    "payments.one_success_per_order": "DROP INDEX payments_one_success_per_order; UPDATE payments SET status = 'success',"
    f" error_code = NULL, order_id = (SELECT order_id FROM payments WHERE id = {SUCCESS}) WHERE status = 'failed'",
    "payments.order_paid_iff_success": f"UPDATE orders SET status = 'paid' WHERE id = {PENDING_ORDER}",
    "payments.one_terminal_event": "INSERT INTO events (id, merchant_id, event, payment_id, payload)"
    f" SELECT 'evt_twice', merchant_id, 'payment.success', id, '{{}}' FROM payments WHERE id = {SUCCESS}",
    "payments.created_and_pending_events": "ALTER TABLE webhook_logs DROP CONSTRAINT webhook_logs_event_id_fkey;"
    f" DELETE FROM events WHERE event = 'payment.pending' AND payment_id = {SUCCESS}",
    "payments.events_have_payment": "INSERT INTO events (id, merchant_id, event, payment_id, payload)"
    f" VALUES ('evt_orphan', '{MERCHANT}', 'payment.created', 'pay_nobodys', '{{}}')",
    "payments.captured_is_success": "ALTER TABLE payments DROP CONSTRAINT payments_captured;"
    " UPDATE payments SET captured = true WHERE status = 'failed'",
    "payments.amount_is_of_order": "UPDATE payments SET amount = 600 WHERE status = 'failed'",
    "payments.tallies_are_true": "DELETE FROM payment_tallies WHERE status = 'pending'",
    "refunds.none_stuck": "UPDATE refunds SET due_at = now() - interval '2 minutes' WHERE status = 'pending'",
    "refunds.created_event": "ALTER TABLE webhook_logs DROP CONSTRAINT webhook_logs_event_id_fkey;"
    " DELETE FROM events WHERE event = 'refund.created'",
    "refunds.one_terminal_event": "ALTER TABLE webhook_logs DROP CONSTRAINT webhook_logs_event_id_fkey;"
    " DELETE FROM events WHERE event = 'refund.processed'",
    "refunds.events_have_refund": "INSERT INTO events (id, merchant_id, event, payment_id, payload)"
    f' SELECT \'evt_orphan\', merchant_id, \'refund.created\', id, \'{{"data": {{"refund": {{"id": "rfnd_nobodys"}}}}}}\''
    f" FROM payments WHERE id = {SUCCESS}",
    "refunds.within_payment": "UPDATE refunds SET amount = 450 WHERE status = 'processed'",
    "refunds.balance_is_true": "UPDATE refund_balances SET refunded_amount = refunded_amount + 1",
    "refunds.payment_succeeded": "UPDATE payments SET status = 'failed', error_code = 'X' WHERE status = 'success'",
    "refunds.merchant_is_of_payment": "INSERT INTO merchants (id, name, email, api_key, api_secret)"
    " VALUES ('00000000-0000-0000-0000-000000000001', 'y', 'y@y.example', 'y', 's');"
    " UPDATE refunds SET merchant_id = '00000000-0000-0000-0000-000000000001'",
    "webhooks.none_stuck": "UPDATE webhook_attempts SET attempted_at = now() - interval '1 hour';"
    " UPDATE webhook_logs SET next_retry_at = now() - interval '1 hour' WHERE status = 'pending'",
    "webhooks.attempts_are_counted": f"UPDATE webhook_logs SET attempts = 3 WHERE id = {LOG.format('success')}",
    "webhooks.failed_after_five": "UPDATE webhook_logs SET attempts = 2, status = 'failed', next_retry_at = NULL"
    f" WHERE id = {LOG.format('pending')}",
    "webhooks.status_is_of_last_attempt": "UPDATE webhook_attempts SET succeeded = true"
    f" WHERE webhook_log_id = {LOG.format('failed')}",
    "webhooks.pending_has_attempts_left": "UPDATE webhook_logs SET status = 'pending', next_retry_at = now()"
    f" WHERE id = {LOG.format('failed')}",
    "webhooks.one_log_per_event": "INSERT INTO webhook_logs (merchant_id, event_id, event, payload)"
    " SELECT merchant_id, event_id, event, payload FROM webhook_logs LIMIT 1",
}


@pytest.mark.parametrize("how", LOOKS)
@pytest.mark.parametrize("name", BREAKS)
def test_each_broken_invariant_is_seen(cursor, name, how):
    cursor.execute(BREAKS[name])
    broken = look(cursor, how)[name]
    assert broken.violations > 0
    assert broken.examples


def test_a_gap_in_the_history_of_attempts_is_seen(cursor):
    cursor.execute(f"DELETE FROM webhook_attempts WHERE attempt = 3 AND webhook_log_id = {LOG.format('failed')}")
    assert look(cursor, "recent")["webhooks.attempts_are_counted"].violations == 1


def test_a_delivery_without_a_url_fails_at_once(cursor):
    cursor.execute(
        "UPDATE webhook_logs SET status = 'failed', attempts = 1, next_retry_at = NULL"
        " WHERE id = (SELECT id FROM webhook_logs WHERE attempts = 1 AND status = 'pending' LIMIT 1) RETURNING id"
    )
    cursor.execute(
        "UPDATE webhook_attempts SET error = 'The merchant has no webhook URL' WHERE webhook_log_id = %s", cursor.fetchone()
    )
    assert look(cursor, "recent")["webhooks.failed_after_five"].violations == 0


def test_late_deliveries_of_a_merchant_whose_others_move_on_are_nothing_stuck(cursor):
    cursor.execute("UPDATE webhook_logs SET next_retry_at = now() - interval '1 hour' WHERE status = 'pending'")
    assert look(cursor, "recent")["webhooks.none_stuck"].violations == 0


def test_a_sample_is_enough_where_much_happens(cursor):
    cursor.execute("SET LOCAL ROLE payments_service")
    cursor.execute("SELECT sum(violations) FROM payments_invariants('-infinity', 1)")
    assert cursor.fetchone() == (0,)
