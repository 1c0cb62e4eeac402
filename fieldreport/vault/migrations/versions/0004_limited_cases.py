"""Cases that are limited to named editors, and an index that re-wrapping walks along."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add who may read a case and its objects."""
    op.add_column("cases", sa.Column("readers", sa.String(), nullable=True))
    op.add_column("objects", sa.Column("limited", sa.LargeBinary(16), nullable=True))
    op.drop_index(op.f("ix_objects_set_id"), "objects")
    op.create_index(op.f("ix_objects_set_id_limited_id"), "objects", ["set_id", "limited", "id"])
