"""The simulated bank."""

from collections import Counter

import pytest
from payments.acquirer import Acquirer
from payments.instruments import DECLINE
from payments.settings import AcquirerSettings
from pydantic import ValidationError


def acquirer(**settings) -> Acquirer:
    return Acquirer(AcquirerSettings(**settings))


def test_it_takes_five_to_ten_seconds():
    delays = [acquirer().delay_ms() for _ in range(1000)]
    assert min(delays) >= 5000
    assert max(delays) <= 10_000
    assert len(set(delays)) > 500


def test_in_test_mode_it_takes_exactly_what_is_set():
    assert acquirer(test_mode=True).delay_ms() == 1000
    assert acquirer(test_mode=True, test_processing_delay=0).delay_ms() == 0


@pytest.mark.parametrize(("method", "rate"), [("upi", 0.90), ("card", 0.95)])
def test_it_approves_at_its_rate(method, rate):
    bank = acquirer()
    approved = Counter(bank.answer(method, None) is None for _ in range(20_000))[True]
    # Six standard deviations: one false alarm in a hundred million runs.
    assert abs(approved - 20_000 * rate) < 6 * (20_000 * rate * (1 - rate)) ** 0.5


@pytest.mark.parametrize("success", [True, False])
def test_in_test_mode_the_answer_is_set(success):
    bank = acquirer(test_mode=True, test_payment_success=success, upi_success_rate=0.5)
    assert {bank.answer("upi", None) is None for _ in range(100)} == {success}


def test_in_test_mode_test_data_is_declined():
    decline = acquirer(test_mode=True).answer("card", DECLINE)
    assert decline is not None
    assert decline.code == "PAYMENT_FAILED"


def test_outside_test_mode_test_data_means_nothing():
    assert acquirer(upi_success_rate=1).answer("upi", DECLINE) is None


@pytest.mark.parametrize("settings", [{"upi_success_rate": 1.1}, {"processing_delay_min": 9, "processing_delay_max": 8}])
def test_settings_that_are_none(settings):
    with pytest.raises(ValidationError):
        acquirer(**settings)
