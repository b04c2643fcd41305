"""The sample merchant as a customer and a merchant use it: bought, confirmed by webhook, fulfilled, refunded."""

import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from devstack.ports import free_ports
from gateway_e2e.client import Merchant, sign_up
from gateway_e2e.receiver import Receiver
from gateway_e2e.waiting import wait_for
from playwright.sync_api import FrameLocator, Locator, Page, expect

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_TIMEOUT_S = 20
# The bank's delay, the delivery of the webhook and one poll of the page; a busy machine takes longer.
OUTCOME_TIMEOUT_MS = 20_000


@dataclass
class Shop:
    """A running shop, and the merchant whose shop it is."""

    url: str
    merchant: Merchant
    process: subprocess.Popen[str]

    @property
    def webhook_url(self) -> str:
        """Where the platform finds it."""
        return webhook_url(urlsplit(self.url).port or 80)

    def logs(self) -> list[dict[str, Any]]:
        return list(httpx.get(f"{self.url}/logs", headers={"Accept": "application/json"}).json()["data"])

    def close(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_TIMEOUT_S)


def webhook_url(port: int) -> str:
    return f"http://{Receiver().host}:{port}/webhook"


def demo(api: str, merchant: Merchant, home: Path, port: int, checkout: str = "") -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "GATEWAY_ROOT": str(REPOSITORY),
        "GATEWAY_HOME": str(home),
        "GATEWAY_API_URL": api,
        "GATEWAY_CHECKOUT_URL": checkout,
        "GATEWAY_API_KEY": merchant.api_key,
        "GATEWAY_API_SECRET": merchant.api_secret,
        "GATEWAY_DEMO_PORT": str(port),
        # A platform in containers, for one, does not find it on the loopback address.
        "GATEWAY_DEMO_HOST": "127.0.0.1" if Receiver().host == "127.0.0.1" else "0.0.0.0",
        "GATEWAY_DEMO_WEBHOOK_URL": webhook_url(port),
    }
    # Ignoring Ctrl-C, as a shell starts what runs in the background: whoever runs these tests may have been started so, too.
    command = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "demo", sys.executable, "-m", "devstack", "demo"]
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@contextmanager
def open_shop(platform: Any, merchant: Merchant, home: Path) -> Iterator[Shop]:
    port = free_ports().demo
    process = demo(platform.api, merchant, home, port, platform.checkout)
    shop = Shop(f"http://localhost:{port}", merchant, process)
    assert process.stdout is not None
    first_line = process.stdout.readline()
    assert shop.url in first_line
    yield shop
    if process.poll() is None:
        assert shop.close() == 0
    process.stdout.close()


