"""A queue that nobody takes from is noticed; one that moves, or is empty, or could not be looked at, is not."""

import secrets

import pytest
import redis
from chassis.jobs import QueueWatch

from chassis import jobs


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


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


def looks(watch: QueueWatch, clock: Clock, seconds: int, step_s: float = 1.0) -> list[bool]:
    found = []
    for _ in range(int(seconds / step_s)):
        clock.now += step_s
        found.append(watch.is_stuck())
    return found


def test_a_message_that_nobody_takes(server, queue, clock):
    watch = QueueWatch(server, queue, limit_s=30)
    server.lpush(queue, "first", "second")
    assert looks(watch, clock, 30) == [False] * 30
    assert looks(watch, clock, 1) == [True]


def test_a_queue_that_moves(server, queue, clock):
    watch = QueueWatch(server, queue, limit_s=30)
    for number in range(4):
        server.lpush(queue, f"message {number}")
        assert not any(looks(watch, clock, 20))
        server.rpop(queue)


def test_an_empty_queue(server, queue, clock):
    assert not any(looks(QueueWatch(server, queue, limit_s=30), clock, 100))


def test_a_long_pause_counts_for_one_look(server, queue, clock):
    watch = QueueWatch(server, queue, limit_s=30)
    server.lpush(queue, "message")
    assert not any(looks(watch, clock, 1000, step_s=100))
