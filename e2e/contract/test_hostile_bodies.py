"""Whatever a client sends, it is told so in the envelope: never a 5xx, never another validator's 422."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from gateway_e2e.client import CARD, Merchant
from gateway_e2e.errors import refused

REFUSED = (400, 401, 404, 413)
# By path: a body that would be accepted, or would be if its ids existed.
ORDER = {"amount": 50_000, "currency": "INR", "receipt": "r", "notes": {"a": "b"}}
PAY_BY_UPI = {"order_id": "order_AAAAAAAAAAAAAAAA", "method": "upi", "vpa": "user@bank"}
PAY_BY_CARD = {"order_id": "order_AAAAAAAAAAAAAAAA", "method": "card", "card": CARD}
REFUND = {"amount": 100, "reason": "r"}
SIGN_UP = {"name": "Shop", "email": "nobody@shop.example", "password": "seven-blue-lanterns"}
BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/orders", ORDER),
    ("POST", "/orders/public", ORDER),
    ("POST", "/payments", PAY_BY_UPI),
    ("POST", "/payments/public", PAY_BY_UPI),
    ("POST", "/payments/pay_AAAAAAAAAAAAAAAA/capture", {"amount": 100}),
    ("POST", "/payments/pay_AAAAAAAAAAAAAAAA/refunds", REFUND),
    ("POST", "/refunds", REFUND | {"payment_id": "pay_AAAAAAAAAAAAAAAA"}),
    ("POST", "/merchants", SIGN_UP),
    ("POST", "/auth/login", {"email": "nobody@shop.example", "password": "seven-blue-lanterns"}),
    ("PATCH", "/merchants/me", {"name": "Test Merchant"}),
    ("POST", "/webhooks/retry-failed", {"dry_run": True}),
]
ENDPOINTS = [(method, path) for method, path, _ in BODIES]

DEEP = 5_000
MEBIBYTES_12 = 12 * 1024 * 1024
# Refused by every endpoint that reads a body, whatever it expects inside.
NO_OBJECTS: dict[str, bytes] = {
    "a brace": b"{",
    "two braces and more": b"{}{}",
    "a word": b"amount",
    "a form": b"amount=50000&currency=INR",
    "multipart": b'--x\r\nContent-Disposition: form-data; name="amount"\r\n\r\n50000\r\n--x--\r\n',
    "XML": b'<?xml version="1.0"?><order><amount>50000</amount></order>',
    "spaces": b"   \r\n\t ",
    "NUL": b"\x00",
    "NULs": b"\x00" * 1000,
    "an array": b"[]",
    "an array of the object": json.dumps([ORDER]).encode(),
    "a number": b"50000",
    "a huge number": b"9" * 10_000,
    "a text": b'"amount"',
    "true": b"true",
    "null": b"null",
    "NaN": b"NaN",
    "NaN inside": b'{"amount": NaN}',
    "Infinity inside": b'{"amount": -Infinity}',
    "single quotes": b"{'amount': 50000}",
    "a comment": b'{"amount": 50000 /* paise */}',
    "a comma too many": b'{"amount": 50000,}',
    "no quotes": b"{amount: 50000}",
    "a leading zero": b'{"amount": 050000}',
    "a hexadecimal": b'{"amount": 0xC350}',
    "a plus": b'{"amount": +50000}',
    "a byte order mark": b'\xef\xbb\xbf{"amount": 50000}',
    "UTF-16": '{"amount": 50000}'.encode("utf-16"),
    "UTF-32": '{"amount": 50000}'.encode("utf-32"),
    "Latin-1": '{"receipt": "Käse", "amount": 50000}'.encode("latin-1"),
    "bytes beyond UTF-8": b'{"receipt": "\xff\xfe", "amount": 50000}',
    "an overlong sequence": b'{"receipt": "\xc0\x80", "amount": 50000}',
    "a surrogate in UTF-8": b'{"receipt": "\xed\xa0\x80", "amount": 50000}',
    "a cut sequence": b'{"receipt": "\xe2\x82", "amount": 50000}',
    "a lone surrogate": b'{"receipt": "\\ud800", "amount": 50000}',
    "a lone low surrogate": b'{"receipt": "\\udc00", "amount": 50000}',
    "surrogates the wrong way round": b'{"receipt": "\\udc00\\ud800", "amount": 50000}',
    "a lone surrogate as a name": b'{"\\ud800": 1, "amount": 50000}',
    "an unfinished escape": b'{"receipt": "\\u12", "amount": 50000}',
    "a raw line break in a text": b'{"receipt": "a\nb", "amount": 50000}',
    "a raw NUL in a text": b'{"receipt": "a\x00b", "amount": 50000}',
    "arrays 5,000 deep": b"[" * DEEP + b"]" * DEEP,
    "objects 5,000 deep": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "notes 5,000 deep": b'{"amount": 50000, "notes": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "an open array 5,000 deep": b"[" * DEEP,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV\xca\xcdO*I-.Q\xb2R\xaa\x05\x00",
    "12 MB of text": b'{"receipt": "' + b"x" * MEBIBYTES_12 + b'"}',
    "12 MB of spaces": b" " * MEBIBYTES_12,
    "12 MB of digits": b'{"amount": ' + b"9" * MEBIBYTES_12 + b"}",
    "12 MB of brackets": b"[" * MEBIBYTES_12,
}

NO_INTEGERS: list[Any] = [
    True, False, 1.5, 50_000.0, 1e300, -1e-300, "", "50000", "50000 ", "0x1", "५००००", "١٠٠", "NaN", [], [50_000], {},
    {"amount": 1},
    2**31, 2**53 + 1, 2**63, 2**64, 2**200, 10**4000, -1, 0, -(2**31), -(2**63) - 1, -(10**4000),
]  # fmt: skip
NO_TEXTS: list[Any] = [True, 1, 1.5, [], ["a"], {}, {"a": "b"}, "\0", "a\0b"]
TOO_LONG = "x" * 70_000
NO_IDS: list[Any] = [
    *NO_TEXTS,
    "",
    " ",
    "order_",
    "order_ÀÀÀÀÀÀÀÀÀÀÀÀÀÀÀÀ",
    "' OR 1=1 --",
    "../../etc/passwd",
    "%00",
    TOO_LONG,
    None,
]
NO_CURRENCIES: list[Any] = [*NO_TEXTS, "", "inr", "RUPEE", "XXX", "IN", "INR ", "INR\n", "ＩＮＲ", "₹", TOO_LONG]
NO_NOTES: list[Any] = [
    True, 1, 1.5, "text", [], [{}], {"a": "\0"}, {"\0": "a"}, {"a": ["\0"]}, {"a": {"b": {"c": "\0"}}}, {"a": TOO_LONG},
    {str(n): "x" * 100 for n in range(700)},
]  # fmt: skip
NO_VPAS: list[Any] = [
    *NO_TEXTS, None, "", "user", "@bank", "user@", "user@@bank", "user@bank@bank", "user@bank\n", "\nuser@bank", "user@bank ",
    " user@bank", "user@ba.nk", "user@ba-nk", "us er@bank", "user@bänk", "üser@bank", "user＠bank", "user@bank\r\n",
    "user@bank\u2028",
    "user@बैंक", "'@bank", "user@bank;--", "x" * 252 + "@bank", TOO_LONG,
]  # fmt: skip
NO_CARD_NUMBERS: list[Any] = [
    4111111111111111, True, None, [], {}, 4.1e15, "", "4111111111111112", "411111111111", "41111111111111111111", "0" * 5,
    "4" * 4000,
    "4111-1111-1111-111a", "４１１１１１１１１１１１１１１１", "٤١١١١١١١١١١١١١١١", "4111111111111111\n", "4111\t1111\t1111\t1111",
    "4111111111111111\0", "+4111111111111111", "4111.1111.1111.1111", "4111_1111_1111_1111", "-", " ",
]  # fmt: skip
NO_MONTHS: list[Any] = [
    None,
    True,
    0,
    13,
    -1,
    1.5,
    "",
    "0",
    "00",
    "13",
    "1 2",
    "١٢",
    "12\n1",
    "012",
    "Dec",
    [],
    {},
    10**400,
    "9" * 4000,
]
NO_YEARS: list[Any] = [None, True, -1, 1.5, "", "1", "205", "20490", "1999", 1999, "२०४९", "'49", [], {}, 10**400, "9" * 4000]
NO_CVVS: list[Any] = [None, True, 1.5, "", "1", "12", "12345", "12a", "１２３", "١٢٣", "-12", "1 3", [], {}, 10**400, "9" * 4000]
NO_HOLDERS: list[Any] = [None, True, 1, [], {}, "", "   ", "\n", TOO_LONG]
NO_URLS: list[Any] = [
    True, 1, [], {}, "shop.example", "ftp://shop.example/", "javascript:alert(1)", "file:///etc/passwd", "http://",
    "http:///path",
    "http://user:secret@shop.example/", "http://[::1", "http://shop.example:99999/", "http://shop.example:port/", "http://a b/",
    "http://shop.example/\0", "http://shop.example/\r\nX-Evil: 1", "gopher://127.0.0.1:6379/_FLUSHALL", "http://" + "a" * 3000,
]  # fmt: skip
NO_EMAILS: list[Any] = [
    *NO_TEXTS, None, "", "nobody", "@shop.example", "nobody@", "nobody@shop", "no body@shop.example", "nobody@shop.example\n,x",
    "nobody@shop..example", "a@b@c.example", "nöbody@shop.example", "<nobody@shop.example>", "x" * 300 + "@shop.example",
    TOO_LONG,
]  # fmt: skip
NO_PASSWORDS: list[Any] = [*NO_TEXTS, None, "", "short", "password", "12345678", "aaaaaaaa", "nobody@shop.example", TOO_LONG]
NO_NAMES: list[Any] = [*NO_TEXTS, "", "   ", "\n", TOO_LONG]
NO_METHODS: list[Any] = [*NO_TEXTS, None, "", "cash", "UPI", "upi ", "card\n", "netbanking", TOO_LONG]
NO_BOOLEANS: list[Any] = [0, 1, "true", "false", "", [], {}, 1.0, None]
NO_MOMENTS: list[Any] = [
    True,
    1,
    [],
    {},
    "yesterday",
    "2024-13-01",
    "2024-02-30",
    "0000-00-00",
    "9999-12-31T99:00",
    "\0",
    "١٩٩٩-٠١-٠١",
    TOO_LONG,
]
NO_EVENTS: list[Any] = [*NO_TEXTS, "payment", "payment.success ", "PAYMENT.SUCCESS", "*", TOO_LONG]

Case = tuple[str, str, str, Any]


def with_field(path: str, base: dict[str, Any], field: str, values: list[Any], method: str = "POST") -> list[Case]:
    """The body with each of the values in place of the field."""
    return [(method, path, f"{field}={value!r:.40}", {**base, field: value}) for value in values]


def without(path: str, base: dict[str, Any], *fields: str) -> list[Case]:
    return [("POST", path, f"no {field}", {k: v for k, v in base.items() if k != field}) for field in fields]


def card_cases(path: str) -> list[Case]:
    wrong = {
        "number": NO_CARD_NUMBERS,
        "expiry_month": NO_MONTHS,
        "expiry_year": NO_YEARS,
        "cvv": NO_CVVS,
        "holder_name": NO_HOLDERS,
    }
    cards = [({**CARD, part: value}, f"card.{part}={value!r:.40}") for part, values in wrong.items() for value in values]
    missing = [({k: v for k, v in CARD.items() if k != part}, f"no card.{part}") for part in CARD]
    none = [(value, f"card={value!r}") for value in (None, True, 1, "4111111111111111", [], [CARD], {})]
    return [("POST", path, title, {**PAY_BY_CARD, "card": card}) for card, title in [*cards, *missing, *none]]


CASES: list[Case] = [
    *(case for path in ("/orders", "/orders/public") for case in with_field(path, ORDER, "amount", [None, 99, *NO_INTEGERS])),
    *with_field("/orders", ORDER, "currency", NO_CURRENCIES),
    *with_field("/orders", ORDER, "receipt", [*NO_TEXTS, "x" * 256, TOO_LONG]),
    *with_field("/orders", ORDER, "notes", NO_NOTES),
    *without("/orders", ORDER, "amount"),
    *(
        case
        for path in ("/payments", "/payments/public")
        for case in (
            *with_field(path, PAY_BY_UPI, "order_id", NO_IDS),
            *with_field(path, PAY_BY_UPI, "method", NO_METHODS),
            *with_field(path, PAY_BY_UPI, "vpa", NO_VPAS),
            *with_field(path, PAY_BY_UPI, "amount", NO_INTEGERS),
            *with_field(path, PAY_BY_UPI, "currency", NO_CURRENCIES),
            *without(path, PAY_BY_UPI, "order_id", "method", "vpa"),
            *card_cases(path),
        )
    ),
    *with_field("/payments/pay_AAAAAAAAAAAAAAAA/capture", {}, "amount", NO_INTEGERS),
    *with_field("/payments/pay_AAAAAAAAAAAAAAAA/refunds", REFUND, "amount", [None, *NO_INTEGERS]),
    *with_field("/payments/pay_AAAAAAAAAAAAAAAA/refunds", REFUND, "reason", [*NO_TEXTS, TOO_LONG]),
    *with_field("/refunds", REFUND, "payment_id", NO_IDS),
    *without("/refunds", REFUND, "amount"),
    *with_field("/merchants", SIGN_UP, "name", [None, *NO_NAMES]),
    *with_field("/merchants", SIGN_UP, "email", NO_EMAILS),
    *with_field("/merchants", SIGN_UP, "password", NO_PASSWORDS),
    *without("/merchants", SIGN_UP, "name", "email", "password"),
    *with_field("/auth/login", SIGN_UP, "email", NO_EMAILS),
    # Without those that might be somebody's: after ten wrong ones the account is closed for a while, which is 429.
    *with_field("/auth/login", SIGN_UP, "password", [*NO_TEXTS, None, TOO_LONG]),
    *without("/auth/login", SIGN_UP, "email", "password"),
    *with_field("/merchants/me", {}, "name", [None, *NO_NAMES], "PATCH"),
    *with_field("/merchants/me", {}, "webhook_url", NO_URLS, "PATCH"),
    *with_field("/merchants/me", {}, "public_orders_enabled", NO_BOOLEANS, "PATCH"),
    *with_field("/webhooks/retry-failed", {}, "dry_run", NO_BOOLEANS),
    *with_field("/webhooks/retry-failed", {"dry_run": True}, "from", NO_MOMENTS),
    *with_field("/webhooks/retry-failed", {"dry_run": True}, "to", NO_MOMENTS),
    *with_field("/webhooks/retry-failed", {"dry_run": True}, "event", NO_EVENTS),
]


@pytest.mark.parametrize("body", NO_OBJECTS.values(), ids=NO_OBJECTS)
@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_what_is_no_object_is_refused(merchant: Merchant, method, path, body):
    error = refused(merchant.request(method, path, content=body, headers={"Content-Type": "application/json"}), 400, 413)
    assert error["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize(("method", "path", "title", "body"), CASES, ids=[f"{path}-{title}" for _, path, title, _ in CASES])
def test_a_wrong_value_is_refused(merchant: Merchant, method, path, title, body):
    refused(merchant.request(method, path, content=json.dumps(body).encode()), *REFUSED)


def test_there_are_more_than_two_hundred_hostile_bodies():
    assert len({json.dumps(case[3]) for case in CASES}) + len(NO_OBJECTS) > 200


@pytest.mark.parametrize(
    ("method", "path"), [endpoint for endpoint in ENDPOINTS if not endpoint[1].endswith(("capture", "retry-failed"))]
)
def test_no_body_at_all_is_refused(merchant: Merchant, method, path):
    assert refused(merchant.request(method, path), 400)["description"] == "Request body must be valid JSON"


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount": 50, "amount": 50000}',
        b'{"amount": "a", "amount": 50000}',
        b'{"amount": 50000, "unknown": {"a": [1, 2.5, null]}}',
        b' \r\n\t{"amount":50000}\n ',
        b'{"\\u0061mount": 50000}',
        '{"amount": 50000, "receipt": "Käse 😀 \u202e"}'.encode(),
        b'{"amount": 50000, "receipt": "\\ud83d\\ude00"}',
        b'{"amount": 50000, "notes": {"": "", "constructor": 1, "__proto__": {"a": 1}}}',
        b'{"amount": 50000, "currency": null, "receipt": null, "notes": null}',
    ],
)
def test_what_is_only_unusual_is_taken_and_read_back(merchant: Merchant, body):
    """Of duplicate names the last counts, as with every common reader."""
    created = merchant.request("POST", "/orders", content=body)
    assert created.status_code == 201, created.text
    assert created.json()["amount"] == 50_000
    assert merchant.get(f"/orders/{created.json()['id']}") == created.json()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "", "application/json; charset=utf-16", "\x7f", "a" * 5000]
)
def test_a_content_type_does_no_harm(merchant: Merchant, content_type):
    response = merchant.request("POST", "/orders", content=b'{"amount": 50}', headers={"Content-Type": content_type})
    assert refused(response, 400)["code"] == "BAD_REQUEST_ERROR"


# ---- paths, queries, headers ------------------------------------------------------------------------------------------

HOSTILE_IDS = (
    "x", "0", "-1", "null", "undefined", "%2e%2e", "%2e", "..%2f..%2fetc%2fpasswd", "%2f", "a%2fb", "%5c", "%00",
    "order_%00", "order_AAAAAAAAAAAAAAAA%00", "order_AAAAAAAAAAAAAAAA%0a", "%0d%0aX-Evil:%201", "%ff", "%c0%af", "%ed%a0%80",
    "order_%C3%80%C3%80%C3%80%C3%80", "order_AAAAAAAAAAAAAAA", "order_AAAAAAAAAAAAAAAAA", "ORDER_AAAAAAAAAAAAAAAA",
    "pay_AAAAAAAAAAAAAAAA",
    "rfnd_AAAAAAAAAAAAAAAA", "evt_AAAAAAAAAAAAAAAA", "order_AAAAAAAAAAAAAAAA", "00000000-0000-0000-0000-000000000000",
    "%7B00000000-0000-0000-0000-000000000000%7D", "urn:uuid:00000000-0000-0000-0000-000000000000", "' OR '1'='1",
    "1;DROP TABLE orders",
    "${7*7}", "{{7*7}}", "%25s%25n", "<script>", "a" * 300, "a" * 7000, ";", ":", "@", "*", "~", "%", "%zz",
)  # fmt: skip
PATHS_WITH_IDS = [
    ("GET", "/orders/{}"),
    ("GET", "/orders/{}/public"),
    ("GET", "/orders/public/{}"),
    ("GET", "/payments/{}"),
    ("GET", "/payments/{}/public"),
    ("GET", "/payments/public/{}"),
    ("POST", "/payments/{}/capture"),
    ("POST", "/payments/{}/refunds"),
    ("GET", "/payments/{}/refunds"),
    ("GET", "/refunds/{}"),
    ("GET", "/webhooks/{}"),
    ("POST", "/webhooks/{}/retry"),
    ("GET", "/events/{}"),
]


@pytest.mark.parametrize("identifier", HOSTILE_IDS)
@pytest.mark.parametrize(("method", "path"), PATHS_WITH_IDS)
def test_an_id_that_cannot_be_is_not_found(merchant: Merchant, method, path, identifier):
    url = merchant.http.base_url.copy_with(raw_path=f"/api/v1{path.format(identifier)}".encode())
    response = merchant.http.request(method, url, headers=merchant.headers, json={"amount": 100})
    refused(response, 400, 404, 405)


LISTS = ("/orders", "/payments", "/refunds", "/webhooks", "/events")
HOSTILE_QUERIES = (
    "limit=0", "limit=-1", "limit=101", "limit=abc", "limit=", "limit=1.5", "limit=true", "limit=١٠", "limit=%00", "limit=1e3",
    "limit=99999999999999999999999999", "limit=0x10", "offset=-1", "offset=10001", "offset=abc", "offset=",
    "offset=99999999999999999999999999", "offset=1.5", "offset=%ff", "from=yesterday", "from=2024-13-01", "from=2024-02-30",
    "from=%00",
    "from=1", "from=" + "9" * 41, "to=9999-99-99", "to=0000-00-00", "to=%ff", "to=2024-01-01T25:00:00", "to=' OR 1=1",
    "from=9999-12-31T23:59:59-14:00",
    "from=0001-01-01T00:00:00%2B14:00",
)  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE_QUERIES)
@pytest.mark.parametrize("path", LISTS)
def test_a_query_that_cannot_be_is_refused(merchant: Merchant, path, query):
    assert refused(merchant.request("GET", f"{path}?{query}"), 400)["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *((path, f"status={value}") for path in ("/orders", "/payments", "/refunds", "/webhooks") for value in ("", "nope",
    "%00", "%ff")),
        *(("/payments", f"method={value}") for value in ("", "cash", "%00")),
        *(("/payments", f"{name}={value}") for name in ("q", "order_id") for value in ("%00", "x" * 300)),
        *(("/orders", f"receipt={value}") for value in ("%00", "x" * 300)),
        *((path, f"payment_id={value}") for path in ("/refunds", "/webhooks", "/events") for value in ("%00", "x" * 300)),
        *((path, f"event={value}") for path in ("/webhooks", "/events") for value in ("", "nope", "%00")),
        *(("/payments/stats", query) for query in ("from=x", "to=x", "to=%00")),
        *(("/payments/export", query) for query in ("from=x", "status=nope", "q=%00", "method=cash")),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_refused(merchant: Merchant, path, query):
    assert refused(merchant.request("GET", f"{path}?{query}"), 400)["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize(
    "query", ["unknown=1", "limit[]=10", "%00=1", "=", "&&&", "q=%25%5f", "q='", "a=" + "b" * 5000, "from=&to="]
)
def test_a_query_that_means_nothing_is_ignored(merchant: Merchant, query):
    assert merchant.request("GET", f"/payments?{query}").status_code == 200


@pytest.mark.parametrize("name", ["X-Api-Key", "X-Api-Secret", "Cookie"])
@pytest.mark.parametrize(
    "value", ["x" * 7000, "näïve".encode(), b"\xff\xfe", b"\x01\x02", b"a\tb", "' OR '1'='1", "gateway_session=" + "x" * 5000]
)
def test_a_credential_that_cannot_be_is_refused(shopper: httpx.Client, name, value):
    assert refused(shopper.get("/api/v1/orders", headers={name: value}), 400, 401)["code"] in (
        "AUTHENTICATION_ERROR",
        "BAD_REQUEST_ERROR",
    )


@pytest.mark.parametrize(
    "name", ["Accept", "Accept-Encoding", "Origin", "Sec-Fetch-Site", "X-Forwarded-For", "Range", "Expect", "If-None-Match"]
)
@pytest.mark.parametrize("value", ["nonsense", "x" * 7000, b"\xff\xfe"])
def test_a_header_of_no_account_does_no_harm(merchant: Merchant, name, value):
    response = merchant.request("GET", "/orders/order_AAAAAAAAAAAAAAAA", headers={name: value})
    refused(response, 400, 404)


@pytest.mark.parametrize("key", ["", "x" * 256, "x" * 7000, b"\x01", b"a\tb", b"\xc2\xa0", b"\x7f"])
@pytest.mark.parametrize(
    ("method", "path", "body"), [row for row in BODIES if row[1].startswith(("/orders", "/payments", "/refunds"))]
)
def test_an_idempotency_key_that_cannot_be_is_refused(merchant: Merchant, method, path, body, key):
    response = merchant.request(method, path, json=body, headers={"Idempotency-Key": key})
    refused(response, 400, 404)
