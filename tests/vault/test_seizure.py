"""A seizure of both machines' disks after each act: no byte of any file gives back what the act removed.

The attacker has every file of both data directories. What was removed is looked for in pieces, because a database cuts
a row at the ends of its pages. What keys open, and a database on a server, is the matter of ``test_row_keys``.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, select

from fieldreport.errors import StoreError
from fieldreport.mailbox.tables import MailboxBase
from fieldreport.store import reading
from fieldreport.store.row_keys import hiding_tables
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.tables import Case, Outgoing, VaultBase
from fieldreport.vault.cases import conversation, inbox, outbox, sort, workflow
from fieldreport.vault.keys import rotation
from fieldreport.vault.staff import second_factor
from tests.cast import a_source, with_new_key
from tests.vault.newsroom import Away, Newsroom

_PIECE = 24  # bytes: no two sealed things have so many in common by chance
_STEP = 96


@pytest.fixture(autouse=True)
def sqlite_only(newsroom: Newsroom) -> None:
    assert newsroom.vault.engine.dialect.name == "sqlite"


def seized(newsroom: Newsroom) -> dict[Path, bytes]:
    """Every byte of both data directories as they are at this moment, with the processes still running."""
    return {path: path.read_bytes() for path in sorted(newsroom.directory.rglob("*")) if path.is_file()}


def pieces(secret: bytes) -> Iterator[bytes]:
    for start in range(0, max(1, len(secret) - _PIECE), _STEP):
        yield secret[start : start + _PIECE]


def found(newsroom: Newsroom, secrets: Iterable[bytes]) -> set[str]:
    """The files in which a piece of one of these is."""
    needles = {piece for secret in secrets for piece in pieces(secret)}
    assert needles
    return {
        str(path.relative_to(newsroom.directory))
        for path, content in seized(newsroom).items()
        if any(needle in content for needle in needles)
    }


def rows_of(engine: Engine, metadata: MetaData) -> list[bytes]:
    """What is stored of every header and small payload."""
    stored = []
    with reading(engine) as session:
        for table in hiding_tables(metadata):
            for row in session.execute(select(table)).mappings():
                stored += [row["hidden"], row.get("payload") or b""]
    return [each for each in stored if each]


def in_mailbox(newsroom: Newsroom) -> list[bytes]:
    return rows_of(newsroom.mailbox._engine, MailboxBase.metadata)


def in_vault(newsroom: Newsroom) -> list[bytes]:
    return rows_of(newsroom.vault.engine, VaultBase.metadata)


def test_collected_letters_are_nowhere_in_the_mailbox(newsroom: Newsroom) -> None:
    for number in range(5):
        newsroom.send(a_source(), f"report {number}")
    newsroom.send(a_source(), "with a file", files=(b"film" * 50_000,))
    sealed = in_mailbox(newsroom)
    assert any(name.startswith("intake") for name in found(newsroom, sealed))
    newsroom.collect()
    assert not {name for name in found(newsroom, sealed) if name.startswith("intake")}


def test_what_a_source_deletes_or_withdraws_is_nowhere(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "an answer", newsroom.mailbox)
    waiting = in_mailbox(newsroom)
    assert found(newsroom, waiting)
    newsroom.mailbox.delete_replies(source.index, [reply.id for reply in newsroom.mailbox.replies(source.index)])
    assert not found(newsroom, waiting)
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "another answer", newsroom.mailbox)
    waiting = in_mailbox(newsroom)
    newsroom.mailbox.delete_all_replies(source.index)
    assert not found(newsroom, waiting)
    before = in_vault(newsroom)
    newsroom.send(source, action="withdraw")
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    assert not found(newsroom, before)


def test_a_reply_that_was_delivered_is_not_on_the_way_any_more(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "an answer", Away(newsroom.mailbox))
    with reading(newsroom.vault.engine) as session:
        (hidden,) = session.scalars(select(Outgoing.hidden))
    assert found(newsroom, [hidden])
    outbox.deliver(newsroom.vault, newsroom.mailbox)
    assert not found(newsroom, [hidden])


def test_a_deleted_case_is_nowhere(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source(), files=(b"film" * 50_000,))
    conversation.note(newsroom.seat(newsroom.amira), case.id, "a note")
    before = in_vault(newsroom)
    assert found(newsroom, before)
    workflow.delete(newsroom.seat(newsroom.amira), case.id)
    assert not found(newsroom, before)


@pytest.mark.campaign
def test_a_key_is_not_called_destroyed_while_a_log_still_holds_what_it_opens(newsroom: Newsroom) -> None:
    newsroom.receive(a_source())
    newsroom.send(a_source())
    with reading(newsroom.vault.engine) as session:
        session.scalars(select(Case)).all()  # a reader that holds the log
        with pytest.raises(StoreError) as caught:
            finish_rotation(newsroom)
    assert caught.value.code == "busy"


def finish_rotation(newsroom: Newsroom) -> None:
    order = rotation.order(newsroom.seat(newsroom.lena), "amira")
    amira = with_new_key(newsroom.amira)
    new = amira.identities[0].key_id
    rotation.request(newsroom.seat(amira), "the signed request", new)
    roster = newsroom.next_roster(amira)
    rotation.approve(newsroom.seat(newsroom.lena), order.id, new_key_id=new, epoch=roster.epoch)
    newsroom.mailbox.saw_epoch(roster.epoch)
    newsroom.collect()
    sort.sort(newsroom.seat(amira))
    rewrap.rewrap(newsroom.seat(amira))
    rotation.finish(newsroom.seat(amira), newsroom.mailbox)


_Act = Callable[[Newsroom], object]
_IDLE: list[_Act] = [
    lambda newsroom: newsroom.send(a_source()),
    lambda newsroom: newsroom.mailbox.saw_epoch(7),
    lambda newsroom: inbox.star(newsroom.vault, newsroom.cases()[0].id, "amira", starred=True),
]


@pytest.mark.parametrize("act", _IDLE)
def test_after_any_other_change_the_next_round_of_upkeep_leaves_no_log(newsroom: Newsroom, act: _Act) -> None:
    newsroom.receive(a_source())
    act(newsroom)
    newsroom.mailbox.upkeep.run()
    newsroom.vault.upkeep.run()
    logs = [len(content) for path, content in seized(newsroom).items() if path.name.endswith("-wal")]
    assert logs == [0, 0]


_UNITS = {"milliseconds": 0.001, "seconds": 1, "one-time codes": 30, "minutes": 60}
_DAYS = 30


def integers_in(newsroom: Newsroom) -> Iterator[tuple[str, str, int]]:
    """Every integer of every row of both databases: which zone's, in which column."""
    for zone, path in (("desk", "desk/vault.db"), ("intake", "intake/mailbox.db")):
        with sqlite3.connect(newsroom.directory / path) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                cursor = database.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own tables
                names = [column[0] for column in cursor.description]
                for row in cursor:
                    for name, value in zip(names, row, strict=True):
                        if isinstance(value, int):
                            yield zone, f"{table}.{name}", value


