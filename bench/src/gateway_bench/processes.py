"""What processes used, from ``/proc``: CPU in seconds, memory in bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devstack.orphans import descendants, process_table

__all__ = ["Memory", "busy_s", "cpu_s", "memory_of", "own_cpu_s"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, counted behind the command's closing bracket: utime, stime, cutime, cstime.
_TIMES = slice(11, 15)


@dataclass(frozen=True)
class Memory:
    """``rss`` counts shared pages in each process, ``pss`` splits them among those that share them. Bytes."""

    rss: int
    pss: int


def cpu_s(roots: Iterable[int]) -> float:
    """CPU that the processes and their descendants have used, with that of children that have ended."""
    children: dict[int, list[int]] = {}
    for entry in process_table():
        children.setdefault(entry.parent, []).append(entry.pid)
    total = 0.0
    for root in roots:
        total += sum(_times(root))
        waiting = list(children.get(root, ()))
        while waiting:
            pid = waiting.pop()
            total += _times(pid)[0]
            waiting += children.get(pid, ())
    return total


def _times(pid: int) -> tuple[float, float]:
    """Own CPU and that of children waited for; a process that is gone has none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    user, system, ended_user, ended_system = (int(part) for part in text.rpartition(")")[2].split()[_TIMES])
    return (user + system) / _TICKS_PER_S, (ended_user + ended_system) / _TICKS_PER_S


def own_cpu_s() -> float:
    """CPU of this process and of the children that it has waited for: load generators, pgbench."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def busy_s() -> float:
    """CPU that the whole machine has used since it started."""
    first = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq = (int(part) for part in first[:7])
    return (user + nice + system + irq + softirq) / _TICKS_PER_S


def memory_of(root: int) -> Memory:
    """Memory of a process and its descendants. 0 where the kernel does not show it to this user."""
    rss = pss = 0
    for pid in (root, *descendants(root)):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
        rss += sizes["Rss"]
        pss += sizes["Pss"]
    return Memory(rss, pss)
