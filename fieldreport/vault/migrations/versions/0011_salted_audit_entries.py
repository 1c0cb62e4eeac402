"""A salt for each new entry of the audit log, so that it can be shown without those around it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Entries that are there stay without one: they are signed."""
    op.add_column("audit", sa.Column("salt", sa.LargeBinary(16), nullable=True))
