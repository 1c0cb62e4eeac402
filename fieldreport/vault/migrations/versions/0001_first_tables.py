"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of objects, cases and people, and the one row of the vault's state."""
    _objects()
    _cases()
    _people()
    _state()


def _objects() -> None:
    op.create_table(
        "recipient_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("keys", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient_sets")),
        sa.UniqueConstraint("keys", name=op.f("uq_recipient_sets_keys")),
    )
    op.create_table(
        "recipient_keys",
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["set_id"], ["recipient_sets.id"], name=op.f("fk_recipient_keys_set_id_recipient_sets")
        ),
        sa.PrimaryKeyConstraint("set_id", "key_id", name=op.f("pk_recipient_keys")),
    )
    op.create_index(op.f("ix_recipient_keys_key_id"), "recipient_keys", ["key_id"])
    op.create_table(
        "objects",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("thread", sa.LargeBinary(16), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("damage", sa.String(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.String(), nullable=True),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["set_id"], ["recipient_sets.id"], name=op.f("fk_objects_set_id_recipient_sets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objects")),
    )
    op.create_index(op.f("ix_objects_blob"), "objects", ["blob"])
    op.create_index(op.f("ix_objects_set_id"), "objects", ["set_id"])


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.LargeBinary(32), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("last_letter", sa.Integer(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("damaged", sa.Integer(), nullable=False),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("card", sa.LargeBinary(16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("name", name=op.f("uq_cases_name")),
        sa.UniqueConstraint("source", name=op.f("uq_cases_source")),
    )
    op.create_index(op.f("ix_cases_ended_active_id"), "cases", ["ended", "active", "id"])
    op.create_index(op.f("ix_cases_ended_assignee_active_id"), "cases", ["ended", "assignee", "active", "id"])
    op.create_index(op.f("ix_cases_ended_state_active_id"), "cases", ["ended", "state", "active", "id"])
    op.create_table(
        "items",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("case_id", sa.LargeBinary(16), nullable=True),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("damage", sa.String(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_items_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
    )
    op.create_index(op.f("ix_items_case_id_batch_id"), "items", ["case_id", "batch", "id"])
    op.create_index(op.f("ix_items_case_id_sequence"), "items", ["case_id", "sequence"])
    op.create_table(
        "marks",
        sa.Column("case_id", sa.LargeBinary(16), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("read_sequence", sa.Integer(), nullable=False),
        sa.Column("starred", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_marks_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "handle", name=op.f("pk_marks")),
    )
    op.create_index(op.f("ix_marks_handle_starred"), "marks", ["handle", "starred"])
    op.create_table(
        "outbox",
        sa.Column("reply_id", sa.LargeBinary(16), nullable=False),
        sa.Column("item_id", sa.LargeBinary(16), nullable=False),
        sa.Column("index", sa.LargeBinary(32), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_outbox_item_id_items")),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("item_id", name=op.f("uq_outbox_item_id")),
    )
    op.create_table(
        "withdrawals",
        sa.Column("source", sa.LargeBinary(32), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_withdrawals")),
    )


def _people() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("previous", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("signer", sa.LargeBinary(32), nullable=True),
        sa.Column("signature", sa.LargeBinary(64), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
    )
    op.create_table(
        "second_factors",
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "rotations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("old_key_id", sa.String(), nullable=False),
        sa.Column("new_key_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotations")),
        sa.UniqueConstraint("handle", "old_key_id", name=op.f("uq_rotations_handle_old_key_id")),
    )


def _state() -> None:
    state = op.create_table(
        "vault_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("highest_epoch", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("audit_sequence", sa.Integer(), nullable=False),
        sa.Column("audit_hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_state")),
    )
    op.bulk_insert(
        state,
        [{"id": 1, "highest_epoch": 0, "batch": 0, "audit_sequence": 0, "audit_hash": bytes(32)}],
    )