def test_no_column_tells_a_time_finer_than_a_day_at_the_intake_and_than_an_hour_at_the_desk(
    newsroom: Newsroom,
) -> None:
    newsroom.clock.forward(5 * 3600 + 1234)
    source = a_source()
    case = newsroom.receive(source, files=(b"film" * 50_000,))
    newsroom.send(a_source())
    seat = newsroom.seat(newsroom.amira)
    conversation.reply(seat, case.id, "an answer", newsroom.mailbox)
    conversation.reply(seat, case.id, "another one", Away(newsroom.mailbox))
    conversation.note(seat, case.id, "a note")
    second_factor.use(newsroom.vault, "amira", newsroom.amira.totp, int(newsroom.clock.now // 30))
    rotation.order(newsroom.seat(newsroom.lena), "amira")
    now = newsroom.clock.now
    found = list(integers_in(newsroom))
    assert len({name for _, name, _ in found}) > 20
    for zone, name, value in found:
        for unit, seconds in _UNITS.items():
            assert abs(value * seconds - now) > _DAYS * 86400, f"{zone}: {name} counts {unit}"
        if zone == "intake" and abs(value * 3600 - now) < _DAYS * 86400:
            assert value % 24 == 0, f"{name} tells the hour"


def test_no_file_at_rest_tells_when_a_letter_came(newsroom: Newsroom) -> None:
    newsroom.mailbox.upkeep.run()
    newsroom.vault.upkeep.run()
    newsroom.receive(a_source(), files=(b"film" * 50_000,))
    newsroom.send(a_source(), files=(b"film" * 50_000,))
    time.sleep(0.2)
    began = time.time()
    for store in (newsroom.mailbox, newsroom.vault):
        store.upkeep._touch_at = 0.0  # a minute later
        store.upkeep.run()
    files = [path for zone in ("intake", "desk") for path in (newsroom.directory / zone).rglob("*")]
    assert sum(path.parent.name == "blobs" for path in files) >= 2
    telling = {
        path.name
        for path in files
        if path.parent.name != ".blank" and not {0.0} >= {when for when in times(path) if when < began - 0.05}
    }
    assert not telling


def times(path: Path) -> tuple[float, float, float]:
    found = path.stat()
    return found.st_atime, found.st_mtime, found.st_ctime
