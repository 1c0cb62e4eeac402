"""Schema migrations with Alembic: each package that owns tables carries its revisions in ``<package>/migrations``.

A package's ``migrations/env.py`` is three lines that call ``run_migrations`` with its metadata; revisions lie in
``migrations/versions``. Each package has its own version table, so mailbox and vault may share a PostgreSQL database.
All pending revisions run in one transaction, under the write lock (SQLite) or an advisory lock (PostgreSQL), so that
two processes which start together migrate once.
"""

from __future__ import annotations

from importlib.resources import files

from alembic import command, context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from fieldreport.errors import StoreError


def migrate(engine: Engine, package: str) -> None:
    """Bring the tables of ``package`` to the newest revision that this program knows.

    Raises:
        StoreError: the database is away, or is newer than this program (code "schema").
    """
    config = Config()
    config.set_main_option("script_location", str(files(package) / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": package})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError:
        raise StoreError(
            "the database was written by a newer version of this program",
            detail=f"{package}: unknown schema revision",
            code="schema",
        ) from None
    except SQLAlchemyError as error:
        origin = getattr(error, "orig", None)
        raise StoreError("the database refused a migration", detail=type(origin or error).__name__) from None


def run_migrations(metadata: MetaData, *, version_table: str) -> None:
    """Run inside a package's ``env.py``: apply what ``migrate`` asked for to the connection it opened."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=version_table,
        transactional_ddl=True,  # true of SQLite, too, because BEGIN is ours
        render_as_batch=True,  # SQLite alters tables by copying them
    )
    context.run_migrations()
