"""The merchant dashboard in a browser: every page, every hook, and what a merchant does with them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Locator, Page, Route, expect

# What a person hardly notices takes seconds on a machine that runs the whole platform and a browser on two cores.
expect.set_options(timeout=20_000)

EMAIL = "test@example.com"
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"

# The contract of the pages with whoever automates them: each is found by a plain document.querySelector.
HOOKS = {
    "/login": ["login-form", "email-input", "password-input", "login-button"],
    "/dashboard": [
        "dashboard",
        "api-credentials",
        "api-key",
        "api-secret",
        "stats-container",
        "total-transactions",
        "total-amount",
        "success-rate",
    ],
    "/dashboard/transactions": [
        "transactions-table",
        "transaction-row",
        "payment-id",
        "order-id",
        "amount",
        "method",
        "status",
        "created-at",
    ],
    "/dashboard/webhooks": [
        "webhook-config",
        "webhook-config-form",
        "webhook-url-input",
        "webhook-secret",
        "regenerate-secret-button",
        "save-webhook-button",
        "test-webhook-button",
        "webhook-logs-table",
        "webhook-log-item",
        "webhook-event",
        "webhook-status",
        "webhook-attempts",
        "webhook-last-attempt",
        "webhook-response-code",
        "retry-webhook-button",
    ],
    "/dashboard/docs": [
        "api-docs",
        "section-create-order",
        "code-snippet-create-order",
        "section-sdk-integration",
        "code-snippet-sdk",
        "section-webhook-verification",
        "code-snippet-webhook",
    ],
}
PAGES = [
    "/dashboard",
    "/dashboard/transactions",
    "/dashboard/orders",
    "/dashboard/refunds",
    "/dashboard/webhooks",
    "/dashboard/api-keys",
    "/dashboard/docs",
]


def hook(page: Page | Locator, name: str) -> Locator:
    return page.locator(f"[data-test-id='{name}']")


def row_of(page: Page, payment_id: str) -> Locator:
    return page.locator(f"[data-test-id=transaction-row][data-payment-id={payment_id}]")


def sign_in(page: Page, platform: Any, email: str = EMAIL, password: str = "anything") -> None:
    """A session without the login page, which has tests of its own."""
    response = page.request.post(f"{platform.dashboard}/api/v1/auth/login", data={"email": email, "password": password})
    assert response.ok, response.text()


def sign_up(page: Page, platform: Any) -> dict[str, Any]:
    """A fresh merchant, signed in; nothing that a test does to it disturbs another test."""
    account = {"name": "Chai Point", "email": f"{secrets.token_hex(6)}@shop.example", "password": secrets.token_hex(10)}
    response = page.request.post(f"{platform.dashboard}/api/v1/merchants", data=account)
    assert response.status == 201, response.text()
    sign_in(page, platform, account["email"], account["password"])
    return {**account, **response.json()}


def open_page(page: Page, platform: Any, path: str) -> None:
    page.goto(platform.dashboard + path)
    expect(page.locator("h1")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Loading")).to_have_count(0)


@contextmanager
def unwatched(page: Page) -> Iterator[Page]:
    """A page whose console may show errors: Chromium writes one for every answer that is not 2xx, also where it is wanted."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context()
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture
def webhook_merchant(merchant: Any, receiver: Any) -> Iterator[Any]:
    """The seeded merchant with a receiver as its webhook URL, for one test."""
    merchant.set_webhook_url(receiver.url)
    yield merchant
    merchant.set_webhook_url(None)


# Hooks


@pytest.mark.parametrize("path", HOOKS)
def test_every_hook_is_on_its_page(page: Page, platform: Any, webhook_merchant: Any, receiver: Any, path: str) -> None:
    payment = webhook_merchant.pay(webhook_merchant.create_order()["id"])
    receiver.wait_for_event(payment["id"], "payment.success")
    if path != "/login":
        sign_in(page, platform)
    page.goto(platform.dashboard + path)
    for name in HOOKS[path]:
        expect(hook(page, name).first).to_be_visible()
    missing = page.evaluate("names => names.filter(name => !document.querySelector(`[data-test-id=${name}]`))", HOOKS[path])
    assert missing == []


