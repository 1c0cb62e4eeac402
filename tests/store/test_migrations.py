"""Migrations make exactly the tables that the models describe, once, also where several start together."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text

from fieldreport.errors import StoreError
from fieldreport.mailbox.tables import MailboxBase
from fieldreport.store import migrate, open_engine, writing
from fieldreport.vault.archive.tables import VaultBase
from tests.store.test_row_key_migrations import upgrade

PACKAGES = {"fieldreport.mailbox": MailboxBase.metadata, "fieldreport.vault": VaultBase.metadata}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_migrations_make_what_the_models_describe(engine: Engine, package: str) -> None:
    migrate(engine, package)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": f"{package.split('.')[1]}_version"})
        assert compare_metadata(context, PACKAGES[package]) == []


def test_both_packages_can_share_a_database(engine: Engine) -> None:
    for package in PACKAGES:
        migrate(engine, package)
    tables = set(inspect(engine).get_table_names())
    names: set[str] = set()
    for metadata in PACKAGES.values():
        assert not names & set(metadata.tables), "two packages have a table of the same name"
        names |= set(metadata.tables)
    assert tables == names | {"mailbox_version", "vault_version"}


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine, "fieldreport.mailbox")
    with writing(engine) as session:
        session.execute(text("UPDATE mailbox_counters SET highest_epoch = 9"))
    migrate(engine, "fieldreport.mailbox")
    with writing(engine) as session:
        assert session.execute(text("SELECT highest_epoch FROM mailbox_counters")).scalars().all() == [9] * 17


def test_many_who_start_together_migrate_once(database_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        own = open_engine(database_url)
        try:
            migrate(own, "fieldreport.vault")
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            own.dispose()

    # One after the other inside this process, because Alembic's context is a global; the lock is what other processes
    # meet, and it is the same.
    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    engine = open_engine(database_url)
    with writing(engine) as session:
        assert session.execute(text("SELECT count(*) FROM vault_state")).scalar_one() == 1
    engine.dispose()


def test_a_database_of_a_newer_program_is_refused(engine: Engine) -> None:
    migrate(engine, "fieldreport.mailbox")
    with writing(engine) as session:
        session.execute(text("UPDATE mailbox_version SET version_num = 'from-the-future'"))
    with pytest.raises(StoreError) as caught:
        migrate(engine, "fieldreport.mailbox")
    assert caught.value.code == "schema"


def test_letters_are_clustered_by_their_random_ids(tmp_path: Path) -> None:
    """Without a hidden row number, the order of rows says nothing about the order of arrival."""
    engine = open_engine(f"sqlite:///{tmp_path / 'm.db'}")
    migrate(engine, "fieldreport.mailbox")
    with engine.connect() as connection:
        for table in ("letters", "replies", "collected"):
            definition = connection.execute(
                text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table}
            ).scalar_one()
            assert "WITHOUT ROWID" in definition
    engine.dispose()


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("fieldreport.mailbox", "mailbox.tables"),
        ("fieldreport.vault", "vault.archive.tables"),
        ("fieldreport.vault", "vault.articles.tables"),
    ],
)
def test_every_table_belongs_to_its_packages_metadata(package: str, name: str) -> None:
    module = importlib.import_module(f"fieldreport.{name}")
    assert all(
        getattr(value, "metadata", None) is PACKAGES[package]
        for value in vars(module).values()
        if isinstance(getattr(value, "metadata", None), MetaData)
    )


def test_cases_from_before_revisions_are_numbered_in_the_order_of_their_activity(engine: Engine) -> None:
    upgrade(engine, "vault", "0007")
    rows = [
        {"id": bytes([number] * 16), "name": f"C-{number}", "active": active}
        for number, active in enumerate((30, 10, 20))
    ]
    with writing(engine) as session:
        session.execute(
            text(
                "INSERT INTO cases (id, name, state, opened, active, sequence, last_letter, letters, damaged)"
                " VALUES (:id, :name, 'new', 1, :active, 0, 0, 0, 0)"
            ),
            rows,
        )
    migrate(engine, "fieldreport.vault")
    with writing(engine) as session:
        assert session.execute(text("SELECT name FROM cases ORDER BY revision")).scalars().all() == [
            "C-1",
            "C-2",
            "C-0",
        ]
        assert session.execute(text("SELECT revision FROM vault_state")).scalars().all() == [3]
