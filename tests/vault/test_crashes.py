"""A process that is killed at any moment loses nothing and doubles nothing: letters, replies, re-wrapping, the log.

A child works as fast as it can and tells, through a pipe, what it was told is done; it is killed with SIGKILL at a
random moment; then everything it was promised is looked for. ``FIELDREPORT_CRASH_ROUNDS`` sets how often.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, select

from fieldreport import limits
from fieldreport.mailbox.tables import MailboxBase
from fieldreport.seal import SourceKeys
from fieldreport.store import RowKeys, reading, reveal_all, sweep
from fieldreport.store.row_keys import hiding_tables
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.tables import Item, VaultBase
from fieldreport.vault.cases import conversation, inbox, outbox, sort
from tests.cast import a_source, with_new_key, without_old_keys
from tests.vault.newsroom import Newsroom, open_newsroom

ROUNDS = int(os.environ.get("FIELDREPORT_CRASH_ROUNDS", "6"))
LETTER, REPLY = b"L", b"R"


@dataclass
class Life:
    """What outlives the crashes: the disk, the keys, and what was promised."""

    directory: Path
    vault_url: str
    mailbox_url: str
    source: SourceKeys = field(default_factory=a_source)
    jonas: StaffKey | None = None
    letters: set[bytes] = field(default_factory=set)
    replies: set[bytes] = field(default_factory=set)

    def open(self) -> Newsroom:
        vault, mailbox, clock = open_newsroom(self.directory, vault_url=self.vault_url, mailbox_url=self.mailbox_url)
        newsroom = Newsroom(directory=self.directory, vault=vault, mailbox=mailbox, clock=clock)
        self.jonas = self.jonas or newsroom.jonas
        newsroom.jonas = self.jonas
        return newsroom

    @contextlib.contextmanager
    def opened(self) -> Iterator[Newsroom]:
        newsroom = self.open()
        yield newsroom
        newsroom.vault.close()
        newsroom.mailbox.close()


def work(life: Life, report: int, seed: int) -> None:
    """Send, collect, sort, answer, re-wrap; never comes back by itself for long."""
    chance = random.Random(seed)
    newsroom = life.open()
    seat = newsroom.seat(newsroom.amira)
    for number in range(1000):
        size = chance.choice([10, 1000, 200_000])
        letter_id = newsroom.send(life.source, f"report {seed}.{number}", files=(os.urandom(size),))
        os.write(report, LETTER + letter_id)
        match chance.randrange(4):
            case 0:
                newsroom.collect()
            case 1:
                newsroom.collect()
                sort.sort(seat)
            case 2:
                cases = newsroom.cases()
                if cases:
                    item_id = os.urandom(16)
                    conversation.reply(seat, cases[0].id, item_id.hex(), newsroom.mailbox, item_id=item_id)
                    os.write(report, REPLY + item_id)
            case _:
                rewrap.rewrap(seat)


def crash(life: Life, seed: int) -> None:
    """Let a child work for a moment, kill it, and note what it was promised."""
    reading_end, writing_end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 0
        try:
            os.close(reading_end)
            work(life, writing_end, seed)
        except BaseException:  # noqa: BLE001 - the child must end here, not in the test runner
            traceback.print_exc()
            status = 1
        finally:
            os._exit(status)
    os.close(writing_end)
    told = b""
    if seed % 2:  # half of them are killed only after the first promise, however slow the machine is
        told = os.read(reading_end, 17)
    time.sleep(random.Random(seed).uniform(0.0, 0.5))
    os.kill(child, signal.SIGKILL)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {-signal.SIGKILL, 0}, "the child failed before it was killed; its traceback is above"
    with os.fdopen(reading_end, "rb") as pipe:
        told += pipe.read()
    for start in range(0, len(told) // 17 * 17, 17):
        kind, identifier = told[start : start + 1], told[start + 1 : start + 17]
        (life.letters if kind == LETTER else life.replies).add(identifier)


def check_keys(engine: Engine, keys: RowKeys, metadata: MetaData) -> None:
    """Every row has its key, and after the first sweep there is no key without a row."""
    sweep(engine, keys, metadata)
    with reading(engine) as session:
        rows = [
            (row.slot, row.hidden)
            for table in hiding_tables(metadata)
            for row in session.execute(select(table.c.slot, table.c.hidden))
        ]
    assert None not in reveal_all(keys, rows)
    taken = [slot for slot, key in enumerate(keys.get(range(1 + limits.ROW_KEY_SLOTS))) if key is not None]
    assert taken == sorted(slot for slot, _ in rows)


def check(life: Life, newsroom: Newsroom) -> None:
    """Everything promised is there, once, whole, and for the right readers."""
    for engine, blobs, metadata in (
        (newsroom.mailbox._engine, newsroom.mailbox._blobs, MailboxBase.metadata),
        (newsroom.vault.engine, newsroom.vault.blobs, VaultBase.metadata),
    ):
        check_keys(engine, blobs.row_keys, metadata)
    waiting = {head.id for head in newsroom.mailbox.waiting(10_000)}
    with newsroom.vault.reading() as session:
        taken = set(session.scalars(select(Item.id)))
    assert life.letters <= waiting | taken
    newsroom.vault.remove_orphans(older_than_seconds=0)
    newsroom.mailbox.remove_orphans(older_than_seconds=0)
    newsroom.collect()
    seat = newsroom.seat(newsroom.amira)
    assert (sort.sort(seat).unopened, newsroom.mailbox.totals().letters) == (0, 0)
    for case in newsroom.cases():
        items = inbox.items(newsroom.vault, case.id)
        assert len({item.id for item in items}) == len(items)
        assert all(item.damage is None for item in items)
        assert life.letters <= {item.id for item in items}
    outbox.deliver(newsroom.vault, newsroom.mailbox)
    read = newsroom.read_replies(life.source)
    assert len(read) == len(set(read)), "a reply was doubled"
    assert {item_id.hex() for item_id in life.replies} <= set(read)
    newsroom.vault.audit.verify(newsroom.watch.all_here())


def test_whatever_is_killed_nothing_is_lost_or_doubled(
    tmp_path: Path, vault_url: str, mailbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REWRAP_OBJECTS", 2)
    monkeypatch.setattr(limits, "COLLECT_LETTERS", 2)
    monkeypatch.setattr(limits, "WAL_BYTES", 100_000)  # so that checkpoints are hit as well
    life = Life(directory=tmp_path, vault_url=vault_url, mailbox_url=mailbox_url)
    old_keys: list[str] = []
    seeds = [random.randrange(2**32) for _ in range(ROUNDS)]
    for seed in seeds:
        print(f"seed {seed}")  # noqa: T201 - shown when the test fails, to repeat it
        with life.opened() as newsroom:
            old_keys.append(newsroom.jonas.identities[0].key_id)
            life.jonas = without_old_keys(with_new_key(newsroom.jonas))
            newsroom.next_roster(life.jonas)  # so that everything stored wants re-wrapping
        crash(life, seed)
        with life.opened() as newsroom:
            check(life, newsroom)
    assert len(life.letters) >= sum(seed % 2 for seed in seeds)
    with life.opened() as newsroom:
        seat = newsroom.seat(newsroom.amira)
        rewrap.rewrap(seat)
        assert [newsroom.vault.objects.named_by(key_id) for key_id in old_keys] == [0] * ROUNDS
        assert life.jonas is not None
        for case in newsroom.cases():
            for item in inbox.items(newsroom.vault, case.id):
                with newsroom.seat(life.jonas).open_item(item.id) as envelope:
                    envelope.verify()
        assert newsroom.vault.orphans(older_than_seconds=0) == []
        assert newsroom.mailbox.orphans(older_than_seconds=0) == []