def test_hooks_are_the_elements_that_the_contract_names(page: Page, platform: Any) -> None:
    sign_in(page, platform)
    tags = {
        "/login": {"login-form": "FORM", "email-input": "INPUT", "password-input": "INPUT", "login-button": "BUTTON"},
        "/dashboard/transactions": {"transactions-table": "TABLE"},
        "/dashboard/webhooks": {"webhook-config-form": "FORM", "webhook-url-input": "INPUT", "webhook-logs-table": "TABLE"},
        "/dashboard/docs": {"section-create-order": "SECTION", "code-snippet-create-order": "PRE", "code-snippet-webhook": "PRE"},
    }
    for path, expected in tags.items():
        page.goto(platform.dashboard + path)
        for name, tag in expected.items():
            expect(hook(page, name)).to_be_visible()
            assert hook(page, name).evaluate("element => element.tagName") == tag
    assert hook(page, "code-snippet-sdk").inner_text().count("PaymentGateway") == 1


# Coming in and going out


def test_login_shows_the_credentials(page: Page, platform: Any, merchant: Any) -> None:
    page.goto(f"{platform.dashboard}/login")
    hook(page, "email-input").fill(EMAIL)
    hook(page, "password-input").fill("any password at all")
    hook(page, "login-button").click()
    page.wait_for_url(f"{platform.dashboard}/dashboard")
    expect(hook(page, "api-key")).to_have_text(merchant.api_key)
    assert hook(page, "api-secret").text_content() == merchant.api_secret
    assert hook(page, "api-secret").inner_text() == merchant.api_secret
    expect(page).to_have_title("Overview · Gateway")


def test_signed_out_visitors_return_to_where_they_were_heading(page: Page, platform: Any) -> None:
    with unwatched(page) as visitor:
        visitor.goto(f"{platform.dashboard}/dashboard/transactions?status=success")
        visitor.wait_for_url("**/login?next=*")
        hook(visitor, "email-input").fill(EMAIL)
        hook(visitor, "password-input").fill("x")
        hook(visitor, "password-input").press("Enter")
        visitor.wait_for_url("**/dashboard/transactions?status=success")
        expect(hook(visitor, "transactions-table")).to_be_visible()


def test_the_return_path_never_leads_to_another_site(page: Page, platform: Any) -> None:
    page.goto(f"{platform.dashboard}/login?next=//evil.example/dashboard")
    hook(page, "email-input").fill(EMAIL)
    hook(page, "password-input").fill("x")
    hook(page, "login-button").click()
    page.wait_for_url(f"{platform.dashboard}/dashboard")


def test_the_root_leads_to_the_dashboard(page: Page, platform: Any) -> None:
    sign_in(page, platform)
    page.goto(platform.dashboard + "/")
    page.wait_for_url("**/dashboard")
    expect(hook(page, "dashboard")).to_be_visible()


def test_a_wrong_password_is_refused_in_words(page: Page, platform: Any) -> None:
    account = sign_up(page, platform)
    with unwatched(page) as visitor:
        visitor.goto(f"{platform.dashboard}/login")
        hook(visitor, "email-input").fill(account["email"])
        hook(visitor, "password-input").fill("not the password")
        hook(visitor, "login-button").click()
        expect(visitor.get_by_role("alert").filter(has_text=re.compile("."))).to_be_visible()
        expect(hook(visitor, "login-button")).to_be_enabled()


def test_signing_out_ends_the_session(page: Page, platform: Any) -> None:
    with unwatched(page) as merchant_page:
        sign_in(merchant_page, platform)
        open_page(merchant_page, platform, "/dashboard")
        merchant_page.get_by_role("button", name="Sign out").click()
        merchant_page.wait_for_url("**/login")
        merchant_page.goto(f"{platform.dashboard}/dashboard")
        merchant_page.wait_for_url("**/login?next=*")


def test_a_session_that_ends_leads_to_login(page: Page, platform: Any) -> None:
    with unwatched(page) as merchant_page:
        sign_in(merchant_page, platform)
        open_page(merchant_page, platform, "/dashboard/orders")
        merchant_page.context.clear_cookies()
        merchant_page.wait_for_url("**/login?next=%2Fdashboard%2Forders")


