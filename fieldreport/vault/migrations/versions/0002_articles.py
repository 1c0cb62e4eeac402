"""The tables of articles."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of articles, their revisions, files, sign-offs and answers."""
    op.create_table(
        "articles",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("draft", sa.LargeBinary(16), nullable=False),
        sa.Column("live_revision", sa.Integer(), nullable=True),
        sa.Column("corrected", sa.Boolean(), nullable=False),
        sa.Column("slug", sa.String(), nullable=True),
        sa.Column("scheduled_for", sa.BigInteger(), nullable=True),
        sa.Column("published", sa.BigInteger(), nullable=True),
        sa.Column("updated", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    op.create_index(op.f("ix_articles_state_scheduled_for"), "articles", ["state", "scheduled_for"])
    _table(
        "article_cases",
        sa.Column("case_id", sa.LargeBinary(16), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_article_cases_case_id_cases")),
        key="case_id",
    )
    op.create_index(op.f("ix_article_cases_case_id"), "article_cases", ["case_id"])
    _table(
        "article_revisions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("object_id", sa.LargeBinary(16), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        key="number",
    )
    _table("article_files", sa.Column("object_id", sa.LargeBinary(16), nullable=False), key="object_id")
    _table(
        "article_sign_offs",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        key="role",
    )
    _table(
        "article_answers",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("object_id", sa.LargeBinary(16), nullable=False),
        key="number",
    )


def _table(name: str, *columns: sa.Column | sa.Constraint, key: str) -> None:  # type: ignore[type-arg]  # of any type
    op.create_table(
        name,
        sa.Column("article_id", sa.LargeBinary(16), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f(f"fk_{name}_article_id_articles")),
        sa.PrimaryKeyConstraint("article_id", key, name=op.f(f"pk_{name}")),
    )
