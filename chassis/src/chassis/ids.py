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


def new_id(prefix: str) -> str:
    """A fresh id such as ``order_NXhj67fGH2jk9mPq`` (95 bits); the primary key catches a collision."""
    characters = b""
    while len(characters) < ID_LENGTH:
        characters += os.urandom(24).translate(_TO_ALPHABET, _DROPPED)
    return prefix + characters[:ID_LENGTH].decode("ascii")


def id_pattern(prefix: str) -> re.Pattern[str]:
    """What an id with this prefix looks like, for ``fullmatch``: anything else needs no look-up to be unknown."""
    return re.compile(rf"{re.escape(prefix)}[A-Za-z0-9]{{{ID_LENGTH}}}")
