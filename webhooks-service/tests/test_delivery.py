"""Deliveries from row to row: retries, dead letters, duplicates, leases, other people's endpoints, and stopping."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import psycopg2
import pytest

from .support import (
    DatabaseUrl,
    Receiver,
    Store,
    answer,
    answering,
    gaps,
    hanging,
    receiving,
    running,
    wait_until,
)


def ids_of(receiver: Receiver) -> set[str]:
    return {request.headers["x-webhook-id"] for request in receiver.received}


def bodies_of(receiver: Receiver) -> set[bytes]:
    return {request.body for request in receiver.received}


# --- attempts ---


def test_500_500_200_makes_three_attempts_of_one_webhook_at_the_configured_times(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(500, 500, 200)) as receiver, running(database_url, webhook_retry_intervals_test="0.5,1,60,60"):
        (log_id,) = store.event(store.merchant(receiver.url))
        wait_until(lambda: store.status(log_id) == "success")
    assert ids_of(receiver) == {log_id}
    assert len(bodies_of(receiver)) == 1
    first, second = gaps(receiver.received)
    assert first >= 0.5
    assert second >= 1
    assert store.attempts(log_id) == [
        (1, False, 500, "The endpoint answered 500"),
        (2, False, 500, "The endpoint answered 500"),
        (3, True, 200, None),
    ]
    log = store.log(log_id)
    assert (log["attempts"], log["next_retry_at"], log["response_code"], log["response_body"]) == (3, None, 200, "ok")


def test_five_failures_are_the_end(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(503)) as receiver, running(database_url) as run:
        (log_id,) = store.event(store.merchant(receiver.url))
        wait_until(lambda: store.status(log_id) == "failed")
        (other,) = store.event(store.merchant(receiver.url))
        wait_until(lambda: store.status(other) == "failed")
        assert run.claim() == []
    assert len(receiver.received) == 10
    log = store.log(log_id)
    assert (log["attempts"], log["next_retry_at"], log["lease_expires_at"]) == (5, None, None)
    assert [attempt for attempt, *_ in store.attempts(log_id)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("setting", "intervals_s"), [("false", (60, 300, 1800, 7200)), ("30.5,31,31.5,32", (30.5, 31, 31.5, 32))]
)
def test_each_attempt_is_due_its_interval_after_the_failure_of_the_last(
    store: Store, database_url: DatabaseUrl, setting: str, intervals_s: Sequence[float]
) -> None:
    """The real ones, a minute, five, half an hour and two hours, and some from the setting."""
    with receiving(answering(500)) as receiver, running(database_url, webhook_retry_intervals_test=setting):
        ((earliest,),) = store.sql("SELECT now()")
        (log_id,) = store.event(store.merchant(receiver.url))
        for attempts, interval_s in enumerate(intervals_s, 1):
            wait_until(lambda attempts=attempts: store.log(log_id)["attempts"] == attempts)
            ((due_at, latest),) = store.sql("SELECT next_retry_at, now() FROM webhook_logs")
            # The attempt failed between these two, by the clock that its next one goes by.
            assert earliest <= due_at - timedelta(seconds=interval_s) <= latest
            ((earliest,),) = store.sql("UPDATE webhook_logs SET next_retry_at = now() RETURNING now()")
        wait_until(lambda: store.status(log_id) == "failed")


def test_a_url_that_was_removed_ends_the_delivery_with_a_reason(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(200)) as receiver:
        merchant = store.merchant(receiver.url)
        (log_id,) = store.event(merchant)
        store.sql("UPDATE merchants SET webhook_url = NULL WHERE id = %s::uuid", merchant)
        with running(database_url):
            wait_until(lambda: store.status(log_id) == "failed")
        assert store.attempts(log_id) == [(1, False, None, "The merchant has no webhook URL")]
        assert not receiver.received


def test_a_merchant_without_a_secret_gets_nothing_unsigned(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(200)) as receiver, running(database_url):
        (log_id,) = store.event(store.merchant(receiver.url, secret=None))
        wait_until(lambda: store.status(log_id) == "failed")
        assert {error for *_, error in store.attempts(log_id)} == {"The merchant has no webhook secret to sign with"}
        assert not receiver.received


def test_private_targets_are_refused_at_delivery_too(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(200)) as receiver, running(database_url, webhook_allow_private_targets=False):
        (log_id,) = store.event(store.merchant(receiver.url))
        wait_until(lambda: store.status(log_id) == "failed")
        assert {error for *_, error in store.attempts(log_id)} == {"The address of the endpoint is not allowed"}
        assert not receiver.received


def test_what_an_endpoint_answers_can_be_stored_whatever_it_is(store: Store, database_url: DatabaseUrl) -> None:
    bodies = [b"\0\xff\xed\xa0\x80\0", "₹".encode() * 100_000, b"'; DROP TABLE webhook_logs; --"]
    with receiving(lambda c, n: c.sendall(answer(200, bodies[n]))) as receiver, running(database_url):
        for _ in bodies:
            (log_id,) = store.event(store.merchant(receiver.url))
            wait_until(lambda log_id=log_id: store.status(log_id) == "success")
        lengths = store.sql("SELECT octet_length(response_body) FROM webhook_logs ORDER BY created_at")
    assert all(0 < length <= 10_245 for (length,) in lengths)


# --- twice, late, after a crash ---


def test_a_message_that_comes_twice_makes_one_attempt(store: Store, database_url: DatabaseUrl) -> None:
    with hanging() as receiver, running(database_url, feed=False, webhook_timeout_ms=10_000) as run:
        (log_id,) = store.event(store.merchant(receiver.url))
        claimed = run.claim()
        assert claimed == [log_id]
        run.engine.deliver(claimed + claimed)
        run.engine.deliver(claimed)
        wait_until(lambda: receiver.received)
        receiver.released.set()
        wait_until(lambda: store.status(log_id) == "success")
        run.engine.deliver(claimed)
    assert len(receiver.received) == 1
    assert store.attempts(log_id) == [(1, True, 200, None)]


def test_a_message_for_two_workers_counts_one_attempt(store: Store, database_url: DatabaseUrl) -> None:
    """Two processes post at the same time, which no lock can prevent; the failure is counted once."""
    released = threading.Event()

    def behave(connection: socket.socket, _: int) -> None:
        released.wait(30)
        connection.sendall(answer(500))

    slow = {"webhook_timeout_ms": 10_000, "webhook_retry_intervals_test": "false"}
    with (
        receiving(behave) as receiver,
        running(database_url, feed=False, **slow) as one,
        running(database_url, feed=False, **slow) as two,
    ):
        (log_id,) = store.event(store.merchant(receiver.url))
        claimed = one.claim()
        one.engine.deliver(claimed)
        two.engine.deliver(claimed)
        wait_until(lambda: len(receiver.received) == 2)
        released.set()
    assert store.log(log_id)["attempts"] == 1
    assert store.attempts(log_id) == [(1, False, 500, "The endpoint answered 500")]


def test_a_success_counts_even_if_somebody_recorded_a_failure_first(store: Store, database_url: DatabaseUrl) -> None:
    released = threading.Event()

    def behave(connection: socket.socket, number: int) -> None:
        if number == 0:
            released.wait(30)
            connection.sendall(answer(200))
        else:
            connection.sendall(answer(500))

    slow = {"webhook_timeout_ms": 10_000, "webhook_retry_intervals_test": "false"}
    with (
        receiving(behave) as receiver,
        running(database_url, feed=False, **slow) as one,
        running(database_url, feed=False, **slow) as two,
    ):
        (log_id,) = store.event(store.merchant(receiver.url))
        claimed = one.claim()
        one.engine.deliver(claimed)
        wait_until(lambda: receiver.received)
        two.engine.deliver(claimed)
        wait_until(lambda: store.log(log_id)["attempts"] == 1)
        released.set()
        wait_until(lambda: store.status(log_id) == "success")
    assert store.log(log_id)["attempts"] == 2
    assert [(attempt, succeeded) for attempt, succeeded, *_ in store.attempts(log_id)] == [(1, False), (2, True)]


def test_a_lease_that_ran_out_consumes_no_attempt_and_keeps_the_id(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(200)) as receiver:
        (log_id,) = store.event(store.merchant(receiver.url))
        with running(database_url, feed=False) as dead:
            assert dead.claim() == [log_id]
            assert dead.claim() == []
        store.sql("UPDATE webhook_logs SET lease_expires_at = now() - interval '1 millisecond'")
        with running(database_url):
            wait_until(lambda: store.status(log_id) == "success")
    assert ids_of(receiver) == {log_id}
    assert store.attempts(log_id) == [(1, True, 200, None)]


def test_a_message_whose_lease_is_nearly_over_is_left_to_the_next_claim(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(200)) as receiver, running(database_url, feed=False) as run:
        (log_id,) = store.event(store.merchant(receiver.url))
        claimed = run.claim()
        store.sql("UPDATE webhook_logs SET lease_expires_at = now() + interval '1 second'")
        run.engine.deliver(claimed)
        assert not receiver.received
        assert store.log(log_id)["attempts"] == 0


def test_a_message_of_somebody_elses_making_is_left_alone(store: Store, database_url: DatabaseUrl) -> None:
    with receiving(answering(200)) as receiver, running(database_url, feed=False) as run:
        (log_id,) = store.event(store.merchant(receiver.url))
        run.engine.deliver([log_id, "00000000-0000-0000-0000-000000000001"])
        run.engine.deliver([])
        assert not receiver.received


def test_a_retry_by_hand_while_an_attempt_is_under_way_begins_a_new_count(store: Store, database_url: DatabaseUrl) -> None:
    released = threading.Event()

    def behave(connection: socket.socket, _: int) -> None:
        released.wait(30)
        connection.sendall(answer(500))

    slow = {"webhook_timeout_ms": 10_000, "webhook_retry_intervals_test": "false"}
    with receiving(behave) as receiver, running(database_url, feed=False, **slow) as run:
        (log_id,) = store.event(store.merchant(receiver.url))
        store.sql("UPDATE webhook_logs SET attempts = 3")
        run.engine.deliver(run.claim())
        wait_until(lambda: receiver.received)
        store.sql("UPDATE webhook_logs SET attempts = 0, next_retry_at = now(), lease_expires_at = NULL")
        released.set()
        wait_until(lambda: store.log(log_id)["attempts"] == 1)
        ((left_s,),) = store.sql("SELECT extract(epoch FROM next_retry_at - last_attempt_at)::float FROM webhook_logs")
    assert left_s == pytest.approx(60, abs=5)


def test_results_survive_a_database_that_goes_away_for_a_moment(store: Store, database_url: DatabaseUrl) -> None:
    with hanging() as receiver, running(database_url, feed=False, webhook_timeout_ms=10_000) as run:
        (log_id,) = store.event(store.merchant(receiver.url))
        run.engine.deliver(run.claim())
        wait_until(lambda: receiver.received)
        store.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'webhooks_service' AND datname = current_database()"
        )
        receiver.released.set()
        wait_until(lambda: store.status(log_id) == "success")
    assert len(receiver.received) == 1


def test_a_row_that_is_locked_holds_up_no_other_claim(store: Store, database_url: DatabaseUrl) -> None:
    merchant = store.merchant("http://127.0.0.1:1/")
    first, second = store.event(merchant, 2)
    locking = psycopg2.connect(database_url("webhooks_service"))
    with locking, locking.cursor() as cursor, running(database_url, feed=False) as run:
        cursor.execute("SELECT FROM webhook_logs WHERE id = %s::uuid FOR UPDATE", (first,))
        assert run.claim() == [second]
    locking.close()


def test_a_row_whose_pause_begins_while_it_is_claimed_is_not_claimed(store: Store, database_url: DatabaseUrl) -> None:
    """The claim finds candidates, then locks them; in between another worker may have recorded a failed attempt."""
    with running(database_url, feed=False, webhook_merchant_window_start=500) as run:
        ids = store.event(store.merchant("http://127.0.0.1:1/"), 300)
        recording = psycopg2.connect(database_url("webhooks_service"))
        recording.autocommit = True
        for _ in range(4):
            store.sql("UPDATE webhook_logs SET next_retry_at = now(), lease_expires_at = NULL")
            together = threading.Barrier(2)

            def record(together: threading.Barrier = together) -> None:
                together.wait()
                with recording.cursor() as cursor:
                    for log_id in ids:
                        cursor.execute(
                            "UPDATE webhook_logs SET next_retry_at = now() + interval '1 hour', lease_expires_at = NULL"
                            " WHERE id = %s::uuid",
                            (log_id,),
                        )

            recorder = threading.Thread(target=record)
            recorder.start()
            together.wait()
            while recorder.is_alive():
                run.claim()
                store.sql("UPDATE webhook_logs SET lease_expires_at = NULL WHERE next_retry_at <= now()")
            recorder.join()
            leased_in_their_pause = "SELECT count(*) FROM webhook_logs WHERE lease_expires_at IS NOT NULL"
            assert store.sql(leased_in_their_pause + " AND next_retry_at > now()") == [(0,)]
        recording.close()


# --- other people's endpoints ---


def test_an_endpoint_that_hangs_does_not_delay_anybody_else(store: Store, database_url: DatabaseUrl) -> None:
    limits = {"webhook_timeout_ms": 60_000, "webhook_in_flight_limit": 50}
    with hanging() as dead, receiving(answering(200)) as alive, running(database_url, **limits):
        stuck = store.merchant(dead.url)
        store.event(stuck, 500)
        wait_until(lambda: len(dead.received) >= 4)
        for _ in range(5):
            (log_id,) = store.event(store.merchant(alive.url))
            wait_until(lambda log_id=log_id: store.status(log_id) == "success")
        assert len(dead.received) == 4
        dead.released.set()


def test_no_more_is_under_way_for_a_merchant_than_its_window(store: Store, database_url: DatabaseUrl) -> None:
    with running(database_url, feed=False, webhook_merchant_window_start=7) as one, running(database_url, feed=False) as two:
        crowd, single = store.merchant("http://127.0.0.1:1/"), store.merchant("http://127.0.0.1:1/")
        backlog = set(store.event(crowd, 30))
        (alone,) = store.event(single)
        claimed = one.claim()
        assert len(set(claimed) & backlog) == 7
        assert alone in claimed
        assert one.claim() == two.claim() == []


def test_a_long_backlog_hides_no_other_merchant(store: Store, database_url: DatabaseUrl) -> None:
    """More due rows of one merchant than a claim looks at first, all older than anybody else's."""
    with running(database_url, feed=False) as run:
        crowd = store.merchant("http://127.0.0.1:1/")
        store.event(crowd, 1500)
        store.sql("UPDATE webhook_logs SET next_retry_at = now() - interval '1 hour'")
        others = [store.event(store.merchant("http://127.0.0.1:1/"))[0] for _ in range(20)]
        claimed = run.claim()
        assert set(others) < set(claimed)
        assert len(claimed) == 20 + 4