@pytest.fixture(scope="module")
def shop(platform: Any, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of a merchant of its own, so that nobody else's webhooks arrive at it."""
    with open_shop(platform, sign_up(http, "Monsoon Stores"), tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture
def visit(shop: Shop, page_errors: Any) -> Callable[[Page], None]:
    page_errors.add_own(shop.url)

    def visit(page: Page) -> None:
        page.goto(shop.url)

    return visit


def hook(page: Page | FrameLocator | Locator, name: str) -> Locator:
    return page.locator(f'[data-test-id="{name}"]')


def checkout_in(page: Page) -> FrameLocator:
    return page.frame_locator('[data-test-id="payment-iframe"]')


def order_in(page: Page) -> Locator:
    return page.locator(".order").first


def expect_state(page: Page, state: str) -> None:
    expect(order_in(page)).to_have_attribute("data-state", state, timeout=OUTCOME_TIMEOUT_MS)


def order_id_in(page: Page) -> str:
    order_id = order_in(page).get_attribute("data-order")
    assert order_id is not None
    return order_id


def pay_by_upi(page: Page) -> None:
    checkout = checkout_in(page)
    hook(checkout, "method-upi").click()
    hook(checkout, "vpa-input").fill("asha@bank")
    hook(hook(checkout, "upi-form"), "pay-button").click()


def pay_by_card(page: Page) -> None:
    checkout = checkout_in(page)
    hook(checkout, "method-card").click()
    hook(checkout, "card-number-input").press_sequentially("4111111111111111")
    hook(checkout, "expiry-input").press_sequentially("1245")
    hook(checkout, "cvv-input").fill("123")
    hook(checkout, "cardholder-name-input").fill("Asha Rao")
    hook(hook(checkout, "card-form"), "pay-button").click()


PAY = {"upi": pay_by_upi, "card": pay_by_card}


def buy(page: Page, name: str, method: str = "upi") -> str:
    """The id of an order that is paid, confirmed and fulfilled."""
    page.get_by_role("button", name=f"Buy {name}").click()
    PAY[method](page)
    expect_state(page, "fulfilled")
    return order_id_in(page)


def leave_checkout(page: Page) -> None:
    """Closes the modal without paying."""
    expect(hook(checkout_in(page), "payment-methods")).to_be_visible(timeout=OUTCOME_TIMEOUT_MS)
    hook(page, "close-modal-button").click()
    expect(hook(page, "payment-modal")).to_have_count(0)


def payment_of(shop: Shop, order_id: str) -> dict[str, Any]:
    [payment] = [p for p in shop.merchant.get("/payments", order_id=order_id)["data"] if p["status"] == "success"]
    return dict(payment)


def signed(body: bytes, secret: str) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Webhook-Id": secrets.token_hex(8), "X-Webhook-Signature": signature}


# Buying


@pytest.mark.parametrize(
    ("method", "name", "amount"), [("upi", "Monsoon umbrella", 124_900), ("card", "Filter coffee set", 89_900)]
)
def test_what_is_bought_is_fulfilled_by_the_webhook(
    page: Page, shop: Shop, visit: Callable[[Page], None], method: str, name: str, amount: int
) -> None:
    visit(page)
    order_id = buy(page, name, method)

    order = shop.merchant.get(f"/orders/{order_id}")
    assert (order["status"], order["amount"]) == ("paid", amount)
    payment = payment_of(shop, order_id)
    assert (payment["method"], payment["amount"]) == (method, amount)
    expect(order_in(page)).to_contain_text(payment["id"])
    [told] = [
        d for d in shop.logs() if d["event"] == "payment.success" and d["payload"]["data"]["payment"]["order_id"] == order_id
    ]
    assert told["verified"]
    assert told["payload"]["data"]["payment"]["id"] == payment["id"]


def test_the_word_of_the_browser_fulfils_nothing(page: Page, shop: Shop, visit: Callable[[Page], None]) -> None:
    with Receiver(answer=lambda _: 503) as elsewhere:
        shop.merchant.set_webhook_url(elsewhere.url)
        visit(page)
        page.get_by_role("button", name="Buy Terracotta planter").click()
        pay_by_upi(page)
        expect_state(page, "waiting")
        expect(order_in(page)).to_contain_text("Waiting for confirmation")
        order_id = order_id_in(page)
        payment = payment_of(shop, order_id)
        elsewhere.wait_for_event(payment["id"], "payment.success")
        page.reload()
        expect_state(page, "waiting")
        shop.merchant.set_webhook_url(shop.webhook_url)

    def waiting_logs() -> list[dict[str, Any]]:
        return list(shop.merchant.get("/webhooks", payment_id=payment["id"], event="payment.success")["data"])

    [log] = waiting_logs()
    shop.merchant.post(f"/webhooks/{log['id']}/retry").raise_for_status()
    expect_state(page, "fulfilled")


def test_a_double_click_and_a_closed_modal_leave_one_order_that_can_be_paid_later(
    page: Page, shop: Shop, visit: Callable[[Page], None]
) -> None:
    visit(page)
    page.get_by_role("button", name="Buy Block-print notebook").dblclick()
    leave_checkout(page)
    expect_state(page, "unpaid")
    page.reload()
    page.get_by_role("button", name="Buy Block-print notebook").click()
    leave_checkout(page)

    expect(page.locator(".order")).to_have_count(1)
    page.get_by_role("button", name="Pay now").click()
    pay_by_upi(page)
    expect_state(page, "fulfilled")
    expect(page.locator(".order")).to_have_count(1)


def test_a_second_one_of_the_same_product_is_an_order_of_its_own(page: Page, visit: Callable[[Page], None]) -> None:
    visit(page)
    first = buy(page, "Terracotta planter")
    page.get_by_role("button", name="Buy Terracotta planter").click()
    expect(page.locator(".order")).to_have_count(2)
    pay_by_upi(page)
    expect_state(page, "fulfilled")

    assert order_id_in(page) != first


def test_the_price_is_the_shop_servers(shop: Shop) -> None:
    with httpx.Client(base_url=shop.url) as customer:
        customer.get("/")
        wish = {"product": "umbrella", "checkout": secrets.token_hex(16), "amount": 100, "price": 1}
        answer = customer.post("/orders", json=wish)
        repeated = customer.post("/orders", json=wish)

    assert answer.status_code == 201
    assert repeated.json() == answer.json()
    assert shop.merchant.get(f"/orders/{answer.json()['id']}")["amount"] == 124_900


def test_a_customer_sees_no_orders_but_their_own(shop: Shop) -> None:
    with httpx.Client(base_url=shop.url) as one, httpx.Client(base_url=shop.url) as other:
        one.get("/")
        other.get("/")
        one.post("/orders", json={"product": "coffee", "checkout": secrets.token_hex(16)}).raise_for_status()

        assert len(one.get("/orders").json()["data"]) == 1
        assert other.get("/orders").json()["data"] == []


def test_the_page_holds_no_secret(page: Page, shop: Shop, visit: Callable[[Page], None]) -> None:
    visit(page)

    assert shop.merchant.api_key in page.content()
    assert shop.merchant.api_secret not in page.content()
    assert shop.merchant.me()["webhook_secret"] not in page.content()


def test_a_phone_can_buy(phone_page: Page, visit: Callable[[Page], None]) -> None:
    visit(phone_page)
    buy(phone_page, "Filter coffee set", "card")
    # Not innerWidth: on a phone that grows with a page that is too wide.
    assert phone_page.evaluate("document.documentElement.scrollWidth") == 375

    phone_page.get_by_role("link", name="Webhooks").click()
    phone_page.locator("summary").first.click()
    assert phone_page.evaluate("document.documentElement.scrollWidth") == 375


# Giving back


def test_refunds_arrive_by_themselves(page: Page, shop: Shop, visit: Callable[[Page], None]) -> None:
    visit(page)
    payment = payment_of(shop, buy(page, "Block-print notebook"))
    shop.merchant.post(f"/payments/{payment['id']}/refunds", {"amount": 10_000}).raise_for_status()
    expect_state(page, "partly_refunded")
    expect(order_in(page)).to_contain_text("₹100 came back to you")
    shop.merchant.post(f"/payments/{payment['id']}/refunds", {"amount": 24_900}).raise_for_status()

    expect_state(page, "refunded")
    expect(order_in(page)).to_contain_text("₹349 came back to you")


def test_a_webhook_that_comes_again_changes_nothing(page: Page, shop: Shop, visit: Callable[[Page], None]) -> None:
    visit(page)
    payment = payment_of(shop, buy(page, "Monsoon umbrella"))
    shop.merchant.post(f"/payments/{payment['id']}/refunds", {"amount": 4_900}).raise_for_status()
    expect_state(page, "partly_refunded")
    [log] = shop.merchant.get("/webhooks", payment_id=payment["id"], event="refund.processed")["data"]
    shop.merchant.post(f"/webhooks/{log['id']}/retry").raise_for_status()

    def repeated() -> dict[str, Any] | None:
        return next((d for d in shop.logs() if d["webhook_id"] == log["id"] and d["repeats"]), None)

    assert wait_for("the repeated webhook", repeated)["repeats"] == 1
    # The same body under another id is signed just as well.
    delivery = next(d for d in shop.logs() if d["webhook_id"] == log["id"])
    body = json.dumps(delivery["payload"], separators=(",", ":"), ensure_ascii=False).encode()
    again = httpx.post(f"{shop.url}/webhook", content=body, headers=signed(body, shop.merchant.me()["webhook_secret"]))
    assert again.json() == {"received": True, "repeated": False}
    page.reload()
    expect(order_in(page)).to_contain_text("₹49 came back to you")


# What is not believed


def test_a_forged_webhook_is_refused_and_fulfils_nothing(page: Page, shop: Shop, visit: Callable[[Page], None]) -> None:
    visit(page)
    page.get_by_role("button", name="Buy Monsoon umbrella").click()
    leave_checkout(page)
    expect_state(page, "unpaid")
    payment = {"id": "pay_0000000000000000", "order_id": order_id_in(page), "amount": 124_900}
    forged = json.dumps({"event": "payment.success", "timestamp": 1, "data": {"payment": payment}}).encode()
    genuine = signed(forged, shop.merchant.me()["webhook_secret"])
    marker = secrets.token_hex(8)

    for body, headers in (
        (forged, signed(forged, "whsec_guessed")),
        (forged, {}),
        (forged, {"X-Webhook-Signature": "ü"}),
        (forged + b" ", genuine),
        (b'{"marker": "' + marker.encode() + b'", "number": NaN, "text": "\\ud800"}', {"X-Webhook-Signature": "0" * 64}),
    ):
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        assert httpx.post(f"{shop.url}/webhook", content=body, headers=encoded).status_code == 401
    newest = shop.logs()[0]
    assert (newest["verified"], newest["problem"]) == (False, "wrong signature")
    assert marker in newest["payload"]
    page.reload()
    expect_state(page, "unpaid")


def test_a_signed_webhook_of_another_amount_fulfils_nothing(page: Page, shop: Shop, visit: Callable[[Page], None]) -> None:
    visit(page)
    page.get_by_role("button", name="Buy Filter coffee set").click()
    leave_checkout(page)
    payment = {"id": "pay_0000000000000000", "order_id": order_id_in(page), "amount": 100}
    body = json.dumps({"event": "payment.success", "timestamp": 1, "data": {"payment": payment}}).encode()
    answer = httpx.post(f"{shop.url}/webhook", content=body, headers=signed(body, shop.merchant.me()["webhook_secret"]))

    assert answer.status_code == 200
    page.reload()
    expect_state(page, "unpaid")


def test_the_log_shows_what_came_newest_first(page: Page, shop: Shop, visit: Callable[[Page], None]) -> None:
    httpx.post(f"{shop.url}/webhook", content=b"<script>alert(1)</script>")
    visit(page)
    page.get_by_role("link", name="Webhooks").click()
    newest = page.locator(".delivery").first
    expect(newest).to_contain_text("rejected")
    newest.locator("summary").click()
    expect(newest.locator("pre")).to_have_text("<script>alert(1)</script>")
    shop.merchant.post("/webhooks/test").raise_for_status()

    expect(page.locator(".delivery").first).to_contain_text("webhook.test", timeout=OUTCOME_TIMEOUT_MS)
    expect(page.locator(".delivery").first).to_contain_text("verified")
    # What was being read stays open while others arrive.
    expect(page.locator(".delivery").nth(1).locator("pre")).to_be_visible()


# Opening and closing


def test_closing_puts_the_former_address_back_and_keeps_the_orders(platform: Any, http: httpx.Client, tmp_path: Path) -> None:
    merchant = sign_up(http)
    merchant.set_webhook_url("http://127.0.0.1:9/former")
    with open_shop(platform, merchant, tmp_path) as shop:
        assert merchant.me()["webhook_url"] == shop.webhook_url
        customer = httpx.Client(base_url=shop.url)
        customer.get("/")
        order = customer.post("/orders", json={"product": "coffee", "checkout": secrets.token_hex(16)}).json()
        cookies = customer.cookies
        customer.close()
        assert shop.close() == 0
    assert merchant.me()["webhook_url"] == "http://127.0.0.1:9/former"
    with open_shop(platform, merchant, tmp_path) as shop, httpx.Client(base_url=shop.url, cookies=cookies) as customer:
        assert customer.get("/orders").json()["data"] == [order]


def test_closing_leaves_an_address_alone_that_was_set_meanwhile(platform: Any, http: httpx.Client, tmp_path: Path) -> None:
    merchant = sign_up(http)
    with open_shop(platform, merchant, tmp_path):
        merchant.set_webhook_url("http://127.0.0.1:9/newer")

    assert merchant.me()["webhook_url"] == "http://127.0.0.1:9/newer"


def test_a_shop_may_be_closed_as_soon_as_it_says_that_it_is_open(platform: Any, http: httpx.Client, tmp_path: Path) -> None:
    merchant = sign_up(http)
    with open_shop(platform, merchant, tmp_path) as shop:
        assert shop.close() == 0
    assert merchant.me()["webhook_url"] is None


def test_without_a_platform_one_line_says_what_to_do(merchant: Merchant, tmp_path: Path) -> None:
    ports = free_ports()
    process = demo(f"http://127.0.0.1:{ports.api}", merchant, tmp_path, ports.demo)
    output, _ = process.communicate(timeout=STOP_TIMEOUT_S)

    assert process.returncode == 1
    assert output == f"shop: no gateway answers at http://127.0.0.1:{ports.api}: start it with ./gateway up -d\n"
