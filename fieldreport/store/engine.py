"""Engines and transactions: SQLite by default, PostgreSQL by URL, the same behaviour on both.

Rules: every read happens in ``reading`` and every change in ``writing``; an engine is opened after the process has
forked; errors of the database are raised as ours, with no value of any row in their text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, IntegrityError, NoResultFound, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool, QueuePool

from fieldreport.errors import Conflict, NotFound, PlatformError, SettingsError, StoreError
from fieldreport.store.sqlite import SerializedConnection, connection_factory

_READ_ONLY = {"fieldreport_read_only": True}
_READ_ONLY_POSTGRESQL = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}


def open_engine(url: str) -> Engine:
    """Open the database at ``url``: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        SettingsError: the URL is not understood, or names a database in memory.
        StoreError: the file cannot be created or opened. PostgreSQL is not contacted yet.
        PlatformError: the PostgreSQL driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError("a database URL is malformed") from None
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in {None, "", ":memory:"} or parsed.query:
                raise SettingsError("a SQLite URL names a file and nothing else: sqlite:///PATH")
            return _open_sqlite(parsed, Path(str(parsed.database)))
        case "postgresql":
            return _open_postgresql(parsed)
        case other:
            raise SettingsError(f"databases of kind {other!r} are not supported")


def _open_sqlite(url: URL, path: Path) -> Engine:
    engine = create_engine(
        url,
        creator=connection_factory(path),
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=-1,  # waiting for a connection while holding the write lock could be a deadlock
        hide_parameters=True,  # parameters are headers and payloads; they have no place in an error's text
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, SerializedConnection)  # noqa: S101 - the creator above makes no other
        if connection.get_execution_options().get("fieldreport_read_only"):
            driver.begin_reading()
        else:
            driver.begin_writing()

    return engine


def _open_postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,  # otherwise a restarted server would give one error a connection
            hide_parameters=True,
        )
    except ImportError:
        raise PlatformError("PostgreSQL needs an extra: pip install 'fieldreport[postgres]'") from None


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Run one transaction that may write; it commits when the block ends and rolls back when the block raises.

    The commit is durable when this returns. Do slow work (sealing, copying) before: on SQLite only one
    writes at a time.

    Raises:
        Conflict: a unique or foreign key was violated: another writer was faster.
        NotFound: the block asked for the one row of an id, and there is none.
        StoreError: the database refused or is away; code "busy" when the turn to write did not come in time.
    """
    with _as_our_errors(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Run one transaction that sees one moment of the database and cannot write.

    Raises:
        StoreError: the database refused, is away, or the block tried to write.
    """
    options = _READ_ONLY_POSTGRESQL if engine.dialect.name == "postgresql" else _READ_ONLY
    with _as_our_errors(), Session(engine.execution_options(**options), expire_on_commit=False) as session:
        yield session


@contextmanager
def _as_our_errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict("this was changed meanwhile", detail=type(error.orig).__name__) from None
    except NoResultFound:
        raise NotFound("this is not here any more", detail="no such row") from None
    except SQLAlchemyError as error:
        origin = getattr(error, "orig", None)
        raise StoreError("the database refused", detail=type(origin or error).__name__) from None


def truncate_log(engine: Engine) -> None:
    """Empty the write-ahead log, which holds what rows were before they were changed and in which order that was.

    SQLite only: rows are overwritten when they are deleted, so nothing of them is left once the log is empty.
    PostgreSQL's log is the server's.

    Raises:
        StoreError: the database is away, or its log was in use by a reader (code "busy"): try again later.
    """
    if engine.dialect.name == "sqlite":
        with _as_our_errors(), serialized(engine) as driver:
            driver.truncate_log()


@contextmanager
def serialized(engine: Engine) -> Iterator[SerializedConnection]:
    """Lend a connection of a SQLite engine for what is no transaction."""
    pooled = engine.raw_connection()
    try:
        driver = pooled.driver_connection
        assert isinstance(driver, SerializedConnection)  # noqa: S101 - the creator makes no other
        yield driver
    finally:
        pooled.close()


def erase_deleted(engine: Engine, tables: Collection[str]) -> None:
    """Erase deleted rows from the database's own files, as far as the database can.

    SQLite: see ``truncate_log``. PostgreSQL: dead rows of ``tables`` are vacuumed; its log and backups keep copies
    until they are recycled, which is why keys rotate.

    Raises:
        StoreError: the database is away, or its log was in use by a reader (code "busy"): try again later.
    """
    truncate_log(engine)
    if engine.dialect.name == "sqlite":
        return
    with _as_our_errors():
        # VACUUM runs outside transactions; a pooled connection would come back changed by that, so use one of its own.
        lone = create_engine(engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
        with lone.connect() as connection:
            for table in tables:
                connection.execute(text(f"VACUUM {connection.dialect.identifier_preparer.quote(table)}"))
