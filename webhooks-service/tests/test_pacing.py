"""Windows: small at first, wider with success, down to one with time-outs; all suspects together get a part only."""

from __future__ import annotations

from webhooks.pacing import Pacing
from webhooks.settings import DeliverySettings

START, LIMIT = 4, 16


def pacing(**settings: int) -> Pacing:
    limits = {"webhook_merchant_window_start": START, "webhook_merchant_window_limit": LIMIT}
    return Pacing(DeliverySettings(**(limits | settings)))


def deliver(
    pacing: Pacing, merchant: str, times: int = 1, *, timed_out: bool = False, succeeded: bool = True, s: float = 0.05
) -> None:
    for _ in range(times):
        pacing.started(merchant)
    for _ in range(times):
        pacing.finished(merchant, timed_out=timed_out, succeeded=succeeded and not timed_out, duration_s=s)


def test_the_unknown_begin_small() -> None:
    assert pacing().windows(["a", "b"]) == {"a": START, "b": START}


def test_success_widens_up_to_the_limit() -> None:
    known = pacing()
    deliver(known, "a", 3)
    assert known.windows(["a"]) == {"a": START + 3}
    deliver(known, "a", 100)
    assert known.windows(["a"]) == {"a": LIMIT}


def test_time_outs_narrow_to_one_and_success_widens_again() -> None:
    known = pacing()
    deliver(known, "a", 10)
    deliver(known, "a", 5, timed_out=True)
    assert known.windows(["a"]) == {"a": 1}
    deliver(known, "a")
    assert known.windows(["a"]) == {"a": 2}


def test_quick_errors_do_not_narrow() -> None:
    known = pacing()
    deliver(known, "a", 5, succeeded=False)
    assert known.windows(["a"]) == {"a": START}


def test_slow_answers_widen_only_while_the_process_has_room() -> None:
    known = pacing(webhook_in_flight_limit=10)
    deliver(known, "slow", s=3)
    assert known.windows(["slow"]) == {"slow": START + 1}
    for number in range(8):
        known.started(f"other {number}")
    deliver(known, "slow", 5, s=3)
    assert known.windows(["slow"]) == {"slow": START}


def test_suspects_share_a_part_of_the_process() -> None:
    known = pacing(webhook_in_flight_suspect_limit=3)
    suspects = [f"suspect {number}" for number in range(10)]
    for suspect in suspects:
        deliver(known, suspect, START, timed_out=True)
    assert known.windows([*suspects, "new"]) == dict.fromkeys(suspects[:3], 1) | {"new": START}
    known.started(suspects[5])
    known.started(suspects[6])
    assert list(known.windows(suspects)) == [suspects[0]]
    known.finished(suspects[5], timed_out=True, succeeded=False, duration_s=5)
    assert list(known.windows(suspects)) == suspects[:2]
    known.finished(suspects[6], timed_out=False, succeeded=True, duration_s=0.1)
    assert known.windows(suspects[6:7]) == {suspects[6]: 2}
    assert list(known.windows(suspects)) == [*suspects[:3], suspects[6]]


def test_becoming_a_suspect_counts_what_is_under_way() -> None:
    known = pacing(webhook_in_flight_suspect_limit=3)
    for _ in range(START):
        known.started("a")
    for _ in range(2):
        known.finished("a", timed_out=True, succeeded=False, duration_s=5)
    deliver(known, "b", START, timed_out=True)
    deliver(known, "c", START, timed_out=True)
    assert known.windows(["b", "c"]) == {"b": 1}
