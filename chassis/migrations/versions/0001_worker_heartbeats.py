"""Worker heartbeats."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE worker_heartbeats (
            worker_id text PRIMARY KEY,
            queue text NOT NULL,
            beat_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    # Every worker writes its own row and every service reads them; there is nothing in it to protect.
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON worker_heartbeats TO PUBLIC")


def downgrade() -> None:
    op.execute("DROP TABLE worker_heartbeats")
