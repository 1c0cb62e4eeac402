"""The fact sheets of limited cases as they are shown to colleagues."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "shown_sheets",
        sa.Column("case_id", sa.LargeBinary(16), nullable=False),
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_shown_sheets_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_shown_sheets")),
    )
