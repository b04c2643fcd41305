"""The races are run against one copy of each process and against two: a lock in one process's memory is no lock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from gateway_e2e.client import Merchant, sign_up

if TYPE_CHECKING:
    from e2e.conftest import Platform


@pytest.fixture(params=["platform", "copies"], ids=["one-copy", "two-copies"])
def raced(request: pytest.FixtureRequest) -> Platform:
    return request.getfixturevalue(request.param)


@pytest.fixture
def merchant(raced: Platform) -> Iterator[Merchant]:
    """A fresh merchant of the platform that is raced."""
    with httpx.Client(base_url=raced.api, timeout=30) as http:
        yield sign_up(http)
