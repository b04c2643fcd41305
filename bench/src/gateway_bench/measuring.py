"""Series measured in alternating rounds, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from gateway_bench.load import Generator
from gateway_bench.platforms import Platform
from gateway_bench.processes import Memory, busy_s, own_cpu_s

__all__ = ["Figures", "Options", "Results", "Series", "alternate", "watched"]

# Names are those of the JSON: rate (per second), p50_ms, app_cpu_us (per request), …
Figures = dict[str, float]

_WARM_UP_S = 1.0


@dataclass(frozen=True)
class Options:
    """``rows_large`` and its siblings are what the whole run takes; a quick one takes hundredths of it."""

    rounds: int
    seconds: float
    generator: Generator
    say: Callable[[str], None]
    connections: int = 12
    rows_small: int = 10_000
    rows_large: int = 1_000_000
    merchants_many: int = 1000
    settle_payments: int = 10_000
    settle_per_s: int = 2000
    deliveries: int = 10_000
    latency_per_s: int = 100
    latency_s: float = 5.0


@dataclass(frozen=True)
class Series:
    """``run`` measures for so many seconds."""

    name: str
    run: Callable[[float], Figures]


@dataclass
class Results:
    """Rounds by series, in the order in which they were measured."""

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    memory: dict[str, dict[str, Memory]] = field(default_factory=dict)
    load_averages: dict[str, float] = field(default_factory=dict)

    def medians(self, name: str) -> Figures:
        rounds = self.rounds[name]
        return {figure: median(each[figure] for each in rounds if figure in each) for figure in rounds[0]}

    def ratio(self, name: str, other: str, figure: str = "rate") -> float:
        """The median of the ratios of each round's pair."""
        # A run that was interrupted may have one round more of the one.
        pairs = zip(self.rounds[name], self.rounds[other], strict=False)
        return median(mine[figure] / theirs[figure] for mine, theirs in pairs)

    def spread(self, name: str, figure: str, other: str) -> float:
        """The median of how one figure relates to another of the same round."""
        return median(each[figure] / each[other] for each in self.rounds[name])

    def highest(self, name: str, figure: str) -> float:
        return max(each[figure] for each in self.rounds[name])

    def has(self, *names: str) -> bool:
        return all(name in self.rounds for name in names)


def alternate(options: Options, results: Results, part: str, series: Sequence[Series], *, warm_up: bool = True) -> None:
    """All series once unmeasured, then round by round, each round beginning with the next of them."""
    results.load_averages[part] = os.getloadavg()[0]
    if warm_up:
        for each in series:
            each.run(_WARM_UP_S)
    for number in range(options.rounds):
        start = number % len(series)
        for each in (*series[start:], *series[:start]):
            figures = each.run(options.seconds)
            results.rounds.setdefault(each.name, []).append(figures)
            options.say(f"  {number + 1}/{options.rounds}  {each.name:<36}{_short(figures)}")


def _short(figures: Figures) -> str:
    return "  ".join(f"{name} {value:,.5g}" for name, value in figures.items())


def watched(work: Callable[[], float], platform: Platform, kinds: Mapping[str, Iterable[str]]) -> Figures:
    """CPU that the work cost, per unit of what it returns, in µs: by kind of process; of this program and its load generator
    (``client_cpu_us``); and the share of a core that everything else on the machine had meanwhile (``other_cores``)."""
    before = {kind: platform.cpu_s(*names) for kind, names in kinds.items()}
    all_before, busy, own, started = platform.cpu_s(), busy_s(), own_cpu_s(), time.monotonic()
    units = work()
    elapsed, own_used, busy_used = time.monotonic() - started, own_cpu_s() - own, busy_s() - busy
    platform_used = platform.cpu_s() - all_before
    figures = {f"{kind}_cpu_us": (platform.cpu_s(*names) - before[kind]) / units * 1e6 for kind, names in kinds.items()}
    figures["client_cpu_us"] = own_used / units * 1e6
    figures["other_cores"] = max(0.0, (busy_used - own_used - platform_used) / elapsed)
    return figures
