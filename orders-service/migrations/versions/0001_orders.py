"""Orders, and the one change that another context may make to them."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # notes is ``json``: a merchant gets back what it sent, in the order in which it sent it.
    op.execute("""
        CREATE TABLE orders (
            id varchar(64) PRIMARY KEY,
            merchant_id uuid NOT NULL REFERENCES merchants (id),
            amount integer NOT NULL,
            currency varchar(3) NOT NULL DEFAULT 'INR',
            receipt varchar(255),
            notes json NOT NULL DEFAULT '{}',
            status varchar(20) NOT NULL DEFAULT 'created',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT orders_amount CHECK (amount >= 100),
            CONSTRAINT orders_status CHECK (status IN ('created', 'paid'))
        )
    """)
    op.execute("CREATE INDEX orders_merchant_newest ON orders (merchant_id, created_at DESC, id DESC)")
    # Marks orders paid and returns those that were not paid before. Locks in the order of the ids, so that two
    # batches that share orders wait for each other instead of deadlocking.
    op.execute("""
        CREATE FUNCTION orders_mark_paid(order_ids varchar[]) RETURNS SETOF varchar
        LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
            WITH unpaid AS (
                SELECT id FROM orders WHERE id = ANY (order_ids) AND status = 'created' ORDER BY id FOR UPDATE
            )
            UPDATE orders SET status = 'paid', updated_at = now() FROM unpaid WHERE orders.id = unpaid.id
            RETURNING orders.id
        $$
    """)
    op.execute("REVOKE ALL ON FUNCTION orders_mark_paid(varchar[]) FROM PUBLIC")
    op.execute("GRANT SELECT, INSERT ON orders TO orders_service")
    op.execute("GRANT REFERENCES (id) ON orders TO payments_owner")
    op.execute("GRANT SELECT (id, merchant_id, amount, currency, status) ON orders TO payments_service")
    op.execute("GRANT EXECUTE ON FUNCTION orders_mark_paid(varchar[]) TO payments_service")


def downgrade() -> None:
    op.execute("DROP FUNCTION orders_mark_paid(varchar[])")
    op.execute("DROP TABLE orders")
