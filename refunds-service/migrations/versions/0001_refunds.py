"""Refunds, and the balance that keeps them within their payment."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE refunds (
            id varchar(64) PRIMARY KEY,
            payment_id varchar(64) NOT NULL REFERENCES payments (id),
            merchant_id uuid NOT NULL REFERENCES merchants (id),
            amount integer NOT NULL,
            reason text,
            status varchar(20) NOT NULL DEFAULT 'pending',
            due_at timestamptz NOT NULL DEFAULT now(),
            lease_expires_at timestamptz,
            request_id varchar(64),
            created_at timestamptz NOT NULL DEFAULT now(),
            processed_at timestamptz,
            CONSTRAINT refunds_amount CHECK (amount >= 1),
            CONSTRAINT refunds_status CHECK (status IN ('pending', 'processed', 'failed')),
            CONSTRAINT refunds_processed_at CHECK ((status = 'processed') = (processed_at IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX refunds_payment_id ON refunds (payment_id)")
    op.execute("CREATE INDEX refunds_merchant_newest ON refunds (merchant_id, created_at DESC, id DESC)")
    op.execute("CREATE INDEX refunds_status ON refunds (status)")
    op.execute("CREATE INDEX refunds_due ON refunds (due_at) WHERE status = 'pending'")
    # One row per payment with a refund. Its lock makes racing refunds take turns; its CHECK is the guarantee that
    # what is pending and processed together never exceeds the payment.
    op.execute("""
        CREATE TABLE refund_balances (
            payment_id varchar(64) PRIMARY KEY REFERENCES payments (id),
            payment_amount integer NOT NULL,
            refunded_amount integer NOT NULL DEFAULT 0,
            CONSTRAINT refund_balances_within_payment CHECK (refunded_amount BETWEEN 0 AND payment_amount)
        )
    """)
    op.execute("""
        CREATE VIEW refund_job_counts AS
        SELECT count(*) FILTER (WHERE status = 'pending' AND (lease_expires_at IS NULL OR lease_expires_at < now())) AS pending,
               count(*) FILTER (WHERE status = 'pending' AND lease_expires_at >= now()) AS processing,
               count(*) FILTER (WHERE status = 'processed') AS completed,
               count(*) FILTER (WHERE status = 'failed') AS failed
        FROM refunds
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE ON refunds, refund_balances TO refunds_service")
    op.execute("GRANT SELECT ON refund_job_counts TO refunds_service, payments_service")


def downgrade() -> None:
    op.execute("DROP VIEW refund_job_counts")
    op.execute("DROP TABLE refund_balances, refunds")
