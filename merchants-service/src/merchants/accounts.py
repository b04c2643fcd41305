"""Signing up, in and out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from chassis.db import Database
from chassis.errors import BadRequest, RateLimited, Unauthenticated
from chassis.signing import new_signing_secret
from prometheus_client import Counter
from sqlmodel import Session

from merchants import repository
from merchants.authentication import new_session_token, session_token_digest
from merchants.emails import normalised_email
from merchants.models import Merchant
from merchants.passwords import Passwords, problem_with
from merchants.service import TEST_MERCHANT_ID, new_api_keys
from merchants.settings import MerchantsSettings

__all__ = ["Accounts", "SignedIn"]

# The same words for an unknown e-mail and a wrong password: which e-mails have accounts is nobody's business.
_NOT_SIGNED_IN = "Invalid email or password"

_SIGN_INS = Counter("sign_ins_total", "Attempts to sign in", ["outcome"])


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A merchant and the token of the session just started, which is kept nowhere but in the browser."""

    merchant: Merchant
    token: str = field(repr=False)


class Accounts:
    """One per service process; its methods are called from the event loop.

    ``presented_token`` is the session that the browser came with: it ends where a new one starts, so a session that
    somebody planted in a browser beforehand never becomes a signed-in one.
    """

    def __init__(self, database: Database, settings: MerchantsSettings):
        self._database = database
        self._settings = settings
        self._passwords = Passwords(settings.password_hash_concurrency, settings.password_waiting_limit)
        self._limits = repository.AttemptLimits(
            settings.login_failures_per_account, settings.login_failures_per_address, settings.login_window_minutes
        )

    async def sign_up(self, name: str, email: str, password: str, *, presented_token: str | None) -> SignedIn:
        """A new merchant with keys of its own, signed in. 400 where the e-mail or the password is not accepted."""
        normalised = normalised_email(email)
        if normalised is None:
            raise BadRequest("email must be a valid e-mail address")
        if problem := problem_with(password, normalised):
            raise BadRequest(f"password {problem}")
        async with self._passwords.turn():
            password_hash = await self._passwords.hashed(password)
        api_key, api_secret = new_api_keys()
        merchant = Merchant(
            name=name,
            email=normalised,
            password_hash=password_hash,
            api_key=api_key,
            api_secret=api_secret,
            webhook_secret=new_signing_secret(),
        )

        def insert(session: Session) -> SignedIn:
            inserted = repository.insert_unless_taken(session, merchant)
            if inserted is None:
                raise BadRequest("email is already registered")
            return SignedIn(inserted, self._start_session(session, inserted, presented_token))

        return await self._database.run(insert)

    async def log_in(self, email: str, password: str, *, client_address: str, presented_token: str | None) -> SignedIn:
        """401 without the right password, after the same work for every e-mail; 429 after too many failures."""
        normalised = normalised_email(email)
        account = _subject("account", normalised or email, client_address)
        address = _subject("address", client_address)

        def admit(session: Session) -> Merchant | None:
            wait_s = repository.refuse_or_count_attempt(session, account, address, self._limits)
            if wait_s is not None:
                raise RateLimited("Too many failed sign-ins, try again later", wait_s)
            return repository.find_by_email(session, normalised) if normalised else None

        def sign_in(session: Session, merchant: Merchant) -> SignedIn:
            repository.forgive_attempt(session, account, address)
            return SignedIn(merchant, self._start_session(session, merchant, presented_token))

        async with self._passwords.turn():
            try:
                merchant = await self._database.run(admit)
            except RateLimited:
                _SIGN_INS.labels("throttled").inc()
                raise
            right = await self._is_right(merchant, password)
            if merchant is None or not right:
                _SIGN_INS.labels("refused").inc()
                raise Unauthenticated(_NOT_SIGNED_IN)
            signed_in = await self._database.run(lambda session: sign_in(session, merchant))
        _SIGN_INS.labels("accepted").inc()
        return signed_in

    async def log_out(self, presented_token: str) -> None:
        """Ends the session; one that is over already, or never was, is no error."""
        digest = session_token_digest(presented_token)
        if digest is not None:
            await self._database.run(lambda session: repository.revoke_session(session, digest))

    async def _is_right(self, merchant: Merchant | None, password: str) -> bool:
        if merchant is not None and self._takes_any_password(merchant):
            return merchant.is_active
        matches = await self._passwords.is_right(password, merchant.password_hash if merchant else None)
        return matches and merchant is not None and merchant.is_active

    def _takes_any_password(self, merchant: Merchant) -> bool:
        settings = self._settings
        return (
            settings.test_merchant_any_password
            and settings.environment != "production"
            and merchant.id == TEST_MERCHANT_ID
            and merchant.email == settings.test_merchant_email
        )

    def _start_session(self, session: Session, merchant: Merchant, presented_token: str | None) -> str:
        previous = session_token_digest(presented_token) if presented_token else None
        if previous is not None:
            repository.revoke_session(session, previous)
        token, digest = new_session_token()
        repository.add_session(session, merchant.id, digest, self._settings.session_lifetime_hours)
        return token


def _subject(*parts: str) -> bytes:
    """Whom attempts are counted for: a digest, so that the table says nothing of who tried to sign in from where."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
