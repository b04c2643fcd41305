"""Card numbers, CVVs, API secrets and passwords are not in tables, files, Redis or its traffic, but where they belong."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from gateway_e2e.client import CARD, Merchant, sign_up
from gateway_e2e.receiver import Receiver
from gateway_e2e.waiting import wait_for

# Long enough that no other number looks like it by chance; a real one of three digits is looked for by its name.
CVV = "739146281"
LAST_DIGITS_KEPT = 4


def card_number(beginning: str) -> str:
    """Sixteen digits that nobody else has, with the check digit of ISO/IEC 7812-1."""
    digits = beginning + "".join(secrets.choice("0123456789") for _ in range(15 - len(beginning)))
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(digits)]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return digits + str(-total % 10)


@dataclass(frozen=True)
class Secrets:
    """What was sent, and what of it may be found nowhere."""

    numbers: tuple[str, ...]
    merchant: Merchant
    password: str

    @property
    def of_cards(self) -> list[bytes]:
        """Numbers as they are, grouped, in hexadecimal as ``bytea`` is printed, and without the digits that are kept."""
        texts = [
            form
            for number in self.numbers
            for form in (
                number[:-LAST_DIGITS_KEPT],
                " ".join(number[place : place + 4] for place in range(0, 16, 4))[:-LAST_DIGITS_KEPT],
                "-".join(number[place : place + 4] for place in range(0, 16, 4))[:-LAST_DIGITS_KEPT],
            )
        ]
        return [form.encode() for text in (*texts, CVV) for form in (text, text.encode().hex())]

    @property
    def of_accounts(self) -> list[bytes]:
        texts = (self.merchant.api_secret, self.password)
        return [form.encode() for text in texts for form in (text, text.encode().hex())]


class Traffic:
    """Every command that Redis gets, as its MONITOR tells it."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = socket.create_connection((address.hostname, address.port), timeout=10)
        self._connection.settimeout(None)
        self._received = bytearray()
        self._connection.sendall(b"MONITOR\r\n")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_for("MONITOR to begin", lambda: self.seen.startswith(b"+OK"))

    def _read(self) -> None:
        for chunk in iter(lambda: self._connection.recv(65_536), b""):
            self._received += chunk

    @property
    def seen(self) -> bytes:
        return bytes(self._received)

    def stop(self) -> None:
        self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._connection.close()


def attempts(number: str, order_id: str) -> list[dict[str, Any]]:
    """A card in every place and form that a confused or careless client puts it."""
    card = {**CARD, "number": number, "cvv": CVV[:3]}
    pay = {"order_id": order_id, "method": "card"}
    return [
        {**pay, "card": {**card, "cvv": CVV}},
        {**pay, "card": {**card, "cvv": int(CVV)}},
        {**pay, "card": {**card, "cvv": [CVV]}},
        {**pay, "card": {**card, "number": int(number)}},
        {**pay, "card": {**card, "number": [number]}},
        {**pay, "card": {**card, "number": {"value": number}}},
        {**pay, "card": {**card, "number": number[:-1] + str((int(number[-1]) + 1) % 10)}},
        {**pay, "card": {**card, "expiry_year": "2001"}},
        {**pay, "card": {**card, "expiry_month": number}},
        {**pay, "card": {**card, "holder_name": ""}},
        {**pay, "card": number},
        {**pay, "card": [card]},
        {**pay, "number": number, "cvv": CVV},
        {**pay, "method": number, "card": card},
        {**pay, "method": "upi", "vpa": number},
        {**pay, "method": "upi", "card": card, "vpa": CVV},
        {**pay, "order_id": number, "card": card},
        {**pay, "amount": number, "card": card},
        {**pay, "currency": number, "card": card},
    ]


@pytest.fixture(scope="module")
def traffic(stores) -> Iterator[Traffic]:
    traffic = Traffic(stores.redis_url)
    yield traffic
    traffic.stop()


