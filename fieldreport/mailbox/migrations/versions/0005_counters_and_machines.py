"""Deposits pass through one of sixteen counters' rows; machines of one letterbox find rosters and switches here."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ROWS = 16


def upgrade() -> None:
    """Add the rows, each of which knows the highest epoch, and the two tables."""
    counters = sa.table(
        "mailbox_counters",
        sa.column("id", sa.Integer()),
        sa.column("highest_epoch", sa.BigInteger()),
        sa.column("letters", sa.Integer()),
        sa.column("bytes", sa.BigInteger()),
    )
    epoch = op.get_bind().scalar(sa.select(counters.c.highest_epoch).where(counters.c.id == 1))
    rows = [{"id": number, "highest_epoch": epoch, "letters": 0, "bytes": 0} for number in (0, *range(2, _ROWS + 1))]
    op.bulk_insert(counters, rows)
    switches = op.create_table(
        "shared_switches",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_switches")),
    )
    op.bulk_insert(switches, [{"id": 1, "version": 0, "sealed": ""}])
    op.create_table(
        "shared_rosters",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_shared_rosters")),
    )
