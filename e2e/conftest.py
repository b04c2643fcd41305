"""A complete platform for the run, or one that runs already: ``GATEWAY_E2E_API`` and its siblings name its addresses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from devstack.ports import SERVICES, free_ports
from devstack.stack import Stack
from gateway_e2e.client import Merchant, sign_up
from gateway_e2e.receiver import Receiver

# Fast enough for a test run, and everything else as a user has it.
TEST_SETTINGS = {
    "TEST_MODE": "true",
    "TEST_PROCESSING_DELAY": "300",
    "WEBHOOK_RETRY_INTERVALS_TEST": "1,1,1,1",
    "RATE_LIMIT_ENABLED": "false",
}


@dataclass(frozen=True)
class Platform:
    """Base URLs, and the stack behind them where the run started it itself."""

    api: str
    dashboard: str
    checkout: str
    stack: Stack | None = None


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if api := os.environ.get("GATEWAY_E2E_API"):
        yield Platform(api, os.environ["GATEWAY_E2E_DASHBOARD"], os.environ["GATEWAY_E2E_CHECKOUT"])
        return
    home = tmp_path_factory.mktemp("platform")
    home.chmod(0o755)
    with Stack(home, free_ports(), TEST_SETTINGS) as stack:
        yield Platform(stack.urls["api"], stack.urls["dashboard"], stack.urls["checkout"], stack)


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with two copies of everything that may have copies, for tests that take some of them away."""
    home = tmp_path_factory.mktemp("copies")
    home.chmod(0o755)
    scale = dict.fromkeys((*SERVICES, "payment-worker", "refund-worker", "webhook-worker"), 2)
    with Stack(home, free_ports(), TEST_SETTINGS, scale=scale) as stack:
        yield Platform(stack.urls["api"], stack.urls["dashboard"], stack.urls["checkout"], stack)


@pytest.fixture(scope="session")
def http(platform: Platform) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=platform.api, timeout=30) as client:
        yield client


@pytest.fixture
def merchant(http: httpx.Client) -> Merchant:
    """The seeded test merchant."""
    return Merchant(http, "key_test_abc123", "secret_test_xyz789")


@pytest.fixture
def other_merchant(http: httpx.Client) -> Merchant:
    """A fresh merchant of the test's own."""
    return sign_up(http)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as endpoint:
        yield endpoint
