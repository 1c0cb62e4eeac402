"""Signed objects and cases: what is not signed when this runs is listed, and may be adopted once."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STAFF_KINDS = (3, 4, 5, 6, 7)  # sent, note, draft, card, media
_AT_ONCE = 500


def upgrade() -> None:
    """List what was stored before signing, and add whose signature a case's source carries."""
    unsigned = op.create_table(
        "unsigned",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("adopter", sa.String(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("signature", sa.LargeBinary(64), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_unsigned")),
    )
    op.create_index(op.f("ix_audit_subject_act"), "audit", ["subject", "act"])
    op.add_column("cases", sa.Column("opener", sa.String(), nullable=True))
    op.add_column("cases", sa.Column("opener_epoch", sa.BigInteger(), nullable=True))
    op.add_column("cases", sa.Column("opener_signature", sa.LargeBinary(64), nullable=True))
    op.add_column("cases", sa.Column("reply_tag", sa.LargeBinary(32), nullable=True))
    connection = op.get_bind()
    kinds = ", ".join(str(kind) for kind in _STAFF_KINDS)
    ids = [
        *connection.execute(sa.text(f"SELECT id FROM objects WHERE kind IN ({kinds})")).scalars(),  # noqa: S608 - numbers
        *connection.execute(sa.text("SELECT id FROM cases WHERE source IS NOT NULL")).scalars(),
    ]
    for some in (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)):
        connection.execute(sa.insert(unsigned), [{"digest": hashlib.sha256(bytes(one)).digest()} for one in some])
