"""Cleaned files that wait until their form is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of kept files."""
    op.create_table(
        "kept",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.String(), nullable=True),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_kept_blob"), "kept", ["blob"])
