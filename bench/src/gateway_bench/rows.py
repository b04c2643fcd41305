"""Rows put into a platform's tables by SQL, thousands at a time: orders to pay, due payments, deliveries, a large history."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from gateway_bench.platforms import Merchant, Platform

__all__ = ["PAYLOAD", "OrderPool", "add_history", "insert_deliveries", "insert_due_payments"]

_CHUNK = 50_000
# As long as the real ones: this is what PostgreSQL has to write and a worker to sign.
PAYLOAD = (
    '{"event":"payment.success","timestamp":1700000000,"data":{"payment":{"id":"pay_0123456789abcdef","order_id":'
    '"order_0123456789abcdef","amount":50000,"currency":"INR","method":"upi","vpa":"user@bank","status":"success",'
    '"captured":false,"error_code":null,"error_description":null,"created_at":"2025-01-01T00:00:00Z",'
    '"updated_at":"2025-01-01T00:00:00Z"}}}'
)
# As ids are made, in no order: a digest of the number.
_ORDERS = """
INSERT INTO orders (id, merchant_id, amount, notes)
SELECT 'order_' || substr(md5(%(salt)s || n), 1, 16), %(merchant)s, 50000, '{}' FROM generate_series(%(first)s, %(last)s) AS n
"""


class OrderPool:
    """A merchant's unpaid orders, made as they are needed."""

    def __init__(self, platform: Platform, merchant: Merchant):
        self._platform = platform
        self.merchant = merchant
        self.salt = secrets.token_hex(4)
        self.count = 0
        self._taken = 0

    def id_of(self, number: int) -> str:
        """The order of that number, from 1 to ``count``."""
        return "order_" + hashlib.md5(f"{self.salt}{number}".encode(), usedforsecurity=False).hexdigest()[:16]

    def grow_to(self, count: int) -> None:
        while self.count < count:
            last = min(self.count + _CHUNK, count)
            values = {"salt": self.salt, "merchant": self.merchant.id, "first": self.count + 1, "last": last}
            self._platform.rows(_ORDERS, values)
            self.count = last

    def next_ids(self, count: int) -> list[str]:
        """Orders that nobody has paid yet; ``take`` says how many of them were used."""
        self.grow_to(self._taken + count)
        return [self.id_of(number) for number in range(self._taken + 1, self._taken + count + 1)]

    def take(self, count: int) -> None:
        self._taken += count


# Without the triggers that check foreign keys and mark orders: the rows are right as they are, and a million are many.
_HISTORY = """
SET LOCAL session_replication_role = replica;
WITH numbers AS (
    SELECT n, now() - n * interval '30 days' / %(count)s AS at, 'order_' || substr(md5(%(salt)s || n), 1, 16) AS order_id
    FROM generate_series(%(first)s, %(last)s) AS n
), ordered AS (
    INSERT INTO orders (id, merchant_id, amount, notes, status, created_at, updated_at)
    SELECT order_id, %(merchant)s, 50000, '{}', 'paid', at, at FROM numbers
), tallied AS (
    INSERT INTO payment_tallies (merchant_id, day, method, status, payments, amount)
    SELECT %(merchant)s, (at AT TIME ZONE 'UTC')::date, 'upi', 'success', count(*), count(*) * 50000 FROM numbers GROUP BY 2
)
INSERT INTO payments (id, order_id, merchant_id, amount, method, vpa, status, due_at, created_at, updated_at)
SELECT 'pay_' || substr(md5(%(salt)s || n), 1, 16), order_id, %(merchant)s, 50000, 'upi', 'user@bank', 'success', at, at, at
FROM numbers
"""


def add_history(platform: Platform, merchant: Merchant, count: int) -> None:
    """So many paid orders with a payment each, over the last thirty days, and statistics of the tables after that."""
    salt = secrets.token_hex(4)
    for first in range(1, count + 1, _CHUNK):
        last = min(first + _CHUNK - 1, count)
        values = {"salt": salt, "merchant": merchant.id, "first": first, "last": last, "count": count}
        platform.rows(f"BEGIN; {_HISTORY}; COMMIT", values)
    for table in ("orders", "payments", "payment_tallies"):
        platform.rows(f"VACUUM ANALYZE {table}")


_DUE = """
WITH numbers AS (
    SELECT n, 'order_' || substr(md5(%(salt)s || n), 1, 16) AS order_id, 'pay_' || substr(md5(%(salt)s || n), 1, 16) AS id
    FROM generate_series(0, %(count)s - 1) AS n
), ordered AS (
    INSERT INTO orders (id, merchant_id, amount, notes) SELECT order_id, %(merchant)s, 50000, '{}' FROM numbers
), tallied AS (
    INSERT INTO payment_tallies (merchant_id, day, method, status, payments, amount)
    VALUES (%(merchant)s, (now() AT TIME ZONE 'UTC')::date, 'upi', 'pending', %(count)s, %(count)s::bigint * 50000)
)
INSERT INTO payments (id, order_id, merchant_id, amount, method, vpa, due_at)
SELECT id, order_id, %(merchant)s, 50000, 'upi', 'user@bank',
       now() + (%(after_s)s + n * %(apart_s)s) * interval '1 second'
FROM numbers
"""


def insert_due_payments(platform: Platform, merchant: Merchant, count: int, after_s: float, per_s: float | None) -> None:
    """Pending payments of fresh orders: all due after so many seconds, or from then on so many per second."""
    values = {"salt": secrets.token_hex(4), "merchant": merchant.id, "count": count, "after_s": after_s}
    platform.rows(_DUE, {**values, "apart_s": 1 / per_s if per_s else 0.0})


def insert_deliveries(platform: Platform, merchants: Sequence[Merchant], count: int) -> None:
    """Webhook deliveries that are due at once, dealt out to the merchants in turn."""
    platform.rows(
        "INSERT INTO webhook_logs (merchant_id, event, payload)"
        " SELECT (%s::uuid[])[1 + n %% %s], 'payment.success', %s FROM generate_series(0, %s - 1) AS n",
        ([merchant.id for merchant in merchants], len(merchants), PAYLOAD, count),
    )
