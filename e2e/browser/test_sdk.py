"""The SDK on a merchant's page. The page has an origin of its own and a Content-Security-Policy without inline styles."""

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Frame, FrameLocator, Locator, Page, Request, expect

OUTCOME_TIMEOUT_MS = 20_000
DECLINED_VPA = "failure@bank"
SDK_FILES = ["checkout.js", "gateway.js"]
SDK_LIMIT_BYTES = 8 * 1024

SHOP = """<!doctype html>
<html lang="en">
  <head><meta name="viewport" content="width=device-width, initial-scale=1"><title>A shop</title></head>
  <body>
    <h1>A shop</h1>
    <button id="buy">Buy</button>
    <a href="#elsewhere">Elsewhere</a>
    <textarea rows="100" aria-label="Long"></textarea>
    {scripts}
  </body>
</html>"""

# Notes every call of a callback, so that a test can see what came how often and in which order.
OPEN_PAYMENT_GATEWAY = """([orderId, extra]) => {
    window.calls = [];
    window.gateway = new PaymentGateway({
        key: "key_test_abc123",
        orderId,
        onSuccess: payment => calls.push(["success", payment]),
        onFailure: failure => calls.push(["failure", failure]),
        onClose: () => calls.push(["close"]),
        ...extra,
    });
    gateway.open();
}"""

OPEN_GATEWAY_CHECKOUT = """options => {
    window.calls = [];
    window.opened = GatewayCheckout.open({
        onSuccess: payment => calls.push(["success", payment]),
        onFailure: failure => calls.push(["failure", failure]),
        onClose: () => calls.push(["close"]),
        ...options,
    });
}"""


def hook(page: Page | FrameLocator | Locator, name: str) -> Locator:
    return page.locator(f'[data-test-id="{name}"]')


def modal(page: Page) -> Locator:
    return hook(page, "payment-modal")


def checkout_in(page: Page) -> FrameLocator:
    return page.frame_locator('[data-test-id="payment-iframe"]')


def checkout_frame(page: Page) -> Frame:
    handle = hook(page, "payment-iframe").element_handle()
    frame = handle.content_frame()
    assert frame is not None
    return frame


def pay_by_upi(page: Page, vpa: str) -> None:
    checkout = checkout_in(page)
    hook(checkout, "method-upi").click()
    hook(checkout, "vpa-input").fill(vpa)
    hook(hook(checkout, "upi-form"), "pay-button").click()


def calls(page: Page) -> list[list[Any]]:
    return page.evaluate("calls")


def names_of_calls(page: Page) -> list[str]:
    return [call[0] for call in calls(page)]


def wait_for_calls(page: Page, count: int) -> list[list[Any]]:
    page.wait_for_function("count => calls.length >= count", arg=count, timeout=OUTCOME_TIMEOUT_MS)
    return calls(page)


def expect_ready(page: Page) -> None:
    expect(hook(checkout_in(page), "payment-methods")).to_be_visible(timeout=OUTCOME_TIMEOUT_MS)


def focus_is_in_modal(page: Page) -> bool:
    return bool(page.evaluate("document.activeElement.closest('#payment-gateway-modal') !== null"))


@pytest.fixture
def visit_shop(platform: Any, serve_merchant_page: Callable[..., str]) -> Callable[[Page], None]:
    def visit_shop(page: Page) -> None:
        scripts = "".join(f'<script src="{platform.checkout}/{name}"></script>' for name in SDK_FILES)
        origin = platform.checkout
        policy = f"default-src 'none'; script-src {origin}; frame-src {origin}; connect-src {origin}"
        page.goto(serve_merchant_page(SHOP.format(scripts=scripts), policy))

    return visit_shop


@pytest.fixture
def order(merchant: Any) -> dict[str, Any]:
    return merchant.create_order(amount=50000)


@pytest.fixture
def open_modal(visit_shop: Callable[[Page], None], order: dict[str, Any]) -> Callable[..., None]:
    def open_modal(page: Page, **extra: Any) -> None:
        visit_shop(page)
        page.locator("#buy").focus()
        page.evaluate(OPEN_PAYMENT_GATEWAY, [order["id"], extra])

    return open_modal


@pytest.fixture
def faulty_page(page: Page) -> Iterator[Page]:
    """A page on which something is meant to go wrong, which the browser reports on the console."""
    other = page.context.new_page()
    other.set_default_timeout(10_000)
    yield other
    other.close()


# The files


