"""Settings of webhook delivery. Every limit is here, with its reason."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from webhooks.states import ATTEMPTS_MAX

__all__ = ["DeliverySettings", "retry_intervals"]

_LIVE_INTERVALS_S = (0.0, 60.0, 300.0, 1800.0, 7200.0)
_TEST_INTERVALS_S = (0.0, 5.0, 10.0, 15.0, 20.0)
# A day: nobody tests with more, and a slip of the keyboard must not park deliveries for years.
_INTERVAL_MAX_S = 86_400.0


class DeliverySettings(BaseSettings):
    """What the delivery of webhooks takes from the environment."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    webhook_retry_intervals_test: str = "false"
    # Webhook URLs may point to private and loopback addresses. The local set-ups turn it on.
    webhook_allow_private_targets: bool = False
    # For name, connection, TLS, request and response together. Receivers are asked to queue, not to work.
    webhook_timeout_ms: int = Field(default=5000, ge=100, le=60_000)
    # Kept of a response, for people who look why a delivery failed; the rest is not even read.
    webhook_response_head_bytes: int = Field(default=10_240, ge=0, le=1_048_576)
    # POSTs under way in one process. Each holds a socket and some 50 KiB, also while its receiver sleeps.
    webhook_in_flight_limit: int = Field(default=1000, ge=1, le=20_000)
    # Of these, at most so many may be for endpoints that last timed out: however many hang, the others have room.
    webhook_in_flight_suspect_limit: int = Field(default=300, ge=1, le=20_000)
    # POSTs under way for one merchant. It begins small, so that an endpoint that hangs at first sight holds little,
    # and grows with every success: 100 in flight at 50 ms are 2,000 a second.
    webhook_merchant_window_start: int = Field(default=4, ge=1, le=1000)
    webhook_merchant_window_limit: int = Field(default=100, ge=1, le=1000)
    # Threads that resolve host names: as many names may hang at once before others wait for them.
    webhook_resolver_threads: int = Field(default=64, ge=1, le=1000)

    @field_validator("webhook_retry_intervals_test")
    @classmethod
    def _is_intervals(cls, value: str) -> str:
        retry_intervals(value)
        return value

    @property
    def retry_intervals_s(self) -> tuple[float, ...]:
        """Seconds before each of the five attempts; the first is always 0."""
        return retry_intervals(self.webhook_retry_intervals_test)

    @property
    def lease_s(self) -> float:
        """How long a claimed delivery is left alone: the POST, plus up to 8 s in the queue, plus 2 s to record it.
        A worker that is killed delays its deliveries by this much."""
        return self.webhook_timeout_ms / 1000 + 10

    @property
    def lease_needed_s(self) -> float:
        """What must be left of a lease for its delivery to begin: less, and somebody else could begin it too."""
        return self.webhook_timeout_ms / 1000 + 2


def retry_intervals(value: str) -> tuple[float, ...]:
    """``true``: short ones for tests; ``false``: the real ones; or four numbers of seconds, ``5,10,15,20``, after
    the first attempt (a leading 0 for the first itself may be there)."""
    word = value.strip().lower()
    if word in ("", "false", "0", "no", "off"):
        return _LIVE_INTERVALS_S
    if word in ("true", "1", "yes", "on"):
        return _TEST_INTERVALS_S
    try:
        intervals = [float(part) for part in word.split(",")]
    except ValueError:
        intervals = []
    if len(intervals) == ATTEMPTS_MAX and intervals[0] == 0:
        intervals = intervals[1:]
    if len(intervals) != ATTEMPTS_MAX - 1 or not all(0 <= interval <= _INTERVAL_MAX_S for interval in intervals):
        raise ValueError("must be true, false, or four intervals in seconds such as 5,10,15,20")
    return (0.0, *intervals)
