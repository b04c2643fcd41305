"""The parts of a run that send HTTP requests from a closed loop of connections."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from devstack.problems import StackError
from gateway_e2e.client import CARD

from gateway_bench.floor import Floor
from gateway_bench.load import Load
from gateway_bench.measuring import Figures, Options, Results, Series, alternate, watched
from gateway_bench.platforms import Merchant, Platform
from gateway_bench.rows import OrderPool, add_history

__all__ = [
    "measure_connections",
    "measure_lists",
    "measure_merchants",
    "measure_orders",
    "measure_payments",
    "measure_processes",
    "measure_reads",
    "measure_rows",
]

CONNECTION_COUNTS = (1, 8, 64)
# Bounds the orders that are made ready for one measurement; no machine of today pays more of them.
_PAYMENTS_PER_S_MAX = 10_000
_POOL_FIRST = 20_000
_LIST_SMALL = 1000
_ORDER_BODY = json.dumps({"amount": 50_000, "currency": "INR", "receipt": "receipt-1"}, separators=(",", ":"))
_METHODS: dict[str, dict[str, object]] = {"upi": {"method": "upi", "vpa": "user@bank"}, "card": {"method": "card", "card": CARD}}
_COUNTS = {
    "orders": "SELECT count(*) FROM orders",
    "payments": "SELECT count(*) FROM payments",
}


class HttpBench:
    """Loads against one platform."""

    def __init__(self, platform: Platform, options: Options):
        self._platform = platform
        self._options = options

    def measure(
        self, seconds: float, load: Load, service: str, *, writes: str | None = None, connections: int | None = None
    ) -> Figures:
        """The load for so long. What it ``writes`` is counted: each request answered must have left its row."""
        connections = connections or self._options.connections
        before = self._platform.value(_COUNTS[writes]) if writes else 0
        answered: Figures = {}

        def work() -> float:
            result = self._options.generator.run(load, connections, seconds)
            answered.update(
                rate=result.requests / result.seconds,
                p50_ms=result.p50_ms,
                p99_ms=result.p99_ms,
                max_ms=result.max_ms,
                requests=result.requests,
                sent=result.sent,
            )
            return result.requests

        kinds = {"app": [service], "postgres": ["postgres"], "proxy": ["nginx"]}
        costs = watched(work, self._platform, kinds)
        figures = {**answered, **costs}
        if writes:
            written = self._platform.value(_COUNTS[writes]) - before
            if not answered["requests"] <= written <= answered["requests"] + connections:
                raise StackError(f"{answered['requests']:.0f} requests were answered, but {written} {writes} written")
        return figures

    def create_orders(
        self, seconds: float, url: str, merchants: Sequence[Merchant], *, connections: int | None = None
    ) -> Figures:
        load = Load("POST", url, "/api/v1/orders", merchants, _ORDER_BODY)
        return self.measure(seconds, load, "orders", writes="orders", connections=connections)

    def read_orders(self, seconds: float, url: str, pool: OrderPool) -> Figures:
        ids = [pool.id_of(number) for number in range(1, pool.count + 1)]
        return self.measure(seconds, Load("GET", url, "/api/v1/orders/{id}", [pool.merchant], ids=ids), "orders")

    def create_payments(self, seconds: float, url: str, pool: OrderPool, method: str, *, keyed: bool) -> Figures:
        """Each pays an order of its own that nobody has paid before."""
        ids = pool.next_ids(round(max(1.0, seconds) * _PAYMENTS_PER_S_MAX))
        body = json.dumps({"order_id": "{id}", **_METHODS[method]}, separators=(",", ":"))
        prefix = f"bench-{secrets.token_hex(8)}-" if keyed else None
        load = Load("POST", url, "/api/v1/payments", [pool.merchant], body, ids, prefix)
        figures = self.measure(seconds, load, "payments", writes="payments")
        if figures["sent"] > len(ids):
            raise StackError(f"{len(ids)} orders were not enough for {figures['sent']:.0f} payments")
        pool.take(round(figures["sent"]))
        return figures

    def first_page(self, seconds: float, url: str, merchant: Merchant) -> Figures:
        return self.measure(seconds, Load("GET", url, "/api/v1/payments?limit=10", [merchant]), "payments")


def _floors(floor: Floor, *names: str) -> list[Series]:
    return [Series(name, partial(floor.run, name)) for name in names]


def _ways(platform: Platform, service: str) -> dict[str, str]:
    return {"direct": platform.direct_url(service), "proxy": platform.proxy_url}


def _pool(platform: Platform, count: int = _POOL_FIRST) -> OrderPool:
    pool = OrderPool(platform, platform.merchants(1)[0])
    pool.grow_to(count)
    platform.rows("VACUUM ANALYZE orders")
    return pool


def measure_orders(platform: Platform, options: Options, results: Results) -> None:
    """Creating orders, against PostgreSQL's floor."""
    bench, pool = HttpBench(platform, options), _pool(platform)
    series = _floors(Floor(platform, pool, options.connections), "floor.orders.create", "floor.orders.create.one")
    for way, url in _ways(platform, "orders").items():
        series.append(Series(f"orders.create.{way}", partial(bench.create_orders, url=url, merchants=[pool.merchant])))
    alternate(options, results, "orders", series)


