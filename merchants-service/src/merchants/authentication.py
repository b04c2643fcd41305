"""Who a request comes from: an API key pair, or a dashboard session.

Credentials are read from the views ``merchant_credentials`` and ``merchant_session_credentials`` with the calling
service's own role, for all requests that wait at once, and kept for two seconds, which turns most authentications into
a dictionary look-up and a digest.
Secrets are compared as digests in constant time, also for keys that do not exist; session tokens are looked up by
their digest, of which no timing tells anything useful.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from chassis.db import Cursor, Database
from chassis.errors import Unauthenticated
from chassis.lanes import Lane
from starlette.requests import Request

from merchants.same_origin import require_same_origin
from merchants.settings import PUBLISHED_API_KEY, PUBLISHED_API_SECRET, AuthenticationSettings

__all__ = ["SESSION_COOKIE", "Authenticator", "Principal", "new_session_token", "session_token_digest"]

SESSION_COOKIE = "gateway_session"

# Bounds the memory that a crowd of valid keys or sessions can take; unknown ones are never kept.
_CACHE_LIMIT = 10_000
# Every request waits for this first; a database that takes longer for a row by its key is not there, and who asks is told
# within two seconds: the lane looks four times a second who has waited for too long.
_READ_TIMEOUT_MS = 1700
_READS_LIMIT = 1000
# Compared with where there is no such key, so that both cases take the same time.
_NOBODY = secrets.token_bytes(32)
_API_KEY_LENGTH_MAX = 64
_PUBLISHED_DIGEST = hashlib.sha256(PUBLISHED_API_SECRET.encode()).digest()
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Principal:
    """The merchant that a request speaks for."""

    merchant_id: str
    name: str
    public_orders_enabled: bool


class _Read(Protocol):
    """Something that was read from the database, when."""

    @property
    def read_at(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Credential:
    principal: Principal
    secret_digest: bytes
    is_active: bool
    read_at: float


@dataclass(frozen=True, slots=True)
class _Session:
    principal: Principal
    is_active: bool
    ends_at: float
    read_at: float


# By API key, and by the digest of a session's token.
_Found = dict[str | bytes, _Credential | _Session]

Name = TypeVar("Name", bound=Hashable)
Entry = TypeVar("Entry", bound=_Read)


class _Kept(Generic[Name, Entry]):
    """What was read lately, by name. Times are the monotonic clock's."""

    def __init__(self, lifetime_s: float, read: Callable[[Name], Awaitable[Entry | None]]):
        self._lifetime_s = lifetime_s
        self._read = read
        self._entries: OrderedDict[Name, Entry] = OrderedDict()

    async def get(self, name: Name) -> Entry | None:
        kept = self._entries.get(name)
        if kept is not None and time.monotonic() - kept.read_at < self._lifetime_s:
            return kept
        self._entries.pop(name, None)
        entry = await self._read(name)
        if entry is not None and self._lifetime_s > 0:
            self._entries[name] = entry
            if len(self._entries) > _CACHE_LIMIT:
                self._entries.popitem(last=False)
        return entry


