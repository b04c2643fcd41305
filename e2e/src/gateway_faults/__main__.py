"""``./gateway faults [--seed N] [--minutes M] [--seeds K]``: exit code 1 where anything was lost, doubled or stuck."""

from __future__ import annotations

import argparse
import random
import signal
import sys
from collections import Counter

from gateway_faults.journal import Fault, Journal
from gateway_faults.run import Outcome, run

_SHOWN_PROBES = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="./gateway faults", description="Breaks a platform of its own and counts the damage.")
    parser.add_argument("--seed", type=int, help="of load and faults (default: drawn)")
    parser.add_argument("--minutes", type=float, default=1.0, help="of load and faults, for each seed (default: 1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, one after another (default: 1)")
    options = parser.parse_args()
    if options.minutes <= 0 or options.seeds < 1:
        parser.error("--minutes and --seeds must be positive")
    # A platform that is under way is stopped and removed, however this is ended.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    violations = 0
    for seed in range(first, first + options.seeds):
        outcome = run(seed, options.minutes, _say)
        _report(outcome)
        violations += len(outcome.violations)
    _say(f"{options.seeds} seeds, {violations} violations")
    return 1 if violations else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _report(outcome: Outcome) -> None:
    journal = outcome.journal
    _say(f"\nseed {outcome.seed}")
    _say(f"  {'requests':<34}{'sent':>7}{'accepted':>10}{'refused':>9}{'5xx':>7}{'none':>7}")
    for operation in sorted({sent.operation for sent in journal.sent}):
        _say(_line(journal, operation))
    _say(f"\n  {'faults':<34}{'done':>7}{'slowest recovery':>20}")
    kinds: dict[str, list[Fault]] = {}
    for fault in journal.faults:
        kinds.setdefault(fault.kind, []).append(fault)
    for kind, faults in sorted(kinds.items()):
        _say(f"  {kind:<34}{len(faults):>7}{_slowest(journal, faults):>20}")
    _say(f"  {'all':<34}{len(journal.faults):>7}{_slowest(journal, journal.faults):>20}")
    _say(f"\n  probes: {len(journal.probes)} payments settled, {len(journal.failed_probes)} tries in vain, the last of them:")
    for started, why in journal.failed_probes[-_SHOWN_PROBES:]:
        _say(f"    {started:7.1f} s  {why}")
    _say("\n  stored: " + ", ".join(f"{count} {table}" for table, count in outcome.rows.items()))
    _say(f"  webhook POSTs that arrived: {outcome.arrivals}; latest settlement {outcome.latest_settlement_s:.1f} s after due")
    _say(f"  violations: {len(outcome.violations)}")
    for violation in outcome.violations:
        _say(f"    {violation.check}: {violation.subject}: {violation.detail}")
    if outcome.logs is not None:
        _say(f"  the platform's logs: {outcome.logs}")
    for violation, history in zip(outcome.violations, outcome.histories, strict=False):
        _say(f"\n  history of {violation.subject}")
        for line in history:
            _say(f"    {line}")


def _line(journal: Journal, operation: str) -> str:
    counts: Counter[str] = Counter()
    for sent in journal.sent:
        if sent.operation == operation:
            counts["accepted" if sent.accepted else "refused" if sent.refused else "5xx" if sent.status else "none"] += 1
    return (
        f"  {operation:<34}{counts.total():>7}{counts['accepted']:>10}{counts['refused']:>9}{counts['5xx']:>7}{counts['none']:>7}"
    )


def _slowest(journal: Journal, faults: list[Fault]) -> str:
    """The slowest; a fault after which no payment went through any more says so."""
    slowest = journal.slowest_recovery_s(faults)
    return "never" if slowest is None else f"{slowest:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