def measure_reads(platform: Platform, options: Options, results: Results) -> None:
    """Reading one order."""
    bench, pool = HttpBench(platform, options), _pool(platform)
    series = _floors(Floor(platform, pool, options.connections), "floor.orders.read", "floor.orders.read.one")
    for way, url in _ways(platform, "orders").items():
        series.append(Series(f"orders.read.{way}", partial(bench.read_orders, url=url, pool=pool)))
    alternate(options, results, "reads", series)


def measure_payments(platform: Platform, options: Options, results: Results) -> None:
    """Creating payments by each method, with and without a key."""
    bench, pool = HttpBench(platform, options), _pool(platform)
    series = _floors(Floor(platform, pool, options.connections), "floor.payments.create", "floor.payments.create.one")
    for method in _METHODS:
        for keyed in (False, True):
            for way, url in _ways(platform, "payments").items():
                name = f"payments.create.{method}.{'key.' if keyed else ''}{way}"
                run = partial(bench.create_payments, url=url, pool=pool, method=method, keyed=keyed)
                series.append(Series(name, run))
    alternate(options, results, "payments", series)


def measure_connections(platform: Platform, options: Options, results: Results) -> None:
    """Creating orders over few and many connections."""
    bench, merchant = HttpBench(platform, options), platform.merchants(1)
    url = platform.direct_url("orders")
    series = [
        Series(f"connections.{count}", partial(bench.create_orders, url=url, merchants=merchant, connections=count))
        for count in CONNECTION_COUNTS
    ]
    alternate(options, results, "connections", series)


def measure_merchants(platform: Platform, options: Options, results: Results) -> None:
    """Creating orders for one merchant and for many in turn."""
    bench, merchants = HttpBench(platform, options), platform.merchants(options.merchants_many)
    url = platform.direct_url("orders")
    series = [
        Series("merchants.one", partial(bench.create_orders, url=url, merchants=merchants[:1])),
        Series("merchants.many", partial(bench.create_orders, url=url, merchants=merchants)),
    ]
    alternate(options, results, "merchants", series)


def measure_rows(platform: Platform, options: Options, results: Results) -> None:
    """Creating and reading with few rows in the tables, then with many. One after the other: there is one database."""
    merchant = platform.merchants(1)[0]
    for name, count in (("small", options.rows_small), ("large", options.rows_large)):
        _grow_history(platform, merchant, count)
        bench, pool = HttpBench(platform, options), _pool(platform)
        orders, payments = platform.direct_url("orders"), platform.direct_url("payments")
        series = [
            Series(f"rows.{name}.orders.create", partial(bench.create_orders, url=orders, merchants=[pool.merchant])),
            Series(f"rows.{name}.orders.read", partial(bench.read_orders, url=orders, pool=pool)),
            Series(
                f"rows.{name}.payments.create",
                partial(bench.create_payments, url=payments, pool=pool, method="upi", keyed=True),
            ),
        ]
        alternate(options, results, f"rows.{name}", series)


def _grow_history(platform: Platform, merchant: Merchant, count: int) -> None:
    missing = count - platform.value("SELECT count(*) FROM payments")
    if missing > 0:
        add_history(platform, merchant, missing)


def measure_lists(platform: Platform, options: Options, results: Results) -> None:
    """Page 1 of a merchant's payments: of a thousand, and of a million in the same table."""
    bench = HttpBench(platform, options)
    small, large = platform.merchants(2)
    add_history(platform, small, min(_LIST_SMALL, options.rows_large))
    large = _largest(platform) or large
    _grow_history_of(platform, large, options.rows_large)
    series = [
        Series(f"payments.list.{name}.{way}", partial(bench.first_page, url=url, merchant=merchant))
        for name, merchant in (("small", small), ("large", large))
        for way, url in _ways(platform, "payments").items()
    ]
    alternate(options, results, "lists", series)


def _largest(platform: Platform) -> Merchant | None:
    """Who has most payments, if a part before this one has made them."""
    found = platform.rows(
        "SELECT m.id::text, m.api_key, m.api_secret FROM payment_tallies AS t JOIN merchants AS m ON m.id = t.merchant_id"
        " WHERE t.status = 'success' GROUP BY m.id ORDER BY sum(t.payments) DESC LIMIT 1"
    )
    return Merchant(*found[0]) if found else None


def _grow_history_of(platform: Platform, merchant: Merchant, count: int) -> None:
    missing = count - platform.value("SELECT count(*) FROM payments WHERE merchant_id = %s", (merchant.id,))
    if missing > 0:
        add_history(platform, merchant, missing)


def measure_processes(one: Platform, two: Platform, options: Options, results: Results) -> None:
    """Creating orders and payments through the proxy, with one process of each service and with two."""
    series = []
    for name, platform in (("one", one), ("two", two)):
        bench, pool = HttpBench(platform, options), _pool(platform)
        url = platform.proxy_url
        series += [
            Series(f"processes.{name}.orders.create", partial(bench.create_orders, url=url, merchants=[pool.merchant])),
            Series(
                f"processes.{name}.payments.create",
                partial(bench.create_payments, url=url, pool=pool, method="upi", keyed=True),
            ),
        ]
    alternate(options, results, "processes", series)


def with_quick_limits(options: Options) -> Options:
    """The same with hundredths of the rows."""
    return replace(
        options,
        rows_small=options.rows_small // 100,
        rows_large=options.rows_large // 100,
        merchants_many=options.merchants_many // 10,
        settle_payments=options.settle_payments // 10,
        deliveries=options.deliveries // 20,
        latency_s=1.0,
    )
