"""One worker process: a queue, its tasks and its dispatcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import payments.jobs
import refunds.jobs
from celery import Celery
from chassis.db import Cursor, Database
from chassis.invariants import watch_invariants
from chassis.jobs import JobSource, Periodic
from chassis.worker import create_worker, run

from payment_worker.settings import PaymentWorkerSettings
from payment_worker.tasks import Finished, settle_batch

__all__ = ["QUEUES", "run_queue"]

UseCase = Callable[[Cursor, Sequence[str]], list[Finished]]


def run_queue(queue: str, settings: PaymentWorkerSettings) -> None:
    """Serves one queue until SIGTERM."""
    database = Database(settings, f"{queue}-worker")
    app = create_worker(f"{queue}-worker", settings, queue)
    sources, periodic = QUEUES[queue](app, database, settings)
    run(app, settings=settings, database=database, queue=queue, sources=sources, periodic=periodic)


def _payments(app: Celery, database: Database, settings: PaymentWorkerSettings) -> tuple[list[JobSource], list[Periodic]]:
    acquirer = payments.jobs.Acquirer(settings)

    def settle(cursor: Cursor, ids: Sequence[str]) -> list[Finished]:
        settled = payments.jobs.settle(cursor, ids, acquirer)
        return [Finished(job.payment.id, job.payment.status, job.request_id, job.lateness_s) for job in settled]

    def finish_test_jobs(cursor: Cursor, ids: Sequence[str]) -> list[Finished]:
        payments.jobs.finish_test_jobs(cursor, ids)
        return []

    settle_task = _register(app, database, "payments", "payments.settle", settle)
    test_task = _register(app, database, "payments", "payments.test", finish_test_jobs)
    sources = [
        JobSource(
            "payments", settle_task, payments.jobs.DUE_PAYMENTS, payments.jobs.claim_due_payments, payments.jobs.release_payments
        ),
        JobSource(
            "payments", test_task, payments.jobs.DUE_TEST_JOBS, payments.jobs.claim_test_jobs, payments.jobs.release_test_jobs
        ),
    ]
    fold = Periodic("fold tallies", payments.jobs.FOLD_INTERVAL_S, payments.jobs.fold_tallies)
    return sources, [fold, watch_invariants()]


def _refunds(app: Celery, database: Database, _: PaymentWorkerSettings) -> tuple[list[JobSource], list[Periodic]]:
    def settle(cursor: Cursor, ids: Sequence[str]) -> list[Finished]:
        settled = refunds.jobs.settle(cursor, ids)
        return [Finished(job.refund.id, job.refund.status, job.request_id, job.lateness_s) for job in settled]

    task = _register(app, database, "refunds", "refunds.settle", settle)
    return [
        JobSource("refunds", task, refunds.jobs.DUE_REFUNDS, refunds.jobs.claim_due_refunds, refunds.jobs.release_refunds)
    ], []


def _register(app: Celery, database: Database, queue: str, name: str, use_case: UseCase) -> str:
    @app.task(name=name)
    def run_task(job_ids: list[str]) -> None:
        settle_batch(database, queue, job_ids, use_case)

    return name


QUEUES = {"payments": _payments, "refunds": _refunds}
