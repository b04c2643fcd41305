"""The shop's own books: its orders, what it heard about them, and every webhook that reached it. One SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["Delivery", "Order", "Store"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    customer TEXT NOT NULL,
    checkout TEXT NOT NULL,
    product TEXT NOT NULL,
    amount INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    gateway_order_id TEXT UNIQUE,
    payment_id TEXT,
    paid_at TEXT,
    fulfilled_at TEXT,
    UNIQUE (customer, checkout)
);
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY,
    gateway_order_id TEXT NOT NULL,
    amount INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    webhook_id TEXT,
    event TEXT,
    problem TEXT,
    repeats INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS deliveries_once ON deliveries (webhook_id) WHERE problem IS NULL;
"""
ORDERS = """
SELECT orders.*, (
    SELECT coalesce(sum(amount), 0) FROM refunds WHERE refunds.gateway_order_id = orders.gateway_order_id
) AS refunded
FROM orders
"""
BUSY_TIMEOUT_S = 5.0
SHOWN_ORDERS = 50
SHOWN_DELIVERIES = 100
# Anyone can send what is rejected, so that neither its number nor its length may grow without end.
KEPT_REJECTED = 200
KEPT_REJECTED_CHARACTERS = 4_096
KEPT_ID_CHARACTERS = 128


@dataclass(frozen=True)
class Order:
    """One product for one customer. Amounts in paise; ``gateway_order_id`` is None until the gateway has answered."""

    number: int
    customer: str
    checkout: str
    product: str
    amount: int
    created_at: str
    gateway_order_id: str | None
    payment_id: str | None
    paid_at: str | None
    fulfilled_at: str | None
    refunded: int

    @property
    def receipt(self) -> str:
        """The number that people read."""
        return f"MS-{self.number:05}"

    @property
    def state(self) -> str:
        if self.refunded:
            return "refunded" if self.refunded >= self.amount else "partly_refunded"
        if self.fulfilled_at:
            return "fulfilled"
        return "paid" if self.paid_at else "unpaid"


@dataclass(frozen=True)
class Delivery:
    """A webhook as it arrived. ``problem`` says why it was rejected; ``repeats`` how often it came again."""

    number: int
    received_at: str
    webhook_id: str | None
    event: str | None
    problem: str | None
    repeats: int
    body: str

    @property
    def payload(self) -> Any:
        """The body as JSON; that of a rejected webhook as the text that it is, since it may be anything."""
        return self.body if self.problem else json.loads(self.body)

    def as_json(self) -> dict[str, Any]:
        document = asdict(self)
        del document["body"]
        return {**document, "verified": self.problem is None, "payload": self.payload}


class Store:
    """Each call is a transaction of its own, and on disk when it returns."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as database:
            database.executescript(SCHEMA)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=BUSY_TIMEOUT_S)) as database, database:
            database.row_factory = sqlite3.Row
            yield database

    def begin_order(self, customer: str, checkout: str, product: str, amount: int) -> Order:
        """The order of this checkout: a new one, or that which the same checkout began before."""
        with self._transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO orders (customer, checkout, product, amount, created_at) VALUES (?, ?, ?, ?, ?)",
                (customer, checkout, product, amount, _now()),
            )
            row = database.execute(f"{ORDERS} WHERE customer = ? AND checkout = ?", (customer, checkout)).fetchone()
        return Order(**row)

    def set_gateway_order(self, number: int, gateway_order_id: str) -> Order:
        """Notes by which id the gateway speaks of an order."""
        with self._transaction() as database:
            database.execute("UPDATE orders SET gateway_order_id = ? WHERE number = ?", (gateway_order_id, number))
            row = database.execute(f"{ORDERS} WHERE number = ?", (number,)).fetchone()
        return Order(**row)

    def orders_of(self, customer: str) -> list[Order]:
        """A customer's orders that can be paid or have been, newest first."""
        with self._transaction() as database:
            rows = database.execute(
                f"{ORDERS} WHERE customer = ? AND gateway_order_id IS NOT NULL ORDER BY number DESC LIMIT ?",
                (customer, SHOWN_ORDERS),
            ).fetchall()
        return [Order(**row) for row in rows]

    def take_in(self, webhook_id: str, event: str, data: dict[str, Any], body: str) -> bool:
        """Carries out what a verified webhook says, once: False when it has been here before.

        The delivery and what follows from it are one transaction. A crash between the two would otherwise lose the event, as
        the gateway's next attempt would be taken for a repetition.
        """
        with self._transaction() as database:
            is_new = database.execute(
                "INSERT OR IGNORE INTO deliveries (received_at, webhook_id, event, body) VALUES (?, ?, ?, ?)",
                (_now(), webhook_id, event, body),
            ).rowcount
            if not is_new:
                database.execute(
                    "UPDATE deliveries SET repeats = repeats + 1 WHERE webhook_id = ? AND problem IS NULL", (webhook_id,)
                )
                return False
            if event == "payment.success":
                _note_payment(database, data["payment"])
            elif event == "refund.processed":
                _note_refund(database, data["payment"], data["refund"])
            return True

    def reject(self, webhook_id: str | None, problem: str, body: str) -> None:
        """Keeps a webhook that was not believed, unread, for the log alone."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO deliveries (received_at, webhook_id, problem, body) VALUES (?, ?, ?, ?)",
                (_now(), webhook_id and webhook_id[:KEPT_ID_CHARACTERS], problem, body[:KEPT_REJECTED_CHARACTERS]),
            )
            database.execute(
                "DELETE FROM deliveries WHERE problem IS NOT NULL AND number NOT IN "
                "(SELECT number FROM deliveries WHERE problem IS NOT NULL ORDER BY number DESC LIMIT ?)",
                (KEPT_REJECTED,),
            )

    def fulfil_paid(self) -> None:
        """Sends off whatever is paid and still here. May run at any time and any number of times."""
        with self._transaction() as database:
            rows = database.execute(f"{ORDERS} WHERE paid_at IS NOT NULL AND fulfilled_at IS NULL").fetchall()
            for order in (Order(**row) for row in rows):
                if order.state == "paid":
                    # A real shop prints its parcel label here.
                    database.execute(
                        "UPDATE orders SET fulfilled_at = ? WHERE number = ? AND fulfilled_at IS NULL", (_now(), order.number)
                    )

    def deliveries(self) -> list[Delivery]:
        """What arrived, newest first."""
        with self._transaction() as database:
            rows = database.execute("SELECT * FROM deliveries ORDER BY number DESC LIMIT ?", (SHOWN_DELIVERIES,)).fetchall()
        return [Delivery(**row) for row in rows]


def _note_payment(database: sqlite3.Connection, payment: dict[str, Any]) -> None:
    """Marks an order paid, once, and only by a payment of its whole amount. Orders of another shop are left alone."""
    database.execute(
        "UPDATE orders SET payment_id = ?, paid_at = ? WHERE gateway_order_id = ? AND amount = ? AND paid_at IS NULL",
        (payment["id"], _now(), payment["order_id"], payment["amount"]),
    )


def _note_refund(database: sqlite3.Connection, payment: dict[str, Any], refund: dict[str, Any]) -> None:
    """Keyed by the refund: two refunds add up, one that is told twice does not. It may come before its payment's webhook."""
    database.execute(
        "INSERT OR IGNORE INTO refunds (id, gateway_order_id, amount) VALUES (?, ?, ?)",
        (refund["id"], payment["order_id"], refund["amount"]),
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
