"""What the payment worker runs: the published use cases of the queue ``payments``."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.db import Cursor

from payments import repository
from payments.acquirer import Acquirer
from payments.repository import finish_test_jobs, fold_tallies
from payments.service import settle

__all__ = [
    "DUE_PAYMENTS",
    "DUE_TEST_JOBS",
    "FOLD_INTERVAL_S",
    "Acquirer",
    "claim_due_payments",
    "claim_test_jobs",
    "finish_test_jobs",
    "fold_tallies",
    "release_payments",
    "release_test_jobs",
    "settle",
]

# A busy day adds a row per batch and group; folded this often, reading them stays in the hundreds.
FOLD_INTERVAL_S = 15.0


DUE_PAYMENTS = repository.DUE.format(table="payments")
DUE_TEST_JOBS = repository.DUE.format(table="test_jobs")


def claim_due_payments(cursor: Cursor, limit: int) -> list[str]:
    return repository.claim_due(cursor, limit)


def release_payments(cursor: Cursor, payment_ids: Sequence[str]) -> None:
    repository.release(cursor, payment_ids)


def claim_test_jobs(cursor: Cursor, limit: int) -> list[str]:
    return repository.claim_due(cursor, limit, "test_jobs")


def release_test_jobs(cursor: Cursor, job_ids: Sequence[str]) -> None:
    repository.release(cursor, job_ids, "test_jobs")
