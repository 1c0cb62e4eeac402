"""The rules by which the newsroom sets letters aside."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("vault_state", sa.Column("junk", sa.LargeBinary(16), nullable=True))
