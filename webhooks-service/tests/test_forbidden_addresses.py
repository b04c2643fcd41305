"""Nothing inside can be called, however the address is written and whatever a name server says in between."""

from __future__ import annotations

import socket
import threading

import pytest
from aiohttp.abc import ResolveResult
from chassis.outbound import check_url
from webhooks.sender import Resolver

from .support import answer, answering, delivery_to, receiving, send, sending

REFUSED = "The address of the endpoint is not allowed"
INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.5",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[ff02::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "localhost",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "0",
]


class Answers(Resolver):
    """A name server whose answers change from one question to the next; the last one stays."""

    def __init__(self, *addresses: str):
        super().__init__(2)
        self._addresses = list(addresses)

    def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        address = self._addresses.pop(0) if len(self._addresses) > 1 else self._addresses[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=family or socket.AF_INET, proto=0, flags=0)]


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_leads_inside(host: str) -> None:
    with receiving(answering(200)) as receiver:
        (result,) = send(delivery_to(f"http://{host}:{receiver.port}/"), webhook_allow_private_targets=False)
    assert not result.succeeded
    # Some spellings are no host names to the one or the other library: then nothing is dialled either.
    assert result.error in (REFUSED, "The host name could not be resolved", "The webhook URL is not a valid http or https URL")
    assert not receiver.received


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0x7f.1", "10.0.0.5"])
def test_those_that_resolve_are_refused_in_words(host: str) -> None:
    (result,) = send(delivery_to(f"http://{host}:80/"), webhook_allow_private_targets=False)
    assert result.error == REFUSED


@pytest.mark.parametrize("host", INSIDE)
def test_saving_refuses_them_too(host: str) -> None:
    assert check_url(f"http://{host}:8080/hook", allow_private=False) is not None


def test_a_name_that_points_inside_is_refused() -> None:
    with receiving(answering(200)) as receiver:
        (result,) = send(
            delivery_to(f"http://innocent.example:{receiver.port}/"),
            resolver=Answers("127.0.0.1"),
            webhook_allow_private_targets=False,
        )
    assert (result.succeeded, result.error) == (False, REFUSED)
    assert not receiver.received


def test_an_answer_that_changes_between_check_and_connection_is_refused() -> None:
    resolver = Answers("93.184.216.34", "127.0.0.1")
    checked = resolver.look_up("rebinding.example", 80, socket.AF_INET)
    with receiving(answering(200)) as receiver:
        (result,) = send(
            delivery_to(f"http://rebinding.example:{receiver.port}/"), resolver=resolver, webhook_allow_private_targets=False
        )
    assert checked[0]["host"] == "93.184.216.34"
    assert (result.succeeded, result.error) == (False, REFUSED)
    assert not receiver.received


def test_a_redirect_leads_nowhere() -> None:
    with receiving(answering(200)) as inside, receiving(sending(answer(302, b"", f"Location: {inside.url}"))) as outside:
        (result,) = send(delivery_to(outside.url))
    assert (result.succeeded, result.response_code) == (False, 302)
    assert not inside.received


def test_allowed_private_targets_are_called() -> None:
    with receiving(answering(200)) as receiver:
        (result,) = send(delivery_to(f"http://localhost:{receiver.port}/"), webhook_allow_private_targets=True)
    assert result.succeeded


class Hangs(Resolver):
    """A name server that leaves one zone without an answer."""

    def __init__(self, threads: int):
        super().__init__(threads)
        self.released = threading.Event()

    def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        if host.endswith(".hangs.example"):
            self.released.wait(30)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family or socket.AF_INET, proto=0, flags=0)]


def test_a_name_server_that_hangs_holds_up_nobody_else() -> None:
    resolver = Hangs(4)
    with receiving(answering(200)) as receiver:
        hung, fine = send(
            delivery_to(f"http://a.hangs.example:{receiver.port}/"),
            delivery_to(f"http://fine.example:{receiver.port}/"),
            resolver=resolver,
            webhook_timeout_ms=2000,
        )
    resolver.released.set()
    assert (hung.succeeded, hung.error) == (False, "Timed out after 2000 ms")
    assert fine.succeeded
