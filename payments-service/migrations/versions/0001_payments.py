"""Payments, their tallies, and the jobs that only prove the queue."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE payments (
            id varchar(64) PRIMARY KEY,
            order_id varchar(64) NOT NULL REFERENCES orders (id),
            merchant_id uuid NOT NULL REFERENCES merchants (id),
            amount integer NOT NULL,
            currency varchar(3) NOT NULL DEFAULT 'INR',
            method varchar(20) NOT NULL,
            status varchar(20) NOT NULL DEFAULT 'pending',
            captured boolean NOT NULL DEFAULT false,
            vpa varchar(255),
            card_network varchar(20),
            card_last4 varchar(4),
            error_code varchar(50),
            error_description text,
            acquirer_instruction varchar(20),
            due_at timestamptz NOT NULL DEFAULT now(),
            lease_expires_at timestamptz,
            request_id varchar(64),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT payments_amount CHECK (amount >= 100),
            CONSTRAINT payments_method CHECK (
                (method = 'upi' AND vpa IS NOT NULL AND card_network IS NULL AND card_last4 IS NULL)
                OR (method = 'card' AND vpa IS NULL AND card_network IS NOT NULL AND card_last4 ~ '^[0-9]{4}$')
            ),
            CONSTRAINT payments_status CHECK (status IN ('pending', 'success', 'failed')),
            CONSTRAINT payments_captured CHECK (NOT captured OR status = 'success'),
            CONSTRAINT payments_error CHECK ((status = 'failed') = (error_code IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX payments_order_id ON payments (order_id)")
    op.execute("CREATE INDEX payments_status ON payments (status)")
    op.execute("CREATE INDEX payments_merchant_newest ON payments (merchant_id, created_at DESC, id DESC)")
    op.execute("CREATE INDEX payments_due ON payments (due_at) WHERE status = 'pending'")
    # The last word on double charges: an order cannot have two successful payments, whatever the code does.
    op.execute("CREATE UNIQUE INDEX payments_one_success_per_order ON payments (order_id) WHERE status = 'success'")
    # Additions to the number and sum of payments per day, method and status; a status change is a minus and a plus.
    # Rows are only added, so nobody waits for a counter; a periodic job folds them together.
    op.execute("""
        CREATE TABLE payment_tallies (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            merchant_id uuid NOT NULL,
            day date NOT NULL,
            method varchar(20) NOT NULL,
            status varchar(20) NOT NULL,
            payments bigint NOT NULL,
            amount bigint NOT NULL
        )
    """)
    op.execute("CREATE INDEX payment_tallies_group ON payment_tallies (merchant_id, day, method, status)")
    op.execute("""
        CREATE TABLE test_jobs (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            status varchar(20) NOT NULL DEFAULT 'pending',
            due_at timestamptz NOT NULL DEFAULT now(),
            lease_expires_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz,
            CONSTRAINT test_jobs_status CHECK (status IN ('pending', 'completed'))
        )
    """)
    op.execute("CREATE INDEX test_jobs_due ON test_jobs (due_at) WHERE status = 'pending'")
    # A payment that waits for its bank is a job not started; one that the bank declined is a job done.
    op.execute("""
        CREATE VIEW payment_job_counts AS
        SELECT sum(pending)::bigint AS pending, sum(processing)::bigint AS processing,
               sum(completed)::bigint AS completed, 0::bigint AS failed
        FROM (
            SELECT count(*) FILTER (WHERE lease_expires_at IS NULL OR lease_expires_at < now()) AS pending,
                   count(*) FILTER (WHERE lease_expires_at >= now()) AS processing, 0 AS completed
            FROM payments WHERE status = 'pending'
            UNION ALL
            SELECT count(*) FILTER (WHERE lease_expires_at IS NULL OR lease_expires_at < now()),
                   count(*) FILTER (WHERE lease_expires_at >= now()), 0
            FROM test_jobs WHERE status = 'pending'
            UNION ALL
            SELECT 0, 0, coalesce(sum(payments), 0) FROM payment_tallies WHERE status <> 'pending'
            UNION ALL
            SELECT 0, 0, count(*) FROM test_jobs WHERE status = 'completed'
        ) AS counts
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE ON payments TO payments_service")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON payment_tallies TO payments_service")
    op.execute("GRANT SELECT, INSERT, UPDATE ON test_jobs TO payments_service")
    op.execute("GRANT SELECT ON payment_job_counts TO payments_service")
    op.execute("GRANT REFERENCES (id) ON payments TO refunds_owner")
    op.execute(
        "GRANT SELECT (id, order_id, merchant_id, amount, currency, method, status, captured, vpa, card_network,"
        " card_last4, error_code, error_description, created_at, updated_at) ON payments TO refunds_service"
    )


def downgrade() -> None:
    op.execute("DROP VIEW payment_job_counts")
    op.execute("DROP TABLE test_jobs, payment_tallies, payments")
