"""Shows the processes' log files, each line with the name of its process."""

import os
import time
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

LINES_SHOWN = 50
POLL_SECONDS = 0.2
NAME_WIDTH = 16


def last_lines(path: Path, count: int = LINES_SHOWN, offset: int = 0) -> list[str]:
    """The last lines of a log from a position on, empty where there is no log yet."""
    if not path.exists():
        return []
    with path.open(errors="replace") as file:
        file.seek(min(offset, path.stat().st_size))
        return [line.rstrip("\n") for line in deque(file, maxlen=count)]


def show_last_lines(files: Mapping[str, Path]) -> None:
    """The end of every log, one after another."""
    for name, path in files.items():
        show(name, last_lines(path))


def follow_logs(files: Mapping[str, Path]) -> None:
    """New lines as they come, also after a log was rotated; never returns by itself."""
    opened = {name: open_at_end(path) for name, path in files.items()}
    while True:
        for name, path in files.items():
            show(name, opened[name].readlines())
            if path.exists() and os.fstat(opened[name].fileno()).st_ino != path.stat().st_ino:
                opened[name].close()
                opened[name] = path.open(errors="replace")
        time.sleep(POLL_SECONDS)


def open_at_end(path: Path) -> TextIO:
    """The log, positioned behind its last line."""
    path.touch()
    file = path.open(errors="replace")
    file.seek(0, os.SEEK_END)
    return file


def show(name: str, lines: Iterable[str]) -> None:
    """Lines of one process."""
    for line in lines:
        print(f"{name:<{NAME_WIDTH}} | {line.rstrip()}", flush=True)
