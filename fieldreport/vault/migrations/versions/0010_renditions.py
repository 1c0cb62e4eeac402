"""What was made of attachments to be shown."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "renditions",
        sa.Column("item_id", sa.LargeBinary(16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("object_id", sa.LargeBinary(16), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_renditions_item_id_items")),
        sa.PrimaryKeyConstraint("item_id", "number", "view", name=op.f("pk_renditions")),
    )
