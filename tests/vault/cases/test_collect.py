"""Collecting: every waiting letter ends in the vault once, whatever breaks in between, and without any key."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal

import pytest
from sqlalchemy import select
from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import Conflict, NotFound, StoreError
from fieldreport.mailbox import LetterHead, LocalMailbox, SealedLetter
from fieldreport.store import BlobWriter, FileBlobs
from fieldreport.vault.archive import vault as vault_module
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.tables import Item, SealedObject
from fieldreport.vault.cases import inbox, sort, workflow
from fieldreport.vault.cases.collect import collect
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere

pytestmark = everywhere


class Broken(LocalMailbox):
    """A mailbox that loses the connection at a given step."""

    def __init__(self, real: LocalMailbox, *, at: str) -> None:
        super().__init__(real._engine, real._blobs)
        self._at = at

    @override
    def fetch(self, letter_id: bytes) -> SealedLetter:
        if self._at == "fetch":
            raise StoreError("the line dropped")
        return super().fetch(letter_id)

    @override
    def acknowledge(self, letter_ids: Sequence[bytes]) -> None:
        if self._at == "acknowledge":
            raise StoreError("the line dropped")
        super().acknowledge(letter_ids)
        if self._at == "acknowledged":
            raise StoreError("the answer got lost")

    @override
    def must_work(self) -> Literal[True]:
        raise StoreError("the line dropped")


class Gone(io.BytesIO):
    """The payload of a letter that somebody else has just taken out of the store."""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        raise NotFound("no such payload")


def stored(newsroom: Newsroom) -> list[bytes]:
    with newsroom.vault.reading() as session:
        return sorted(session.scalars(select(SealedObject.id)))


@pytest.mark.parametrize("size", [10, limits.INLINE_PAYLOAD_BYTES, 400_000])
def test_a_letter_moves_from_the_mailbox_into_the_vault_byte_for_byte(newsroom: Newsroom, size: int) -> None:
    letter_id = newsroom.send(a_source(), files=(os.urandom(size),))
    sealed = newsroom.mailbox.fetch(letter_id)
    with sealed.payload as file:
        payload = file.read()
    assert newsroom.collect() == 1
    moved = newsroom.vault.objects.open(letter_id)
    with moved.payload as file:
        assert (moved.header, file.read()) == (sealed.header, payload)
    assert newsroom.mailbox.totals().letters == 0


def test_collecting_again_does_nothing(newsroom: Newsroom) -> None:
    newsroom.send(a_source())
    assert newsroom.collect() == 1
    assert newsroom.collect() == 0
    assert len(stored(newsroom)) == 1


def test_more_letters_than_are_acknowledged_at_once_all_arrive(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COLLECT_LETTERS", 3)
    sent = [newsroom.send(a_source()) for _ in range(8)]
    assert newsroom.collect() == 8
    assert stored(newsroom) == sorted(sent)


def test_small_letters_are_stored_in_one_change(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[int] = []
    begin = newsroom.vault.change

    def counted() -> AbstractContextManager[Change]:
        changes.append(1)
        return begin()

    sent = [newsroom.send(a_source()) for _ in range(6)]
    large = newsroom.send(a_source(), files=(os.urandom(400_000),))
    monkeypatch.setattr(newsroom.vault, "change", counted)
    assert newsroom.collect() == 7
    assert len(changes) == 3, "the round's number, the six, the large one"
    assert stored(newsroom) == sorted([*sent, large])


def test_what_cannot_be_stored_together_is_stored_one_by_one(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as when another desk has just stored one of them."""

    def taken(_change: Change, _small: object) -> None:
        raise Conflict("it was stored meanwhile")

    sent = [newsroom.send(a_source()) for _ in range(3)]
    monkeypatch.setattr(Change, "add_small_as_is", taken)
    assert newsroom.collect() == 3
    assert stored(newsroom) == sorted(sent)


class Shared(LocalMailbox):
    """A mailbox that somebody else does something with between listing and fetching a letter."""

    def __init__(self, real: LocalMailbox, meanwhile: Callable[[bytes], object]) -> None:
        super().__init__(real._engine, real._blobs)
        self._meanwhile = meanwhile

    @override
    def fetch(self, letter_id: bytes) -> SealedLetter:
        self._meanwhile(letter_id)
        return super().fetch(letter_id)