def test_sign_up_gives_an_account_with_keys_and_empty_pages(page: Page, platform: Any) -> None:
    page.goto(f"{platform.dashboard}/signup")
    page.get_by_label("Business name").fill("Chai Point")
    page.get_by_label("Email").fill(f"{secrets.token_hex(6)}@shop.example")
    page.get_by_label("Password").fill(secrets.token_hex(10))
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/dashboard")
    expect(hook(page, "total-transactions")).to_have_text("0")
    expect(hook(page, "total-amount")).to_have_text("₹0")
    expect(hook(page, "success-rate")).to_have_text("0%")
    expect(page.get_by_text("No payments in this period")).to_be_visible()

    open_page(page, platform, "/dashboard/transactions")
    expect(hook(page, "transactions-table")).to_be_visible()
    expect(hook(page, "transaction-row")).to_have_count(0)
    expect(page.get_by_text("No payments yet")).to_be_visible()
    open_page(page, platform, "/dashboard/orders")
    expect(page.get_by_text("No orders yet")).to_be_visible()
    open_page(page, platform, "/dashboard/refunds")
    expect(page.get_by_text("No refunds yet")).to_be_visible()
    open_page(page, platform, "/dashboard/webhooks")
    expect(hook(page, "webhook-logs-table")).to_be_visible()
    expect(hook(page, "webhook-log-item")).to_have_count(0)
    expect(page.get_by_text("Nothing sent yet")).to_be_visible()


def test_sign_up_says_what_is_missing_before_it_asks(page: Page, platform: Any) -> None:
    page.goto(f"{platform.dashboard}/signup")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create account").click()
    for sentence in ("Enter the name", "Enter an email address", "needs at least 8"):
        expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_label("Business name")).to_be_focused()


# Overview


def rupees(paise: int) -> str:
    """Indian grouping, written independently of the page: 12345678 → ₹1,23,456.78."""
    whole, fraction = divmod(paise, 100)
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    grouped = ",".join([*re.findall(r"..", head.zfill(len(head) + len(head) % 2)), tail]).lstrip("0") or "0"
    return f"₹{grouped}" + (f".{fraction:02d}" if fraction else "")


def test_the_three_figures_come_from_the_database(page: Page, platform: Any, merchant: Any) -> None:
    merchant.pay(merchant.create_order(12_345_678)["id"])
    stats = merchant.get("/payments/stats")
    sign_in(page, platform)
    open_page(page, platform, "/dashboard")
    expect(hook(page, "total-transactions")).to_have_text(str(stats["total_transactions"]))
    expect(hook(page, "total-amount")).to_have_text(rupees(stats["total_amount"]))
    expect(hook(page, "success-rate")).to_have_text(re.compile(r"^\d{1,3}(\.\d{1,2})?%$"))


def test_charts_can_be_read_with_the_keyboard(page: Page, platform: Any, merchant: Any) -> None:
    merchant.pay(merchant.create_order()["id"])
    sign_in(page, platform)
    open_page(page, platform, "/dashboard")
    page.get_by_role("radio", name="30 days").check()
    page.wait_for_url("**period=30**")
    for chart in ("Volume", "Success rate"):
        group = page.get_by_role("group", name=chart)
        expect(group.locator("svg").first).to_be_visible()
        group.focus()
        group.press("ArrowLeft")
        expect(page.locator("figure", has=group)).to_contain_text(re.compile(r"of [\d,]+ payment"))
    expect(page.get_by_role("rowheader", name="UPI")).to_be_visible()


def test_the_period_narrows_the_figures(page: Page, platform: Any, merchant: Any) -> None:
    merchant.pay(merchant.create_order()["id"])
    sign_in(page, platform)
    open_page(page, platform, "/dashboard?period=custom&from=2001-01-01&to=2001-01-31")
    expect(hook(page, "total-transactions")).to_have_text("0")
    page.get_by_role("radio", name="All time").check()
    expect(hook(page, "total-transactions")).not_to_have_text("0")


def test_new_payments_appear_without_a_reload(page: Page, platform: Any, merchant: Any) -> None:
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/transactions")
    payment = merchant.pay(merchant.create_order()["id"])
    expect(hook(row_of(page, payment["id"]), "status")).to_have_text("success")


# Transactions


