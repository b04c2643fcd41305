"""The table of states, and that the statement which records attempts says the same."""

from __future__ import annotations

import itertools

import pytest
from chassis.times import now
from webhooks import repository
from webhooks.repository import AttemptResult
from webhooks.states import ATTEMPTS_MAX, STATUSES, TRANSITIONS, status_after_attempt

from .support import DatabaseUrl, Store, database

INTERVALS_S = (0.0, 60.0, 300.0, 1800.0, 7200.0)


@pytest.mark.parametrize(("before", "after"), [*itertools.product(STATUSES, STATUSES)])
def test_everything_may_be_retried_and_only_pending_may_end(before: str, after: str) -> None:
    assert ((before, after) in TRANSITIONS) == (after == "pending" or before == "pending")


@pytest.mark.parametrize("attempts_before", range(ATTEMPTS_MAX))
@pytest.mark.parametrize("succeeded", [True, False])
def test_the_database_judges_as_the_table_does(
    store: Store, database_url: DatabaseUrl, attempts_before: int, succeeded: bool
) -> None:
    (log_id,) = store.event(store.merchant("http://127.0.0.1:1/"))
    store.sql("UPDATE webhook_logs SET attempts = %s, lease_expires_at = now() + interval '1 hour'", attempts_before)
    known = database(database_url)
    with known.cursor() as cursor:
        (delivery,) = repository.load_leased(cursor, [log_id], lease_needed_s=1)
        repository.record_attempts(cursor, [AttemptResult(delivery, now(), succeeded, 5)], INTERVALS_S)
    known.close()
    log = store.log(log_id)
    expected = status_after_attempt(attempts_before, succeeded)
    assert (log["status"], log["attempts"], log["lease_expires_at"]) == (expected, attempts_before + 1, None)
    ((wait_s,),) = store.sql("SELECT extract(epoch FROM next_retry_at - now())::float FROM webhook_logs")
    assert wait_s == (pytest.approx(INTERVALS_S[attempts_before + 1], abs=5) if expected == "pending" else None)