def test_two_may_collect_at_once(newsroom: Newsroom, caplog: pytest.LogCaptureFixture) -> None:
    sent = [newsroom.send(a_source(), files=(os.urandom(400_000),)) for _ in range(3)]
    took: list[int] = []

    def other_desk(_: bytes) -> None:
        if not took:
            took.append(0)
            took.append(newsroom.collect())

    collect(newsroom.vault, Shared(newsroom.mailbox, other_desk), newsroom.watch)
    assert took == [0, 3]
    assert stored(newsroom) == sorted(sent)
    assert caplog.text == ""


def test_a_letter_that_its_source_withdraws_while_others_are_collected_is_not_damaged(newsroom: Newsroom) -> None:
    sent = [newsroom.send(a_source()) for _ in range(3)]

    def withdraw(letter: bytes) -> None:
        if letter == sent[1]:
            newsroom.mailbox.acknowledge([letter])

    shared = Shared(newsroom.mailbox, withdraw)
    assert collect(newsroom.vault, shared, newsroom.watch).letters == 2
    assert stored(newsroom) == sorted([sent[0], sent[2]])


def test_a_letter_that_goes_while_it_is_read_does_not_hold_up_the_others(newsroom: Newsroom) -> None:
    sent = [newsroom.send(a_source()) for _ in range(3)]

    class Going(LocalMailbox):
        @override
        def fetch(self, letter_id: bytes) -> SealedLetter:
            letter = super().fetch(letter_id)
            if letter_id != sent[1]:
                return letter
            newsroom.mailbox.acknowledge([letter_id])
            return replace(letter, payload=Gone())

    going = Going(newsroom.mailbox._engine, newsroom.mailbox._blobs)
    assert collect(newsroom.vault, going, newsroom.watch).letters == 2
    assert stored(newsroom) == sorted([sent[0], sent[2]])


@pytest.mark.parametrize("at", ["fetch", "acknowledge", "acknowledged"])
def test_a_line_that_drops_loses_and_doubles_nothing(newsroom: Newsroom, at: str) -> None:
    sent = [newsroom.send(a_source()) for _ in range(3)]
    with pytest.raises(StoreError):
        collect(newsroom.vault, Broken(newsroom.mailbox, at=at), newsroom.watch)
    newsroom.collect()
    assert stored(newsroom) == sorted(sent)
    assert newsroom.mailbox.totals().letters == 0
    assert sort.sort(newsroom.seat(newsroom.amira)).letters == 3


def test_a_letter_that_the_mailbox_lost_in_part_does_not_hold_up_the_others(newsroom: Newsroom) -> None:
    damaged = newsroom.send(a_source(), files=(os.urandom(300_000),))
    sound = [newsroom.send(a_source()) for _ in range(3)]
    for name in list(newsroom.mailbox._blobs.names()):
        newsroom.mailbox._blobs.delete(name)
    collected = collect(newsroom.vault, newsroom.mailbox, newsroom.watch)
    assert (collected.letters, collected.damaged) == (3, (damaged,))
    with pytest.raises(Conflict) as caught:
        collected.must_be_all()
    assert caught.value.code == "mailbox-damaged"
    assert stored(newsroom) == sorted(sound)
    assert [head.id for head in newsroom.mailbox.waiting(10)] == [damaged]  # it stays for somebody to look at


@pytest.mark.parametrize("cut", [1, -1])
def test_a_payload_of_another_length_than_announced_is_not_taken_over(newsroom: Newsroom, cut: int) -> None:
    letter_id = newsroom.send(a_source(), files=(os.urandom(300_000),))
    name = next(newsroom.mailbox._blobs.names())
    path = newsroom.directory / "intake" / "blobs" / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] if cut == 1 else content + b"x")
    assert collect(newsroom.vault, newsroom.mailbox, newsroom.watch).damaged == (letter_id,)
    assert stored(newsroom) == []
    assert list(newsroom.vault.blobs.names()) == []
    path.write_bytes(content)
    assert newsroom.collect() == 1
    assert inbox.item(newsroom.vault, letter_id).exists


