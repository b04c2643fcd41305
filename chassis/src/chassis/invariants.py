"""What must hold over live data, checked by the database itself.

A context publishes a function ``<context>_invariants(since, rows_limit)`` that returns a row per check:
``(invariant, violations, examples)``. It sees its own tables and what others publish to its owner, all in one snapshot,
so that a transaction in between cannot look like a violation. ``since`` bounds what is looked at to what was created or
changed from then on, ``rows_limit`` bounds it again; ``-infinity`` and NULL look at everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import Gauge

from chassis.db import Cursor
from chassis.jobs import Periodic
from chassis.logging import get_logger

__all__ = ["EVERYTHING_TIMEOUT_S", "Check", "check_everything", "check_recent", "watch_invariants"]

# What the periodic check looks back at: twice its interval, so that nothing falls between two of them, and more.
WINDOW = timedelta(minutes=3)
INTERVAL_S = 60.0
# A busy minute is sampled, not read to its end: the check must cost little exactly when there is much to do.
ROWS_LIMIT = 20_000
RECENT_TIMEOUT_S = 4
# Less than the proxy waits for an answer.
EVERYTHING_TIMEOUT_S = 25

VIOLATIONS = Gauge("invariant_violations", "Violations that the last check found, counted up to 1,000", ["invariant"])

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: how often it is violated (counted up to 1,000), and some of what violates it."""

    name: str
    violations: int
    examples: list[str]


_FUNCTIONS = (
    "SELECT p.oid::regproc::text FROM pg_proc p WHERE p.proname LIKE '%\\_invariants'"
    " AND p.pronamespace = 'public'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1"
)


def _check(cursor: Cursor, since: timedelta | None, rows_limit: int | None, timeout_s: int) -> list[Check]:
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", (f"{timeout_s}s",))
    cursor.execute(_FUNCTIONS)
    checks: list[Check] = []
    for (function,) in cursor.fetchall():
        cursor.execute(
            f"SELECT invariant, violations, coalesce(examples, '{{}}') FROM {function}"
            "(coalesce(now() - %s::interval, '-infinity'), %s::bigint)",
            (since, rows_limit),
        )
        checks += [Check(*row) for row in cursor.fetchall()]
    return checks


def check_recent(cursor: Cursor) -> list[Check]:
    """Every check that this role may run, over what changed lately."""
    return _check(cursor, WINDOW, ROWS_LIMIT, RECENT_TIMEOUT_S)


def check_everything(cursor: Cursor) -> list[Check]:
    """Every check that this role may run, over all rows: seconds for millions of them."""
    return _check(cursor, None, None, EVERYTHING_TIMEOUT_S)


def watch_invariants() -> Periodic:
    """The check of what changed lately as a worker's periodic job: a gauge per check, and a log line per violated one."""
    return Periodic("invariants", INTERVAL_S, _report(check_recent), apart=True)


def _report(check: Callable[[Cursor], list[Check]]) -> Callable[[Cursor], None]:
    def run(cursor: Cursor) -> None:
        for found in check(cursor):
            VIOLATIONS.labels(found.name).set(found.violations)
            if found.violations:
                log.error("invariant violated", invariant=found.name, violations=found.violations, examples=found.examples)

    return run
