"""Ids come from a secure source in one shape."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

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


def test_a_forked_child_draws_ids_of_its_own():
    """Workers fork: what their parent had ready must not be drawn in each of them."""
    new_id("")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, " ".join(new_id("") for _ in range(100)).encode())
        os._exit(0)
    mine = {new_id("") for _ in range(100)}
    os.waitpid(child, 0)
    theirs = set(os.read(reading, 10_000).decode().split())
    assert len(theirs) == 100
    assert not mine & theirs


def test_threads_draw_ids_of_their_own():
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(new_id, [""] * 20_000))
    assert len(set(drawn)) == 20_000