@pytest.fixture(scope="module")
def sent(http: httpx.Client, traffic: Traffic, stores) -> Iterator[Secrets]:
    """After cards were used and abused in every way, and an account was opened and used with a known password."""
    with Receiver() as receiver:
        merchant = sign_up(http)
        merchant.set_webhook_url(receiver.url)
        numbers = tuple(card_number(beginning) for beginning in ("4", "51", "60", "99"))
        account = {"name": "Shop", "email": f"{secrets.token_hex(6)}@shop.example", "password": f"pass-{secrets.token_hex(12)}"}
        http.post("/api/v1/merchants", json=account).raise_for_status()
        for password in (account["password"], account["password"] + "!"):
            http.post("/api/v1/auth/login", json={"email": account["email"], "password": password})
        http.post("/api/v1/auth/login", json={"email": account["password"], "password": account["password"]})
        http.cookies.clear()
        payments = [payment for number in numbers for payment in abuse(merchant, number)]
        for payment in payments:
            merchant.settled(payment, 60)
        wait_for("every delivery", lambda: merchant.get("/webhooks", status="pending")["total"] == 0, 60)
        traffic_of_webhooks = b"".join(delivery.body for delivery in receiver.received)
        secrets_sent = Secrets(numbers, merchant, account["password"])
        assert not [secret for secret in secrets_sent.of_cards if secret in traffic_of_webhooks]
        # Access logs are written in batches: once they tell of a last request, they have told of all before it.
        last = secrets.token_hex(16)
        merchant.request("GET", "/payments", headers={"X-Request-Id": last}).raise_for_status()
        wait_for("the last request to be in the logs", lambda: len(logs_with(stores.folders, last)) > 1)
        yield secrets_sent


def abuse(merchant: Merchant, number: str) -> list[str]:
    """Pays with the card, sends it wrongly, repeats it under idempotency keys; the ids of the payments that came of it."""
    order_id = merchant.create_order()["id"]
    refusals = [
        merchant.post(path, body, **{"Idempotency-Key": secrets.token_hex(8)})
        for path in ("/payments", "/payments/public", "/orders", "/refunds")
        for body in attempts(number, order_id)
    ]
    for response in refusals:
        assert response.status_code in (400, 404), response.text
        assert number not in response.text
        assert CVV not in response.text
    body = {"order_id": order_id, "method": "card", "card": {**CARD, "number": number, "cvv": "7391"}}
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = merchant.post("/payments", body, **key), merchant.post("/payments", body, **key)
    assert (first.status_code, again.content) == (201, first.content)
    assert number not in first.text
    assert first.json()["card_last4"] == number[-LAST_DIGITS_KEPT:]
    other = {**body, "card": {**body["card"], "holder_name": "Somebody Else"}}
    assert merchant.post("/payments", other, **key).status_code == 422
    # Where a person types into the wrong box, and where a program stops in the middle.
    merchant.request("GET", "/payments", params={"q": number})
    merchant.request("GET", "/orders", params={"receipt": number})
    merchant.request("POST", "/payments", content=f'{{"card": {{"number": "{number}"'.encode())
    return [first.json()["id"]]


# ---- where it is looked for -------------------------------------------------------------------------------------------

BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}")
READERS: dict[bytes, Callable[[Any, bytes], Any]] = {
    b"string": lambda store, key: store.get(key),
    b"list": lambda store, key: store.lrange(key, 0, -1),
    b"hash": lambda store, key: store.hgetall(key),
    b"set": lambda store, key: store.smembers(key),
    b"zset": lambda store, key: store.zrange(key, 0, -1),
    b"stream": lambda store, key: store.xrange(key),
    # A key that has gone since it was listed.
    b"none": lambda _store, _key: None,
}


def unfolded(data: bytes) -> bytes:
    """The data, and what is base64 in it in plain: Celery wraps the bodies of its messages so."""
    plain = [data]
    for run in BASE64.findall(data):
        with suppress(binascii.Error):
            plain.append(base64.b64decode(run + b"=" * (-len(run) % 4)))
    return b"\n".join(plain)


