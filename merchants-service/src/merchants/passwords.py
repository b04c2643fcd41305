"""Passwords: which are accepted, and how they are stored and checked without stalling or starving the service."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from chassis.errors import Unavailable
from prometheus_client import Counter

__all__ = ["PASSWORD_LENGTH_MAX", "PASSWORD_LENGTH_MIN", "Passwords", "problem_with"]

PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 128
# argon2id with 19 MiB and two passes, from the OWASP password storage recommendations: 28 ms on one core here. The
# library's default of 64 MiB and four lanes would take 145 ms and let a few sign-ins at once fill a small container.
_TIME_COST = 2
_MEMORY_COST_KIB = 19 * 1024
_LANES = 1
# What guessing tries first, among passwords that are long enough. Kept short: this stops the careless, and the
# throttle stops the rest.
_COMMONEST = frozenset(files("merchants").joinpath("commonest_passwords.txt").read_text("ascii").split())

_VERIFICATIONS = Counter("password_verifications_total", "Passwords verified, against somebody's hash or nobody's")


def problem_with(password: str, email: str) -> str | None:
    """Why a new password is not accepted, as the end of a sentence that begins with its name; None where it is."""
    length = len(_prepared(password))
    if length < PASSWORD_LENGTH_MIN:
        return f"must be at least {PASSWORD_LENGTH_MIN} characters long"
    if length > PASSWORD_LENGTH_MAX:
        return f"must be at most {PASSWORD_LENGTH_MAX} characters long"
    plain = password.strip().casefold()
    if plain == email.casefold():
        return "must not be the e-mail address"
    if plain in _COMMONEST or len(set(plain)) <= 1:
        return "is too common"
    return None


def _prepared(password: str) -> str:
    """One form for what looks the same: an accent may come as one character or two, depending on the keyboard.

    Source: https://www.rfc-editor.org/rfc/rfc8265#section-4.2 (OpaqueString)
    """
    return unicodedata.normalize("NFC", password)


class Passwords:
    """Hashes and verifies in threads, a bounded number at once, because each takes a core and 19 MiB.

    Both are called within ``turn()``, which a whole sign-in holds: so no more sign-ins are under way than can be
    worked on, and those that a throttle has let through are never more than that.
    """

    def __init__(self, concurrency: int, waiting_limit: int):
        self._hasher = PasswordHasher(time_cost=_TIME_COST, memory_cost=_MEMORY_COST_KIB, parallelism=_LANES)
        # Nobody knows this password: verifying against it takes as long as against a real one and always fails.
        self._nobodys_hash = self._hasher.hash(secrets.token_urlsafe())
        self._turns = asyncio.Semaphore(concurrency)
        self._waiting = 0
        self._waiting_limit = waiting_limit

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for one of the places; 503 where too many wait already."""
        if self._waiting >= self._waiting_limit:
            raise Unavailable("Too many sign-ins at the moment")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    async def hashed(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, _prepared(password))

    async def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hashed one. Without a hash the same work is done and the answer is no."""
        return await asyncio.to_thread(self._verify, password, password_hash)

    def _verify(self, password: str, password_hash: str | None) -> bool:
        _VERIFICATIONS.inc()
        try:
            self._hasher.verify(password_hash or self._nobodys_hash, _prepared(password))
        except VerifyMismatchError:
            return False
        return password_hash is not None
