"""One run: a platform, a load, faults, quiet, and the verdict."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg2
from devstack.ports import SERVICES, free_ports
from devstack.stack import Stack
from gateway_e2e.client import sign_up

from gateway_faults.checks import Evidence, Violation, check
from gateway_faults.cutting import CuttingProxy
from gateway_faults.endpoints import BEHAVIOURS, Endpoints
from gateway_faults.injection import Injector
from gateway_faults.journal import Journal
from gateway_faults.load import Customer, Shop, probe_until

__all__ = ["Outcome", "run"]

CUSTOMERS = 6
INTERVALS_S = (0.5, 0.5, 1.0, 1.0)
SETTINGS = {
    "TEST_MODE": "true",
    "TEST_PROCESSING_DELAY": "200",
    "WEBHOOK_RETRY_INTERVALS_TEST": ",".join(map(str, INTERVALS_S)),
    "WEBHOOK_TIMEOUT_MS": "1000",
    "RATE_LIMIT_ENABLED": "false",
}
SCALE = {**dict.fromkeys(SERVICES, 2), "webhook-worker": 2}
# Without a single attempt or settlement for this long, what is pending is stuck. Longer than leases and pauses together.
STUCK_AFTER_S = 60.0
# A request that hangs ends with its client's patience.
JOIN_TIMEOUT_S = 60.0
# On a busy machine a recovery takes half of this; whoever wants to know why a slower one was slow needs the logs.
SLOW_RECOVERY_S = 30.0
KEPT_LOGS = Path(".gateway") / "faults"
_PENDING = """
SELECT (SELECT count(*) FROM payments WHERE status = 'pending') + (SELECT count(*) FROM refunds WHERE status = 'pending')
     + (SELECT count(*) FROM webhook_logs WHERE status = 'pending'), (SELECT count(*) FROM webhook_attempts)
"""


@dataclass
class Outcome:
    """What one seed gave. ``histories`` holds for each violation what was asked, done and written about its subject;
    ``logs`` is where the platform's logs were kept, because something was violated or recovered slowly."""

    seed: int
    journal: Journal
    arrivals: int
    rows: dict[str, int]
    latest_settlement_s: float
    violations: list[Violation]
    histories: list[list[str]]
    logs: Path | None = None

    @property
    def is_odd(self) -> bool:
        """Whether the logs are worth keeping."""
        slowest = self.journal.slowest_recovery_s(self.journal.faults)
        return bool(self.violations) or slowest is None or slowest > SLOW_RECOVERY_S


