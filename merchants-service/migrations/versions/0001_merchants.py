"""Merchants, what others may know of them, and the idempotency keys scoped to them."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERVICES = "merchants_service, webhooks_service, orders_service, payments_service, refunds_service"
_OTHER_OWNERS = "webhooks_owner, orders_owner, payments_owner, refunds_owner"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE merchants (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name varchar(255) NOT NULL,
            email varchar(255) NOT NULL UNIQUE,
            password_hash text,
            api_key varchar(64) NOT NULL UNIQUE,
            api_secret varchar(64) NOT NULL,
            webhook_url text,
            webhook_secret varchar(64),
            previous_webhook_secret varchar(64),
            previous_webhook_secret_expires_at timestamptz,
            public_orders_enabled boolean NOT NULL DEFAULT false,
            is_active boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT merchants_email_is_normalised CHECK (email = lower(email))
        )
    """)
    # What every service needs to know of a caller. Secrets leave this context as digests only.
    op.execute("""
        CREATE VIEW merchant_credentials AS
        SELECT id AS merchant_id, name, api_key, sha256(convert_to(api_secret, 'UTF8')) AS api_secret_digest,
               public_orders_enabled, is_active
        FROM merchants
    """)
    op.execute("""
        CREATE VIEW merchant_endpoints AS
        SELECT id AS merchant_id, webhook_url AS url, webhook_secret AS secret,
               CASE WHEN previous_webhook_secret_expires_at > now() THEN previous_webhook_secret END AS previous_secret
        FROM merchants
        WHERE webhook_url IS NOT NULL
    """)
    # The response is ``json``, not ``jsonb``: it keeps the very bytes that were answered.
    op.execute("""
        CREATE TABLE idempotency_keys (
            merchant_id uuid NOT NULL REFERENCES merchants (id),
            endpoint varchar(64) NOT NULL,
            key varchar(255) NOT NULL,
            fingerprint bytea NOT NULL,
            status_code integer NOT NULL,
            response json NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (merchant_id, endpoint, key)
        )
    """)
    op.execute("CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON merchants TO merchants_service")
    op.execute(f"GRANT REFERENCES (id) ON merchants TO {_OTHER_OWNERS}")
    op.execute(f"GRANT SELECT ON merchant_credentials TO {_SERVICES}")
    op.execute("GRANT SELECT ON merchant_endpoints TO webhooks_service")
    op.execute("GRANT SELECT (merchant_id) ON merchant_endpoints TO payments_service, refunds_service")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO {_SERVICES}")


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_keys")
    op.execute("DROP VIEW merchant_endpoints, merchant_credentials")
    op.execute("DROP TABLE merchants")
