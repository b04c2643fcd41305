"""The parts of a run about work behind the API: settling, delivering, and the way from a POST to its webhook."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import quantiles
from typing import Any

import aiohttp
import uvloop
from devstack.problems import StackError

from gateway_bench.measuring import Figures, Options, Results, Series, alternate, watched
from gateway_bench.platforms import Platform, wait_until
from gateway_bench.processes import cpu_s
from gateway_bench.receiver import ReceiverProcess, listen, receiver_process
from gateway_bench.rows import OrderPool, insert_deliveries, insert_due_payments

__all__ = ["measure_latency", "measure_settle", "measure_webhooks"]

_TIMEOUT_S = 120.0
# So long after the rows are written do the first fall due.
_PACED_START_S = 2.0


def measure_settle(platform: Platform, options: Options, results: Results) -> None:
    """A backlog that is due at once, and payments that fall due one after another."""
    series = [
        Series("settle.backlog", lambda _: _settle(platform, options.settle_payments, 0.0, None)),
        Series("settle.paced", lambda _: _settle(platform, options.settle_payments, _PACED_START_S, float(options.settle_per_s))),
    ]
    alternate(options, results, "settle", series)


_LATENESS = """
SELECT extract(epoch FROM max(settled_at) - min(due_at))::float8,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY late)::float8, percentile_disc(0.99) WITHIN GROUP (ORDER BY late)::float8,
       max(late)::float8, count(*)