def run(seed: int, minutes: float, say: Callable[[str], None]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        home = Path(folder)
        # The database and nginx run under users of their own.
        home.chmod(0o755)
        with Stack(home, free_ports(), SETTINGS, scale=SCALE) as stack, Endpoints() as endpoints:
            outcome = _run_on(stack, endpoints, seed, minutes, say)
        if outcome.is_odd:
            kept = KEPT_LOGS / f"seed-{seed}"
            shutil.rmtree(kept, ignore_errors=True)
            outcome.logs = shutil.copytree(home / "logs", kept)
        return outcome


def _run_on(stack: Stack, endpoints: Endpoints, seed: int, minutes: float, say: Callable[[str], None]) -> Outcome:
    api = stack.urls["api"]
    shops = _open_shops(api, endpoints)
    journal, done = Journal(), threading.Event()
    with CuttingProxy(stack.ports.api, f"{seed}:cuts") as cutting:
        customers = [
            Customer(f"s{seed}c{number}", f"{seed}:{number}", cutting.url, shops, journal, done) for number in range(CUSTOMERS)
        ]
        injector = Injector(stack, cutting, f"{seed}:faults", journal, done)
        actors = [*(customer.run for customer in customers), injector.run]
        threads = [threading.Thread(target=actor, daemon=True) for actor in actors]
        threads.append(threading.Thread(target=probe_until, args=(done, api, shops[0].headers, journal), daemon=True))
        say(f"seed {seed}: {CUSTOMERS} customers and faults for {minutes:g} minutes …")
        for thread in threads:
            thread.start()
        time.sleep(minutes * 60)
        _recover(api, shops[0].headers, journal, done, threads)
    say(f"seed {seed}: waiting for quiet …")
    _wait_for_quiet(stack)
    return _verdict(stack, endpoints, seed, journal, _ailing(stack))


def _open_shops(api: str, endpoints: Endpoints) -> list[Shop]:
    shops = []
    with httpx.Client(base_url=api, timeout=30) as http:
        for behaviour in BEHAVIOURS:
            merchant = sign_up(http, behaviour)
            merchant.set_webhook_url(endpoints.url(behaviour))
            endpoints.secrets[behaviour] = merchant.me()["webhook_secret"]
            shops.append(Shop(behaviour, merchant.headers))
    return shops


def _recover(api: str, headers: dict[str, str], journal: Journal, done: threading.Event, threads: list[threading.Thread]) -> None:
    """Ends load and faults, then lets one more payment through, so that the last fault has a recovery too."""
    done.set()
    for thread in threads:
        thread.join(JOIN_TIMEOUT_S)
    recovered = threading.Event()
    probe = threading.Thread(target=probe_until, args=(recovered, api, headers, journal), daemon=True)
    before = len(journal.probes)
    probe.start()
    deadline = time.monotonic() + JOIN_TIMEOUT_S
    while len(journal.probes) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    recovered.set()
    probe.join(JOIN_TIMEOUT_S)


def _wait_for_quiet(stack: Stack) -> None:
    """Returns when nothing is pending any more, or when nothing has moved for too long: the checks will say what.

    A backlog takes as long as it takes: endpoints that fail get a few calls at a time, on whatever machine this is.
    """
    before, moved_at = None, time.monotonic()
    while time.monotonic() - moved_at < STUCK_AFTER_S:
        now = _pending(stack)
        if now is not None and now[0] == 0:
            return
        if now != before:
            before, moved_at = now, time.monotonic()
        time.sleep(0.2)


def _pending(stack: Stack) -> tuple[int, int] | None:
    """What still waits, and how many attempts there have been."""
    try:
        with psycopg2.connect(stack.database.url(), connect_timeout=2) as connection, connection.cursor() as cursor:
            cursor.execute(_PENDING)
            return cursor.fetchone()
    except psycopg2.OperationalError:  # it is still replaying its log
        return None


def _ailing(stack: Stack) -> list[str]:
    """What is still not well, although it was left alone long enough."""
    deadline = time.monotonic() + STUCK_AFTER_S
    while (ailing := list(stack.ailments())) and time.monotonic() <= deadline:
        time.sleep(0.2)
    return ailing


def _verdict(stack: Stack, endpoints: Endpoints, seed: int, journal: Journal, ailing: list[str]) -> Outcome:
    arrivals = endpoints.arrivals()
    evidence = Evidence(
        journal.sent,
        arrivals,
        repeats_allowed=bool(journal.faults),
        intervals_s=INTERVALS_S,
        lasting=journal.lasting(),
        ailing=ailing,
    )
    with psycopg2.connect(stack.database.url()) as connection, connection.cursor() as cursor:
        violations = check(cursor, evidence)
        rows = {}
        for table in ("orders", "payments", "refunds", "events", "webhook_logs", "webhook_attempts"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            rows[table] = int((cursor.fetchone() or (0,))[0])
        cursor.execute("SELECT coalesce(max(extract(epoch FROM updated_at - due_at)), 0) FROM payments WHERE NOT captured")
        latest = float((cursor.fetchone() or (0.0,))[0])
        histories = [_history(cursor, journal, violation.subject) for violation in violations[:20]]
    return Outcome(seed, journal, len(arrivals), rows, latest, violations, histories)


def _history(cursor: Any, journal: Journal, subject: str) -> list[str]:
    """Requests, faults and events about something, in the order of time as far as each knows it."""
    needle = subject.encode()
    lines = [
        (s.at, f"{s.operation} {s.tag} key={s.key} of {s.subject or '-'}: {s.status or 'no answer'}")
        for s in journal.sent
        if subject in (s.tag, s.key, s.subject) or needle in s.body
    ]
    if lines:
        first, last = min(lines)[0] - 5, max(lines)[0] + 15
        lines += [(f.at, f"  {f.kind}: {f.target}") for f in journal.faults if first <= f.at <= last]
    cursor.execute(
        "SELECT event, id, created_at FROM events WHERE payment_id = %s OR order_id = %s OR id = %s"
        " OR payload #>> '{data,refund,id}' = %s ORDER BY created_at, id",
        (subject,) * 4,
    )
    told = [f"{event} {event_id} {at}" for event, event_id, at in cursor.fetchall()]
    cursor.execute(
        "SELECT l.event, l.event_id, a.attempt, a.attempted_at, coalesce(a.response_code::text, a.error)"
        " FROM webhook_logs AS l LEFT JOIN webhook_attempts AS a ON a.webhook_log_id = l.id WHERE l.id::text = %s ORDER BY a.id",
        (subject,),
    )
    attempts = [
        f"{event} of {event_id}: attempt {number} {at} {answer}" for event, event_id, number, at, answer in cursor.fetchall()
    ]
    return [f"{at:8.2f}  {line}" for at, line in sorted(lines)] + told + attempts
