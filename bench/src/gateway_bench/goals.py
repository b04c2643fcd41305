"""What is promised of a machine with two cores, and whether a run has shown it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway_bench.measuring import Results

__all__ = ["Goal", "judge"]


@dataclass(frozen=True)
class Goal:
    """``at_least`` or ``at_most`` bounds what was ``measured``, in ``unit``."""

    name: str
    measured: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.at_least is None or self.measured >= self.at_least) and (
            self.at_most is None or self.measured <= self.at_most
        )

    @property
    def wanted(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


# What is created or read over HTTP: name, series, floor, least share of it, most CPU in the app (µs), series by the proxy.
_HTTP = (
    ("order create", "orders.create", "floor.orders.create", 0.8, 200.0),
    ("order read", "orders.read", "floor.orders.read", 0.9, 200.0),
    ("payment create with key", "payments.create.upi.key", "floor.payments.create", 0.8, 260.0),
)
_PROXY_SHARE = 0.85


def judge(results: Results) -> list[Goal]:
    """The goals for which there are figures."""
    return [*_http_goals(results), *_growth_goals(results), *_job_goals(results)]


def _http_goals(results: Results) -> Iterator[Goal]:
    for name, series, floor, share, cpu_us in _HTTP:
        direct, proxy = f"{series}.direct", f"{series}.proxy"
        if results.has(direct, floor):
            yield Goal(f"{name}, direct ÷ floor", results.ratio(direct, floor), "×", at_least=share)
            yield Goal(f"{name}, CPU of the app", results.medians(direct)["app_cpu_us"], "µs", at_most=cpu_us)
        if results.has(direct, proxy):
            yield Goal(f"{name}, proxy ÷ direct", results.ratio(proxy, direct), "×", at_least=_PROXY_SHARE)


def _growth_goals(results: Results) -> Iterator[Goal]:
    small, large = "payments.list.small.direct", "payments.list.large.direct"
    if results.has(small, large):
        slower = results.ratio(small, large)
        yield Goal("page 1 of many payments, time ÷ of 1,000", slower, "×", at_most=2.0)
    if results.has("connections.64"):
        spread = results.spread("connections.64", "p99_ms", "p50_ms")
        yield Goal("64 connections, p99 ÷ p50", spread, "×", at_most=6.0)
        yield Goal("64 connections, longest answer", results.highest("connections.64", "max_ms"), "ms", at_most=1000.0)


def _job_goals(results: Results) -> Iterator[Goal]:
    checks: tuple[tuple[str, tuple[str, ...], Callable[[], float], str, float | None, float | None], ...] = (
        ("settle a backlog", ("settle.backlog",), lambda: results.medians("settle.backlog")["rate"], "/s", 2000.0, None),
        ("settle, latest", ("settle.paced",), lambda: results.medians("settle.paced")["max_ms"], "ms", None, 100.0),
        ("webhooks", ("webhooks.healthy",), lambda: results.medians("webhooks.healthy")["rate"], "/s", 2000.0, None),
        (
            "webhooks with 1 of 10 hanging ÷ healthy",
            ("webhooks.1of10", "webhooks.healthy"),
            lambda: results.ratio("webhooks.1of10", "webhooks.healthy"),
            "×",
            0.4,
            None,
        ),
        ("POST to webhook, p50", ("latency.webhook",), lambda: results.medians("latency.webhook")["p50_ms"], "ms", None, 60.0),
        ("POST to webhook, p99", ("latency.webhook",), lambda: results.medians("latency.webhook")["p99_ms"], "ms", None, 150.0),
    )
    for name, series, measure, unit, at_least, at_most in checks:
        if results.has(*series):
            yield Goal(name, measure(), unit, at_least, at_most)