def test_a_row_shows_the_payment_as_the_api_has_it(page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order(50_050)["id"])
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/transactions")
    row = row_of(page, payment["id"])
    expect(hook(row, "payment-id")).to_have_text(payment["id"])
    expect(hook(row, "order-id")).to_have_text(payment["order_id"])
    expect(hook(row, "method")).to_have_text("upi")
    expect(hook(row, "status")).to_have_text("success")
    assert hook(row, "amount").inner_text() == "50050"
    assert hook(row, "created-at").inner_text() == payment["created_at"].replace("T", " ").rstrip("Z")


def test_a_declined_payment_says_why(page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order()["id"], vpa="failure@bank")
    assert payment["status"] == "failed"
    sign_in(page, platform)
    open_page(page, platform, f"/dashboard/transactions?payment={payment['id']}")
    drawer = page.get_by_role("dialog", name="Payment")
    expect(drawer).to_contain_text(payment["error_description"])
    expect(drawer.get_by_role("button", name="Refund…")).to_have_count(0)


def test_search_filters_and_clearing(page: Page, platform: Any, merchant: Any) -> None:
    one = merchant.pay(merchant.create_order()["id"], vpa=f"u{secrets.token_hex(6)}@bank")
    other = merchant.pay(merchant.create_order()["id"])
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/transactions")
    for query in (one["id"], one["order_id"], one["vpa"]):
        page.get_by_label("Search").fill(query)
        page.wait_for_url(lambda url, query=query: f"q={quote_plus(query)}" in url)
        expect(hook(page, "transaction-row")).to_have_count(1)
        expect(row_of(page, one["id"])).to_be_visible()
    page.get_by_label("Status").select_option("failed")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(row_of(page, other["id"])).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value("")


def test_pages_follow_each_other_and_the_address(page: Page, platform: Any) -> None:
    account = sign_up(page, platform)
    headers = {"X-Api-Key": account["api_key"], "X-Api-Secret": account["api_secret"]}
    for number in range(21):
        response = page.request.post(f"{platform.api}/api/v1/orders", data={"amount": 100 + number}, headers=headers)
        assert response.ok
    open_page(page, platform, "/dashboard/orders")
    expect(page.get_by_text("1–20 of 21")).to_be_visible()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_text("21–21 of 21")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.get_by_text("1–20 of 21")).to_be_visible()


def test_the_export_has_what_the_filters_show(page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order()["id"])
    sign_in(page, platform)
    open_page(page, platform, f"/dashboard/transactions?q={payment['id']}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    lines = Path(download.value.path()).read_text().strip().splitlines()
    assert len(lines) == 2
    assert payment["id"] in lines[1]


def test_the_drawer_tells_the_whole_story(page: Page, platform: Any, webhook_merchant: Any, receiver: Any) -> None:
    payment = webhook_merchant.pay(webhook_merchant.create_order()["id"])
    receiver.wait_for_event(payment["id"], "payment.success")
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/transactions")
    opener = row_of(page, payment["id"]).get_by_role("button", name=payment["id"], exact=True)
    opener.click()
    drawer = page.get_by_role("dialog", name="Payment")
    for text in ("Payment created", "Payment succeeded", "Webhook payment.success", "1 attempt, answered 200", "₹500"):
        expect(drawer).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_click_beside_the_links_of_a_row_opens_it(page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order()["id"])
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/transactions")
    row = row_of(page, payment["id"])
    drawer = page.get_by_role("dialog", name="Payment")
    row.get_by_role("button", name=f"Actions for {payment['id']}").click()
    page.get_by_role("menuitem", name="Capture").hover()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    hook(row, "created-at").click()
    expect(drawer).to_contain_text(payment["id"])


def test_capture_from_the_row(page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order()["id"])
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/transactions")
    page.get_by_role("button", name=f"Actions for {payment['id']}").click()
    page.get_by_role("menuitem", name="Capture").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Capture ₹500").click()
    expect(page.get_by_text("₹500 captured")).to_be_visible()
    assert merchant.get_payment(payment["id"])["captured"] is True
    page.get_by_role("button", name=f"Actions for {payment['id']}").click()
    expect(page.get_by_role("menuitem", name="Captured")).to_be_disabled()


def test_refund_a_part_from_the_drawer_and_the_rest_from_the_row(page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order()["id"])
    sign_in(page, platform)
    open_page(page, platform, f"/dashboard/transactions?payment={payment['id']}")
    drawer = page.get_by_role("dialog", name="Payment")
    drawer.get_by_role("button", name="Refund…").click()
    dialog = page.get_by_role("dialog", name="Refund")
    amount = dialog.get_by_label("Amount")
    expect(amount).to_have_value("500")
    amount.fill("500.01")
    expect(dialog.get_by_text("Only ₹500 is left")).to_be_visible()
    expect(dialog.get_by_role("button", name="Refund", exact=True)).to_be_disabled()
    amount.fill("120.50")
    dialog.get_by_label("Reason").fill("One cup was cold")
    dialog.get_by_role("button", name="Refund ₹120.50").click()
    expect(page.get_by_text("Refund of ₹120.50 started")).to_be_visible()
    expect(drawer).to_contain_text("One cup was cold")
    expect(drawer).to_contain_text("processed")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)

    page.get_by_role("button", name=f"Actions for {payment['id']}").click()
    page.get_by_role("menuitem", name="Refund…").click()
    dialog.get_by_role("button", name="Refund ₹379.50").click()
    expect(page.get_by_text("Refund of ₹379.50 started")).to_be_visible()
    refunds = merchant.get(f"/payments/{payment['id']}/refunds")["data"]
    assert sorted(refund["amount"] for refund in refunds) == [12_050, 37_950]

    open_page(page, platform, f"/dashboard/refunds?payment_id={payment['id']}")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_role("cell", name="processed")).to_have_count(2)
    open_page(page, platform, f"/dashboard/transactions?payment={payment['id']}")
    expect(page.get_by_role("button", name="Refunded in full")).to_be_disabled()


