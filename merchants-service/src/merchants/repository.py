"""Queries on this context's tables."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from merchants.models import Merchant, MerchantSession
from merchants.settings import PUBLISHED_API_KEY, PUBLISHED_API_SECRET, PUBLISHED_WEBHOOK_SECRET

__all__ = [
    "AttemptLimits",
    "add_session",
    "count_published_credentials",
    "find",
    "find_by_email",
    "forgive_attempt",
    "insert_unless_taken",
    "refuse_or_count_attempt",
    "revoke_session",
]


def find(session: Session, merchant_id: str, *, for_update: bool = False) -> Merchant | None:
    statement = select(Merchant).where(Merchant.id == UUID(merchant_id))
    return session.exec(statement.with_for_update() if for_update else statement).one_or_none()


def find_by_email(session: Session, email: str) -> Merchant | None:
    return session.exec(select(Merchant).where(Merchant.email == email)).one_or_none()


def insert_unless_taken(session: Session, merchant: Merchant) -> Merchant | None:
    """The inserted merchant, or None where the e-mail is taken (or the id or key, which only a seed can meet). The
    unique indexes decide, so of those who race for one e-mail one gets it."""
    values = merchant.model_dump(exclude_none=True)
    statement = insert(Merchant).values(**values).on_conflict_do_nothing().returning(Merchant)
    return session.scalars(statement).one_or_none()


def count_published_credentials(session: Session) -> int:
    """How many merchants still carry a key or secret that stands in the documentation."""
    statement = select(func.count()).where(
        (Merchant.api_key == PUBLISHED_API_KEY)
        | (Merchant.api_secret == PUBLISHED_API_SECRET)
        | (Merchant.webhook_secret == PUBLISHED_WEBHOOK_SECRET)
    )
    return session.exec(statement).one()


def add_session(session: Session, merchant_id: UUID, token_digest: bytes, lifetime_hours: int) -> None:
    """Starts a session. It is over when the database's clock says so, which is one clock for all services."""
    statement = insert(MerchantSession).values(
        token_digest=token_digest, merchant_id=merchant_id, expires_at=func.now() + func.make_interval(0, 0, 0, 0, lifetime_hours)
    )
    session.execute(statement)


def revoke_session(session: Session, token_digest: bytes) -> None:
    statement = (
        update(MerchantSession)
        .where(col(MerchantSession.token_digest) == token_digest, col(MerchantSession.revoked_at).is_(None))
        .values(revoked_at=func.now())
    )
    session.execute(statement)


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """How many failures a window takes, per e-mail with address and per address alone."""

    per_account: int
    per_address: int
    window_minutes: int


# The attempt is counted before the password is looked at, so attempts that arrive together cannot all slip in under
# the limit. What is over the limit changes nothing, and so does not make the wait longer. An address is not charged for
# attempts on an account that is closed to it already. Both rows are always locked in this order.
_COUNT_ATTEMPT = text("""
WITH account AS (
    INSERT INTO login_attempts AS a (subject, failures, expires_at)
    VALUES (:account, 1, now() + make_interval(mins => :window_minutes))
    ON CONFLICT (subject) DO UPDATE
    SET failures = CASE WHEN a.expires_at <= now() THEN 1 ELSE a.failures + 1 END,
        expires_at = CASE WHEN a.expires_at <= now() THEN excluded.expires_at ELSE a.expires_at END
    WHERE a.expires_at <= now() OR a.failures < :per_account
    RETURNING subject
), address AS (
    INSERT INTO login_attempts AS a (subject, failures, expires_at)
    SELECT :address, 1, now() + make_interval(mins => :window_minutes) FROM account
    ON CONFLICT (subject) DO UPDATE
    SET failures = CASE WHEN a.expires_at <= now() THEN 1 ELSE a.failures + 1 END,
        expires_at = CASE WHEN a.expires_at <= now() THEN excluded.expires_at ELSE a.expires_at END
    WHERE a.expires_at <= now() OR a.failures < :per_address
    RETURNING subject
)
SELECT EXISTS (SELECT FROM address),
       (SELECT ceil(extract(epoch FROM max(expires_at) - now()))::int
        FROM login_attempts
        WHERE (subject = :account AND failures >= :per_account) OR (subject = :address AND failures >= :per_address))
""")


def refuse_or_count_attempt(session: Session, account: bytes, address: bytes, limits: AttemptLimits) -> int | None:
    """Counts a sign-in as failed until it succeeds and returns None, or refuses it and returns the seconds to wait."""
    row = session.execute(
        _COUNT_ATTEMPT,
        {
            "account": account,
            "address": address,
            "per_account": limits.per_account,
            "per_address": limits.per_address,
            "window_minutes": limits.window_minutes,
        },
    ).one()
    counted, wait_s = row
    if counted:
        return None
    # The figure is from just before: a limit that was reached in this very moment is not in it.
    return max(1, wait_s if wait_s is not None else limits.window_minutes * 60)


def forgive_attempt(session: Session, account: bytes, address: bytes) -> None:
    """After a success: the account starts anew, and the address gets this one attempt back. It keeps its others, or
    whoever owns one account could go on guessing at those of others for ever."""
    session.execute(text("DELETE FROM login_attempts WHERE subject = :account"), {"account": account})
    session.execute(
        text("UPDATE login_attempts SET failures = greatest(failures - 1, 0) WHERE subject = :address"), {"address": address}
    )
