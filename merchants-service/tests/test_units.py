"""What needs no process: where a request comes from, and look-ups that hang."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest
from chassis.errors import BadRequest, Unavailable
from merchants.api.client_address import client_address
from merchants.webhook_urls import URL_CHECKS_LIMIT, checked_url
from starlette.requests import Request


def request_from(peer: str | None, forwarded: str | None) -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded is not None else []
    return Request({"type": "http", "headers": headers, "client": (peer, 1) if peer is not None else None})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("172.18.0.5", "203.0.113.9", "203.0.113.9"),
        ("::1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:172.18.0.5", "203.0.113.9", "203.0.113.9"),
        (None, "203.0.113.9", "203.0.113.9"),
        ("8.8.8.8", "203.0.113.9", "8.8.8.8"),
        ("2606:4700::1111", "203.0.113.9", "2606:4700::/64"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (None, None, "unknown"),
        ("testclient", None, "unknown"),
    ],
)
def test_the_client_is_who_the_proxy_says_and_nobody_else_is_believed(
    peer: str | None, forwarded: str | None, address: str
) -> None:
    assert client_address(request_from(peer, forwarded)) == address


@pytest.fixture
def hangs() -> Iterator[Callable[..., None]]:
    """A look-up that has no answer before the test's end, and then leaves none behind for the next test to be counted in."""
    answer = threading.Event()
    threads = []

    def look_up(url: str, *, allow_private: bool) -> None:
        threads.append(threading.current_thread())
        answer.wait(30)

    yield look_up
    answer.set()
    for thread in threads:
        thread.join(30)


def test_a_look_up_that_hangs_is_given_up_and_hangs_nobody_else(hangs: Callable[..., None]) -> None:
    def answers(url: str, *, allow_private: bool) -> None:
        return None

    async def check() -> None:
        hanging = [
            checked_url("http://shop.example/", allow_private_targets=False, check=hangs, timeout_s=0.2)
            for _ in range(URL_CHECKS_LIMIT - 1)
        ]
        for outcome in await asyncio.gather(*hanging, return_exceptions=True):
            assert isinstance(outcome, BadRequest)
            assert outcome.description == "webhook_url must have a host name that can be resolved"
        assert await checked_url(" http://shop.example/ ", allow_private_targets=False, check=answers) == "http://shop.example/"

    asyncio.run(check())


def test_look_ups_that_hang_are_bounded(hangs: Callable[..., None]) -> None:
    async def check() -> None:
        hanging = [
            checked_url("http://shop.example/", allow_private_targets=False, check=hangs, timeout_s=0.2)
            for _ in range(URL_CHECKS_LIMIT + 3)
        ]
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
        assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 3

    asyncio.run(check())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_check_that_breaks_off_does_not_pass_for_a_good_one() -> None:
    threads = []

    def fails(url: str, *, allow_private: bool) -> None:
        threads.append(threading.current_thread())
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="broke off"):
        asyncio.run(checked_url("http://shop.example/", allow_private_targets=False, check=fails))
    threads[0].join(10)
