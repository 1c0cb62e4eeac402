"""Who set the readers of a case, signed; the index by which limited cases are found in the log."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_IS_READERS_SET = sa.text("act = 'case-readers-set'")


def upgrade() -> None:
    """Add the table. The readers that are there are signed by the first editor who unlocks."""
    op.create_table(
        "case_readers",
        sa.Column("case_id", sa.LargeBinary(16), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("readers", sa.String(), nullable=True),
        sa.Column("setter", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_readers_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "version", name=op.f("pk_case_readers")),
    )
    op.create_index(
        "ix_audit_readers_set",
        "audit",
        ["subject"],
        sqlite_where=_IS_READERS_SET,
        postgresql_where=_IS_READERS_SET,
    )
