"""UPI addresses and cards: what is accepted, what is said of the rest, and what is kept."""

from datetime import UTC, datetime

import pytest
from payments.errors import ExpiredCard, InvalidCard, InvalidVpa
from payments.instruments import card_network, passes_luhn, read_card, read_upi

TODAY = datetime(2026, 6, 15, tzinfo=UTC)
GOOD = {"number": "4111111111111111", "expiry_month": "12", "expiry_year": "2030", "cvv": "123", "holder_name": "Asha Rao"}


@pytest.mark.parametrize("vpa", ["user@paytm", "john.doe@okhdfcbank", "user_123@phonepe", "a-b.c_d@X9", "a@b"])
def test_addresses(vpa):
    assert read_upi(vpa).vpa == vpa


@pytest.mark.parametrize(
    "vpa",
    [
        "user @paytm",
        "@paytm",
        "user@@bank",
        "user@",
        "user",
        "",
        "a@b\n",
        "a@b.c",
        "ü@bank",
        "a@bänk",
        "a@" + "b" * 254,
        None,
        5,
        True,
        [],
    ],
)
def test_what_is_no_address(vpa):
    with pytest.raises(InvalidVpa):
        read_upi(vpa)


@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("4111111111111111", "visa"),
        ("5555555555554444", "mastercard"),
        ("5105105105105100", "mastercard"),
        ("378282246310005", "amex"),
        ("343434343434343", "amex"),
        ("6011111111111117", "rupay"),
        ("6521111111111117", "rupay"),
        ("8100000000000000", "rupay"),
        ("8900000000000000", "rupay"),
        ("8000000000000000", "unknown"),
        ("9000000000000000", "unknown"),
        ("5000000000000000", "unknown"),
        ("5600000000000000", "unknown"),
        ("3530111333300000", "unknown"),
        ("2221000000000009", "unknown"),
    ],
)
def test_networks(number, network):
    assert card_network(number) == network


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "79927398713", "4000000000000002"])
def test_luhn_accepts(number):
    assert passes_luhn(number)


@pytest.mark.parametrize("number", ["4111111111111112", "1234567890123456", "79927398710"])
def test_luhn_refuses(number):
    assert not passes_luhn(number)


def test_every_single_wrong_digit_and_nearly_every_swap_is_noticed():
    number = "4539578763621486"
    assert passes_luhn(number)
    for place, digit in enumerate(number):
        for other in set("0123456789") - {digit}:
            assert not passes_luhn(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"number": "4111 1111-1111 1111"},
        {"expiry_month": 12, "expiry_year": 2030},
        {"expiry_year": "30"},
        {"expiry_year": 30},
        {"expiry_month": "6", "expiry_year": "2026"},
        {"expiry_month": "06", "expiry_year": "26"},
        {"cvv": "1234"},
        {"cvv": 123},
    ],
)
def test_cards(changes):
    card = read_card(GOOD | changes, TODAY)
    assert (card.network, card.last4) == ("visa", "1111")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"number": "4111111111111112"}, InvalidCard),
        ({"number": "411111111111"}, InvalidCard),
        ({"number": "4" * 20}, InvalidCard),
        ({"number": "٤١١١١١١١١١١١١١١١"}, InvalidCard),
        ({"number": "4111111111111111\n"}, InvalidCard),
        ({"number": 4111111111111111}, InvalidCard),
        ({"number": None}, InvalidCard),
        ({"number": ["4111111111111111"]}, InvalidCard),
        ({"cvv": "12"}, InvalidCard),
        ({"cvv": "12345"}, InvalidCard),
        ({"cvv": "12a"}, InvalidCard),
        ({"cvv": None}, InvalidCard),
        ({"cvv": True}, InvalidCard),
        ({"holder_name": ""}, InvalidCard),
        ({"holder_name": "  "}, InvalidCard),
        ({"holder_name": 5}, InvalidCard),
        ({"expiry_month": None}, InvalidCard),
        ({"expiry_year": None}, InvalidCard),
        ({"expiry_month": "13"}, ExpiredCard),
        ({"expiry_month": "0"}, ExpiredCard),
        ({"expiry_month": "-1"}, ExpiredCard),
        ({"expiry_month": "x"}, ExpiredCard),
        ({"expiry_month": True}, ExpiredCard),
        ({"expiry_month": 1.5}, ExpiredCard),
        ({"expiry_year": "203"}, ExpiredCard),
        ({"expiry_month": "5", "expiry_year": "2026"}, ExpiredCard),
        ({"expiry_month": "12", "expiry_year": "25"}, ExpiredCard),
    ],
)
def test_what_is_no_card(changes, error):
    with pytest.raises(error):
        read_card(GOOD | changes, TODAY)


@pytest.mark.parametrize("card", [None, "4111111111111111", 5, [], True])
def test_a_card_is_an_object(card):
    with pytest.raises(InvalidCard):
        read_card(card, TODAY)


def test_nothing_of_a_card_is_kept_but_network_and_four_digits():
    card = read_card(GOOD | {"number": "4539578763621486", "cvv": "987"}, TODAY)
    assert "453957876362" not in repr(card)
    assert "987" not in repr(card)


@pytest.mark.parametrize("changes", [{"number": "4539578763621487"}, {"cvv": "98765"}])
def test_no_error_repeats_number_or_cvv(changes):
    sent = GOOD | changes
    with pytest.raises(InvalidCard) as refused:
        read_card(sent, TODAY)
    assert not any(value in str(refused.value) + refused.value.body().decode() for value in changes.values())