FROM (
    SELECT due_at, settled_at, extract(epoch FROM settled_at - due_at) * 1000 AS late
    FROM (SELECT greatest(due_at, %s) AS due_at, pg_xact_commit_timestamp(xmin) AS settled_at FROM payments
          WHERE merchant_id = %s AND status = 'success') AS settled
) AS lateness
"""


def _settle(platform: Platform, count: int, after_s: float, per_s: float | None) -> Figures:
    """Inserts payments of a fresh merchant and waits until all are settled. They are settled when it is committed."""
    merchant = platform.merchants(1)[0]
    measured: Figures = {}

    def work() -> float:
        insert_due_payments(platform, merchant, count, after_s, per_s)
        inserted_at = platform.value("SELECT clock_timestamp()")
        pending = "SELECT NOT EXISTS (SELECT FROM payments WHERE status = 'pending' AND merchant_id = %s)"
        wait_until(lambda: bool(platform.value(pending, (merchant.id,))), "payments to be settled", _TIMEOUT_S)
        seconds, p50, p99, latest, settled = platform.rows(_LATENESS, (inserted_at, merchant.id))[0]
        if settled != count:
            raise StackError(f"of {count} payments {settled} succeeded")
        measured.update(rate=count / seconds, requests=count)
        if per_s:  # of a backlog, how late the last one is says only how long the backlog was
            measured.update(p50_ms=p50, p99_ms=p99, max_ms=latest)
        return count

    costs = watched(work, platform, {"app": ["payment-worker"], "postgres": ["postgres"]})
    return {**measured, **costs}


@dataclass(frozen=True)
class _Crowd:
    """Merchants with webhook endpoints, some of which hang."""

    name: str
    merchants: int
    hanging: int


_CROWDS = (_Crowd("healthy", 10, 0), _Crowd("1of10", 10, 1), _Crowd("20of100", 100, 20))


def measure_webhooks(platform: Platform, options: Options, results: Results) -> None:
    """Deliveries by one worker process to endpoints that answer, with some among them that never do."""
    with receiver_process() as receiver:
        series = [
            Series(f"webhooks.{crowd.name}", partial(_deliver, platform, receiver, options.deliveries, crowd))
            for crowd in _CROWDS
        ]
        alternate(options, results, "webhooks", series)


def _deliver(platform: Platform, receiver: ReceiverProcess, count: int, crowd: _Crowd, _: float = 0.0) -> Figures:
    """Deliveries per second to the endpoints that answer. All merchants are strangers to the worker, as after a restart."""
    urls = [receiver.url("hang" if number < crowd.hanging else "hook") for number in range(crowd.merchants)]
    merchants = platform.merchants(crowd.merchants, urls)
    hanging = [merchant.id for merchant in merchants[: crowd.hanging]]
    healthy = [merchant.id for merchant in merchants[crowd.hanging :]]
    expected = count // crowd.merchants * len(healthy)
    measured: Figures = {}

    def work() -> float:
        insert_deliveries(platform, merchants, count // crowd.merchants * crowd.merchants)
        inserted_at = platform.value("SELECT clock_timestamp()")
        wait_until(lambda: not _any_pending(platform, healthy), "webhooks to be delivered", _TIMEOUT_S)
        delivered, seconds = platform.rows(
            "SELECT count(*), extract(epoch FROM max(pg_xact_commit_timestamp(xmin)) - %s)::float8 FROM webhook_logs"
            " WHERE merchant_id = ANY (%s::uuid[]) AND status = 'success'",
            (inserted_at, healthy),
        )[0]
        if delivered != expected:
            raise StackError(f"of {expected} webhooks {delivered} were delivered")
        measured.update(rate=delivered / seconds, requests=delivered)
        return float(delivered)

    receiver_before = cpu_s([receiver.pid])
    costs = watched(work, platform, {"app": ["webhook-worker"], "postgres": ["postgres"]})
    receiver_us = (cpu_s([receiver.pid]) - receiver_before) / expected * 1e6
    _give_up(platform, hanging)
    return {**measured, **costs, "receiver_cpu_us": receiver_us}


def _any_pending(platform: Platform, merchants: Sequence[str]) -> bool:
    statement = "SELECT EXISTS (SELECT FROM webhook_logs WHERE status = 'pending' AND merchant_id = ANY (%s::uuid[]))"
    return bool(platform.value(statement, (list(merchants),)))


def _give_up(platform: Platform, merchants: Sequence[str]) -> None:
    """Takes back what hangs, and waits for what is under way, so that the next measurement finds the worker free."""
    if not merchants:
        return
    mine = "merchant_id = ANY (%s::uuid[]) AND status = 'pending'"
    under_way = f"SELECT EXISTS (SELECT FROM webhook_logs WHERE {mine} AND lease_expires_at > now())"
    platform.rows(f"DELETE FROM webhook_logs WHERE {mine} AND attempts = 0 AND lease_expires_at IS NULL", (list(merchants),))
    wait_until(lambda: not platform.value(under_way, (list(merchants),)), "hanging webhooks to time out", _TIMEOUT_S)
    tried = platform.value(
        "SELECT count(*) FROM webhook_logs WHERE merchant_id = ANY (%s::uuid[]) AND attempts > 0", (list(merchants),)
    )
    if not tried:
        raise StackError("nothing was sent to the endpoints that hang")
    platform.rows("UPDATE merchants SET webhook_url = NULL WHERE id = ANY (%s::uuid[])", (list(merchants),))


def measure_latency(platform: Platform, options: Options, results: Results) -> None:
    """From the moment at which a payment is to be POSTed to the arrival of its ``payment.success``, through the proxy.

    The bank takes no time. The POSTs go out by the clock, whether earlier ones have been answered or not.
    """
    series = [Series("latency.webhook", lambda _: uvloop.run(_latency(platform, options)))]
    alternate(options, results, "latency", series)


async def _latency(platform: Platform, options: Options) -> Figures:
    arrived: dict[str, float] = {}

    def heard(body: bytes) -> None:
        document = json.loads(body)
        if document["event"] == "payment.success":
            arrived.setdefault(document["data"]["payment"]["id"], time.monotonic())

    server = await listen(heard)
    address = server.sockets[0].getsockname()
    merchant = platform.merchants(1, [f"http://{address[0]}:{address[1]}/hook"])[0]
    pool = OrderPool(platform, merchant)
    order_ids = pool.next_ids(round(options.latency_per_s * options.latency_s))
    # As many connections as it takes: a POST that waits for another's is not on time.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(platform.proxy_url, headers=merchant.headers, connector=connector) as http:
        # The credentials are read, and a connection is open: a shop that sells a hundred a second has both.
        async with http.get("/api/v1/payments?limit=1") as response:
            response.raise_for_status()
        start = time.monotonic()
        posts = [
            asyncio.create_task(_pay(http, order_id, start + number / options.latency_per_s))
            for number, order_id in enumerate(order_ids)
        ]
        due = dict(await asyncio.gather(*posts))
    answered_ms = sorted((answered - planned) * 1000 for planned, answered in due.values())
    deadline = time.monotonic() + _TIMEOUT_S
    while due.keys() - arrived.keys() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    server.close()
    if missing := due.keys() - arrived.keys():
        raise StackError(f"of {len(due)} payments {len(missing)} had no webhook in {_TIMEOUT_S:.0f} s")
    late_ms = sorted((arrived[payment_id] - planned) * 1000 for payment_id, (planned, _) in due.items())
    return {
        "rate": len(due) / (max(arrived.values()) - start),
        "p50_ms": _percentile(late_ms, 50),
        "p99_ms": _percentile(late_ms, 99),
        "max_ms": late_ms[-1],
        "answer_p50_ms": _percentile(answered_ms, 50),
        "answer_p99_ms": _percentile(answered_ms, 99),
        "requests": len(due),
    }


async def _pay(http: aiohttp.ClientSession, order_id: str, planned: float) -> tuple[str, tuple[float, float]]:
    await asyncio.sleep(planned - time.monotonic())
    body: dict[str, Any] = {"order_id": order_id, "method": "upi", "vpa": "user@bank"}
    async with http.post("/api/v1/payments", json=body, headers={"Idempotency-Key": secrets.token_hex(16)}) as response:
        response.raise_for_status()
        payment = await response.json()
    return payment["id"], (planned, time.monotonic())


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return quantiles(ordered, n=100, method="inclusive")[percent - 1]
