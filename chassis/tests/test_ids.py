"""Ids come from a secure source in one shape."""

import re

from chassis.ids import id_pattern, new_id


def test_an_id_is_its_prefix_and_sixteen_letters_or_digits():
    assert all(re.fullmatch(r"order_[A-Za-z0-9]{16}", new_id("order_")) for _ in range(1000))


def test_ids_do_not_repeat():
    assert len({new_id("") for _ in range(10_000)}) == 10_000


def test_every_character_is_about_equally_likely():
    text = "".join(new_id("") for _ in range(10_000))
    counts = [text.count(character) for character in set(text)]
    assert len(counts) == 62
    expected = len(text) / 62
    # Six standard deviations of a binomial: one false alarm in a hundred million runs.
    assert max(abs(count - expected) for count in counts) < 6 * expected**0.5


def test_the_pattern_refuses_a_final_newline():
    assert id_pattern("pay_").fullmatch(new_id("pay_"))
    assert not id_pattern("pay_").fullmatch(new_id("pay_") + "\n")
