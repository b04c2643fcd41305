"""``./gateway bench [--quick] [--only PART] [--json FILE] [--plot FILE]``: a table of goals at the end."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from devstack.problems import StackError

from gateway_bench.goals import judge
from gateway_bench.http_parts import (
    measure_connections,
    measure_lists,
    measure_merchants,
    measure_orders,
    measure_payments,
    measure_processes,
    measure_reads,
    measure_rows,
    with_quick_limits,
)
from gateway_bench.job_parts import measure_latency, measure_settle, measure_webhooks
from gateway_bench.load import generator
from gateway_bench.measuring import Options, Results
from gateway_bench.platforms import Platform, open_platform
from gateway_bench.report import document, lines

Part = Callable[[Platform, Options, Results], None]

# Payments stay pending: what is measured is their creation.
_SLOW_BANK = {"TEST_MODE": "true", "TEST_PROCESSING_DELAY": "3600000"}
_QUICK_BANK = {"TEST_MODE": "true", "TEST_PROCESSING_DELAY": "0"}
_HTTP_PARTS: dict[str, Part] = {
    "orders": measure_orders,
    "reads": measure_reads,
    "payments": measure_payments,
    "connections": measure_connections,
    "merchants": measure_merchants,
}
# On a platform of their own: they begin with few rows and fill its tables.
_LARGE_PARTS: dict[str, Part] = {"rows": measure_rows, "lists": measure_lists}
_JOB_PARTS: dict[str, Part] = {"settle": measure_settle, "webhooks": measure_webhooks, "latency": measure_latency}
_PARTS = (*_HTTP_PARTS, "processes", *_LARGE_PARTS, *_JOB_PARTS, "memory")
_TWO = {"orders": 2, "payments": 2}


def main() -> int:
    options = _parse()
    # A terminal that closes, or a `kill`, ends the run the way Ctrl-C does: with nothing left running.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(options)
    except StackError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ngateway: interrupted", file=sys.stderr)
        return 130


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./gateway bench", description="Measures a platform of its own; some 15 minutes, less with --quick or --only."
    )
    parser.add_argument("--quick", action="store_true", help="one round, short and with few rows: whether it works, not how fast")
    parser.add_argument(
        "--only", action="append", choices=_PARTS, metavar="PART", help=f"of {', '.join(_PARTS)}; may be repeated"
    )
    parser.add_argument("--rounds", type=int, help="of each series (default: 5)")
    parser.add_argument("--seconds", type=int, help="of load in each round (default: 2)")
    parser.add_argument("--generator", choices=("wrk", "autocannon"), help="of load (default: wrk where the machine has it)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it: FILE.svg or FILE.png")
    options = parser.parse_args()
    if min(options.rounds or 1, options.seconds or 1) < 1:
        parser.error("--rounds and --seconds must be positive")
    if options.plot and options.plot.suffix not in (".svg", ".png"):
        parser.error("--plot: FILE must end in .svg or .png")
    for file in (options.json, options.plot):
        if file and not os.access(file.resolve().parent, os.W_OK):
            parser.error(f"{file} cannot be written")
    return options


def _run(chosen: argparse.Namespace) -> int:
    started = time.monotonic()
    rounds, seconds = chosen.rounds or (1 if chosen.quick else 5), chosen.seconds or (1 if chosen.quick else 2)
    options = Options(rounds, seconds, generator(chosen.generator), _say)
    if chosen.quick:
        options = with_quick_limits(options)
    results = Results()
    try:
        _measure(options, results, set(chosen.only or _PARTS))
    finally:
        # What was measured before something went wrong is worth having, too.
        _publish(chosen, options, results, time.monotonic() - started)
    return 0


def _measure(options: Options, results: Results, wanted: set[str]) -> None:
    http = [name for name in _HTTP_PARTS if name in wanted]
    if http or wanted & {"processes", "memory"}:
        with _opened(options, results, "http", _SLOW_BANK) as platform:
            _each(platform, options, results, http)
            if "processes" in wanted:
                options.say("processes: starting a second platform, with two processes of a service …")
                with open_platform(_SLOW_BANK, _TWO) as two:
                    measure_processes(platform, two, options, results)
    large = [name for name in _LARGE_PARTS if name in wanted]
    if large:
        with _opened(options, results, "rows", _SLOW_BANK) as platform:
            _each(platform, options, results, large)
    jobs = [name for name in _JOB_PARTS if name in wanted]
    if jobs:
        with _opened(options, results, "jobs", _QUICK_BANK) as platform:
            platform.track_commits()
            _each(platform, options, results, jobs)


@contextlib.contextmanager
def _opened(options: Options, results: Results, name: str, settings: dict[str, str]) -> Iterator[Platform]:
    """A platform, with its memory at rest and when everything has been measured."""
    options.say(f"Starting a platform for {name} …")
    with open_platform(settings) as platform:
        results.memory[f"{name}: at rest"] = platform.memory()
        yield platform
        results.memory[f"{name}: after load"] = platform.memory()


def _each(platform: Platform, options: Options, results: Results, names: Sequence[str]) -> None:
    for name in names:
        options.say(name)
        (_HTTP_PARTS | _LARGE_PARTS | _JOB_PARTS)[name](platform, options, results)


def _publish(chosen: argparse.Namespace, options: Options, results: Results, seconds: float) -> None:
    goals = judge(results)
    if chosen.json:
        chosen.json.write_text(json.dumps(document(options, results, goals, seconds), indent=1))
    for line in lines(options, results, goals, seconds):
        _say(line)
    if chosen.plot and results.rounds:
        from gateway_bench.plot import draw

        draw(results, chosen.plot)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
