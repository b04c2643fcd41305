"""What a run gives: tables for people, a document for machines."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway_bench.goals import Goal
from gateway_bench.measuring import Options, Results

__all__ = ["document", "lines"]

_MIB = 1024 * 1024
# Heading, figure, and how many decimals.
_COLUMNS = (
    ("per s", "rate", 0),
    ("p50 ms", "p50_ms", 2),
    ("p99 ms", "p99_ms", 2),
    ("max ms", "max_ms", 1),
    ("app µs", "app_cpu_us", 0),
    ("postgres µs", "postgres_cpu_us", 0),
    ("proxy µs", "proxy_cpu_us", 0),
    ("client µs", "client_cpu_us", 0),
    ("others", "other_cores", 2),
)
_FLOORS = {
    "orders.create": "floor.orders.create",
    "orders.read": "floor.orders.read",
    "payments.create": "floor.payments.create",
}


def machine() -> dict[str, Any]:
    """What it was measured on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": memory_kib // 1024,
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def document(options: Options, results: Results, goals: Sequence[Goal], seconds: float) -> dict[str, Any]:
    """Everything that was measured, round by round."""
    settings = asdict(options)
    del settings["say"]
    return {
        "machine": machine(),
        "options": {**settings, "generator": options.generator.name},
        "seconds": round(seconds, 1),
        "load_averages": results.load_averages,
        "series": {name: {"median": results.medians(name), "rounds": rounds} for name, rounds in results.rounds.items()},
        "memory": {
            moment: {name: asdict(memory) for name, memory in processes.items()} for moment, processes in results.memory.items()
        },
        "goals": [{**asdict(goal), "is_met": goal.is_met} for goal in goals],
    }


def lines(options: Options, results: Results, goals: Sequence[Goal], seconds: float) -> Iterator[str]:
    """The tables at the end of a run."""
    here = machine()
    yield (
        f"\n{here['processor']}, {here['cores']} cores, {here['memory_mib'] / 1024:.0f} GiB; {options.generator.name} with"
        f" {options.connections} connections; {options.rounds} rounds of {options.seconds:g} s, medians; {seconds / 60:.1f} min"
    )
    yield "load averages: " + ", ".join(f"{part} {value:.1f}" for part, value in results.load_averages.items())
    yield "µs: CPU per request or job; others: cores that everything else on the machine used meanwhile\n"
    yield from _series_table(results)
    yield from _memory_table(results)
    yield from _goal_table(goals)


def _series_table(results: Results) -> Iterator[str]:
    if not results.rounds:
        return
    yield f"{'':<36}{'÷ floor':>9}" + "".join(f"{heading:>13}" for heading, _, _ in _COLUMNS)
    for name in results.rounds:
        medians = results.medians(name)
        floor = next((floor for prefix, floor in _FLOORS.items() if name.startswith(prefix)), None)
        share = f"{results.ratio(name, floor):.2f}" if floor and results.has(floor) else ""
        cells = (f"{medians[figure]:,.{decimals}f}" if figure in medians else "" for _, figure, decimals in _COLUMNS)
        yield f"{name:<36}{share:>9}" + "".join(f"{cell:>13}" for cell in cells)


def _memory_table(results: Results) -> Iterator[str]:
    moments = list(results.memory)
    if not moments:
        return
    yield f"\n{'memory in MiB, RSS / PSS':<28}" + "".join(f"{moment:>20}" for moment in moments)
    for name in dict.fromkeys(name for processes in results.memory.values() for name in processes):
        cells = []
        for moment in moments:
            memory = results.memory[moment].get(name)
            cells.append(f"{memory.rss / _MIB:.0f} / {memory.pss / _MIB:.0f}" if memory else "")
        yield f"{name:<28}" + "".join(f"{cell:>20}" for cell in cells)


def _goal_table(goals: Sequence[Goal]) -> Iterator[str]:
    if not goals:
        return
    yield f"\n{'goal':<46}{'wanted':>12}{'measured':>14}"
    for goal in goals:
        measured = f"{goal.measured:,.{2 if goal.unit == '×' else 0}f} {goal.unit}"
        yield f"{goal.name:<46}{goal.wanted:>12}{measured:>14}  {'met' if goal.is_met else 'NOT met'}"
    yield f"{sum(goal.is_met for goal in goals)} of {len(goals)} goals met"
