"""The number of each case's latest change, by which the inbox's index in memory is kept up to date."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Number the cases in the order of their activity; drop the indices that pages of the inbox walked along."""
    for table in ("cases", "vault_state"):
        op.add_column(table, sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE cases SET revision = numbered.place FROM"
        " (SELECT id, row_number() OVER (ORDER BY active, id) AS place FROM cases) AS numbered"
        " WHERE numbered.id = cases.id"
    )
    op.execute("UPDATE vault_state SET revision = (SELECT count(*) FROM cases)")
    op.create_index(op.f("ix_cases_revision"), "cases", ["revision"])
    for column in ("active", "assignee_active", "state_active"):
        op.drop_index(op.f(f"ix_cases_ended_{column}_id"), "cases")
    op.create_index(op.f("ix_cases_ended_state"), "cases", ["ended", "state"])
