"""The fixtures of this folder themselves: what a page does wrong must fail its test."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from gateway_e2e.waiting import wait_for
from playwright.sync_api import Page, expect


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('out of order')", "console: out of order"),
        ("setTimeout(() => { throw new Error('unforeseen') })", "thrown: unforeseen"),
        ("Promise.reject(new Error('unawaited'))", "thrown: unawaited"),
        ("fetch('http://127.0.0.1:1/elsewhere').catch(() => 0)", "request to another host: http://127.0.0.1:1/elsewhere"),
    ],
)
def test_what_a_page_does_wrong_is_noticed(
    page: Page, page_errors: Any, serve_merchant_page: Callable[..., str], script: str, complaint: str
) -> None:
    page.goto(serve_merchant_page(f"<!doctype html><script>{script}</script>"))
    # Each turn lets what the browser has reported arrive.
    wait_for(complaint, lambda: page.title() == "" and any(text.startswith(complaint) for text in page_errors.unexpected))

    page_errors.allow(".")
    assert page_errors.unexpected == []


def test_requests_to_the_platform_are_its_own(page: Page, page_errors: Any, platform: Any) -> None:
    page.goto(f"{platform.checkout}/checkout")

    assert page_errors.unexpected == []


def test_a_merchant_site_has_the_sdk(page: Page, platform: Any, merchant: Any, merchant_site: Callable[[str], str]) -> None:
    page.goto(merchant_site("<h1>Books</h1>"))
    options = json.dumps({"key": merchant.api_key, "orderId": merchant.create_order()["id"]})
    page.evaluate(f"new PaymentGateway({options}).open()")

    expect(page.frame_locator("iframe").locator('[data-test-id="payment-methods"]')).to_be_visible()
