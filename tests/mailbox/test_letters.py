"""Letters: deposited once, durable when that returns, collected by the desk, and refused when their epoch is closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import select, text

from fieldreport import limits
from fieldreport.errors import MailboxFull, NotFound, StaleRoster, StoreError
from fieldreport.mailbox import DeskMailbox, LocalMailbox, Mailbox, Totals
from fieldreport.mailbox.local import counters_row
from fieldreport.mailbox.tables import Counters
from fieldreport.store import BlobStore, FileBlobs, migrate, open_engine, writing
from tests.cast import Clock
from tests.store.throwaway_postgres import fresh_database

HEADER = b"age-encryption.org/v1 (any header)"


def sealing(payload: bytes) -> Callable[[BinaryIO], bytes]:
    def seal(destination: BinaryIO) -> bytes:
        destination.writelines(payload[start : start + 50_000] for start in range(0, len(payload), 50_000))
        return HEADER

    return seal


def never(_destination: BinaryIO) -> bytes:
    raise AssertionError("sealed although it need not be")


def deposit(mailbox: LocalMailbox, size: int = 100, epoch: int = 1) -> bytes:
    letter_id = os.urandom(16)
    assert mailbox.deposit(letter_id, epoch, sealing(os.urandom(size)))
    return letter_id


def test_the_local_mailbox_is_a_mailbox(mailbox: LocalMailbox) -> None:
    as_interface: Mailbox = mailbox
    assert as_interface.totals() == Totals(letters=0, bytes=0)


@pytest.mark.parametrize("size", [0, 1, limits.INLINE_PAYLOAD_BYTES, limits.INLINE_PAYLOAD_BYTES + 1, 500_000])
def test_what_was_deposited_is_what_is_fetched(mailbox: LocalMailbox, desk: DeskMailbox, size: int) -> None:
    letter_id, payload = os.urandom(16), os.urandom(size)
    assert mailbox.deposit(letter_id, 4, sealing(payload)) is True
    letter = desk.fetch(letter_id)
    with letter.payload as file:
        assert (letter.id, letter.epoch, letter.header, letter.size) == (letter_id, 4, HEADER, size)
        assert file.read() == payload
    assert [(head.id, head.epoch, head.size) for head in desk.waiting(10)] == [(letter_id, 4, size)]
    assert desk.totals() == Totals(letters=1, bytes=size)


def test_it_is_there_after_the_process_has_gone(mailbox: LocalMailbox, database_url: str, blobs: BlobStore) -> None:
    letter_id = deposit(mailbox, 200_000)
    mailbox.close()
    again = LocalMailbox(open_engine(database_url), blobs)
    again.fetch(letter_id).payload.close()
    again.close()


def test_the_same_letter_twice_is_stored_once_and_sealed_once(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    letter_id = deposit(mailbox, 200_000)
    assert mailbox.deposit(letter_id, 1, never) is False
    assert desk.totals().letters == 1


def test_the_same_letter_from_many_threads_at_once_is_stored_once(
    mailbox: LocalMailbox, desk: DeskMailbox, blobs: BlobStore
) -> None:
    letter_id, answers = os.urandom(16), []

    def post() -> None:
        answers.append(mailbox.deposit(letter_id, 1, sealing(bytes(100_000))))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 7 + [True]
    assert desk.totals() == Totals(letters=1, bytes=100_000)
    assert len(list(blobs.names())) == 1


def test_letters_are_listed_by_their_random_ids_and_not_as_they_came(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    ids = [deposit(mailbox) for _ in range(3)]
    assert [head.id for head in desk.waiting(10)] == sorted(ids)
    assert [head.id for head in desk.waiting(2)] == sorted(ids)[:2]


def test_acknowledged_letters_are_gone_with_their_payload(
    mailbox: LocalMailbox, desk: DeskMailbox, blobs: BlobStore
) -> None:
    small, large = deposit(mailbox, 100), deposit(mailbox, 200_000)
    desk.acknowledge([small, large, os.urandom(16)])
    desk.acknowledge([small, large])
    assert desk.waiting(10) == []
    assert desk.totals() == Totals(letters=0, bytes=0)
    assert list(blobs.names()) == []
    with pytest.raises(NotFound):
        desk.fetch(small)


def test_any_number_is_acknowledged_at_once(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    letters = [deposit(mailbox) for _ in range(3)]
    desk.acknowledge([*(os.urandom(16) for _ in range(limits.ROW_KEYS_AT_ONCE)), *letters, letters[0]])
    assert desk.totals() == Totals(letters=0, bytes=0)
    assert mailbox.deposit(letters[0], 1, never) is False


def test_a_letter_that_was_collected_is_not_taken_in_again(
    mailbox: LocalMailbox, desk: DeskMailbox, clock: Clock
) -> None:
    letter_id = deposit(mailbox)
    desk.acknowledge([letter_id])
    assert mailbox.deposit(letter_id, 1, never) is False
    assert desk.waiting(10) == []


def test_that_it_was_collected_is_forgotten_in_time(mailbox: LocalMailbox, desk: DeskMailbox, clock: Clock) -> None:
    letter_id = deposit(mailbox)
    desk.acknowledge([letter_id])
    clock.pass_hours(limits.COLLECTED_HOURS + 24)  # the day of a tombstone is all that is known
    desk.acknowledge([deposit(mailbox)])
    assert mailbox.deposit(letter_id, 1, sealing(b"again")) is True


def test_a_letter_for_a_closed_epoch_is_refused_before_it_is_sealed(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    mailbox.saw_epoch(5)
    with pytest.raises(StaleRoster):
        mailbox.deposit(os.urandom(16), 4, never)
    assert desk.totals().letters == 0


def test_a_letter_whose_epoch_closes_while_it_is_sealed_is_refused(
    mailbox: LocalMailbox, desk: DeskMailbox, blobs: BlobStore
) -> None:
    def seal(destination: BinaryIO) -> bytes:
        destination.write(bytes(200_000))
        mailbox.saw_epoch(5)
        return HEADER

    with pytest.raises(StaleRoster):
        mailbox.deposit(os.urandom(16), 4, seal)
    assert desk.totals() == Totals(letters=0, bytes=0)
    assert list(blobs.names()) == []


def test_a_letter_of_a_new_epoch_closes_the_old_one(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    deposit(mailbox, epoch=7)
    assert desk.highest_epoch() == 7
    with pytest.raises(StaleRoster):
        mailbox.deposit(os.urandom(16), 6, never)


def test_the_highest_epoch_never_goes_back_and_survives_a_restart(mailbox: LocalMailbox, database_url: str) -> None:
    assert mailbox.highest_epoch() == 0
    for epoch in (3, 9, 4):
        mailbox.saw_epoch(epoch)
    mailbox.close()
    again = LocalMailbox(open_engine(database_url), mailbox._blobs)
    assert again.highest_epoch() == 9
    again.close()


@pytest.mark.postgres
def test_a_letter_is_stored_while_another_waits_for_its_commit(tmp_path: Path) -> None:
    """Otherwise all machines of a letterbox store one letter a flush of the database's log, however many there are."""
    url = fresh_database()
    engine = open_engine(url)
    migrate(engine, "fieldreport.mailbox")
    mailbox = LocalMailbox(engine, FileBlobs(tmp_path / "blobs"))
    row = select(Counters).where(Counters.id == counters_row(bytes(16))).with_for_update()
    with writing(engine) as other:  # as a deposit that is not committed yet
        other.execute(row)
        assert mailbox.deposit(bytes([1]) * 16, 1, sealing(b"on another row"))
        mailbox.kept.put(bytes(16), sealing(b"kept"), size=4, places=[bytes(16)], most_bytes=100, hour=0)
    mailbox.acknowledge([bytes([1]) * 16])
    assert mailbox.totals() == Totals(letters=0, bytes=0)
    mailbox.close()