@pytest.mark.parametrize("name", SDK_FILES)
def test_a_file_is_small_and_needs_nothing_else(page: Page, platform: Any, name: str) -> None:
    response = page.request.get(f"{platform.checkout}/{name}")

    assert response.ok
    assert "javascript" in response.headers["content-type"]
    assert len(gzip.compress(response.body(), 9)) < SDK_LIMIT_BYTES
    assert re.search(r"\b(import|require)\s*\(", response.text()) is None


def test_a_file_can_be_pinned_by_its_hash(page: Page, platform: Any, serve_merchant_page: Callable[..., str]) -> None:
    content = page.request.get(f"{platform.checkout}/checkout.js").body()
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
    script = f'<script src="{platform.checkout}/checkout.js" integrity="{integrity}" crossorigin="anonymous"></script>'
    page.goto(serve_merchant_page(SHOP.format(scripts=script)))

    assert page.evaluate("typeof PaymentGateway") == "function"


# The modal


def test_the_modal_has_the_promised_structure(
    page: Page, platform: Any, order: dict[str, Any], open_modal: Callable[..., None]
) -> None:
    open_modal(page)

    path = "#payment-gateway-modal[data-test-id=payment-modal] > .modal-overlay > .modal-content"
    expect(page.locator(f"{path} > iframe[data-test-id=payment-iframe]")).to_be_visible()
    expect(page.locator(f"{path} > button.close-button[data-test-id=close-modal-button]")).to_have_text("×")
    source = hook(page, "payment-iframe").get_attribute("src")
    assert source is not None
    assert source.startswith(f"{platform.checkout}/checkout?order_id={order['id']}&embedded=true")


