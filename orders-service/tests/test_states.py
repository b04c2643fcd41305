"""The state table, pair by pair."""

import itertools

import pytest
from orders.states import STATUSES, TRANSITIONS


@pytest.mark.parametrize("pair", list(itertools.product(STATUSES, STATUSES)))
def test_an_order_is_paid_and_stays_so(pair):
    assert (pair in TRANSITIONS) == (pair == ("created", "paid"))
