"""The hosted checkout page, as a customer's browser sees it."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, Request, Route, expect

# A payment takes the bank's delay and up to one poll; a busy machine takes longer.
OUTCOME_TIMEOUT_MS = 20_000

# Test data that the simulated bank always declines.
DECLINED_VPA = "failure@bank"
DECLINED_CARD = "4000000000000002"
GOOD_CARD = "4111111111111111"

# Every hook of the page. Each is in the document in every state, so that a plain querySelector finds it.
HOOKS = [
    "checkout-container",
    "order-summary",
    "order-amount",
    "order-id",
    "payment-methods",
    "method-upi",
    "method-card",
    "upi-form",
    "vpa-input",
    "pay-button",
    "card-form",
    "card-number-input",
    "expiry-input",
    "cvv-input",
    "cardholder-name-input",
    "processing-state",
    "processing-message",
    "success-state",
    "payment-id",
    "success-message",
    "error-state",
    "error-message",
    "retry-button",
]

# What is seen of the page in each state; of the other parts nothing is.
PARTS = ["payment-methods", "processing-state", "success-state", "already-paid-state", "error-state"]

PUBLIC_ORDER = "**/api/v1/orders/*/public"
PUBLIC_PAYMENTS = "**/api/v1/payments/public"
PUBLIC_PAYMENT = "**/api/v1/payments/pay_*/public"


def hook(page: Page | FrameLocator | Locator, name: str) -> Locator:
    return page.locator(f'[data-test-id="{name}"]')


def first_hook_is_visible(page: Page, name: str) -> bool:
    script = 'name => document.querySelector(`[data-test-id="${name}"]`).checkVisibility()'
    return bool(page.evaluate(script, name))


def expect_part(page: Page | FrameLocator, part: str) -> None:
    expect(hook(page, part)).to_be_visible(timeout=OUTCOME_TIMEOUT_MS)
    for other in PARTS:
        expect(hook(page, other)).to_be_visible(visible=other == part)


def pay_by_upi(page: Page | FrameLocator, vpa: str) -> None:
    hook(page, "method-upi").click()
    hook(page, "vpa-input").fill(vpa)
    hook(hook(page, "upi-form"), "pay-button").click()


def fill_card(page: Page | FrameLocator, number: str = GOOD_CARD) -> None:
    hook(page, "method-card").click()
    hook(page, "card-number-input").press_sequentially(number)
    hook(page, "expiry-input").press_sequentially("1245")
    hook(page, "cvv-input").fill("123")
    hook(page, "cardholder-name-input").fill("Asha Rao")


def pay_by_card(page: Page | FrameLocator, number: str = GOOD_CARD) -> None:
    fill_card(page, number)
    hook(hook(page, "card-form"), "pay-button").click()


@pytest.fixture
def open_checkout(platform: Any) -> Callable[..., None]:
    def open_checkout(page: Page, order_id: str, path: str = "/checkout") -> None:
        page.goto(f"{platform.checkout}{path}?order_id={order_id}")

    return open_checkout


@pytest.fixture
def order(merchant: Any) -> dict[str, Any]:
    return merchant.create_order(amount=50000)


@pytest.fixture
def faulty_page(page: Page) -> Iterator[Page]:
    """A page on which requests are meant to fail, which Chromium reports on the console; any other complaint is an error."""
    other = page.context.new_page()
    other.set_default_timeout(10_000)
    complaints: list[str] = []
    other.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    other.on("pageerror", lambda error: complaints.append(str(error)))
    yield other
    other.close()
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


class SentPayments:
    """The requests by which a page tried to make payments."""

    def __init__(self, page: Page) -> None:
        self.requests: list[Request] = []
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/api/v1/payments/public"):
            self.requests.append(request)

    @property
    def keys(self) -> list[str]:
        return [request.headers["idempotency-key"] for request in self.requests]

    @property
    def bodies(self) -> list[str | None]:
        return [request.post_data for request in self.requests]


# The page as it opens


@pytest.mark.parametrize("path", ["/checkout", "/checkout.html"])
def test_shows_the_order_and_offers_both_methods(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None], path: str
) -> None:
    open_checkout(page, order["id"], path)

    expect(hook(page, "order-amount")).to_have_text("₹500.00")
    expect(hook(page, "order-id")).to_have_text(order["id"])
    expect(page.get_by_role("heading", name="Test Merchant")).to_be_visible()
    expect_part(page, "payment-methods")
    expect(hook(page, "upi-form")).to_be_hidden()
    expect(hook(page, "card-form")).to_be_hidden()


def test_amounts_are_grouped_as_in_india(page: Page, merchant: Any, open_checkout: Callable[..., None]) -> None:
    open_checkout(page, merchant.create_order(amount=123456789)["id"])

    expect(hook(page, "order-amount")).to_have_text("₹12,34,567.89")
    hook(page, "method-upi").click()
    expect(hook(page, "pay-button").first).to_have_text("Pay ₹12,34,567.89")


def test_amounts_of_other_currencies_carry_their_own_sign(page: Page, merchant: Any, open_checkout: Callable[..., None]) -> None:
    open_checkout(page, merchant.create_order(amount=50000, currency="USD")["id"])

    expect(hook(page, "order-amount")).to_have_text("$500.00")


def test_every_hook_is_found_in_every_state(
    real_time_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    def missing() -> list[str]:
        script = 'names => names.filter(name => !document.querySelector(`[data-test-id="${name}"]`))'
        return real_time_page.evaluate(script, HOOKS)

    open_checkout(real_time_page, order["id"])
    assert missing() == []
    expect_part(real_time_page, "payment-methods")
    assert missing() == []
    pay_by_upi(real_time_page, DECLINED_VPA)
    expect_part(real_time_page, "processing-state")
    assert missing() == []
    expect_part(real_time_page, "error-state")
    assert missing() == []
    hook(real_time_page, "retry-button").click()
    pay_by_card(real_time_page)
    expect_part(real_time_page, "success-state")
    assert missing() == []


@pytest.mark.parametrize(("method", "shown", "hidden"), [("upi", "upi-form", "card-form"), ("card", "card-form", "upi-form")])
def test_a_method_shows_its_form_and_the_first_pay_button_is_its_own(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None], method: str, shown: str, hidden: str
) -> None:
    open_checkout(page, order["id"])
    hook(page, f"method-{method}").click()

    expect(hook(page, shown)).to_be_visible()
    expect(hook(page, hidden)).to_be_hidden()
    expect(hook(page, f"method-{method}")).to_have_attribute("aria-pressed", "true")
    expect(hook(page, f"method-{method}")).to_have_attribute("data-method", method)
    assert first_hook_is_visible(page, "pay-button")
    expect(hook(hook(page, shown), "pay-button")).to_have_text("Pay ₹500.00")


def test_changing_the_method_keeps_what_was_typed(page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    open_checkout(page, order["id"])
    hook(page, "method-upi").click()
    hook(page, "vpa-input").fill("asha@bank")
    hook(page, "method-card").click()
    hook(page, "method-upi").click()

    expect(hook(page, "vpa-input")).to_have_value("asha@bank")


def test_an_address_without_an_order_says_so(page: Page, platform: Any) -> None:
    page.goto(f"{platform.checkout}/checkout")

    expect_part(page, "error-state")
    expect(hook(page, "error-message")).to_contain_text("lacks the order")
    expect(hook(page, "retry-button")).to_be_hidden()


def test_an_unknown_order_says_so(faulty_page: Page, open_checkout: Callable[..., None]) -> None:
    open_checkout(faulty_page, "order_0000000000000000")

    expect_part(faulty_page, "error-state")
    expect(faulty_page.get_by_role("heading", name="Order not found")).to_be_focused()
    expect(hook(faulty_page, "order-summary")).to_be_hidden()


# Typing


def test_a_card_number_is_grouped_and_its_network_named(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(page, order["id"])
    hook(page, "method-card").click()
    for number, grouped, network in (
        ("4111111111111111", "4111 1111 1111 1111", "Visa"),
        ("5555555555554444", "5555 5555 5555 4444", "Mastercard"),
        ("378282246310005", "3782 822463 10005", "Amex"),
        ("6521111111111110", "6521 1111 1111 1110", "RuPay"),
        ("3056930902590400", "3056 9309 0259 0400", ""),
    ):
        hook(page, "card-number-input").clear()
        expect(hook(page, "card-network")).to_have_text("")
        hook(page, "card-number-input").press_sequentially(number)
        expect(hook(page, "card-number-input")).to_have_value(grouped)
        expect(hook(page, "card-network")).to_have_text(network)


def test_a_digit_in_the_middle_leaves_the_caret_behind_it(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(page, order["id"])
    hook(page, "method-card").click()
    number = hook(page, "card-number-input")
    number.press_sequentially("411111111111111")
    number.evaluate("input => input.setSelectionRange(3, 3)")
    page.keyboard.type("25")

    expect(number).to_have_value("4112 5111 1111 1111 1")
    assert number.evaluate("input => input.selectionStart") == 6


def test_the_slash_of_an_expiry_comes_by_itself(page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    open_checkout(page, order["id"])
    hook(page, "method-card").click()
    for keys, text in (("1230", "12/30"), ("12/30", "12/30"), ("530", "05/30"), ("1/30", "01/30")):
        hook(page, "expiry-input").clear()
        hook(page, "expiry-input").press_sequentially(keys)
        expect(hook(page, "expiry-input")).to_have_value(text)


def test_an_expiry_can_be_deleted_backwards(page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    open_checkout(page, order["id"])
    hook(page, "method-card").click()
    hook(page, "expiry-input").press_sequentially("1230")
    for _ in "12/30":
        page.keyboard.press("Backspace")

    expect(hook(page, "expiry-input")).to_have_value("")


def test_inputs_ask_for_the_right_keyboard_and_autofill(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(page, order["id"])
    wanted: dict[str, dict[str, str]] = {
        "card-number-input": {"autocomplete": "cc-number", "inputmode": "numeric"},
        "expiry-input": {"autocomplete": "cc-exp", "inputmode": "numeric"},
        "cvv-input": {"autocomplete": "cc-csc", "inputmode": "numeric"},
        "cardholder-name-input": {"autocomplete": "cc-name"},
        "vpa-input": {"inputmode": "email", "autocapitalize": "none"},
    }
    for name, attributes in wanted.items():
        for attribute, value in attributes.items():
            expect(hook(page, name)).to_have_attribute(attribute, value)
        # Without a name an input is no part of a form that the browser itself would send.
        assert hook(page, name).get_attribute("name") is None


def test_a_wrong_upi_id_is_said_at_the_field_and_not_sent(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    sent = SentPayments(page)
    open_checkout(page, order["id"])
    hook(page, "method-upi").click()
    vpa = hook(page, "vpa-input")
    for wrong in ("", "asha", "asha@", "@bank", "asha@@bank", "as ha@bank"):
        # Typing takes the last complaint away, so that each has to come anew.
        vpa.press_sequentially("x")
        expect(vpa).not_to_have_attribute("aria-invalid", "true")
        vpa.fill(wrong)
        hook(hook(page, "upi-form"), "pay-button").click()
        expect(page.get_by_label("UPI ID")).to_be_focused()
        expect(vpa).to_have_attribute("aria-invalid", "true")
        expect(vpa).to_have_accessible_description(re.compile("Enter "))
    assert sent.requests == []


def test_wrong_card_data_is_said_at_the_field_and_not_sent(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    sent = SentPayments(page)
    open_checkout(page, order["id"])
    fill_card(page)
    for name, wrong, complaint in (
        ("card-number-input", "", "Enter the card number."),
        ("card-number-input", "4111111111111112", "Check the card number: a digit seems wrong."),
        ("card-number-input", "4111", "The card number is too short."),
        ("expiry-input", "13/30", "Enter the expiry as MM/YY."),
        ("expiry-input", "01/20", "This card has expired."),
        ("cvv-input", "12", "Enter the 3 digits on the back of the card."),
        ("cardholder-name-input", "", "Enter the name on the card."),
    ):
        field = hook(page, name)
        right = field.input_value()
        field.fill(wrong)
        hook(hook(page, "card-form"), "pay-button").click()
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(re.escape(complaint)))
        field.press_sequentially("1")
        expect(field).not_to_have_attribute("aria-invalid", "true")
        field.fill(right)
    assert sent.requests == []


def test_amex_asks_for_four_digits_of_cvv(page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    open_checkout(page, order["id"])
    pay_by_card(page, "378282246310005")
    expect(hook(page, "cvv-input")).to_have_accessible_description(re.compile("Enter the 4 digits on the front"))

    hook(page, "cvv-input").fill("1234")
    hook(hook(page, "card-form"), "pay-button").click()
    expect_part(page, "success-state")


@pytest.mark.parametrize(("code", "field"), [("INVALID_CARD", "card-number-input"), ("EXPIRED_CARD", "expiry-input")])
def test_an_objection_of_the_api_is_shown_at_its_field(
    faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None], code: str, field: str
) -> None:
    body = {"error": {"code": code, "description": "The API objects"}}
    faulty_page.route(PUBLIC_PAYMENTS, lambda route: route.fulfill(status=400, json=body))
    open_checkout(faulty_page, order["id"])
    pay_by_card(faulty_page)

    expect(hook(faulty_page, field)).to_be_focused()
    expect(hook(faulty_page, field)).to_have_accessible_description(re.compile("The API objects"))


# Paying


def test_upi_payment_succeeds(
    real_time_page: Page, merchant: Any, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(real_time_page, order["id"])
    pay_by_upi(real_time_page, "asha@bank")

    expect_part(real_time_page, "processing-state")
    expect(hook(real_time_page, "processing-message")).to_have_text("Processing payment...")
    expect_part(real_time_page, "success-state")
    expect(real_time_page.get_by_role("heading", name="Payment Successful!")).to_be_focused()
    expect(hook(real_time_page, "success-message")).to_have_text("Your payment has been processed successfully")
    payment = merchant.get_payment(hook(real_time_page, "payment-id").inner_text())
    assert (payment["order_id"], payment["method"], payment["status"]) == (order["id"], "upi", "success")


def test_card_payment_succeeds(page: Page, merchant: Any, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    open_checkout(page, order["id"])
    pay_by_card(page)

    expect_part(page, "success-state")
    payment = merchant.get_payment(hook(page, "payment-id").inner_text())
    assert (payment["method"], payment["card_network"], payment["card_last4"]) == ("card", "visa", "1111")


def test_a_declined_payment_can_be_tried_again_under_another_key(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    sent = SentPayments(page)
    open_checkout(page, order["id"])
    pay_by_card(page, DECLINED_CARD)

    expect_part(page, "error-state")
    expect(page.get_by_role("heading", name="Payment Failed")).to_be_focused()
    expect(hook(page, "error-message")).not_to_be_empty()

    hook(page, "retry-button").click()
    expect_part(page, "payment-methods")
    expect(hook(page, "cvv-input")).to_be_empty()
    pay_by_upi(page, "asha@bank")
    expect_part(page, "success-state")
    assert len(set(sent.keys)) == 2


def test_an_order_that_is_paid_cannot_be_paid_again(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(page, order["id"])
    pay_by_upi(page, "asha@bank")
    expect_part(page, "success-state")
    page.evaluate("sessionStorage.clear()")
    page.reload()

    expect_part(page, "already-paid-state")
    expect(hook(page, "order-amount")).to_have_text("₹500.00")


def test_an_order_paid_in_another_window_meanwhile(
    faulty_page: Page, page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(faulty_page, order["id"])
    hook(faulty_page, "method-upi").click()
    open_checkout(page, order["id"])
    pay_by_upi(page, "asha@bank")
    expect_part(page, "success-state")
    pay_by_upi(faulty_page, "ravi@bank")

    expect_part(faulty_page, "already-paid-state")


def test_card_data_goes_to_the_payment_endpoint_and_nowhere_else(
    real_time_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    requests: list[Request] = []
    # A function of our own: Playwright looks at its signature, which a list's append does not have.
    real_time_page.on("request", lambda request: requests.append(request))  # noqa: PLW0108
    open_checkout(real_time_page, order["id"])
    pay_by_card(real_time_page)
    expect_part(real_time_page, "processing-state")
    kept = real_time_page.evaluate(
        "JSON.stringify([{...sessionStorage}, {...localStorage}, history.state, document.cookie, location.href])"
    )
    expect_part(real_time_page, "success-state")

    carriers = [request.url for request in requests if GOOD_CARD in request.url + (request.post_data or "")]
    assert len(carriers) == 1
    assert carriers[0].endswith("/api/v1/payments/public")
    assert GOOD_CARD[-4:] not in kept
    expect(hook(real_time_page, "card-number-input")).to_be_empty()


# Once and only once


def test_a_double_click_makes_one_payment(page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    sent = SentPayments(page)
    open_checkout(page, order["id"])
    hook(page, "method-upi").click()
    hook(page, "vpa-input").fill("asha@bank")
    hook(page, "upi-form").evaluate("form => { form.requestSubmit(); form.requestSubmit() }")

    expect_part(page, "success-state")
    assert len(sent.requests) == 1


def test_a_reload_while_processing_goes_on_with_the_same_payment(
    real_time_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    sent = SentPayments(real_time_page)
    open_checkout(real_time_page, order["id"])
    with real_time_page.expect_response(PUBLIC_PAYMENTS) as made:
        pay_by_upi(real_time_page, "asha@bank")
    payment_id = made.value.json()["id"]
    expect_part(real_time_page, "processing-state")
    real_time_page.reload()

    expect_part(real_time_page, "success-state")
    expect(hook(real_time_page, "payment-id")).to_have_text(payment_id)
    assert len(sent.requests) == 1


def test_a_reload_after_success_shows_the_payment_again(
    page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(page, order["id"])
    pay_by_upi(page, "asha@bank")
    expect_part(page, "success-state")
    payment_id = hook(page, "payment-id").inner_text()
    page.reload()

    expect_part(page, "success-state")
    expect(hook(page, "payment-id")).to_have_text(payment_id)


def test_a_reload_while_processing_works_without_storage(
    real_time_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    real_time_page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('denied', 'SecurityError') } })"
    )
    sent = SentPayments(real_time_page)
    open_checkout(real_time_page, order["id"])
    with real_time_page.expect_response(PUBLIC_PAYMENTS):
        pay_by_upi(real_time_page, "asha@bank")
    expect_part(real_time_page, "processing-state")
    real_time_page.reload()

    expect_part(real_time_page, "success-state")
    assert len(sent.requests) == 1


def test_a_payment_of_another_order_in_the_address_is_not_followed(
    page: Page, platform: Any, merchant: Any, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(page, order["id"])
    pay_by_upi(page, "asha@bank")
    expect_part(page, "success-state")
    payment_id = hook(page, "payment-id").inner_text()
    other_order = merchant.create_order(amount=70000)
    page.goto(f"{platform.checkout}/checkout?order_id={other_order['id']}#payment={payment_id}")

    expect_part(page, "payment-methods")
    expect(hook(page, "order-amount")).to_have_text("₹700.00")


def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_body(
    faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    made: list[str] = []

    def lose_first_answer(route: Route) -> None:
        response = route.fetch()
        made.append(response.json()["id"])
        if len(made) == 1:
            route.abort("connectionreset")
        else:
            route.fulfill(response=response)

    sent = SentPayments(faulty_page)
    faulty_page.route(PUBLIC_PAYMENTS, lose_first_answer)
    open_checkout(faulty_page, order["id"])
    pay_by_card(faulty_page)

    expect(faulty_page.get_by_text("Connection lost. Trying again…")).to_be_visible()
    expect_part(faulty_page, "success-state")
    assert len(made) == 2
    assert len(set(made)) == len(set(sent.keys)) == len(set(sent.bodies)) == 1


def test_a_reload_before_the_answer_keeps_the_key(
    faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    sent = SentPayments(faulty_page)
    open_checkout(faulty_page, order["id"])
    faulty_page.route(PUBLIC_PAYMENTS, lambda route: route.fetch())
    with faulty_page.expect_request(PUBLIC_PAYMENTS):
        pay_by_upi(faulty_page, "asha@bank")
    faulty_page.reload()
    faulty_page.unroute(PUBLIC_PAYMENTS)
    pay_by_upi(faulty_page, "asha@bank")

    expect_part(faulty_page, "success-state")
    assert len(sent.keys) == 2
    assert len(set(sent.keys)) == 1


def test_other_data_after_a_lost_answer_is_another_attempt(
    faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    def lose_answer(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    sent = SentPayments(faulty_page)
    open_checkout(faulty_page, order["id"])
    faulty_page.route(PUBLIC_PAYMENTS, lose_answer)
    pay_by_upi(faulty_page, DECLINED_VPA)
    expect(faulty_page.get_by_text("Connection lost. Trying again…")).to_be_visible()
    faulty_page.reload()
    faulty_page.unroute(PUBLIC_PAYMENTS)
    sent.requests.clear()
    pay_by_upi(faulty_page, "asha@bank")

    expect_part(faulty_page, "success-state")
    assert len(set(sent.keys)) == len(sent.keys) == 2


# When the network or the API fails


def test_an_order_that_cannot_be_reached_is_asked_for_until_it_can(
    faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    faulty_page.route(PUBLIC_ORDER, lambda route: route.abort("internetdisconnected"))
    open_checkout(faulty_page, order["id"])
    expect(faulty_page.get_by_text("Connection lost. Trying again…")).to_be_visible()
    faulty_page.unroute(PUBLIC_ORDER)

    expect_part(faulty_page, "payment-methods")
    expect(hook(faulty_page, "order-amount")).to_have_text("₹500.00")


def test_polling_survives_a_lost_network(faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    faulty_page.route(PUBLIC_PAYMENT, lambda route: route.abort("internetdisconnected"))
    open_checkout(faulty_page, order["id"])
    pay_by_upi(faulty_page, "asha@bank")
    expect(faulty_page.get_by_text("Connection lost. Trying again…")).to_be_visible()
    faulty_page.unroute(PUBLIC_PAYMENT)

    expect_part(faulty_page, "success-state")


def test_being_offline_is_said(page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    open_checkout(page, order["id"])
    expect_part(page, "payment-methods")
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_too_many_requests_are_waited_out(faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    body = {"error": {"code": "RATE_LIMIT_ERROR", "description": "Too many requests"}}
    sent = SentPayments(faulty_page)
    faulty_page.route(PUBLIC_PAYMENTS, lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}, json=body), times=1)
    open_checkout(faulty_page, order["id"])
    pay_by_upi(faulty_page, "asha@bank")

    expect(faulty_page.get_by_text("Too many requests just now.")).to_be_visible()
    expect_part(faulty_page, "success-state")
    assert len(sent.keys) == 2
    assert len(set(sent.keys)) == 1


def test_a_long_wait_is_left_to_the_customer(
    faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    body = {"error": {"code": "RATE_LIMIT_ERROR", "description": "Too many requests"}}
    faulty_page.route(PUBLIC_PAYMENTS, lambda route: route.fulfill(status=429, headers={"Retry-After": "600"}, json=body))
    open_checkout(faulty_page, order["id"])
    pay_by_upi(faulty_page, "asha@bank")

    expect_part(faulty_page, "error-state")
    expect(hook(faulty_page, "error-message")).to_contain_text("too many requests")
    hook(faulty_page, "retry-button").click()
    expect(hook(faulty_page, "vpa-input")).to_have_value("asha@bank")


def test_a_refusal_is_shown_in_the_words_of_the_api(
    faulty_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    body = {"error": {"code": "BAD_REQUEST_ERROR", "description": "The order is on hold"}}
    faulty_page.route(PUBLIC_PAYMENTS, lambda route: route.fulfill(status=400, json=body))
    open_checkout(faulty_page, order["id"])
    pay_by_upi(faulty_page, "asha@bank")

    expect_part(faulty_page, "error-state")
    expect(hook(faulty_page, "error-message")).to_have_text("The order is on hold")


# In a frame of another page


@pytest.fixture
def embed(platform: Any, serve_merchant_page: Callable[..., str]) -> Callable[..., FrameLocator]:
    def embed(page: Page, order_id: str) -> FrameLocator:
        """Frames the checkout, without the SDK, in a page of another origin that notes every message."""
        page.goto(serve_merchant_page("<!doctype html><title>Host</title><body>"))
        origin = page.evaluate("location.origin")
        source = f"{platform.checkout}/checkout?order_id={order_id}&embedded=true#nonce=nonce1&origin={origin}"
        page.evaluate(
            """source => {
                window.messages = [];
                addEventListener("message", event => messages.push({ origin: event.origin, ...event.data }));
                const frame = document.createElement("iframe");
                frame.src = source;
                frame.width = 440;
                frame.height = 700;
                document.body.append(frame);
            }""",
            source,
        )
        return page.frame_locator("iframe")

    return embed


def messages_of(page: Page, kind: str) -> list[dict[str, Any]]:
    page.wait_for_function("kind => messages.some(message => message.type === kind)", arg=kind)
    return [message for message in page.evaluate("messages") if message["type"] == kind]


def test_in_a_frame_success_is_told_to_the_parent(
    page: Page, platform: Any, order: dict[str, Any], embed: Callable[..., FrameLocator]
) -> None:
    frame = embed(page, order["id"])
    pay_by_upi(frame, "asha@bank")
    expect_part(frame, "success-state")

    [message] = messages_of(page, "payment_success")
    assert message["origin"] == platform.checkout
    assert message["nonce"] == "nonce1"
    assert message["data"] == {
        "paymentId": hook(frame, "payment-id").inner_text(),
        "orderId": order["id"],
        "amount": 50000,
        "currency": "INR",
        "method": "upi",
        "status": "success",
    }


def test_in_a_frame_failure_is_told_to_the_parent_and_can_be_retried(
    page: Page, order: dict[str, Any], embed: Callable[..., FrameLocator]
) -> None:
    frame = embed(page, order["id"])
    pay_by_upi(frame, DECLINED_VPA)
    expect_part(frame, "error-state")
    [failure] = messages_of(page, "payment_failed")
    assert failure["data"]["orderId"] == order["id"]
    assert re.fullmatch(r"pay_[A-Za-z0-9]{16}", failure["data"]["paymentId"])
    assert failure["data"]["code"]
    assert failure["data"]["description"] == hook(frame, "error-message").inner_text()

    hook(frame, "retry-button").click()
    pay_by_upi(frame, "asha@bank")
    expect_part(frame, "success-state")
    assert len(messages_of(page, "payment_success")) == 1
    assert len(messages_of(page, "payment_failed")) == 1


def test_in_a_frame_escape_and_close_ask_the_parent_to_close(
    page: Page, order: dict[str, Any], embed: Callable[..., FrameLocator]
) -> None:
    frame = embed(page, order["id"])
    hook(frame, "method-upi").click()
    page.keyboard.press("Escape")
    assert len(messages_of(page, "close_modal")) == 1

    pay_by_upi(frame, DECLINED_VPA)
    expect_part(frame, "error-state")
    frame.get_by_role("button", name="Close").click()
    page.wait_for_function("messages.filter(message => message.type === 'close_modal').length === 2")


def test_messages_hold_nothing_of_the_card(page: Page, order: dict[str, Any], embed: Callable[..., FrameLocator]) -> None:
    frame = embed(page, order["id"])
    pay_by_card(frame)
    expect_part(frame, "success-state")
    messages_of(page, "payment_success")

    assert GOOD_CARD[-4:] not in json.dumps([message["data"] for message in page.evaluate("messages")])


def test_on_a_page_of_its_own_there_is_nothing_to_close(
    page: Page, platform: Any, order: dict[str, Any], open_checkout: Callable[..., None]
) -> None:
    open_checkout(page, order["id"])
    pay_by_upi(page, "asha@bank")
    expect_part(page, "success-state")

    expect(page.get_by_role("button", name="Close")).to_be_hidden()


# On a phone


def test_a_phone_shows_the_whole_flow_without_scrolling_sideways(
    phone_page: Page, merchant: Any, open_checkout: Callable[..., None]
) -> None:
    open_checkout(phone_page, merchant.create_order(amount=2_147_483_647)["id"])
    pay_by_card(phone_page)
    expect_part(phone_page, "success-state")

    assert phone_page.evaluate("document.documentElement.scrollWidth") == 375  # not innerWidth, which grows with the page


def test_a_phone_has_room_for_a_thumb(phone_page: Page, order: dict[str, Any], open_checkout: Callable[..., None]) -> None:
    open_checkout(phone_page, order["id"])
    hook(phone_page, "method-upi").click()
    for name in ("method-upi", "method-card", "vpa-input"):
        box = hook(phone_page, name).bounding_box()
        assert box is not None
        assert box["height"] >= 44
        # iOS zooms into an input with smaller text.
        assert hook(phone_page, name).evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 16