def test_all_merchants_get_their_turn_where_they_are_more_than_a_claim_takes(store: Store, database_url: DatabaseUrl) -> None:
    with running(database_url, feed=False) as run:
        for _ in range(30):
            store.event(store.merchant("http://127.0.0.1:1/"), 50)
        claimed: list[str] = []
        for _ in range(40):
            claimed += run.claim(limit=10)
        per_merchant = store.sql("SELECT count(*) FROM webhook_logs WHERE lease_expires_at IS NOT NULL GROUP BY merchant_id")
        assert per_merchant == [(4,)] * 30
        assert len(claimed) == len(set(claimed)) == 120


def test_a_claim_reads_due_rows_alone_whatever_the_merchants_history(store: Store, database_url: DatabaseUrl) -> None:
    merchant = store.merchant("http://127.0.0.1:1/")
    store.event(merchant, 3000)
    store.sql("UPDATE webhook_logs SET status = 'success', next_retry_at = NULL")
    (due,) = store.event(merchant)
    with running(database_url, feed=False) as run, run.database.cursor() as cursor:
        assert run.engine.claim(cursor, 500) == [due]
        cursor.execute("SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname = 'webhook_logs'")
        ((read,),) = cursor.fetchall()
    assert read < 50


# --- limits and stopping ---


