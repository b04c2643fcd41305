"""Processes whose supervisor was killed: found by the session that they share with it."""

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

TERMINATE_TIMEOUT_SECONDS = 15
# A killed process stays in the table for a moment, the longer the busier the machine.
LEAVE_TIMEOUT_SECONDS = 3
POLL_SECONDS = 0.05
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclasses.dataclass(frozen=True)
class ProcessEntry:
    """A line of the system's process table."""

    pid: int
    state: str
    parent: int
    session: int


def process_table() -> Iterator[ProcessEntry]:
    """Every process, where this system tells (Linux), else none."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:  # gone meanwhile
            continue
        # The name in parentheses may hold anything; the fields behind the last one do not.
        state, parent, _, session = text.rpartition(")")[2].split()[:4]
        yield ProcessEntry(int(folder.name), state, int(parent), int(session))


def descendants(pid: int) -> list[int]:
    """A process's children and theirs."""
    children: dict[int, list[int]] = {}
    for entry in process_table():
        children.setdefault(entry.parent, []).append(entry.pid)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        next_children = children.get(waiting.pop(), [])
        found.extend(next_children)
        waiting.extend(next_children)
    return found


def process_exists(pid: int) -> bool:
    """Whether a process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remember_boot(run: Path) -> None:
    """Notes since when process ids count: after a restart of the machine they are somebody else's."""
    if BOOT_ID.exists():
        (run / "boot").write_text(BOOT_ID.read_text())


def members(run: Path) -> tuple[int, list[int]]:
    """The supervisor's process id and the processes of its session, it included while it is there.

    The supervisor is the leader of a session that its processes stay in, and the system gives a
    session's number to nobody else while the session has members. The supervisor removes its pid file
    when it stops in order.
    """
    try:
        session = int((run / "supervisord.pid").read_text())
        same_boot = (run / "boot").read_text() == BOOT_ID.read_text()
    except (FileNotFoundError, ValueError):
        return 0, []
    if not same_boot:
        return session, []
    return session, [entry.pid for entry in process_table() if entry.session == session and entry.state != "Z"]


def orphans(run: Path) -> list[int]:
    """What a killed supervisor left behind; nothing while it is there."""
    session, pids = members(run)
    return [] if session in pids else pids


def end_orphans(run: Path) -> int:
    """Ends what a killed supervisor left behind, gently first; answers how many there were."""
    deadline = time.monotonic() + LEAVE_TIMEOUT_SECONDS
    while not (found := orphans(run)) and members(run)[1] and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    send_signal(found, signal.SIGTERM)
    deadline = time.monotonic() + TERMINATE_TIMEOUT_SECONDS
    while remaining := orphans(run):
        if time.monotonic() > deadline:
            send_signal(remaining, signal.SIGKILL)
            break
        time.sleep(POLL_SECONDS)
    (run / "supervisord.pid").unlink(missing_ok=True)
    return len(found)


def send_signal(pids: list[int], number: int) -> None:
    """Sends a signal to those that are still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
