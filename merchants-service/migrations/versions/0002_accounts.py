"""Dashboard sessions, what other services need to know one by, and the counters that slow down password guessing."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERVICES = "merchants_service, webhooks_service, orders_service, payments_service, refunds_service"


def upgrade() -> None:
    # The token itself is in the browser's cookie alone: who reads this table can sign in as nobody.
    op.execute("""
        CREATE TABLE merchant_sessions (
            token_digest bytea PRIMARY KEY,
            merchant_id uuid NOT NULL REFERENCES merchants (id),
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            CONSTRAINT merchant_sessions_token_digest CHECK (octet_length(token_digest) = 32),
            CONSTRAINT merchant_sessions_expires_at CHECK (expires_at > created_at)
        )
    """)
    op.execute("CREATE INDEX merchant_sessions_expiry ON merchant_sessions (expires_at)")
    # What every service reads of a session: those that are over are not in it.
    op.execute("""
        CREATE VIEW merchant_session_credentials AS
        SELECT s.token_digest, s.merchant_id, m.name, m.public_orders_enabled, s.expires_at, m.is_active
        FROM merchant_sessions AS s JOIN merchants AS m ON m.id = s.merchant_id
        WHERE s.revoked_at IS NULL AND s.expires_at > now()
    """)
    # ``subject`` is a digest of a client's address, with or without the e-mail that was tried from it.
    op.execute("""
        CREATE TABLE login_attempts (
            subject bytea PRIMARY KEY,
            failures integer NOT NULL,
            expires_at timestamptz NOT NULL,
            CONSTRAINT login_attempts_subject CHECK (octet_length(subject) = 32),
            CONSTRAINT login_attempts_failures CHECK (failures >= 0)
        )
    """)
    op.execute("CREATE INDEX login_attempts_expiry ON login_attempts (expires_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON merchant_sessions, login_attempts TO merchants_service")
    op.execute(f"GRANT SELECT ON merchant_session_credentials TO {_SERVICES}")


def downgrade() -> None:
    op.execute("DROP TABLE login_attempts")
    op.execute("DROP VIEW merchant_session_credentials")
    op.execute("DROP TABLE merchant_sessions")