def test_the_process_takes_no_more_than_its_limit(store: Store, database_url: DatabaseUrl) -> None:
    limits = {"webhook_in_flight_limit": 10, "webhook_timeout_ms": 10_000, "webhook_merchant_window_start": 100}
    with hanging() as receiver, running(database_url, **limits):
        logs = store.event(store.merchant(receiver.url), 40)
        wait_until(lambda: len(receiver.received) == 10)
        ((leased,),) = store.sql("SELECT count(*) FROM webhook_logs WHERE lease_expires_at IS NOT NULL")
        assert leased == 10
        receiver.released.set()
        wait_until(lambda: all(store.status(log_id) == "success" for log_id in logs))
    assert len(receiver.received) == 40


def test_stopping_finishes_what_is_under_way_and_gives_back_the_rest(store: Store, database_url: DatabaseUrl) -> None:
    limits = {"webhook_in_flight_limit": 3, "webhook_timeout_ms": 10_000}
    with hanging() as receiver, running(database_url, feed=False, **limits) as run:
        merchant = store.merchant(receiver.url)
        store.event(merchant, 8)
        store.sql("UPDATE webhook_logs SET lease_expires_at = now() + interval '1 hour'")
        ids = [log_id for (log_id,) in store.sql("SELECT id::text FROM webhook_logs")]
        task = threading.Thread(target=run.engine.deliver, args=(ids,))
        task.start()
        wait_until(lambda: len(receiver.received) == 3)
        run.engine.close()
        task.join(5)
        assert not task.is_alive()
        receiver.released.set()
        run.stop()
    rows = store.sql("SELECT status, attempts, lease_expires_at IS NULL, count(*) FROM webhook_logs GROUP BY 1, 2, 3 ORDER BY 1")
    assert rows == [("pending", 0, True, 5), ("success", 1, True, 3)]
    assert len(receiver.received) == 3


def test_stopping_does_not_wait_for_ever(store: Store, database_url: DatabaseUrl) -> None:
    with hanging() as receiver, running(database_url, feed=False, webhook_timeout_ms=60_000) as run:
        (log_id,) = store.event(store.merchant(receiver.url))
        run.engine.deliver(run.claim())
        wait_until(lambda: receiver.received)
        started = time.monotonic()
        run.stop()
        assert time.monotonic() - started < 9
        assert store.log(log_id)["attempts"] == 0
