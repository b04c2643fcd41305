"""What payments need to check that an order is paid exactly where a payment of it succeeded."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Orders are only added, in the order of time: a BRIN finds the latest of millions for a few pages.
    op.execute("CREATE INDEX orders_created_at ON orders USING brin (created_at) WITH (autosummarize = on)")
    op.execute("GRANT SELECT (id, merchant_id, amount, currency, status, created_at) ON orders TO payments_owner")


def downgrade() -> None:
    op.execute("REVOKE SELECT (id, merchant_id, amount, currency, status, created_at) ON orders FROM payments_owner")
    op.execute("DROP INDEX orders_created_at")