class FailingDisk(io.BytesIO):
    """A file whose second block the disk cannot read."""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, "Input/output error")
        return super().read(1)


def _a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


FAULTS: dict[str, Callable[[Path], object]] = {
    "a directory in its place": _a_directory,
    "a name that leads to itself": _a_loop,
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_letter_that_cannot_be_read_is_set_aside_and_named_and_tried_again(newsroom: Newsroom, fault: str) -> None:
    blobs = newsroom.directory / "intake" / "blobs"
    damaged = newsroom.send(a_source(), files=(os.urandom(300_000),))
    path = next(blobs.glob("[0-9a-f]*"))
    content = path.read_bytes()
    sound = [newsroom.send(a_source(), files=(os.urandom(size),)) for size in (10, 300_000, 10, 300_000)]
    FAULTS[fault](path)
    for letters in (4, 0):
        collected = collect(newsroom.vault, newsroom.mailbox, newsroom.watch)
        assert (collected.letters, collected.damaged) == (letters, (damaged,))
    assert newsroom.mailbox.unreadable() == [damaged]
    assert stored(newsroom) == sorted(sound)
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    assert newsroom.collect() == 1
    assert newsroom.mailbox.unreadable() == []


def test_a_disk_that_fails_in_the_middle_of_a_letter_does_not_hold_up_the_others(newsroom: Newsroom) -> None:
    sent = [newsroom.send(a_source()) for _ in range(3)]

    class Failing(LocalMailbox):
        @override
        def fetch(self, letter_id: bytes) -> SealedLetter:
            letter = super().fetch(letter_id)
            return letter if letter_id != sent[1] else replace(letter, payload=FailingDisk(letter.payload.read()))

    failing = Failing(newsroom.mailbox._engine, newsroom.mailbox._blobs)
    collected = collect(newsroom.vault, failing, newsroom.watch)
    assert (collected.letters, collected.damaged) == (2, (sent[1],))
    assert list(newsroom.vault.blobs.names()) == []


@pytest.mark.parametrize("letters", [1, 20])
def test_a_store_that_reads_nothing_is_an_outage_and_marks_nothing(
    newsroom: Newsroom, letters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(letters):
        newsroom.send(a_source(), files=(os.urandom(300_000),))
    with monkeypatch.context() as broken:
        asked: list[str] = []

        def away(_blobs: FileBlobs, name: str) -> BinaryIO:
            asked.append(name)
            raise StoreError("the payload store refused")

        broken.setattr(FileBlobs, "open", away)
        with pytest.raises(StoreError):
            newsroom.collect()
        assert len(asked) < 10  # it gives up long before the last: each may take as long as a timeout
    assert newsroom.collect() == letters


def test_a_vault_that_stores_nothing_is_an_outage(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.send(a_source(), files=(os.urandom(300_000),))

    def full(_blobs: FileBlobs) -> BlobWriter:
        raise StoreError("the payload store refused")

    with monkeypatch.context() as broken:
        broken.setattr(newsroom.vault.blobs, "create", lambda: full(FileBlobs(newsroom.directory)))
        with pytest.raises(StoreError):
            newsroom.collect()
    assert newsroom.collect() == 1


def test_a_letter_that_would_leave_no_room_to_sign_in_waits(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the first of a round: fifty of the longest are 25 GiB."""
    monkeypatch.setattr(vault_module, "free_bytes", lambda _: limits.COLLECT_FREE_BYTES + 300_000)
    small = newsroom.send(a_source())
    newsroom.send(a_source(), files=(os.urandom(400_000),))
    if newsroom.vault.engine.dialect.name == "postgresql":  # a server sees to its own disk
        assert newsroom.collect() == 2
        return
    with pytest.raises(StoreError) as caught:
        newsroom.collect()
    assert (caught.value.code, stored(newsroom)) == ("disk-full", [small])
    assert "65 MiB" in caught.value.detail


def test_a_mailbox_that_deletes_nothing_ends_the_round(newsroom: Newsroom) -> None:
    """A compromised intake could otherwise keep the desk busy with one letter."""
    sent = newsroom.send(a_source())
    asked: list[int] = []

    class Keeping(LocalMailbox):
        @override
        def waiting(self, limit: int) -> list[LetterHead]:
            asked.append(limit)
            assert len(asked) < 9, "without an end"
            return super().waiting(limit)

        @override
        def acknowledge(self, letter_ids: Sequence[bytes]) -> None:
            """Nothing."""

    keeping = Keeping(newsroom.mailbox._engine, newsroom.mailbox._blobs)
    assert collect(newsroom.vault, keeping, newsroom.watch).letters == 1
    assert stored(newsroom) == [sent]


def test_a_mailbox_that_names_letters_without_end_ends_the_round(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LETTERS_WAITING", 20)
    named: list[bytes] = []

    class Endless(LocalMailbox):
        @override
        def waiting(self, limit: int) -> list[LetterHead]:
            assert len(named) < 99, "without an end"
            named.extend(os.urandom(16) for _ in range(8))
            return [LetterHead(id=each, epoch=1, size=1) for each in named[-8:]]

    endless = Endless(newsroom.mailbox._engine, newsroom.mailbox._blobs)
    assert len(collect(newsroom.vault, endless, newsroom.watch).damaged) == 8
    assert stored(newsroom) == []


def test_a_letter_that_was_deleted_here_is_not_taken_in_again(newsroom: Newsroom) -> None:
    """A mailbox restored from a backup has it once more."""
    source = a_source()
    letter_id = newsroom.send(source)
    again = newsroom.mailbox.fetch(letter_id)
    with again.payload as file:
        payload = file.read()
    newsroom.collect()
    seat = newsroom.seat(newsroom.amira)
    sort.sort(seat)
    workflow.delete(seat, newsroom.cases()[0].id)

    class Restored(LocalMailbox):
        def __init__(self) -> None:
            super().__init__(newsroom.mailbox._engine, newsroom.mailbox._blobs)
            self._clock = lambda: newsroom.clock.now + 3600 * (limits.COLLECTED_HOURS + 25)

    restored = Restored()
    restored.acknowledge([newsroom.send(a_source())])  # which forgets what was collected long ago
    assert restored.deposit(letter_id, again.epoch, lambda file: (file.write(payload), again.header)[1])
    assert collect(newsroom.vault, restored, newsroom.watch).letters == 0
    assert restored.totals().letters == 0
    with pytest.raises(NotFound):
        newsroom.vault.objects.open(letter_id)


def test_the_keys_a_letter_is_sealed_to_are_known_from_its_epoch(newsroom: Newsroom) -> None:
    newsroom.send(a_source())
    newsroom.collect()
    for key_id in newsroom.roster.key_ids():
        assert newsroom.vault.objects.named_by(key_id) == 1
    assert newsroom.vault.objects.named_by("0" * 32) == 0


def test_a_letter_of_a_roster_unknown_here_is_kept(newsroom: Newsroom) -> None:
    letter_id = newsroom.send(a_source(), claimed_epoch=99)
    assert newsroom.collect() == 1
    assert inbox.item(newsroom.vault, letter_id).case_id is None
    assert sort.sort(newsroom.seat(newsroom.amira)).letters == 1
    assert newsroom.vault.objects.named_by(newsroom.amira.identities[0].key_id) == 1


def test_orphans_are_found_and_removed_and_nothing_else_is(newsroom: Newsroom) -> None:
    letter_id = newsroom.send(a_source(), files=(os.urandom(300_000),))
    newsroom.collect()
    with newsroom.vault.blobs.create() as writer:
        writer.write(b"a crash came between payload and row")
        orphan = writer.commit()
    assert newsroom.vault.orphans() == []
    assert newsroom.vault.orphans(older_than_seconds=0) == [orphan]
    assert newsroom.vault.remove_orphans(older_than_seconds=0) == 1
    newsroom.vault.objects.open(letter_id).payload.close()


def test_letters_of_one_round_share_its_number_and_nothing_finer(newsroom: Newsroom) -> None:
    first = [newsroom.send(a_source()) for _ in range(2)]
    newsroom.collect()
    second = newsroom.send(a_source())
    newsroom.collect()
    with newsroom.vault.reading() as session:
        batches = {row.id: row.batch for row in session.execute(select(Item.id, Item.batch))}
    assert batches[first[0]] == batches[first[1]] < batches[second]
