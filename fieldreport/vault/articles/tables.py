"""The tables of articles: states, who wrote and signed, and the ids of what is sealed.

No word of an article is here until it is published, and then only its address. Sealed drafts, files and answers are
objects like any other; an article's id is their thread.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fieldreport.store import column_bytes
from fieldreport.vault.archive.tables import VaultBase


class ArticleState(StrEnum):
    """How far an article has come."""

    DRAFT = "draft"
    REVIEW = "review"
    CLEARED = "cleared"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


class ArticleRow(VaultBase, kw_only=True):
    """One article. ``draft`` is the object of its current revision, ``revision`` that revision's number.

    ``live``: a version is on the site, whatever the state of the next one; ``live_revision`` is its number and
    ``corrected`` says whether it is a corrected one. ``scheduled_for``, ``published`` and ``updated`` are slots, in
    seconds since the Unix epoch. ``slug`` is empty until it is public.
    """

    __tablename__ = "articles"
    __table_args__ = (Index(None, "state", "scheduled_for"),)

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    state: Mapped[str]
    live: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int]
    draft: Mapped[bytes] = mapped_column(column_bytes(16))
    live_revision: Mapped[int | None] = mapped_column(default=None)
    corrected: Mapped[bool] = mapped_column(default=False)
    slug: Mapped[str | None] = mapped_column(default=None)
    scheduled_for: Mapped[int | None] = mapped_column(BigInteger, default=None)
    published: Mapped[int | None] = mapped_column(BigInteger, default=None)
    updated: Mapped[int | None] = mapped_column(BigInteger, default=None)
    created: Mapped[int]
    changed: Mapped[int]


class ArticleCase(VaultBase, kw_only=True):
    """A case that an article came from. ``gone``: how many of its letters were gone already when it was linked."""

    __tablename__ = "article_cases"

    article_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("articles.id"), primary_key=True)
    case_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("cases.id"), primary_key=True, index=True)
    gone: Mapped[int]


class ArticleRevision(VaultBase, kw_only=True):
    """One saved version, by whom and when; its text is in the sealed object."""

    __tablename__ = "article_revisions"

    article_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("articles.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    object_id: Mapped[bytes] = mapped_column(column_bytes(16))
    author: Mapped[str]
    hour: Mapped[int]


class ArticleFile(VaultBase, kw_only=True):
    """A rendition that was cleaned for this article; its name and hash are in the sealed drafts."""

    __tablename__ = "article_files"

    article_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("articles.id"), primary_key=True)
    object_id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)


class ArticleSignOff(VaultBase, kw_only=True):
    """A signature over the content of the current revision; see ``signatures``. Any edit deletes it."""

    __tablename__ = "article_sign_offs"

    article_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("articles.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    handle: Mapped[str]
    signature: Mapped[bytes] = mapped_column(column_bytes(64))


class ArticleAnswer(VaultBase, kw_only=True):
    """An answer to a finding: which finding, and the reason, are in the sealed object. ``number`` orders them."""

    __tablename__ = "article_answers"

    article_id: Mapped[bytes] = mapped_column(column_bytes(16), ForeignKey("articles.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    object_id: Mapped[bytes] = mapped_column(column_bytes(16))