def test_no_more_letters_than_the_ceiling(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    for _ in range(3):
        deposit(mailbox)
    with pytest.raises(MailboxFull) as caught:
        mailbox.deposit(os.urandom(16), 1, never)
    assert caught.value.code == "mailbox-full"
    desk.acknowledge([desk.waiting(1)[0].id])
    deposit(mailbox)


def test_no_more_bytes_than_the_ceiling(mailbox: LocalMailbox, desk: DeskMailbox, blobs: BlobStore) -> None:
    deposit(mailbox, 600_000)
    with pytest.raises(MailboxFull) as caught:
        mailbox.deposit(os.urandom(16), 1, sealing(bytes(400_001)))
    assert caught.value.code == "mailbox-full"
    assert desk.totals() == Totals(letters=1, bytes=600_000)
    assert len(list(blobs.names())) == 1
    deposit(mailbox, 400_000)


def test_a_sealing_that_fails_leaves_nothing(mailbox: LocalMailbox, desk: DeskMailbox, blobs: BlobStore) -> None:
    def seal(destination: BinaryIO) -> bytes:
        destination.write(bytes(300_000))
        raise StoreError("the scratch file is gone")

    with pytest.raises(StoreError):
        mailbox.deposit(os.urandom(16), 1, seal)
    assert desk.totals() == Totals(letters=0, bytes=0)
    assert list(blobs.names()) == []


def test_an_id_of_another_length_is_refused(mailbox: LocalMailbox) -> None:
    with pytest.raises(StoreError):
        mailbox.deposit(b"short", 1, never)


def test_orphans_are_found_and_removed_and_nothing_else_is(
    mailbox: LocalMailbox, desk: DeskMailbox, tmp_path: Path, blobs: BlobStore
) -> None:
    letter_id = deposit(mailbox, 200_000)
    with blobs.create() as writer:
        writer.write(b"a crash came between payload and row")
        orphan = writer.commit()
    left = [orphan]
    if isinstance(blobs, FileBlobs):  # what a bucket has of it: tests/store
        half = tmp_path / "blobs" / ("0" * 32 + ".part")
        half.write_bytes(b"a crash came while it was written")
        left.append(half.name)
    assert mailbox.orphans() == []  # too young to tell: its row may be a moment away
    assert mailbox.orphans(older_than_seconds=0) == sorted(left)
    assert mailbox.remove_orphans(older_than_seconds=0) == len(left)
    assert mailbox.remove_orphans(older_than_seconds=0) == 0
    desk.fetch(letter_id).payload.close()


def test_a_letter_whose_payload_is_missing_says_so(mailbox: LocalMailbox, desk: DeskMailbox, blobs: BlobStore) -> None:
    letter_id = deposit(mailbox, 200_000)
    for name in list(blobs.names()):
        blobs.delete(name)
    with pytest.raises(NotFound):
        desk.fetch(letter_id)


def test_no_column_could_hold_who_or_when(mailbox: LocalMailbox, database_url: str) -> None:
    """Letters have no time at all, and nothing two of them could have in common but their epoch and size."""
    letter_id = deposit(mailbox)
    engine = open_engine(database_url)
    with writing(engine) as session:
        row = session.execute(text("SELECT * FROM letters")).mappings().one()
    assert set(row) == {"id", "epoch", "size", "blob", "slot", "hidden", "payload"}
    assert bytes(row["id"]) == letter_id
    engine.dispose()