def found(wanted: Sequence[bytes], data: bytes) -> list[bytes]:
    return [one for one in wanted if one in data]


@pytest.fixture
def tables(sql) -> list[str]:
    names = sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")
    return [name for (name,) in names]


@pytest.fixture
def rows_with(sql) -> Callable[[str, Sequence[bytes]], int]:
    """How many rows of a table have one of the texts in any of their columns, whatever its type."""

    def count(table: str, wanted: Sequence[bytes]) -> int:
        patterns = [f"%{text.decode()}%" for text in wanted]
        ((rows,),) = sql(f'SELECT count(*) FROM "{table}" AS one WHERE one::text LIKE ANY (%s)', patterns)
        return int(rows)

    return count


def files_below(folders: Sequence[Path], *names: str) -> list[Path]:
    return [path for folder in folders for name in names for path in (folder / name).rglob("*") if path.is_file()]


def content(path: Path) -> bytes:
    """Empty for a file that its owner has removed in the meantime."""
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def logs_with(folders: Sequence[Path], text: str) -> list[Path]:
    return [path for path in files_below(folders, "logs") if text.encode() in content(path)]


def test_the_search_would_find_what_is_there(sent: Secrets, traffic: Traffic, stores, rows_with):
    """A payment's id is in its table, in its events, in the database's files, and in the queue's messages."""
    payment = sent.merchant.get("/payments")["data"][0]["id"].encode()
    assert rows_with("payments", [payment]) == 1
    assert rows_with("events", [payment]) == 3
    assert payment in unfolded(traffic.seen)
    assert [path for path in files_below(stores.folders, "data") if payment in content(path)]


def test_no_table_holds_a_card_or_a_password(sent: Secrets, tables: list[str], rows_with):
    assert {"payments", "idempotency_keys", "events", "webhook_logs"} <= set(tables)
    wanted = [*sent.of_cards, sent.password.encode(), sent.password.encode().hex().encode(), b'"7391"', b"cvv"]
    assert {table: rows_with(table, wanted) for table in tables} == dict.fromkeys(tables, 0)


def test_an_api_secret_is_in_its_merchants_row_and_in_no_other_table(sent: Secrets, tables: list[str], rows_with):
    holding = [table for table in tables if rows_with(table, sent.of_accounts)]
    assert holding == ["merchants"]


def test_no_file_holds_a_card_or_a_password(sent: Secrets, stores):
    """Logs, temporary files of the proxy, and the database's own files with its log of changes."""
    paths = files_below(stores.folders, "logs", "data", "nginx", "run")
    assert [path for path in paths if path.suffix == ".log"]
    wanted = [*sent.of_cards, sent.password.encode()]
    assert [(path, texts) for path in paths if (texts := found(wanted, content(path)))] == []


def test_no_log_holds_an_api_secret_or_names_a_cvv(sent: Secrets, stores):
    paths = files_below(stores.folders, "logs")
    wanted = [*sent.of_accounts, b'"7391"', b"cvv", b"CVV"]
    assert [(path, texts) for path in paths if (texts := found(wanted, content(path)))] == []


def test_nothing_in_redis_holds_a_secret(sent: Secrets, stores):
    store = redis.Redis.from_url(stores.redis_url)
    keys = list(store.scan_iter(count=1000))
    everything = b"\n".join([*keys, *(repr(READERS[store.type(key)](store, key)).encode() for key in keys)])
    store.close()
    assert keys
    assert found([*sent.of_cards, *sent.of_accounts, b'"7391"', b"cvv"], unfolded(everything)) == []


def test_nothing_went_through_redis_that_is_secret(sent: Secrets, traffic: Traffic):
    assert found([*sent.of_cards, *sent.of_accounts, b'"7391"', b"cvv"], unfolded(traffic.seen)) == []
