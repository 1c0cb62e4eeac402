"""Files that wait: stored once, bounded, touched together, gone when they are to be gone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from fieldreport import limits
from fieldreport.errors import Conflict, LimitExceeded, MailboxFull, NotFound, StoreError
from fieldreport.mailbox import LocalMailbox
from fieldreport.mailbox.kept import LocalKeptFiles
from tests.cast import Clock

HOUR = 500_000
LARGE = os.urandom(limits.INLINE_PAYLOAD_BYTES + 1)
SMALL = os.urandom(100)


def places(count: int = 4) -> list[bytes]:
    return [os.urandom(16) for _ in range(count)]


def put(
    mailbox: LocalMailbox, own: list[bytes], number: int, content: bytes, *, hour: int = HOUR, most: int = 1 << 20
) -> None:
    def seal(payload: BinaryIO) -> bytes:
        payload.write(content)
        return b"note %d" % number

    mailbox.kept.put(own[number], seal, size=len(content), places=own, most_bytes=most, hour=hour)


def notes(mailbox: LocalMailbox, own: list[bytes], *, hour: int = HOUR) -> list[bytes]:
    return [each.note for each in mailbox.kept.notes(own, hour=hour)]


def content(mailbox: LocalMailbox, place: bytes) -> bytes:
    with mailbox.kept.open(place) as file:
        return file.read()


def payloads(mailbox: LocalMailbox) -> list[str]:
    return list(mailbox._blobs.names())


def test_what_was_put_is_there_for_its_source_alone(mailbox: LocalMailbox) -> None:
    own, other = places(), places()
    put(mailbox, own, 0, SMALL)
    put(mailbox, own, 1, LARGE)
    assert notes(mailbox, own) == [b"note 0", b"note 1"]
    assert [content(mailbox, each) for each in own[:2]] == [SMALL, LARGE]
    looks = [mailbox.beginning_with_and_kept(b"12345678", each[0], hour=HOUR) for each in (own, other)]
    assert looks == [([], True), ([], False)]
    assert mailbox.beginning_with_and_kept(b"12345678", own[0], hour=HOUR + 2) == ([], False)
    assert notes(mailbox, other) == []
    with pytest.raises(Conflict):
        put(mailbox, own, 1, SMALL)
    assert content(mailbox, own[1]) == LARGE


def test_all_of_one_source_vanish_together_after_the_hour(mailbox: LocalMailbox, tmp_path: Path, clock: Clock) -> None:
    own, other = places(), places()
    put(mailbox, own, 0, LARGE)
    put(mailbox, other, 0, LARGE)
    put(mailbox, own, 1, SMALL, hour=HOUR + 1)
    assert notes(mailbox, other, hour=HOUR + 2) == []  # nobody has swept
    mailbox.kept.sweep(hour=HOUR + 2)
    assert notes(mailbox, own, hour=HOUR + 2) == [b"note 0", b"note 1"]
    assert len(payloads(mailbox)) == 1
    mailbox.kept.touch(own, hour=HOUR + 2)
    clock.now = (HOUR + 3) * 3600
    mailbox.upkeep.run()
    assert len(notes(mailbox, own, hour=HOUR + 3)) == 2
    clock.now = (HOUR + 4) * 3600
    mailbox.upkeep.run()
    assert notes(mailbox, own) == []
    assert payloads(mailbox) == []
    put(mailbox, own, 0, SMALL, hour=HOUR + 4)


def test_a_put_makes_room_by_sweeping(mailbox: LocalMailbox) -> None:
    own = places()
    put(mailbox, own, 0, SMALL)
    put(mailbox, own, 0, SMALL, hour=HOUR + 2)
    assert notes(mailbox, own, hour=HOUR + 2) == [b"note 0"]


def test_both_bounds_hold_and_nothing_is_left_of_what_is_refused(mailbox: LocalMailbox, tmp_path: Path) -> None:
    own, other = places(), places()
    ceiling = limits.KEPT_SHARE * 2 * len(LARGE) + 1000
    mailbox.kept = LocalKeptFiles(mailbox._engine, mailbox._blobs, bytes_ceiling=ceiling)
    put(mailbox, own, 0, LARGE, most=2 * len(LARGE))
    put(mailbox, own, 1, LARGE, most=2 * len(LARGE))
    with pytest.raises(LimitExceeded):
        put(mailbox, own, 2, SMALL, most=2 * len(LARGE))
    put(mailbox, other, 0, LARGE)
    with pytest.raises(MailboxFull):
        put(mailbox, other, 1, LARGE)
    assert (len(notes(mailbox, own)), len(notes(mailbox, other)), len(payloads(mailbox))) == (2, 1, 3)
    put(mailbox, other, 1, SMALL)
    assert mailbox.kept.taken(other, hour=HOUR) == set(other[:2])
    mailbox.kept.remove(own)
    put(mailbox, other, 2, LARGE[:-200])


def test_who_fills_the_room_with_large_files_leaves_some_for_a_photo(mailbox: LocalMailbox) -> None:
    mailbox.kept = LocalKeptFiles(mailbox._engine, mailbox._blobs, bytes_ceiling=16 * len(LARGE))
    for _ in range(16):
        flood = places()
        with contextlib.suppress(MailboxFull):
            for number in range(4):
                put(mailbox, flood, number, LARGE)
    put(mailbox, places(), 0, SMALL)


def test_an_emptied_place_keeps_a_note_and_no_content(mailbox: LocalMailbox, tmp_path: Path) -> None:
    own = places()
    put(mailbox, own, 0, LARGE)
    put(mailbox, own, 1, SMALL)
    mailbox.kept.empty(dict.fromkeys(own, b"gone"))
    assert notes(mailbox, own) == [b"gone", b"gone"]
    for place in own:
        with pytest.raises(NotFound):
            mailbox.kept.open(place)
    assert payloads(mailbox) == []
    assert not mailbox._blobs.row_keys.noted()


def test_removing_leaves_nothing_and_may_be_repeated(mailbox: LocalMailbox, tmp_path: Path) -> None:
    own, other = places(), places()
    put(mailbox, own, 0, LARGE)
    put(mailbox, other, 0, LARGE)
    for _ in range(2):
        mailbox.kept.remove(own)
    assert notes(mailbox, own) == []
    assert content(mailbox, other[0]) == LARGE
    assert len(payloads(mailbox)) == 1


def test_what_a_kill_leaves_is_swept(mailbox: LocalMailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = places()
    put(mailbox, own, 0, LARGE)
    with monkeypatch.context() as change:  # between the deletion of the content and that of the row
        change.setattr("fieldreport.mailbox.kept.changing", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            mailbox.kept.sweep(hour=HOUR + 2)
    assert payloads(mailbox) == []
    with pytest.raises((NotFound, StoreError)):
        content(mailbox, own[0])
    mailbox.kept.sweep(hour=HOUR + 2)
    assert notes(mailbox, own) == []


def test_a_file_that_waits_is_no_orphan(mailbox: LocalMailbox, tmp_path: Path) -> None:
    own = places()
    put(mailbox, own, 0, LARGE)
    assert mailbox.remove_orphans(older_than_seconds=-1) == 0
    assert content(mailbox, own[0]) == LARGE
    assert len(payloads(mailbox)) == 1
