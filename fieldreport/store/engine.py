"""Engines and transactions: SQLite by default, PostgreSQL by URL, the same behaviour on both.

Rules: every read happens in ``reading`` and every change in ``writing``; an engine is opened after the process has
forked; errors of the database are raised as ours, with no value of any row in their text.
"""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoResultFound, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import Conflict, NotFound, PlatformError, SettingsError, StoreError
from fieldreport.store.outage import MAKE_ROOM, Outage
from fieldreport.store.sqlite import SerializedConnection, connection_factory

_OUTAGE = "fieldreport_outage"
_READ_ONLY = {"fieldreport_read_only": True}
_READ_ONLY_POSTGRESQL = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
_RUNS = "see that PostgreSQL runs there and answers: psql, and its own log"
_POSTGRESQL_REMEDIES = {
    "53100": MAKE_ROOM,  # disk_full
    "42501": "this role lacks a right: deploy/postgres/roles.sql gives it",  # insufficient_privilege
    "57014": "it works, but too slowly: look at its load",  # query_canceled
    "55P03": "another holds a lock for long: look at pg_stat_activity",  # lock_not_available
}
_SQLITE_REMEDIES = {
    "SQLITE_FULL": MAKE_ROOM,
    "SQLITE_IOERR": "the disk fails or is full: look into the kernel's log (dmesg)",
    "SQLITE_READONLY": "it must belong to the user of this zone: look with ls -l, change with chown",
    "SQLITE_CANTOPEN": "it must be there and belong to the user of this zone: look with ls -l",
    "SQLITE_CORRUPT": "it is damaged: stop the zones and restore a backup",
    "SQLITE_NOTADB": "it is damaged: stop the zones and restore a backup",
}


