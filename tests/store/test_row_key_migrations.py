"""What was stored before there were row keys is hidden by the migration, and opens as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, LargeBinary, column, insert, inspect, select, table, text

import fieldreport
from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.mailbox import LocalMailbox, SealedReply
from fieldreport.mailbox.tables import MailboxBase
from fieldreport.seal import Kind
from fieldreport.store import FileBlobs, migrate, must_fit, open_engine, sweep
from fieldreport.vault.archive.tables import VaultBase
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import outbox
from tests.cast import INSTANCE, copy_tables

HEADER = b"age-encryption.org/v1\n-> a stanza\n\n--- a mac\n"
INDEX = bytes(range(32))


def upgrade(engine: Engine, package: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(fieldreport.__path__[0]) / package / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def put(engine: Engine, name: str, **values: Any) -> None:
    columns = [column(each, LargeBinary() if isinstance(value, bytes) else None) for each, value in values.items()]
    with engine.begin() as connection:
        connection.execute(insert(table(name, *columns)).values(values))


def in_a_row(engine: Engine, secret: bytes) -> bool:
    """Whether any row of any table holds this."""
    with engine.connect() as connection:
        rows = [
            row
            for name in inspect(engine).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - a table of ours
        ]
    return any(secret in bytes(value) for row in rows for value in row if isinstance(value, bytes | memoryview))


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture
def old_mailbox(engine: Engine) -> Engine:
    """Five letters and a reply, as the version before left them."""
    upgrade(engine, "mailbox", "0001")
    for number in range(5):
        own = bytes([number]) * 16
        put(engine, "letters", id=own, epoch=1, size=4, header=HEADER + own, payload=b"text")
    put(engine, "replies", id=b"r" * 16, index=INDEX, hour=24, header=HEADER, payload=b"an answer")
    assert in_a_row(engine, HEADER)
    return engine


@pytest.fixture
def old_vault(engine: Engine) -> Engine:
    """Five objects, and a reply on its way, as the version before left them."""
    upgrade(engine, "vault", "0005")
    put(engine, "recipient_sets", id=1, keys="")
    for number in range(5):
        own = bytes([number]) * 16
        base = {"id": own, "kind": Kind.SENT.value, "thread": own, "epoch": 1, "set_id": 1, "size": 4}
        put(engine, "objects", **base, header=HEADER + own, payload=b"text")
    item = {"id": bytes(16), "kind": Kind.SENT.value, "sequence": 1, "hour": 24, "batch": 0, "gone": False}
    put(engine, "items", **item)
    waiting = {"item_id": bytes(16), "index": INDEX, "hour": 24, "header": HEADER, "payload": b"an answer"}
    put(engine, "outbox", reply_id=b"r" * 16, **waiting)
    assert in_a_row(engine, HEADER)
    assert in_a_row(engine, INDEX)
    return engine


def test_letters_and_replies_from_before_open_as_before(
    old_mailbox: Engine, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROW_KEYS_AT_ONCE", 2)
    migrate(old_mailbox, "fieldreport.mailbox", blobs.row_keys)
    must_fit(old_mailbox, blobs.row_keys, MailboxBase.metadata)
    mailbox = LocalMailbox(old_mailbox, blobs)
    assert not in_a_row(old_mailbox, HEADER)
    for number in range(5):
        with mailbox.fetch(bytes([number]) * 16).payload as payload:
            assert payload.read() == b"text"
        assert mailbox.fetch(bytes([number]) * 16).header == HEADER + bytes([number]) * 16
    assert mailbox.replies(INDEX) == [
        SealedReply(id=b"r" * 16, index=INDEX, header=HEADER, payload=b"an answer", hour=24)
    ]
    assert mailbox.unreadable() == []
    with blobs.row_keys.left_over() as slots:
        assert slots == []


def test_objects_from_before_open_and_a_reply_on_its_way_arrives(
    old_vault: Engine, blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROW_KEYS_AT_ONCE", 2)
    migrate(old_vault, "fieldreport.vault", blobs.row_keys)
    assert not any(in_a_row(old_vault, secret) for secret in (HEADER, b"r" * 16, INDEX))
    must_fit(old_vault, blobs.row_keys, VaultBase.metadata)
    vault = Vault(old_vault, blobs, INSTANCE)
    assert [vault.objects.header(bytes([number]) * 16) for number in range(5)] == [
        HEADER + bytes([number]) * 16 for number in range(5)
    ]
    assert vault.unreadable() == []
    url = copy_tables("fieldreport.mailbox", tmp_path / "intake" / "mailbox.db")
    mailbox = LocalMailbox(open_engine(url), FileBlobs(tmp_path / "intake" / "blobs"))
    assert outbox.deliver(vault, mailbox) == 1
    assert mailbox.replies(INDEX) == [
        SealedReply(id=b"r" * 16, index=INDEX, header=HEADER, payload=b"an answer", hour=24)
    ]
    mailbox.close()


def test_a_migration_that_fails_takes_no_key_and_no_row(
    old_mailbox: Engine, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(limits, "ROW_KEYS_AT_ONCE", 2)
        real, calls = type(blobs.row_keys).put, []

        def put_twice(self: object, keys: list[bytes]) -> list[int]:
            calls.append(1)
            if len(calls) > 2:
                raise StoreError("the disk is full")
            return real(blobs.row_keys, keys)

        broken.setattr(type(blobs.row_keys), "put", put_twice)
        with pytest.raises(StoreError):
            migrate(old_mailbox, "fieldreport.mailbox", blobs.row_keys)
    with old_mailbox.connect() as connection:
        assert len(connection.execute(select(column("header")).select_from(table("letters"))).all()) == 5
    migrate(old_mailbox, "fieldreport.mailbox", blobs.row_keys)
    sweep(old_mailbox, blobs.row_keys, MailboxBase.metadata)
    assert LocalMailbox(old_mailbox, blobs).unreadable() == []


def test_rows_are_not_migrated_without_keys(old_mailbox: Engine) -> None:
    with pytest.raises(StoreError):
        migrate(old_mailbox, "fieldreport.mailbox")
