"""Public ids: a prefix and sixteen characters of ``[A-Za-z0-9]`` from the operating system's secure source."""

from __future__ import annotations

import os
import re

__all__ = ["ID_LENGTH", "id_pattern", "new_id"]

ID_LENGTH = 16
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# Bytes from 248 up are dropped: 248 is the largest multiple of 62 in a byte, so each character is equally likely.
_DROPPED = bytes(range(248, 256))
_TO_ALPHABET = bytes(_ALPHABET[i % 62] for i in range(256))
# The system is asked for many at once: a question costs what ten ids do. Taking one is a single step, safe in threads.
_ASKED_FOR = 4096
_spare: list[str] = []
# A child would draw what its parent draws.
os.register_at_fork(after_in_child=_spare.clear)


def new_id(prefix: str) -> str:
    """A fresh id such as ``order_NXhj67fGH2jk9mPq`` (95 bits); the primary key catches a collision."""
    while True:
        try:
            return prefix + _spare.pop()
        except IndexError:
            characters = os.urandom(_ASKED_FOR).translate(_TO_ALPHABET, _DROPPED).decode("ascii")
            whole = len(characters) - len(characters) % ID_LENGTH
            _spare.extend(characters[start : start + ID_LENGTH] for start in range(0, whole, ID_LENGTH))


def id_pattern(prefix: str) -> re.Pattern[str]:
    """What an id with this prefix looks like, for ``fullmatch``: anything else needs no look-up to be unknown."""
    return re.compile(rf"{re.escape(prefix)}[A-Za-z0-9]{{{ID_LENGTH}}}")