def open_engine(url: str, *, patient: bool = False) -> Engine:
    """Open the database at ``url``: ``sqlite:///PATH`` or ``postgresql://…``.

    ``patient``: for altering and copying tables, where a server may think for minutes before it answers.

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
            silence = limits.PATIENT_SECONDS if patient else limits.SILENCE_SECONDS
            return _open_postgresql(parsed, silence, statement_seconds=silence)
        case other:
            raise SettingsError(f"databases of kind {other!r} are not supported")


def _open_sqlite(url: URL, path: Path) -> Engine:
    outage = Outage("the database", str(path))
    engine = create_engine(
        url,
        creator=connection_factory(path),
        execution_options={_OUTAGE: outage},
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


def _open_postgresql(url: URL, silence: float, *, statement_seconds: float) -> Engine:
    outage = Outage("the database", url.set(query={}).render_as_string(hide_password=True))
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,  # otherwise a restarted server would give one error a connection
            pool_timeout=limits.POOL_WAIT_SECONDS,
            hide_parameters=True,
            execution_options={_OUTAGE: outage},
        )
    except ImportError:
        raise PlatformError("PostgreSQL needs an extra: pip install 'fieldreport[postgres]'") from None
    milliseconds, most = int(silence * 1000), int(statement_seconds * 1000)
    bounds = {
        "connect_timeout": limits.CONNECT_SECONDS,
        "tcp_user_timeout": milliseconds,  # a line that is cut
        # A server that works, but too long: it stops by itself, and the connection stays good.
        "options": f"-c statement_timeout={most} -c lock_timeout={most}",
    }

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
        outage.must_answer()
        theirs = parameters.get("options", "")
        bounded = bounds | parameters | {"options": f"{bounds['options']} {theirs}".strip()}
        connection = _bounded_connection().connect(*arguments, **bounded)
        connection.silence = silence
        connection.outage = outage
        return connection

    return engine


@functools.cache
def _bounded_connection() -> Any:
    """The class of connections on which a server that does not answer, whatever its state, is not waited for."""
    import psycopg

    class BoundedConnection(psycopg.Connection[Any]):
        silence: float = limits.SILENCE_SECONDS
        outage: Outage | None = None

        # Its own timeouts are those of a server that runs: a stopped one keeps the line open and says nothing.
        @override
        def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
            return super().wait(self._bounded(gen), *arguments, **options)

        def _bounded(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
            heard = time.monotonic()
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    if ready:
                        heard = time.monotonic()
                    elif time.monotonic() - heard > self.silence:
                        self.pgconn.finish()
                        raise self._silent()
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

        def _silent(self) -> Exception:
            if self.outage is None:  # while it is being made
                return psycopg.errors.ConnectionTimeout("no answer")
            return self.outage.failed("no answer", _RUNS, silent=True)

    return BoundedConnection


def address_of(engine: Engine) -> str:
    """A database's address for people, without a password."""
    return engine.url.set(drivername=engine.url.get_backend_name(), query={}).render_as_string(hide_password=True)


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
    with _as_our_errors(engine, wrote=True), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Run one transaction that sees one moment of the database and cannot write.

    Raises:
        StoreError: the database refused, is away, or the block tried to write.
    """
    options = _READ_ONLY_POSTGRESQL if engine.dialect.name == "postgresql" else _READ_ONLY
    with _as_our_errors(engine), Session(engine.execution_options(**options), expire_on_commit=False) as session:
        yield session


@contextmanager
def _as_our_errors(engine: Engine, *, wrote: bool = False) -> Iterator[None]:
    outage: Outage = engine.get_execution_options()[_OUTAGE]
    outage.must_answer()
    try:
        yield
    except IntegrityError as error:
        raise Conflict("this was changed meanwhile", detail=type(error.orig).__name__) from None
    except NoResultFound:
        raise NotFound("this is not here any more", detail="no such row") from None
    except PoolTimeout:
        raise outage.failed("every connection waits for an answer", _RUNS) from None
    except DBAPIError as error:
        raise _refused(error, outage) from None
    except SQLAlchemyError as error:
        raise StoreError("the database refused", detail=type(error).__name__) from None
    outage.answered(wrote=wrote)


def _refused(error: DBAPIError, outage: Outage) -> StoreError:
    origin = error.orig
    if isinstance(origin, sqlite3.Error):
        name = getattr(origin, "sqlite_errorname", "")
        for beginning, remedy in _SQLITE_REMEDIES.items():
            if name.startswith(beginning):
                return outage.failed(name, remedy, full=name == "SQLITE_FULL")
        return StoreError("the database refused", detail=name or type(origin).__name__)
    state = getattr(origin, "sqlstate", None)
    name = type(origin).__name__
    if state in _POSTGRESQL_REMEDIES:
        return outage.failed(name, _POSTGRESQL_REMEDIES[state], full=state in {"53100", "42501"})
    # No state: no answer came at all. Class 08: no connection; 28: not let in; 3D: no such database; 53, 57: not now.
    if state is None or state[:2] in {"08", "28", "3D", "53", "57"}:
        return outage.failed(name, _RUNS, silent=name == "ConnectionTimeout")
    return StoreError("the database refused", detail=name)


def truncate_log(engine: Engine) -> None:
    """Empty the write-ahead log, which holds what rows were before they were changed and in which order that was.

    SQLite only: rows are overwritten when they are deleted, so nothing of them is left once the log is empty.
    PostgreSQL's log is the server's.

    Raises:
        StoreError: the database is away, or its log was in use by a reader (code "busy"): try again later.
    """
    if engine.dialect.name == "sqlite":
        with _as_our_errors(engine), serialized(engine) as driver:
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
    with _as_our_errors(engine):
        # VACUUM runs outside transactions; a pooled connection would come back changed by that, so use one of its own.
        # What takes longer than we wait is done nevertheless: the server goes on, and the next time it takes a moment.
        lone = _open_postgresql(engine.url, limits.SILENCE_SECONDS, statement_seconds=0)
        try:
            with lone.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in tables:
                    connection.execute(text(f"VACUUM {connection.dialect.identifier_preparer.quote(table)}"))
        finally:
            lone.dispose()