class Authenticator:
    """One per service process; its methods are called from the event loop. Its ``lane`` is to be started with the service's."""

    def __init__(self, database: Database, settings: AuthenticationSettings):
        self._published_accepted = settings.environment != "production"
        # An API key is looked up by its text, a session by its token's digest.
        self.lane: Lane[str | bytes, Any] = Lane(
            "credentials", database, self._look_up, queue_limit=_READS_LIMIT, timeout_ms=_READ_TIMEOUT_MS, reads_only=True
        )
        lifetime_s = settings.credential_cache_ms / 1000
        self._credentials: _Kept[str, _Credential] = _Kept(lifetime_s, self.lane.submit)
        self._sessions: _Kept[bytes, _Session] = _Kept(lifetime_s, self.lane.submit)

    async def merchant(self, request: Request) -> Principal:
        """The caller of a merchant endpoint: by its key pair where the request has one, or part of one, else by its
        session. 401 without valid credentials; 403 for a session's write without a proof of same origin."""
        api_key = request.headers.get("x-api-key")
        api_secret = request.headers.get("x-api-secret")
        if api_key is None and api_secret is None:
            return _remembered(request, await self._by_session(request))
        if api_key is None or api_secret is None:
            raise Unauthenticated()
        credential = await self._credential(api_key)
        digest = hashlib.sha256(api_secret.encode("utf-8", "surrogatepass")).digest()
        matches = hmac.compare_digest(digest, credential.secret_digest if credential else _NOBODY)
        if credential is None or not matches or not credential.is_active:
            raise Unauthenticated()
        return _remembered(request, credential.principal)

    async def publishable(self, request: Request) -> Principal:
        """The merchant of a publishable key alone, for what a merchant's page may do without the secret."""
        api_key = request.headers.get("x-api-key")
        credential = await self._credential(api_key) if api_key is not None else None
        if credential is None or not credential.is_active:
            raise Unauthenticated()
        return _remembered(request, credential.principal)

    async def _by_session(self, request: Request) -> Principal:
        token = request.cookies.get(SESSION_COOKIE)
        if token is None:
            raise Unauthenticated()
        if request.method not in _SAFE_METHODS:
            require_same_origin(request.headers)
        digest = session_token_digest(token)
        session = await self._sessions.get(digest) if digest is not None else None
        if session is None or not session.is_active or time.monotonic() >= session.ends_at:
            raise Unauthenticated()
        return session.principal

    async def _credential(self, api_key: str) -> _Credential | None:
        # No column holds a longer one, and no text of PostgreSQL's a NUL.
        if len(api_key) > _API_KEY_LENGTH_MAX or "\0" in api_key:
            return None
        return await self._credentials.get(api_key)

    def _look_up(self, cursor: Cursor, names: Sequence[str | bytes]) -> list[_Credential | _Session | None]:
        found: _Found = {}
        if keys := [name for name in names if isinstance(name, str)]:
            found.update(self._read_credentials(cursor, keys))
        if digests := [name for name in names if isinstance(name, bytes)]:
            found.update(_read_sessions(cursor, digests))
        return [found.get(name) for name in names]

    def _read_credentials(self, cursor: Cursor, api_keys: list[str]) -> _Found:
        read_at = time.monotonic()
        cursor.execute(
            "SELECT api_key, merchant_id::text, name, public_orders_enabled, api_secret_digest, is_active"
            " FROM merchant_credentials WHERE api_key = ANY (%s)",
            (api_keys,),
        )
        credentials: _Found = {}
        for api_key, merchant_id, name, public_orders_enabled, digest, is_active in cursor.fetchall():
            published = api_key == PUBLISHED_API_KEY or bytes(digest) == _PUBLISHED_DIGEST
            accepted = is_active and (self._published_accepted or not published)
            principal = Principal(merchant_id, name, public_orders_enabled)
            credentials[api_key] = _Credential(principal, bytes(digest), accepted, read_at)
        return credentials


def _read_sessions(cursor: Cursor, digests: list[bytes]) -> _Found:
    read_at = time.monotonic()
    cursor.execute(
        "SELECT token_digest, merchant_id::text, name, public_orders_enabled, is_active,"
        " extract(epoch FROM expires_at - now())::float8"
        " FROM merchant_session_credentials WHERE token_digest = ANY (%s)",
        (digests,),
    )
    sessions: _Found = {}
    for digest, merchant_id, name, public_orders_enabled, is_active, left_s in cursor.fetchall():
        principal = Principal(merchant_id, name, public_orders_enabled)
        sessions[bytes(digest)] = _Session(principal, is_active, read_at + left_s, read_at)
    return sessions


def new_session_token() -> tuple[str, bytes]:
    """A token for a cookie (32 random bytes in base64url), and its digest, which alone is stored."""
    token = secrets.token_urlsafe(32)
    return token, hashlib.sha256(token.encode("ascii")).digest()


def session_token_digest(token: str) -> bytes | None:
    """What a session is found by; None for a text that cannot be a token."""
    return hashlib.sha256(token.encode("ascii")).digest() if _TOKEN.fullmatch(token) else None


def _remembered(request: Request, principal: Principal) -> Principal:
    """Notes the merchant for the access log."""
    request.state.merchant_id = principal.merchant_id
    return principal