def test_a_lost_answer_does_not_refund_twice(page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order()["id"])
    with unwatched(page) as merchant_page:
        sign_in(merchant_page, platform)
        keys: list[str] = []

        def lose_the_first_answer(route: Route) -> None:
            if route.request.method != "POST":
                route.continue_()
                return
            keys.append(route.request.headers["idempotency-key"])
            if len(keys) == 1:
                route.fetch()
                route.abort()
            else:
                route.continue_()

        merchant_page.route(f"**/payments/{payment['id']}/refunds**", lose_the_first_answer)
        open_page(merchant_page, platform, f"/dashboard/transactions?payment={payment['id']}")
        merchant_page.get_by_role("button", name="Refund…").click()
        dialog = merchant_page.get_by_role("dialog", name="Refund")
        dialog.get_by_label("Amount").fill("200")
        dialog.get_by_role("button", name="Refund ₹200").click()
        expect(dialog.get_by_role("alert")).to_contain_text("could not be reached")
        dialog.get_by_role("button", name="Refund ₹200").click()
        expect(merchant_page.get_by_text("Refund of ₹200 started")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert merchant.get(f"/payments/{payment['id']}/refunds")["total"] == 1


def test_a_list_that_cannot_be_loaded_offers_another_try(page: Page, platform: Any) -> None:
    with unwatched(page) as merchant_page:
        sign_in(merchant_page, platform)
        error = json.dumps({"error": {"code": "SERVER_ERROR", "description": "Out of order"}})
        merchant_page.route("**/api/v1/refunds**", lambda route: route.fulfill(status=503, body=error))
        merchant_page.goto(f"{platform.dashboard}/dashboard/refunds")
        expect(merchant_page.get_by_role("alert").filter(has_text="Out of order")).to_be_visible()
        merchant_page.unroute("**/api/v1/refunds**")
        merchant_page.get_by_role("button", name="Try again").click()
        expect(merchant_page.get_by_role("table", name="Refunds")).to_be_visible()


# Orders


def test_an_order_made_here_gives_a_checkout_link(page: Page, platform: Any, merchant: Any) -> None:
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/orders")
    page.get_by_role("button", name="New order").click()
    dialog = page.get_by_role("dialog", name="New order")
    dialog.get_by_label("Amount").fill("0.50")
    dialog.get_by_role("button", name="Create order").click()
    expect(dialog.get_by_text("at least ₹1")).to_be_visible()
    receipt = f"INV-{secrets.token_hex(4)}"
    dialog.get_by_label("Amount").fill("1,299")
    dialog.get_by_label("Receipt").fill(receipt)
    dialog.get_by_role("button", name="Create order").click()
    drawer = page.get_by_role("dialog", name="Order", exact=True)
    expect(drawer).to_contain_text("₹1,299")
    [order] = merchant.get("/orders", receipt=receipt)["data"]
    assert order["amount"] == 129_900
    link = drawer.get_by_role("link", name="/checkout?order_id=")
    expect(link).to_have_attribute("href", re.compile(rf"/checkout\?order_id={order['id']}$"))


# Webhooks


def test_save_test_and_retry_a_webhook(page: Page, platform: Any, merchant: Any, receiver: Any) -> None:
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/webhooks")
    hook(page, "webhook-url-input").fill(receiver.url)
    hook(page, "save-webhook-button").click()
    expect(page.get_by_text("Webhook URL saved")).to_be_visible()
    assert merchant.me()["webhook_url"] == receiver.url
    expect(hook(page, "webhook-secret")).to_have_text(merchant.me()["webhook_secret"])

    hook(page, "test-webhook-button").click()
    expect(page.get_by_text("Test webhook queued")).to_be_visible()
    page.get_by_label("Event", exact=True).select_option("webhook.test")
    log = hook(page, "webhook-log-item").first
    expect(hook(log, "webhook-event")).to_have_text("webhook.test")
    expect(hook(log, "webhook-status")).to_have_text("success")
    expect(hook(log, "webhook-attempts")).to_have_text("1")
    expect(hook(log, "webhook-last-attempt")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"))
    expect(hook(log, "webhook-response-code")).to_have_text("200")
    webhook_id = log.get_attribute("data-webhook-id")
    expect(hook(log, "retry-webhook-button")).to_have_attribute("data-webhook-id", str(webhook_id))
    assert [delivery.event for delivery in receiver.received] == ["webhook.test"]

    hook(log, "retry-webhook-button").click()
    expect(page.get_by_text("Webhook retry scheduled")).to_be_visible()
    opener = log.get_by_role("button", name="details")
    opener.click()
    drawer = page.get_by_role("dialog", name="Delivery")
    expect(drawer.locator("ol > li")).to_have_count(2)
    expect(drawer).to_contain_text('"event": "webhook.test"')
    drawer.get_by_text("Response", exact=True).first.click()
    expect(drawer.get_by_label("Response to attempt").first).to_have_text("ok")
    assert [delivery.id for delivery in receiver.received] == [webhook_id, webhook_id]
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    # It gives the focus back, and takes it from who begins to type before.
    expect(opener).to_be_focused()

    hook(page, "webhook-url-input").fill("")
    hook(page, "save-webhook-button").click()
    expect(page.get_by_text("Webhooks switched off")).to_be_visible()
    hook(page, "test-webhook-button").click()
    expect(page.get_by_text("Save a URL first")).to_be_visible()


def test_retry_all_failed_tells_the_number_first(page: Page, platform: Any, receiver: Any) -> None:
    account = sign_up(page, platform)
    open_page(page, platform, "/dashboard/webhooks")
    page.get_by_role("button", name="Retry all failed").click()
    expect(page.get_by_text("No failed webhooks")).to_be_visible()

    receiver.answer = lambda _: 500
    hook(page, "webhook-url-input").fill(receiver.url)
    hook(page, "save-webhook-button").click()
    expect(page.get_by_text("Webhook URL saved")).to_be_visible()
    hook(page, "test-webhook-button").click()
    log = hook(page, "webhook-log-item")
    expect(hook(log, "webhook-status")).to_have_text("failed", timeout=30_000)
    expect(hook(log, "webhook-attempts")).to_have_text("5")
    expect(hook(log, "webhook-response-code")).to_have_text("500")

    receiver.answer = lambda _: 200
    page.get_by_role("button", name="Retry all failed").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Retry 1 failed webhook").click()
    expect(page.get_by_text("1 retry scheduled")).to_be_visible()
    expect(hook(log, "webhook-status")).to_have_text("success")
    assert account["webhook_secret"] == hook(page, "webhook-secret").text_content()


def test_a_url_that_is_refused_is_explained_beside_the_field(page: Page, platform: Any) -> None:
    with unwatched(page) as merchant_page:
        sign_up(merchant_page, platform)
        open_page(merchant_page, platform, "/dashboard/webhooks")
        hook(merchant_page, "webhook-url-input").fill("ftp://shop.example/webhook")
        hook(merchant_page, "save-webhook-button").click()
        expect(hook(merchant_page, "webhook-url-input")).to_have_attribute("aria-invalid", "true")
        expect(merchant_page.get_by_text(re.compile("webhook_url"))).to_be_visible()


def test_regenerating_the_webhook_secret_warns_first(page: Page, platform: Any) -> None:
    account = sign_up(page, platform)
    open_page(page, platform, "/dashboard/webhooks")
    hook(page, "regenerate-secret-button").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(hook(page, "webhook-secret")).to_have_text(account["webhook_secret"])
    hook(page, "regenerate-secret-button").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Regenerate").click()
    expect(hook(page, "webhook-secret")).not_to_have_text(account["webhook_secret"])
    expect(hook(page, "webhook-secret")).to_have_text(re.compile(r"^whsec_\S+$"))


# API keys


def test_rotating_the_keys_warns_first_and_changes_both(page: Page, platform: Any) -> None:
    account = sign_up(page, platform)
    open_page(page, platform, "/dashboard/api-keys")
    expect(page.get_by_text(account["api_key"])).to_be_visible()
    page.get_by_role("button", name="Rotate keys").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Rotate keys").click()
    expect(page.get_by_text("New API keys in use")).to_be_visible()
    expect(page.get_by_text(account["api_key"])).to_have_count(0)

    open_page(page, platform, "/dashboard")
    key, secret = (str(hook(page, name).text_content()) for name in ("api-key", "api-secret"))
    assert secret != account["api_secret"]
    orders = f"{platform.api}/api/v1/orders"
    assert page.request.get(orders, headers={"X-Api-Key": key, "X-Api-Secret": secret}).status == 200
    old = {"X-Api-Key": account["api_key"], "X-Api-Secret": account["api_secret"]}
    assert page.request.get(orders, headers=old).status == 401


def test_the_name_and_browser_orders_are_kept(page: Page, platform: Any) -> None:
    sign_up(page, platform)
    open_page(page, platform, "/dashboard/api-keys")
    switch = page.get_by_role("switch", name="Allow orders with the key alone")
    before = switch.get_attribute("aria-checked")
    switch.click()
    expect(switch).not_to_have_attribute("aria-checked", str(before))
    page.get_by_label("Business name").fill("Filter Coffee House")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Name saved")).to_be_visible()
    page.reload()
    expect(switch).not_to_have_attribute("aria-checked", str(before))
    expect(page.get_by_label("Business name")).to_have_value("Filter Coffee House")


def test_a_secret_is_blurred_until_shown(page: Page, platform: Any, merchant: Any) -> None:
    sign_in(page, platform)
    open_page(page, platform, "/dashboard")
    secret = hook(page, "api-secret")
    assert "blur" in secret.evaluate("element => getComputedStyle(element).filter")
    page.get_by_role("button", name="Show API secret").click()
    assert secret.evaluate("element => getComputedStyle(element).filter") == "none"
    expect(secret).to_have_text(merchant.api_secret)


# Integration guide


def test_snippets_carry_the_merchants_own_keys(page: Page, platform: Any) -> None:
    account = sign_up(page, platform)
    open_page(page, platform, "/dashboard/docs")
    order = hook(page, "code-snippet-create-order")
    for part in ("curl -X POST", "/api/v1/orders", account["api_key"], account["api_secret"], '"amount": 50000'):
        expect(order).to_contain_text(part)
    for part in ("/checkout.js", "new PaymentGateway", account["api_key"]):
        expect(hook(page, "code-snippet-sdk")).to_contain_text(part)
    for part in ("createHmac('sha256', secret)", "digest('hex')"):
        expect(hook(page, "code-snippet-webhook")).to_contain_text(part)
    assert account["api_secret"] not in hook(page, "code-snippet-sdk").inner_text()

    hook(page, "section-create-order").get_by_role("tab", name="Python").click()
    expect(order).to_contain_text("httpx.post")
    expect(order).to_contain_text(account["api_secret"])


def test_snippets_lead_to_this_platform(page: Page, platform: Any) -> None:
    """Whatever its ports are: the code that is copied reaches it, and so do the links."""
    sign_up(page, platform)
    open_page(page, platform, "/dashboard/docs")
    expect(hook(page, "code-snippet-create-order")).to_contain_text(f"curl -X POST {platform.api}/api/v1/orders")
    expect(hook(page, "code-snippet-sdk")).to_contain_text(f'src="{platform.checkout}/checkout.js"')
    hook(page, "section-sdk-integration").get_by_role("tab", name="Link").click()
    expect(hook(page, "code-snippet-sdk")).to_have_text(f"{platform.checkout}/checkout?order_id=order_xyz")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Full API reference").click()
    expect(opened.value).to_have_url(f"{platform.api}/docs")
    expect(opened.value).to_have_title(re.compile("API"))


def test_copying_takes_the_whole_snippet(page: Page, platform: Any) -> None:
    account = sign_up(page, platform)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, platform, "/dashboard/docs")
    page.get_by_role("button", name="Copy create order code").click()
    expect(page.get_by_text("create order code copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert account["api_secret"] in copied
    assert copied == hook(page, "code-snippet-create-order").text_content()


# Look, phone, accessibility


def test_the_theme_follows_the_system_until_chosen(page: Page, platform: Any) -> None:
    def background() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    sign_in(page, platform)
    page.emulate_media(color_scheme="dark")
    open_page(page, platform, "/dashboard")
    dark = background()
    page.get_by_role("button", name="Theme: system").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    light = background()
    assert light != dark
    page.reload()
    expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
    assert background() == light


@pytest.mark.parametrize("path", [*PAGES, "/login", "/signup"])
def test_a_phone_never_scrolls_sideways(phone_page: Page, platform: Any, merchant: Any, path: str) -> None:
    merchant.pay(merchant.create_order(receipt="R" * 60)["id"])
    sign_in(phone_page, platform)
    open_page(phone_page, platform, path)
    assert phone_page.evaluate("document.documentElement.scrollWidth") == 375


def test_a_phone_reaches_every_page_by_the_menu(phone_page: Page, platform: Any) -> None:
    sign_in(phone_page, platform)
    open_page(phone_page, platform, "/dashboard")
    names = ("Transactions", "Orders", "Refunds", "Webhooks", "API keys", "Integration guide", "Overview")
    for name in names:
        phone_page.get_by_role("button", name="Menu", exact=True).click()
        phone_page.get_by_role("link", name=name, exact=True).click()
        expect(phone_page.locator("h1")).to_have_text(re.compile(name, re.IGNORECASE))


def test_hooks_stay_on_a_phone(phone_page: Page, platform: Any, merchant: Any) -> None:
    payment = merchant.pay(merchant.create_order()["id"])
    sign_in(phone_page, platform)
    open_page(phone_page, platform, "/dashboard/transactions")
    row = row_of(phone_page, payment["id"])
    for name in HOOKS["/dashboard/transactions"][2:]:
        expect(hook(row, name)).to_be_visible()
    assert hook(row, "amount").inner_text() == "50000"


def serious_findings(page: Page) -> list[str]:
    page.evaluate("() => Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => null)))")
    page.evaluate(AXE.read_text())
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PAGES, "/login", "/signup"])
def test_axe_finds_nothing_serious(page: Page, platform: Any, merchant: Any, path: str, scheme: Any) -> None:
    merchant.pay(merchant.create_order()["id"])
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    sign_in(page, platform)
    open_page(page, platform, path)
    assert serious_findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_drawers_and_dialogs(
    page: Page, platform: Any, webhook_merchant: Any, receiver: Any, scheme: Any
) -> None:
    payment = webhook_merchant.pay(webhook_merchant.create_order()["id"])
    receiver.wait_for_event(payment["id"], "payment.success")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    sign_in(page, platform)
    open_page(page, platform, f"/dashboard/transactions?payment={payment['id']}")
    expect(page.get_by_text("Payment succeeded")).to_be_visible()
    assert serious_findings(page) == []
    page.get_by_role("button", name="Refund…").click()
    expect(page.get_by_role("dialog", name="Refund").get_by_label("Amount")).to_be_visible()
    assert serious_findings(page) == []
    open_page(page, platform, "/dashboard/webhooks")
    hook(page, "webhook-event").first.get_by_role("button").click()
    expect(page.get_by_role("dialog", name="Delivery")).to_contain_text("payment")
    assert serious_findings(page) == []


def test_the_skip_link_leads_to_the_content(page: Page, platform: Any) -> None:
    sign_in(page, platform)
    open_page(page, platform, "/dashboard/orders")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    skip.press("Enter")
    expect(page.locator("#content")).to_be_focused()
