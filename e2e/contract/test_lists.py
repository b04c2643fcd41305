"""Lists: pages, filters, totals, order, and the export."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from gateway_e2e.client import CARD, Merchant, sign_up
from gateway_e2e.receiver import Receiver
from gateway_e2e.waiting import wait_for

ORDERS = 12
LISTS = ("/orders", "/payments", "/refunds", "/webhooks", "/events")


@pytest.fixture(scope="module")
def busy(http: httpx.Client):
    """A merchant with twelve orders and as many of everything else, or more."""
    with Receiver() as receiver:
        merchant = sign_up(http)
        merchant.set_webhook_url(receiver.url)
        orders = [merchant.create_order(10_000 + n, receipt=f"receipt_{n}") for n in range(ORDERS)]
        payments = [merchant.create_payment(order["id"], f"user{n}@bank") for n, order in enumerate(orders[:10])]
        declined = {"order_id": orders[10]["id"], "method": "upi", "vpa": "failure@bank"}
        payments.append(merchant.post("/payments", declined).json())
        payments.append(merchant.post("/payments", {"order_id": orders[11]["id"], "method": "card", "card": CARD}).json())
        settled = [merchant.settled(payment["id"]) for payment in payments]
        for n in range(ORDERS):
            merchant.post("/refunds", {"payment_id": settled[0]["id"], "amount": 1 + n}).raise_for_status()
        wait_for("every refund", lambda: merchant.get("/refunds", status="processed")["total"] == ORDERS, 60)
        wait_for("every delivery", lambda: merchant.get("/webhooks", status="pending")["total"] == 0, 60)
        yield merchant


@pytest.fixture(scope="module")
def settled(busy: Merchant) -> list[dict[str, Any]]:
    """All payments of the busy merchant, newest first."""
    return list(busy.get("/payments", limit=100)["data"])


@pytest.mark.parametrize("path", LISTS)
def test_a_page_has_ten_rows_unless_another_number_is_asked_for(busy: Merchant, path):
    page = busy.get(path)
    assert set(page) == {"data", "total", "limit", "offset"}
    assert (page["limit"], page["offset"], len(page["data"])) == (10, 0, 10)
    assert page["total"] >= ORDERS


@pytest.mark.parametrize("limit", [1, 3, 99, 100])
@pytest.mark.parametrize("path", LISTS)
def test_a_page_is_as_long_as_asked_for(busy: Merchant, path, limit):
    page = busy.get(path, limit=limit)
    assert page["limit"] == limit
    assert len(page["data"]) == min(limit, page["total"])


@pytest.mark.parametrize("path", LISTS)
def test_pages_follow_each_other_without_gap_or_overlap(busy: Merchant, path):
    whole = busy.get(path, limit=100)
    pages = [busy.get(path, limit=5, offset=offset) for offset in range(0, whole["total"], 5)]
    assert [row["id"] for page in pages for row in page["data"]] == [row["id"] for row in whole["data"]]
    assert {page["total"] for page in pages} == {whole["total"]}
    assert len({row["id"] for row in whole["data"]}) == whole["total"]


@pytest.mark.parametrize("path", LISTS)
def test_the_newest_comes_first(busy: Merchant, path):
    times = [row["created_at"] for row in busy.get(path, limit=100)["data"]]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("path", LISTS)
def test_a_page_beyond_the_end_is_empty(busy: Merchant, path):
    page = busy.get(path, offset=10_000)
    assert (page["data"], page["offset"]) == ([], 10_000)
    assert page["total"] >= ORDERS


@pytest.mark.parametrize(
    ("path", "filters", "total"),
    [
        ("/orders", {"status": "paid"}, 11),
        ("/orders", {"status": "created"}, 1),
        ("/orders", {"receipt": "receipt_7"}, 1),
        ("/orders", {"receipt": "receipt"}, 0),
        ("/payments", {"status": "success"}, 11),
        ("/payments", {"status": "failed"}, 1),
        ("/payments", {"status": "pending"}, 0),
        ("/payments", {"method": "card"}, 1),
        ("/payments", {"method": "upi"}, 11),
        ("/payments", {"method": "upi", "status": "failed"}, 1),
        ("/payments", {"method": "card", "status": "failed"}, 0),
        ("/payments", {"q": "user3@"}, 1),
        ("/payments", {"q": "pay_"}, 12),
        ("/payments", {"q": "order_"}, 12),
        ("/payments", {"q": "user"}, 10),
        ("/payments", {"q": "%"}, 0),
        ("/payments", {"q": "_ay"}, 0),
        ("/payments", {"order_id": "order_AAAAAAAAAAAAAAAA"}, 0),
        ("/refunds", {"status": "processed"}, 12),
        ("/refunds", {"status": "failed"}, 0),
        ("/refunds", {"payment_id": "pay_AAAAAAAAAAAAAAAA"}, 0),
        ("/webhooks", {"status": "success"}, 60),
        ("/webhooks", {"status": "failed"}, 0),
        ("/webhooks", {"event": "payment.created"}, 12),
        ("/webhooks", {"event": "refund.processed"}, 12),
        ("/webhooks", {"event": "webhook.test"}, 0),
        ("/events", {"event": "payment.success"}, 11),
        ("/events", {"event": "payment.failed"}, 1),
        ("/events", {"event": "refund.created"}, 12),
    ],
)
def test_a_filter_finds_all_that_match_and_nothing_else(busy: Merchant, path, filters, total):
    page = busy.get(path, **filters)
    assert page["total"] == total
    assert len(page["data"]) == min(10, total)
    exact = {name: value for name, value in filters.items() if name in ("status", "method", "event", "receipt")}
    assert all(row[name] == value for row in page["data"] for name, value in exact.items())


def test_a_payment_is_found_by_what_is_known_of_it(busy: Merchant, settled):
    one = settled[4]
    for wanted in ({"q": one["id"]}, {"q": one["id"][:12]}, {"q": one["order_id"]}, {"order_id": one["order_id"]}):
        assert one["id"] in [row["id"] for row in busy.get("/payments", **wanted)["data"]]
    assert busy.get("/refunds", payment_id=settled[-1]["id"])["total"] == ORDERS
    assert busy.get("/events", order_id=one["order_id"])["total"] == 3
    assert busy.get("/webhooks", payment_id=one["id"])["total"] == 3
    assert busy.get(f"/payments/{settled[-1]['id']}/refunds", limit=2)["total"] == ORDERS


TODAY = datetime.now(UTC).date()


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("start", "end", "finds"),
    [
        (None, None, True),
        (TODAY - timedelta(days=1), TODAY + timedelta(days=1), True),
        (TODAY - timedelta(days=1), None, True),
        (None, TODAY + timedelta(days=1), True),
        (TODAY + timedelta(days=2), None, False),
        (None, TODAY - timedelta(days=2), False),
        (TODAY + timedelta(days=2), TODAY - timedelta(days=2), False),
        ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", False),
        ("2020-01-01T00:00:00+05:30", "2099-01-01T00:00:00+05:30", True),
    ],
)
def test_a_period_bounds_a_list(busy: Merchant, path, start, end, finds):
    period = {name: str(value) for name, value in (("from", start), ("to", end)) if value is not None}
    assert (busy.get(path, **period)["total"] > 0) is finds


@pytest.mark.parametrize("path", LISTS)
def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(busy: Merchant, path):
    """Both bounds are one second around the newest row: it is found with it as ``from`` and not with it as ``to``."""
    newest = busy.get(path, limit=1)["data"][0]
    assert newest["id"] in [row["id"] for row in busy.get(path, **{"from": newest["created_at"]}, limit=100)["data"]]
    assert newest["id"] not in [row["id"] for row in busy.get(path, to=newest["created_at"], limit=100)["data"]]


def test_a_plain_day_is_meant_as_a_whole(busy: Merchant, settled):
    day = settled[0]["created_at"][:10]
    found = {row["id"] for row in busy.get("/payments", **{"from": day, "to": day}, limit=100)["data"]}
    assert found == {payment["id"] for payment in settled if payment["created_at"].startswith(day)}


def exported(merchant: Merchant, **filters: str) -> list[dict[str, str]]:
    response = merchant.request("GET", "/payments/export", params=filters)
    response.raise_for_status()
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(response.text)))


def test_the_export_has_a_line_for_every_payment(busy: Merchant, settled):
    rows = exported(busy)
    assert [row["id"] for row in rows] == [payment["id"] for payment in settled]
    for row, payment in zip(rows, settled, strict=True):
        assert row["amount"] == str(payment["amount"])
        assert row["status"] == payment["status"]
        assert row["created_at"] == payment["created_at"]
        assert (row["vpa"], row["card_last4"]) == (payment.get("vpa", ""), payment.get("card_last4", ""))


@pytest.mark.parametrize(
    ("filters", "lines"), [({"status": "failed"}, 1), ({"method": "card"}, 1), ({"q": "user"}, 10), ({"to": "2020-01-01"}, 0)]
)
def test_the_export_takes_the_filters_of_the_list(busy: Merchant, settled, filters, lines):
    assert len(exported(busy, **filters)) == lines


def test_the_export_runs_no_formulas(busy: Merchant):
    """A VPA may begin with what a spreadsheet takes for a formula."""
    busy.create_payment(busy.create_order()["id"], "-2.3@bank")
    assert "'-2.3@bank" in [row["vpa"] for row in exported(busy)]


def test_statistics_agree_with_the_list(busy: Merchant, settled):
    wait_for("the last payment", lambda: busy.get("/payments", status="pending")["total"] == 0)
    payments = busy.get("/payments", limit=100)["data"]
    successful = [payment for payment in payments if payment["status"] == "success"]
    statistics = busy.get("/payments/stats")
    assert statistics["total_transactions"] == len(payments)
    assert statistics["total_amount"] == sum(payment["amount"] for payment in successful)
    assert statistics["success_rate"] == round(100 * len(successful) / len(payments), 2)
    for groups in (statistics["by_day"], statistics["by_method"]):
        assert sum(group["count"] for group in groups) == len(payments)
        assert sum(group["success"] for group in groups) == len(successful)
        assert sum(group["amount"] for group in groups) == statistics["total_amount"]
    assert busy.get("/payments/stats", to="2020-01-01")["total_transactions"] == 0
