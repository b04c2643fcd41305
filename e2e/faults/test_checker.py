"""The checker of `./gateway faults`: silent over what is right, and each check loud when what it checks is broken."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import psycopg2
import pytest
from chassis.db import Cursor
from gateway_faults.business import MERCHANT, do_business
from gateway_faults.checks import CHECKS, Evidence, check
from gateway_faults.endpoints import Arrival
from gateway_faults.journal import Fault, Journal, Probe, Sent

QUIET = "nothing is stuck"
# What one terminal state cannot be without: what is broken in the rows is seen by the platform's own invariants too.
OWN = "the platform's own invariants"


@pytest.fixture(scope="module")
def connection(database_url) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(database_url("gateway_user"))
    with connection, connection.cursor() as cursor:
        do_business(cursor)
        cursor.execute("UPDATE orders SET receipt = id")
        cursor.execute("UPDATE refunds SET reason = id")
        # As after quiet: nothing waits, and each delivery has the attempts that its endpoint saw.
        settle_all(cursor)
    yield connection
    connection.close()


def settle_all(cursor: Cursor) -> None:
    from payments.acquirer import Acquirer
    from payments.service import settle as settle_payments
    from payments.settings import AcquirerSettings
    from refunds.service import settle as settle_refunds

    for table, settle in (
        ("payments", lambda ids: settle_payments(cursor, ids, Acquirer(AcquirerSettings(test_mode=True)))),
        ("refunds", lambda ids: settle_refunds(cursor, ids)),
    ):
        cursor.execute(f"SELECT id FROM {table} WHERE status = 'pending'")
        settle([row_id for (row_id,) in cursor.fetchall()])
    cursor.execute("DELETE FROM webhook_attempts")
    cursor.execute(
        "UPDATE webhook_logs SET status = 'success', attempts = 1, next_retry_at = NULL, lease_expires_at = NULL,"
        " response_code = 200"
    )
    cursor.execute(
        "INSERT INTO webhook_attempts (webhook_log_id, attempt, attempted_at, succeeded, duration_ms, response_code)"
        " SELECT id, 1, now(), true, 1, 200 FROM webhook_logs"
    )


@pytest.fixture
def cursor(connection) -> Iterator[Cursor]:
    with connection.cursor() as cursor:
        yield cursor
    connection.rollback()


def column(cursor: Cursor, statement: str) -> list[str]:
    cursor.execute(statement)
    return [value for (value,) in cursor.fetchall()]


def accepted(operation: str, tag: str, row_id: str, **fields) -> Sent:
    return Sent(1.0, operation, tag, fields.get("key"), fields.get("subject", ""), 201, json.dumps({"id": row_id}).encode())


@pytest.fixture
def evidence(cursor) -> Evidence:
    """What was seen from outside while all went well."""
    sent = [accepted("order", row_id, row_id) for row_id in column(cursor, "SELECT id FROM orders")]
    sent += [accepted("refund", row_id, row_id) for row_id in column(cursor, "SELECT id FROM refunds")]
    arrivals = [Arrival(row_id, "good", "digest", 200, True) for row_id in column(cursor, "SELECT id::text FROM webhook_logs")]
    return Evidence(sent, arrivals, repeats_allowed=False, intervals_s=(0.5,) * 4)


def found(cursor: Cursor, evidence: Evidence) -> Counter[str]:
    return Counter(violation.check for violation in check(cursor, evidence))


def test_nothing_is_found_where_nothing_is_wrong(cursor, evidence):
    assert check(cursor, evidence) == []


NO_EVENT_KEY = "ALTER TABLE webhook_logs DROP CONSTRAINT webhook_logs_event_id_fkey;"
FIRST_LOG = "(SELECT id FROM webhook_logs ORDER BY id LIMIT 1)"
SUCCESS = "(SELECT id FROM payments WHERE status = 'success' ORDER BY id LIMIT 1)"
BROKEN_ROWS = {
    "an order is lost": ("accepted requests are stored once", "UPDATE orders SET receipt = NULL WHERE status = 'paid'"),
    "an order is doubled": (
        "accepted requests are stored once",
        "INSERT INTO orders (id, merchant_id, amount, receipt)"
        " SELECT 'order_twin', merchant_id, amount, receipt FROM orders LIMIT 1",
    ),
    "a refund is lost": ("accepted requests are stored once", "UPDATE refunds SET reason = NULL"),
    "a payment is stuck": (QUIET, f"UPDATE payments SET status = 'pending' WHERE id = {SUCCESS}"),
    "a webhook is stuck": (QUIET, "UPDATE webhook_logs SET status = 'pending', next_retry_at = now()"),
    "an order is paid for nothing": (
        "paid exactly where one payment succeeded",
        "UPDATE orders SET status = 'paid' WHERE status = 'created'",
    ),
    "an order is paid twice": (
        "paid exactly where one payment succeeded",
        "DROP INDEX payments_one_success_per_order; UPDATE payments SET status = 'success', error_code = NULL,"
        f" order_id = (SELECT order_id FROM payments WHERE id = {SUCCESS})",
    ),
    "more is refunded than was paid": (
        "refunds stay within their payment",
        "UPDATE refunds SET amount = 450 WHERE amount = 200",
    ),
    "a failed payment is refunded": (
        "refunds stay within their payment",
        "UPDATE payments SET status = 'failed', error_code = 'X' WHERE status = 'success'",
    ),
    "a terminal event is missing": (
        "one terminal event each",
        f"{NO_EVENT_KEY} DELETE FROM events WHERE event = 'payment.success' AND payment_id = {SUCCESS}",
    ),
    "a terminal event is doubled": (
        "one terminal event each",
        "INSERT INTO events (id, merchant_id, event, payment_id, payload)"
        " SELECT 'evt_twin', merchant_id, event, payment_id, payload FROM events WHERE event = 'refund.processed' LIMIT 1",
    ),
    "a delivery was never made": (
        "every event has its delivery",
        f"DELETE FROM webhook_attempts WHERE webhook_log_id = {FIRST_LOG}; DELETE FROM webhook_logs WHERE id = {FIRST_LOG}",
    ),
    "a delivery failed too soon": (
        "deliveries are as their endpoints saw them",
        f"UPDATE webhook_logs SET status = 'failed' WHERE id = {FIRST_LOG}",
    ),
    "an attempt is not recorded": (
        "deliveries are as their endpoints saw them",
        f"DELETE FROM webhook_attempts WHERE webhook_log_id = {FIRST_LOG}",
    ),
    "an answer is made up": (
        "deliveries are as their endpoints saw them",
        f"UPDATE webhook_attempts SET response_code = 204 WHERE webhook_log_id = {FIRST_LOG}",
    ),
    "a retry came too soon": (
        "deliveries are as their endpoints saw them",
        "INSERT INTO webhook_attempts (webhook_log_id, attempt, attempted_at, succeeded, duration_ms)"
        f" VALUES ({FIRST_LOG}, 2, now() + interval '0.1 second', false, 1)",
    ),
    "a tally is wrong": (OWN, "UPDATE payment_tallies SET payments = payments + 1"),
}


@pytest.mark.parametrize("what", BROKEN_ROWS)
def test_broken_rows_are_found(cursor, evidence, what):
    name, statements = BROKEN_ROWS[what]
    cursor.execute(statements)
    assert found(cursor, evidence)[name] > 0


def with_sent(evidence: Evidence, *sent: Sent) -> Evidence:
    return replace(evidence, sent=[*evidence.sent, *sent])


def with_arrivals(evidence: Evidence, *arrivals: Arrival) -> Evidence:
    return replace(evidence, arrivals=[*evidence.arrivals, *arrivals])


@pytest.mark.parametrize(("status", "count_with_repeats"), [(200, 0), (500, 1)])
def test_after_a_fault_only_a_success_may_be_the_twin_of_a_failure(cursor, evidence, status, count_with_repeats):
    """Two workers posted the same attempt: the success counts whenever it comes, a failure waits for its turn."""
    (log_id,) = column(cursor, f"SELECT {FIRST_LOG}::text")
    cursor.execute(
        "UPDATE webhook_attempts SET succeeded = false, response_code = NULL WHERE webhook_log_id = %(log)s::uuid;"
        " INSERT INTO webhook_attempts (webhook_log_id, attempt, attempted_at, succeeded, duration_ms, response_code)"
        " SELECT webhook_log_id, 2, attempted_at + interval '0.1 second', %(status)s = 200, 1, %(status)s FROM webhook_attempts"
        " WHERE webhook_log_id = %(log)s::uuid;"
        " UPDATE webhook_logs SET attempts = 2, status = CASE WHEN %(status)s = 200 THEN 'success' ELSE 'pending' END,"
        " next_retry_at = CASE WHEN %(status)s = 200 THEN NULL ELSE now() END WHERE id = %(log)s::uuid",
        {"log": log_id, "status": status},
    )
    answered = [replace(arrival, answered=status) if arrival.webhook_id == log_id else arrival for arrival in evidence.arrivals]
    evidence = replace(evidence, arrivals=answered)
    name = "deliveries are as their endpoints saw them"
    assert found(cursor, evidence)[name] == 1
    assert found(cursor, replace(evidence, repeats_allowed=True))[name] == count_with_repeats


def test_a_request_that_was_refused_and_stored_is_found(cursor, evidence):
    order_id = evidence.sent[0].tag
    refused = replace(evidence, sent=[Sent(1.0, "order", order_id, None, "", 400)])
    assert found(cursor, refused)["accepted requests are stored once"] == 1


def test_a_request_without_an_answer_may_or_may_not_be_stored(cursor, evidence):
    unknown = [Sent(1.0, "order", tag, None, "", status) for tag in (evidence.sent[0].tag, "nowhere") for status in (0, 503)]
    assert check(cursor, replace(evidence, sent=unknown)) == []


def test_a_lost_card_payment_and_a_lost_capture_are_found(cursor, evidence):
    (payment_id,) = column(cursor, f"SELECT {SUCCESS}")
    lost = with_sent(
        evidence, accepted("card payment", "tag", "pay_lost"), accepted("capture", "tag", payment_id, subject=payment_id)
    )
    assert found(cursor, lost)["accepted cards and captures are stored"] == 2


def test_two_captures_of_one_payment_are_found(cursor, evidence):
    cursor.execute(f"UPDATE payments SET captured = true WHERE id = {SUCCESS}")
    (payment_id,) = column(cursor, f"SELECT {SUCCESS}")
    twice = with_sent(evidence, *(accepted("capture", tag, payment_id, subject=payment_id) for tag in ("one", "other")))
    assert found(cursor, twice)["a payment is captured once"] == 1


def test_a_replay_that_differs_is_found(cursor, evidence):
    order_id = evidence.sent[0].tag
    answer = accepted("order", order_id, order_id, key="key")
    cursor.execute(
        "INSERT INTO idempotency_keys (merchant_id, endpoint, key, fingerprint, status_code, response, expires_at)"
        " VALUES (%s, 'orders', 'key', '', 201, %s, now())",
        (MERCHANT, answer.body.decode()),
    )
    assert check(cursor, with_sent(evidence, answer, answer)) == []
    spaced = replace(answer, body=answer.body.replace(b": ", b":"))
    assert found(cursor, with_sent(evidence, answer, spaced))["one key, one answer"] == 1
    assert found(cursor, with_sent(evidence, spaced))["one key, one answer"] == 1


def test_a_repeated_post_is_found_unless_workers_were_killed(cursor, evidence):
    twice = with_arrivals(evidence, evidence.arrivals[0])
    assert found(cursor, twice)["deliveries are as their endpoints saw them"] == 1
    assert check(cursor, replace(twice, repeats_allowed=True)) == []


def test_a_success_that_the_endpoint_never_gave_is_found(cursor, evidence):
    unseen = replace(evidence, arrivals=evidence.arrivals[1:])
    assert found(cursor, unseen)["deliveries are as their endpoints saw them"] > 0


def test_what_arrives_unsigned_changed_or_from_nowhere_is_found(cursor, evidence):
    first = evidence.arrivals[0]
    odd = with_arrivals(
        replace(evidence, repeats_allowed=True),
        replace(first, is_signed=False),
        replace(evidence.arrivals[1], digest="another"),
        Arrival("00000000-0000-0000-0000-000000000000", "good", "digest", 200, True),
    )
    assert found(cursor, odd) == {"what arrives is whole and signed": 2, "deliveries are as their endpoints saw them": 1}


def test_a_fault_that_lasts_and_a_platform_that_stays_ill_are_found(cursor, evidence):
    journal = Journal(faults=[Fault(1.0, 2.0, "freeze", "nginx"), Fault(4.0, 5.0, "kill -9", "orders")], probes=[Probe(3.0, 4.5)])
    lasting = replace(evidence, lasting=journal.lasting(), ailing=["orders: fatal"])
    assert [(violation.subject, violation.check) for violation in check(cursor, lasting)] == [
        ("orders", "money moves again after each fault"),
        ("platform", "everything is well again by itself"),
    ]


def test_recovery_is_counted_from_the_end_of_a_fault():
    journal = Journal(probes=[Probe(1.0, 2.0), Probe(6.0, 7.5), Probe(5.5, 9.0)])
    assert journal.recovery_s(Fault(3.0, 5.0, "kill -9", "orders")) == 2.5
    assert journal.recovery_s(Fault(6.5, 7.0, "kill -9", "orders")) is None


def test_time_in_which_something_else_was_done_is_no_recovery():
    killed = Fault(1.0, 1.0, "kill -9", "orders")
    faults = [killed, Fault(2.0, 6.0, "PostgreSQL away", "postgres for 4.0 s"), Fault(7.5, 9.0, "freeze", "nginx")]
    journal = Journal(faults=faults, probes=[Probe(6.5, 8.0)])
    assert journal.recovery_s(killed) == 8.0 - 1.0 - 4.0 - 0.5


def test_every_check_has_been_broken():
    by_evidence = {
        "accepted cards and captures are stored",
        "a payment is captured once",
        "one key, one answer",
        "what arrives is whole and signed",
        "money moves again after each fault",
        "everything is well again by itself",
    }
    assert {name for name, _ in BROKEN_ROWS.values()} | by_evidence == CHECKS.keys()
