"""Rows of this context's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .support import DatabaseUrl, Store


@pytest.fixture
def store(database_url: DatabaseUrl) -> Iterator[Store]:
    store = Store(database_url)
    yield store
    store.clear()
