"""Events, webhook logs and delivery attempts."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_RECORDERS = "payments_service, refunds_service"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE events (
            id varchar(64) PRIMARY KEY,
            merchant_id uuid NOT NULL REFERENCES merchants (id),
            event varchar(50) NOT NULL,
            payment_id varchar(64),
            order_id varchar(64),
            payload json NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX events_merchant_newest ON events (merchant_id, created_at DESC, id DESC)")
    op.execute("CREATE INDEX events_payment ON events (payment_id, created_at) WHERE payment_id IS NOT NULL")
    # The payload is ``json``, not ``jsonb``: it keeps the very bytes that are signed and sent.
    op.execute("""
        CREATE TABLE webhook_logs (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            merchant_id uuid NOT NULL REFERENCES merchants (id),
            event_id varchar(64) REFERENCES events (id),
            payment_id varchar(64),
            event varchar(50) NOT NULL,
            payload json NOT NULL,
            status varchar(20) NOT NULL DEFAULT 'pending',
            attempts integer NOT NULL DEFAULT 0,
            last_attempt_at timestamptz,
            next_retry_at timestamptz DEFAULT now(),
            lease_expires_at timestamptz,
            response_code integer,
            response_body text,
            request_id varchar(64),
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT webhook_logs_status CHECK (status IN ('pending', 'success', 'failed')),
            CONSTRAINT webhook_logs_attempts CHECK (attempts BETWEEN 0 AND 5),
            CONSTRAINT webhook_logs_due CHECK ((status = 'pending') = (next_retry_at IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX webhook_logs_merchant_newest ON webhook_logs (merchant_id, created_at DESC, id DESC)")
    op.execute("CREATE INDEX webhook_logs_status ON webhook_logs (status)")
    op.execute("CREATE INDEX webhook_logs_next_retry_at ON webhook_logs (next_retry_at) WHERE status = 'pending'")
    op.execute("CREATE INDEX webhook_logs_due_by_merchant ON webhook_logs (merchant_id, next_retry_at) WHERE status = 'pending'")
    op.execute("CREATE INDEX webhook_logs_event ON webhook_logs (event_id)")
    op.execute("CREATE INDEX webhook_logs_payment ON webhook_logs (payment_id) WHERE payment_id IS NOT NULL")
    op.execute("""
        CREATE TABLE webhook_attempts (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            webhook_log_id uuid NOT NULL REFERENCES webhook_logs (id),
            attempt integer NOT NULL,
            attempted_at timestamptz NOT NULL,
            succeeded boolean NOT NULL,
            duration_ms integer NOT NULL,
            response_code integer,
            response_body text,
            error varchar(200)
        )
    """)
    op.execute("CREATE INDEX webhook_attempts_log ON webhook_attempts (webhook_log_id, id)")
    op.execute("""
        CREATE VIEW webhook_job_counts AS
        SELECT count(*) FILTER (WHERE status = 'pending' AND (lease_expires_at IS NULL OR lease_expires_at < now())) AS pending,
               count(*) FILTER (WHERE status = 'pending' AND lease_expires_at >= now()) AS processing,
               count(*) FILTER (WHERE status = 'success') AS completed,
               count(*) FILTER (WHERE status = 'failed') AS failed
        FROM webhook_logs
    """)
    op.execute("GRANT SELECT, INSERT ON events TO webhooks_service")
    op.execute("GRANT SELECT, INSERT, UPDATE ON webhook_logs TO webhooks_service")
    op.execute("GRANT SELECT, INSERT ON webhook_attempts TO webhooks_service")
    # Others may say that something happened, in the transaction in which it did; they can neither read nor change it.
    op.execute(f"GRANT INSERT (id, merchant_id, event, payment_id, order_id, payload, created_at) ON events TO {_RECORDERS}")
    op.execute(
        "GRANT INSERT (merchant_id, event_id, payment_id, event, payload, request_id, created_at) ON webhook_logs"
        f" TO {_RECORDERS}"
    )
    op.execute("GRANT SELECT ON webhook_job_counts TO webhooks_service, payments_service")


def downgrade() -> None:
    op.execute("DROP VIEW webhook_job_counts")
    op.execute("DROP TABLE webhook_attempts, webhook_logs, events")
