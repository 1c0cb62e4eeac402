"""The tables of enrolment."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of invitations and of enrolments that wait for the admin."""
    op.create_table(
        "invitations",
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_invitations")),
    )
    op.create_table(
        "enrolments",
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_enrolments")),
    )
