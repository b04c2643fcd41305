"""The state table, pair by pair."""

import itertools

import pytest
from refunds.states import STATUSES, may_become


@pytest.mark.parametrize(("current", "wanted"), list(itertools.product(STATUSES, STATUSES)))
def test_only_a_pending_refund_moves_and_only_to_an_end(current, wanted):
    assert may_become(current, wanted) == (current == "pending" and wanted != "pending")
