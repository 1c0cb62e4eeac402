"""Schema migrations with Alembic: each package that owns tables carries its revisions in ``<package>/migrations``.

A package's ``migrations/env.py`` is three lines that call ``run_migrations`` with its metadata; revisions lie in
``migrations/versions``. Each package has its own version table, so mailbox and vault may share a PostgreSQL database.
All pending revisions run in one transaction, under the write lock (SQLite) or an advisory lock (PostgreSQL), so that
two processes which start together migrate once.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic import command, context, op
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.store.engine import address_of
from fieldreport.store.row_keys import KeyChange, RowKeys, key_change


def migrate(engine: Engine, package: str, keys: RowKeys | None = None) -> None:
    """Bring the tables of ``package`` to the newest revision that this program knows.

    ``keys`` are for rows from before there were row keys; a database without rows needs none.

    Raises:
        StoreError: the database or the keys are away, or the database is newer than this program (code "schema").
    """
    if keys is None:
        _upgrade(engine, package, None)
        return
    with key_change(keys) as change:
        _upgrade(engine, package, change)
        change.finish()


def upgraded(engine: Engine, package: str, keys: RowKeys) -> str:
    """Do what ``migrate`` does, if there is anything to do; return what changed, such as "0010 → 0014", or nothing.

    Raises:
        StoreError: as ``migrate`` and ``is_current``.
    """
    if is_current(engine, package):
        return ""
    before = _revision(engine, package)
    migrate(engine, package, keys)
    return f"{before or 'none'} → {_revision(engine, package)}"


def _revision(engine: Engine, package: str) -> str:
    with _looking(engine) as connection:
        return ", ".join(sorted(_revisions(connection, package)))


def is_current(engine: Engine, package: str) -> bool:
    """Whether the tables of ``package`` are those that this program knows.

    Raises:
        StoreError: the database is away, or newer than this program (code "schema").
    """
    known = ScriptDirectory(str(files(package) / "migrations"))
    try:
        with _looking(engine) as connection:
            found = _revisions(connection, package)
    except SQLAlchemyError as error:
        origin = getattr(error, "orig", None)
        where = address_of(engine)
        why = type(origin or error).__name__
        raise StoreError("the database is away", detail=f"{where}: {why}; see that it is there and answers") from None
    if found - {each.revision for each in known.walk_revisions()}:
        raise _too_new(package)
    return found == set(known.get_heads())


def must_be_current(engine: Engine, package: str, keys: RowKeys, *, used: bool) -> Literal[True]:
    """Check the same. A SQLite database that is not there yet is made, unless its zone was ``used`` before.

    Raises:
        StoreError: (code "migrations") a command has to make the tables, or to change them; or as ``is_current``.
    """
    if is_current(engine, package):
        return True
    name = package.rpartition(".")[2]
    with _looking(engine) as connection:
        empty = not inspect(connection).get_table_names()
    if empty and engine.dialect.name == "sqlite" and not used:
        migrate(engine, package, keys)
        return True
    where = address_of(engine)
    if empty:
        what = (
            f"{where} is empty, and its zone was used before: restore it from a backup" if used else f"{where} is new"
        )
    else:
        what = f"the tables of {where} are older than this program"
    do = "or, to begin without what was there" if empty and used else "to do"
    raise StoreError(
        "the database has to be upgraded",
        detail=f"{what}; {do}: fieldreport migrate {name}",
        code="migrations",
    )


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Hold up others that open the stores of this zone: of two that start together, one makes them, one finds them.

    Raises:
        StoreError: the zone's directory cannot be made or opened.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError("a store is away", detail=f"{directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _looking(engine: Engine) -> Connection:
    return engine.execution_options(fieldreport_read_only=True).connect()  # no writer waits for it


def _revisions(connection: Connection, package: str) -> set[str]:
    options = {"version_table": f"{package.rpartition('.')[2]}_version"}
    return set(MigrationContext.configure(connection, opts=options).get_current_heads())


def _too_new(package: str) -> StoreError:
    return StoreError(
        "the database was written by a newer version of this program",
        detail=f"{package}: unknown schema revision; install that version, or restore the backup from before it",
        code="schema",
    )


def _upgrade(engine: Engine, package: str, change: KeyChange | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(files(package) / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": package})
            config.attributes["connection"] = connection
            config.attributes["row_keys"] = change
            command.upgrade(config, "head")
    except CommandError:
        raise _too_new(package) from None
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


def hide_column(table: str, column: str) -> None:
    """Inside a revision: rename a column to ``hidden``, and encrypt its content under row keys, named in ``slot``.

    The table has a primary key ``id``, which is bytes.
    """
    op.execute(f'ALTER TABLE {table} RENAME COLUMN "{column}" TO hidden')
    op.add_column(table, sa.Column("slot", sa.BigInteger(), nullable=False, server_default="0"))
    rows = sa.table(table, sa.column("id", sa.LargeBinary), sa.column("slot"), sa.column("hidden", sa.LargeBinary))
    connection = op.get_bind()
    still_open = sa.select(rows.c.id, rows.c.hidden).where(rows.c.slot == 0).limit(limits.ROW_KEYS_AT_ONCE)
    while found := connection.execute(still_open).all():
        changed = [
            {"own": row.id, "new_slot": hidden.slot, "new": hidden.hidden}
            for row, hidden in zip(found, migration_keys().hide([row.hidden for row in found]), strict=True)
        ]
        statement = sa.update(rows).where(rows.c.id == sa.bindparam("own", type_=sa.LargeBinary))
        values = {"slot": sa.bindparam("new_slot"), "hidden": sa.bindparam("new", type_=sa.LargeBinary)}
        connection.execute(statement.values(values), changed)
    if connection.dialect.name == "postgresql":
        op.alter_column(table, "slot", server_default=None)


def migration_keys() -> KeyChange:
    """Inside a revision: the keys that ``migrate`` was given for rows that are there already."""
    change = op.get_context().config.attributes["row_keys"]  # type: ignore[union-attr] # set by migrate
    if change is None:
        raise StoreError("the database refused a migration", detail="it has rows, and no row keys were given")
    return change  # type: ignore[no-any-return] # Alembic's attributes may be anything
