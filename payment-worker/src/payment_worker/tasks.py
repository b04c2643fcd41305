"""The tasks: thin ways into the use cases, safe to run twice, late, or after a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2
from chassis.db import Cursor, Database, is_contended, is_unavailable
from chassis.logging import get_logger
from chassis.metrics import JOB_LATENESS, JOBS_DONE
from sqlalchemy.exc import SQLAlchemyError

__all__ = ["Finished", "settle_batch"]

log = get_logger(__name__)


@dataclass(frozen=True)
class Finished:
    """One job done: what the log and the metrics say of it."""

    job_id: str
    outcome: str
    request_id: str | None
    lateness_s: float


def settle_batch(
    database: Database, queue: str, job_ids: Sequence[str], use_case: Callable[[Cursor, Sequence[str]], list[Finished]]
) -> None:
    """Runs a use case over a batch in one transaction; where the database refuses the batch, over each job alone.

    A job that fails even alone keeps its lease, is due again when that ends, and is logged each time.
    """
    try:
        with database.cursor() as cursor:
            finished = use_case(cursor, job_ids)
    except (SQLAlchemyError, psycopg2.Error) as error:
        if is_unavailable(error) and not (is_contended(error) and len(job_ids) > 1):
            # The rows keep their leases and are due again when these end.
            log.warning("database unavailable", queue=queue, jobs=len(job_ids), error=type(error).__name__)
        elif len(job_ids) == 1:
            log.exception("job failed", queue=queue, job_id=job_ids[0])
        else:
            for job_id in job_ids:
                settle_batch(database, queue, [job_id], use_case)
        return
    _report(queue, finished)


def _report(queue: str, finished: Sequence[Finished]) -> None:
    lateness = JOB_LATENESS.labels(queue)
    for job in finished:
        fields: dict[str, Any] = {"queue": queue, "job_id": job.job_id, "outcome": job.outcome, "request_id": job.request_id}
        log.info("job done", **fields, lateness_ms=round(job.lateness_s * 1000, 1))
        JOBS_DONE.labels(queue, job.outcome).inc()
        lateness.observe(job.lateness_s)
