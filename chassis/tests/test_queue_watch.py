"""A queue that nobody takes from is noticed, and a consumer that takes nothing; one that moves, or is empty, or could not be
looked at, is not, and neither is a worker that has its hands full or its turn now and then."""

import secrets

import pytest
import redis
from chassis.jobs import IDLE_LIMIT_S, UNTAKEN_LIMIT_S, Consumer, QueueWatch

from chassis import jobs


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Hands:
    """What a worker has taken, and what of it keeps it busy."""

    def __init__(self, in_hand: int) -> None:
        self.taken = 0
        self.in_hand = in_hand


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(jobs, "time", clock)
    return clock


@pytest.fixture
def server(redis_url):
    with redis.Redis.from_url(redis_url) as server:
        yield server


@pytest.fixture
def queue(server):
    queue = f"test-{secrets.token_hex(4)}"
    yield queue
    server.delete(queue)


def watch_of(server: redis.Redis, queue: str, hands: Hands) -> QueueWatch:
    return QueueWatch(server, queue, Consumer(taken=lambda: hands.taken, in_hand=lambda: hands.in_hand))


def looks(watch: QueueWatch, clock: Clock, seconds: float, step_s: float = 1.0) -> list[bool]:
    found = []
    for _ in range(int(seconds / step_s)):
        clock.now += step_s
        found.append(watch.is_stuck())
    return found


def test_a_message_that_nobody_takes(server, queue, clock):
    watch = watch_of(server, queue, Hands(in_hand=1))
    server.lpush(queue, "first", "second")
    assert not any(looks(watch, clock, UNTAKEN_LIMIT_S))
    assert looks(watch, clock, 1) == [True]


def test_a_message_that_an_idle_worker_does_not_take(server, queue, clock):
    watch = watch_of(server, queue, Hands(in_hand=0))
    server.lpush(queue, "message")
    assert not any(looks(watch, clock, IDLE_LIMIT_S))
    assert looks(watch, clock, 1) == [True]


def test_a_queue_that_is_emptied_does_not_hide_an_idle_worker(server, queue, clock):
    """Redis forgets everything again and again, and what is due is handed over again: the worker is none the better."""
    watch = watch_of(server, queue, Hands(in_hand=0))
    found = []
    for number in range(5):
        server.lpush(queue, f"message {number}")
        found += looks(watch, clock, 4)
        server.delete(queue)
    assert found.count(True) > 0


def test_a_queue_that_moves(server, queue, clock):
    watch = watch_of(server, queue, Hands(in_hand=1))
    for number in range(4):
        server.lpush(queue, f"message {number}")
        assert not any(looks(watch, clock, UNTAKEN_LIMIT_S - 10))
        server.rpop(queue)


def test_a_worker_that_has_its_turn_now_and_then(server, queue, clock):
    hands = Hands(in_hand=0)
    watch = watch_of(server, queue, hands)
    for number in range(10):
        server.lpush(queue, f"message {number}")
        assert not any(looks(watch, clock, IDLE_LIMIT_S / 2))
        server.rpop(queue)
        hands.taken += 1


def test_an_empty_queue(server, queue, clock):
    assert not any(looks(watch_of(server, queue, Hands(in_hand=0)), clock, 100))


def test_a_long_pause_counts_for_one_look(server, queue, clock):
    watch = watch_of(server, queue, Hands(in_hand=0))
    server.lpush(queue, "message")
    assert not any(looks(watch, clock, 1000, step_s=200))
