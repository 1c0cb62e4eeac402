"""Headers, and replies that wait, under row keys, which are kept outside the database."""

import sqlalchemy as sa
from alembic import op

from fieldreport.store import hide_column, migration_keys

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Hide the headers of objects, and of a reply that waits all that ties it to anything in the mailbox."""
    hide_column("objects", "header")
    connection = op.get_bind()
    waiting = connection.execute(sa.text("SELECT * FROM outbox")).mappings().all()
    op.drop_table("outbox")
    outbox = op.create_table(
        "outbox",
        sa.Column("item_id", sa.LargeBinary(16), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_outbox_item_id_items")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_outbox")),
    )
    for row in waiting:
        (hidden,) = migration_keys().hide([_reply(row)])
        connection.execute(
            sa.insert(outbox), {"item_id": bytes(row["item_id"]), "slot": hidden.slot, "hidden": hidden.hidden}
        )


def _reply(row: sa.RowMapping) -> bytes:
    # As cases/outbox.py reads it.
    header = bytes(row["header"])
    front: bytes = bytes(row["reply_id"]) + bytes(row["index"]) + row["hour"].to_bytes(8) + len(header).to_bytes(4)
    return front + header + bytes(row["payload"])