def test_every_hook_is_found(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    for name in ("payment-modal", "payment-iframe", "close-modal-button"):
        assert page.evaluate('name => document.querySelector(`[data-test-id="${name}"]`) !== null', name)


def test_the_modal_is_an_accessible_dialog(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)

    dialog = page.get_by_role("dialog", name="Payment")
    expect(dialog).to_have_attribute("aria-modal", "true")
    expect(hook(page, "close-modal-button")).to_have_accessible_name("Close payment")
    expect(hook(page, "payment-iframe")).to_have_attribute("title", "Secure payment")
    expect(hook(page, "payment-iframe")).to_have_attribute("allow", "payment")


def test_the_modal_fits_what_it_shows(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    script = "() => Math.abs(document.querySelector('.modal-content').clientHeight - {}) < 2"
    height = checkout_frame(page).evaluate("document.querySelector('main').offsetHeight")
    page.wait_for_function(script.format(height))

    hook(checkout_in(page), "method-card").click()
    expect(hook(checkout_in(page), "card-form")).to_be_visible()
    taller = checkout_frame(page).evaluate("document.querySelector('main').offsetHeight")
    assert taller > height
    page.wait_for_function(script.format(taller))


def test_the_style_of_the_shop_does_not_reach_the_modal(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    page.evaluate(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(".modal-content { display: none; width: 10px; padding: 99px } iframe, button { display: none }");
            document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
        }"""
    )

    expect(modal(page).locator(".modal-content")).to_have_css("width", "440px")
    expect(modal(page).locator(".modal-content")).to_have_css("padding", "0px")
    expect(hook(page, "payment-iframe")).to_be_visible()
    expect(hook(page, "close-modal-button")).to_be_visible()


# The outcome


def test_success_is_called_back_once_and_the_modal_closes(
    page: Page, merchant: Any, order: dict[str, Any], open_modal: Callable[..., None]
) -> None:
    open_modal(page)
    pay_by_upi(page, "asha@bank")

    success, close = wait_for_calls(page, 2)
    assert success[0] == "success"
    assert close == ["close"]
    payment = success[1]
    assert payment == {
        "paymentId": payment["paymentId"],
        "id": payment["paymentId"],
        "orderId": order["id"],
        "amount": 50000,
        "currency": "INR",
        "method": "upi",
        "status": "success",
    }
    assert merchant.get_payment(payment["paymentId"])["status"] == "success"
    expect(modal(page)).to_have_count(0)


def test_failure_is_called_back_and_the_customer_may_try_again(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    pay_by_upi(page, DECLINED_VPA)
    [failure] = wait_for_calls(page, 1)
    assert failure[0] == "failure"
    assert failure[1]["paymentId"].startswith("pay_")
    assert failure[1]["code"]
    assert failure[1]["description"]
    expect(modal(page)).to_be_visible()

    hook(checkout_in(page), "retry-button").click()
    pay_by_upi(page, DECLINED_VPA)
    wait_for_calls(page, 2)
    hook(checkout_in(page), "retry-button").click()
    pay_by_upi(page, "asha@bank")
    wait_for_calls(page, 4)
    assert names_of_calls(page) == ["failure", "failure", "success", "close"]
    assert calls(page)[0][1]["paymentId"] != calls(page)[1][1]["paymentId"]


def test_one_failure_told_twice_is_called_back_once(page: Page, order: dict[str, Any], open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    checkout_frame(page).evaluate(
        """orderId => {
            const nonce = new URLSearchParams(location.hash.slice(1)).get("nonce");
            const data = { paymentId: "pay_0000000000000000", orderId, code: "PAYMENT_FAILED", description: "No" };
            parent.postMessage({ type: "payment_failed", data, nonce }, "*");
            parent.postMessage({ type: "payment_failed", data, nonce }, "*");
            parent.postMessage({ type: "close_modal", data: {}, nonce }, "*");
        }""",
        order["id"],
    )

    wait_for_calls(page, 2)
    assert names_of_calls(page) == ["failure", "close"]


def test_an_unknown_order_is_a_failure_without_a_payment(faulty_page: Page, visit_shop: Callable[[Page], None]) -> None:
    visit_shop(faulty_page)
    faulty_page.evaluate(OPEN_PAYMENT_GATEWAY, ["order_0000000000000000", {}])

    [[name, failure]] = wait_for_calls(faulty_page, 1)
    assert name == "failure"
    assert failure["paymentId"] is None
    assert failure["code"] == "NOT_FOUND_ERROR"
    expect(modal(faulty_page)).to_be_visible()


def test_a_callback_that_throws_leaves_no_modal_behind(
    faulty_page: Page, visit_shop: Callable[[Page], None], order: dict[str, Any]
) -> None:
    visit_shop(faulty_page)
    faulty_page.evaluate(
        """orderId => {
            const fail = () => { throw new Error("The shop's own mistake") };
            new PaymentGateway({ key: "key_test_abc123", orderId, onSuccess: fail }).open();
        }""",
        order["id"],
    )
    with faulty_page.expect_event("pageerror", timeout=OUTCOME_TIMEOUT_MS) as mistake:
        pay_by_upi(faulty_page, "asha@bank")

    assert "The shop's own mistake" in str(mistake.value)
    expect(modal(faulty_page)).to_have_count(0)


def test_callbacks_may_be_left_out(page: Page, visit_shop: Callable[[Page], None], order: dict[str, Any]) -> None:
    visit_shop(page)
    page.evaluate("orderId => new PaymentGateway({ key: 'key_test_abc123', orderId }).open()", order["id"])
    pay_by_upi(page, DECLINED_VPA)
    expect(hook(checkout_in(page), "error-state")).to_be_visible(timeout=OUTCOME_TIMEOUT_MS)
    hook(checkout_in(page), "retry-button").click()
    pay_by_upi(page, "asha@bank")

    expect(modal(page)).to_have_count(0, timeout=OUTCOME_TIMEOUT_MS)


# Opening and closing


def test_close_button(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    hook(page, "close-modal-button").click()

    expect(modal(page)).to_have_count(0)
    assert names_of_calls(page) == ["close"]


def test_backdrop_closes_and_the_dialog_does_not(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    modal(page).locator(".modal-content").dispatch_event("click")
    expect(modal(page)).to_be_visible()
    page.mouse.click(5, 5)

    expect(modal(page)).to_have_count(0)
    assert names_of_calls(page) == ["close"]


def test_backdrop_does_not_throw_away_a_payment_under_way(real_time_page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(real_time_page)
    pay_by_upi(real_time_page, "asha@bank")
    expect(hook(checkout_in(real_time_page), "processing-state")).to_be_visible()
    real_time_page.mouse.click(5, 5)

    wait_for_calls(real_time_page, 2)
    assert names_of_calls(real_time_page) == ["success", "close"]


def test_escape_on_the_shop_closes(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    page.keyboard.press("Escape")

    expect(modal(page)).to_have_count(0)
    assert names_of_calls(page) == ["close"]


def test_escape_in_the_frame_closes(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    hook(checkout_in(page), "method-upi").click()
    expect(hook(checkout_in(page), "vpa-input")).to_be_focused()
    page.keyboard.press("Escape")

    expect(modal(page)).to_have_count(0)
    wait_for_calls(page, 1)
    assert names_of_calls(page) == ["close"]


def test_close_is_safe_at_any_moment(real_time_page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(real_time_page)
    real_time_page.evaluate("() => { gateway.close(); gateway.close() }")
    expect(modal(real_time_page)).to_have_count(0)
    assert names_of_calls(real_time_page) == ["close"]

    real_time_page.evaluate("gateway.open()")
    pay_by_upi(real_time_page, "asha@bank")
    expect(hook(checkout_in(real_time_page), "processing-state")).to_be_visible()
    real_time_page.evaluate("() => { gateway.close(); gateway.close() }")
    expect(modal(real_time_page)).to_have_count(0)
    assert names_of_calls(real_time_page) == ["close", "close"]


def test_close_before_open_does_nothing(page: Page, visit_shop: Callable[[Page], None], order: dict[str, Any]) -> None:
    visit_shop(page)
    closes = page.evaluate(
        """orderId => {
            let closes = 0;
            new PaymentGateway({ key: "key_test_abc123", orderId, onClose: () => { closes += 1 } }).close();
            return closes;
        }""",
        order["id"],
    )

    assert closes == 0


def test_a_payment_under_way_goes_on_when_the_modal_is_opened_again(page: Page, open_modal: Callable[..., None]) -> None:
    """Also where the browser gives a frame of another site no storage, as Chromium does in these tests."""
    open_modal(page)
    page.evaluate(
        """() => addEventListener("message", ({ data }) => {
            if (data.type === "checkout_busy" && data.data.paymentId) window.paymentUnderWay = data.data.paymentId;
        })"""
    )
    pay_by_upi(page, "asha@bank")
    page.wait_for_function("() => window.paymentUnderWay")
    page.evaluate("() => { gateway.close(); gateway.open() }")

    wait_for_calls(page, 3)
    assert names_of_calls(page) == ["close", "success", "close"]
    assert calls(page)[1][1]["paymentId"] == page.evaluate("paymentUnderWay")


def test_opening_twice_does_nothing(page: Page, order: dict[str, Any], open_modal: Callable[..., None]) -> None:
    open_modal(page)
    page.evaluate("gateway.open()")
    page.evaluate("orderId => new PaymentGateway({ key: 'key_test_abc123', orderId }).open()", order["id"])
    expect(modal(page)).to_have_count(1)

    page.keyboard.press("Escape")
    expect(modal(page)).to_have_count(0)
    assert names_of_calls(page) == ["close"]


def test_the_modal_opens_again_after_the_shop_has_emptied_its_page(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    page.evaluate("document.body.replaceChildren()")
    page.evaluate("gateway.open()")
    expect_ready(page)
    page.evaluate("gateway.close()")

    assert page.evaluate("document.body.style.overflow") == ""


def test_the_shop_does_not_scroll_behind_and_gets_its_style_back(
    page: Page, visit_shop: Callable[[Page], None], order: dict[str, Any]
) -> None:
    visit_shop(page)
    page.evaluate("() => { document.body.style.overflow = 'scroll'; document.body.style.paddingRight = '7px' }")
    page.evaluate(OPEN_PAYMENT_GATEWAY, [order["id"], {}])
    assert page.evaluate("getComputedStyle(document.body).overflowY") == "hidden"

    page.evaluate("gateway.close()")
    assert page.evaluate("[document.body.style.overflow, document.body.style.paddingRight]") == ["scroll", "7px"]


def test_wrong_options_are_named(page: Page, visit_shop: Callable[[Page], None]) -> None:
    visit_shop(page)
    for options, complaint in (
        ("undefined", "PaymentGateway: options must be an object"),
        ("{}", "PaymentGateway: key is required"),
        ("{ key: 'key_test_abc123' }", "PaymentGateway: orderId is required"),
        ("{ key: 'key_test_abc123', orderId: 'order_1', onSuccess: 1 }", "PaymentGateway: onSuccess must be a function"),
    ):
        name, message = page.evaluate(
            f"() => {{ try {{ new PaymentGateway({options}) }} catch (error) {{ return [error.name, error.message] }} }}"
        )
        assert name == "TypeError"
        assert message == complaint


# The keyboard


def test_focus_goes_into_the_modal_and_comes_back(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    assert focus_is_in_modal(page)
    expect_ready(page)
    expect(hook(page, "payment-iframe")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.locator("#buy")).to_be_focused()


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_focus_stays_in_the_modal(page: Page, open_modal: Callable[..., None], key: str) -> None:
    open_modal(page)
    expect_ready(page)
    expect(hook(page, "payment-iframe")).to_be_focused()
    page.evaluate("() => { window.strays = []; document.addEventListener('focusin', event => strays.push(event.target.id)) }")
    reached = set()
    for _ in range(12):
        page.keyboard.press(key)
        assert focus_is_in_modal(page)
        reached.add(page.evaluate("document.activeElement.getAttribute('data-test-id')"))

    # Round and round: through the frame, to the close button, and into the frame again.
    assert {"payment-iframe", "close-modal-button"} <= reached
    assert "buy" not in page.evaluate("strays")


def test_tab_reaches_the_first_control_of_the_frame_after_the_close_button(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    hook(page, "close-modal-button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")

    expect(hook(checkout_in(page), "method-upi")).to_be_focused()


def test_focus_taken_by_the_shop_is_taken_back(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    page.locator("#buy").focus()

    assert focus_is_in_modal(page)


# Messages that are not the checkout's

FORGED = """([orderId, nonce]) => {
    const data = {
        paymentId: "pay_0000000000000000", orderId, amount: 1, currency: "INR", method: "upi", status: "success",
    };
    window.parent.postMessage({ type: "payment_success", data, nonce }, "*");
    window.parent.postMessage({ type: "payment_failed", data: { ...data, code: "X", description: "X" }, nonce }, "*");
    window.parent.postMessage({ type: "close_modal", data: {}, nonce }, "*");
    window.parent.postMessage("that was all", "*");
}"""


def nonce_of_modal(page: Page) -> str:
    script = (
        "new URLSearchParams(new URL(document.querySelector('#payment-gateway-modal iframe').src).hash.slice(1)).get('nonce')"
    )
    return str(page.evaluate(script))


def forge(page: Page, sender: Page | Frame, order_id: str, nonce: str) -> None:
    """Messages of one window arrive in order: when the last has come, the forged ones have been dealt with."""
    page.evaluate(
        """() => {
            window.allCame = new Promise(resolve =>
                addEventListener("message", event => event.data === "that was all" && resolve(true)));
        }"""
    )
    sender.evaluate(FORGED, [order_id, nonce])
    assert page.evaluate("allCame")


def expect_untouched(page: Page) -> None:
    assert calls(page) == []
    expect(modal(page)).to_be_visible()


def test_messages_of_the_shop_itself_are_not_believed(page: Page, order: dict[str, Any], open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    forge(page, page, order["id"], nonce_of_modal(page))

    expect_untouched(page)


def test_messages_of_another_frame_of_the_checkout_are_not_believed(
    page: Page, platform: Any, merchant: Any, order: dict[str, Any], open_modal: Callable[..., None]
) -> None:
    open_modal(page)
    expect_ready(page)
    other_order = merchant.create_order(amount=50000)
    source = f"{platform.checkout}/checkout?order_id={other_order['id']}&embedded=true"
    page.evaluate(
        """source => {
            const frame = document.createElement("iframe");
            frame.id = "other";
            frame.src = source;
            document.body.append(frame);
        }""",
        source,
    )
    expect(hook(page.frame_locator("#other"), "method-upi")).to_be_attached()
    other = page.locator("#other").element_handle().content_frame()
    assert other is not None
    forge(page, other, order["id"], nonce_of_modal(page))

    expect_untouched(page)


def test_messages_with_another_nonce_are_not_believed(page: Page, order: dict[str, Any], open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    forge(page, checkout_frame(page), order["id"], "0" * 32)

    expect_untouched(page)


def test_success_of_another_order_is_not_believed(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    expect_ready(page)
    forge(page, checkout_frame(page), "order_0000000000000000", nonce_of_modal(page))

    # The close at the end is genuine: frame, origin and nonce are right.
    assert names_of_calls(page) == ["close"]


def test_each_opening_has_a_nonce_of_its_own(page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(page)
    first = nonce_of_modal(page)
    page.evaluate("() => { gateway.close(); gateway.open() }")

    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert nonce_of_modal(page) != first


# GatewayCheckout


def test_gateway_checkout_makes_an_order_and_takes_its_payment(
    page: Page, merchant: Any, visit_shop: Callable[[Page], None]
) -> None:
    visit_shop(page)
    page.evaluate(OPEN_GATEWAY_CHECKOUT, {"amount": 75000, "method": "upi"})
    checkout = checkout_in(page)
    expect(hook(checkout, "order-amount")).to_have_text("₹750.00")
    expect(hook(checkout, "upi-form")).to_be_visible()
    expect(hook(checkout, "method-upi")).to_have_attribute("aria-pressed", "true")
    hook(checkout, "vpa-input").fill("asha@bank")
    hook(hook(checkout, "upi-form"), "pay-button").click()

    success, close = wait_for_calls(page, 2)
    assert [success[0], close[0]] == ["success", "close"]
    payment = merchant.get_payment(success[1]["id"])
    assert (payment["order_id"], payment["amount"]) == (success[1]["orderId"], 75000)


def test_gateway_checkout_with_a_wrong_key_fails(faulty_page: Page, visit_shop: Callable[[Page], None]) -> None:
    visit_shop(faulty_page)
    faulty_page.evaluate(OPEN_GATEWAY_CHECKOUT, {"amount": 75000, "key": "key_of_nobody"})

    failure, close = wait_for_calls(faulty_page, 2)
    assert failure[0] == "failure"
    assert failure[1]["paymentId"] is None
    assert failure[1]["code"] == "AUTHENTICATION_ERROR"
    assert close == ["close"]
    expect(modal(faulty_page)).to_have_count(0)


def test_gateway_checkout_opened_twice_makes_one_order(page: Page, visit_shop: Callable[[Page], None]) -> None:
    orders: list[Request] = []
    page.on("request", lambda request: orders.append(request) if request.method == "POST" else None)
    visit_shop(page)
    page.evaluate(OPEN_GATEWAY_CHECKOUT, {"amount": 75000})
    page.evaluate("GatewayCheckout.open({ amount: 100 }).close()")
    expect_ready(page)

    expect(hook(checkout_in(page), "order-amount")).to_have_text("₹750.00")
    assert len(orders) == 1


def test_gateway_checkout_closed_before_its_order_came(page: Page, visit_shop: Callable[[Page], None]) -> None:
    visit_shop(page)
    page.evaluate(OPEN_GATEWAY_CHECKOUT, {"amount": 75000})
    page.evaluate("() => { opened.close(); opened.close() }")

    expect(modal(page)).to_have_count(0)
    assert names_of_calls(page) == ["close"]


def test_gateway_checkout_asks_again_with_the_same_key(faulty_page: Page, visit_shop: Callable[[Page], None]) -> None:
    keys: list[str] = []
    faulty_page.on(
        "request",
        lambda request: keys.append(request.headers["idempotency-key"]) if request.method == "POST" else None,
    )
    faulty_page.route("**/api/v1/orders/public", lambda route: route.abort("connectionreset"), times=1)
    visit_shop(faulty_page)
    faulty_page.evaluate(OPEN_GATEWAY_CHECKOUT, {"amount": 75000})

    expect_ready(faulty_page)
    assert len(keys) == 2
    assert len(set(keys)) == 1


# On a phone


def test_a_phone_gives_the_modal_its_whole_screen(phone_page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(phone_page)
    expect_ready(phone_page)
    # Not wait_for_function: an expression that it evaluates a second time is refused by the page's Content-Security-Policy.
    phone_page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")

    box = modal(phone_page).locator(".modal-content").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 375, "height": 812}
    close = hook(phone_page, "close-modal-button").bounding_box()
    assert close is not None
    assert min(close["width"], close["height"]) >= 40
    assert checkout_frame(phone_page).evaluate("document.documentElement.scrollWidth") <= 375


def test_a_phone_can_pay_by_card(phone_page: Page, open_modal: Callable[..., None]) -> None:
    open_modal(phone_page, method="card")
    checkout = checkout_in(phone_page)
    # Keys go to whatever has the focus, and a field that is hidden yet takes none.
    expect(hook(checkout, "card-form")).to_be_visible(timeout=OUTCOME_TIMEOUT_MS)
    hook(checkout, "card-number-input").press_sequentially("4111111111111111")
    hook(checkout, "expiry-input").press_sequentially("1245")
    hook(checkout, "cvv-input").fill("123")
    hook(checkout, "cardholder-name-input").fill("Asha Rao")
    hook(hook(checkout, "card-form"), "pay-button").click()

    wait_for_calls(phone_page, 2)
    assert names_of_calls(phone_page) == ["success", "close"]
    expect(modal(phone_page)).to_have_count(0)
