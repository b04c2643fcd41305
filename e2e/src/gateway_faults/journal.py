"""What was sent, what came back, and what was done to the platform meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Fault", "Journal", "Probe", "Sent"]


@dataclass(frozen=True)
class Sent:
    """One request and its answer. ``status`` is 0 where none came: then it may or may not have been carried out.

    ``tag`` is stored with what the request creates and is unique to it; requests with one ``key`` share one.
    ``subject`` is the order or payment that it is about. Card payments have no room for a tag and none.
    """

    at: float
    operation: str
    tag: str
    key: str | None
    subject: str
    status: int
    body: bytes = b""

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """For certain: 5xx and no answer at all leave it open."""
        return 400 <= self.status < 500


@dataclass(frozen=True)
class Fault:
    """Something that was done to the platform. ``ended`` is when it was left alone again."""

    at: float
    ended: float
    kind: str
    target: str


@dataclass(frozen=True)
class Probe:
    """An order that was made and paid, from its first request to the bank's answer."""

    started: float
    finished: float


@dataclass
class Journal:
    """Filled by many threads. Times are seconds since it was begun."""

    sent: list[Sent] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    # When a probe was begun that came to nothing, and why.
    failed_probes: list[tuple[float, str]] = field(default_factory=list)
    _begun: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clock(self) -> float:
        return time.monotonic() - self._begun

    def add(self, entry: Sent | Fault | Probe) -> None:
        with self._lock:
            if isinstance(entry, Sent):
                self.sent.append(entry)
            elif isinstance(entry, Fault):
                self.faults.append(entry)
            else:
                self.probes.append(entry)

    def lasting(self) -> list[Fault]:
        """Those after which nothing was paid any more."""
        return [fault for fault in self.faults if self.recovery_s(fault) is None]

    def slowest_recovery_s(self, faults: Sequence[Fault]) -> float | None:
        """None where one of the faults lasts; 0 where there are none."""
        recoveries = [self.recovery_s(fault) for fault in faults]
        return None if None in recoveries else max((r for r in recoveries if r is not None), default=0.0)

    def recovery_s(self, fault: Fault) -> float | None:
        """From the end of a fault to the first payment that was begun after it and settled; None where none was.

        The time in which something else was being done to the platform does not count: PostgreSQL taken away for four
        seconds says nothing about the worker that was killed a moment before.
        """
        finished = min((probe.finished for probe in self.probes if probe.started >= fault.ended), default=None)
        if finished is None:
            return None
        # One fault is done after another, so none overlap.
        others = [(max(other.at, fault.ended), min(other.ended, finished)) for other in self.faults]
        return finished - fault.ended - sum(max(0.0, end - start) for start, end in others)
