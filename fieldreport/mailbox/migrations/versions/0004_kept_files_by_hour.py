"""How much waits, and what has waited for too long, are read from an index: a flood of tiny files slows no letter."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the kept files by hour and size."""
    op.create_index(op.f("ix_kept_hour_size"), "kept", ["hour", "size"])
