"""Sealed objects and the rows that name them: one change holds all of it or nothing."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import pytest

from fieldreport.errors import Conflict, NotFound, SealError, StaleRoster
from fieldreport.seal import Kind, PartSource
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import SecondFactor
from fieldreport.vault.staff import second_factor
from tests.vault.newsroom import Newsroom

THREAD = b"t" * 16


def part(content: bytes) -> PartSource:
    return PartSource(
        name="article.json", media_type="application/json", source=io.BytesIO(content), length=len(content)
    )


def saved(newsroom: Newsroom, content: bytes, *, replaces: bytes | None = None) -> bytes:
    seat = newsroom.seat(newsroom.amira)
    with (
        seat.stage(kind=Kind.DRAFT, thread=THREAD, parts=[part(content)]) as staged,
        seat.change() as change,
    ):
        change.add(staged)
        if replaces is not None:
            change.shred([replaces])
        change.record(Act.ARTICLE_SAVED, THREAD.hex())
    return staged.id


def read(newsroom: Newsroom, object_id: bytes, **expected: Any) -> bytes:
    with newsroom.seat(newsroom.jonas).open_object(
        object_id, **{"kind": Kind.DRAFT, "thread": THREAD, **expected}
    ) as envelope:
        return envelope.read_part(0, 1_000_000)


@pytest.mark.parametrize("size", [0, 100, 300_000])
def test_what_was_added_can_be_opened_by_colleagues(newsroom: Newsroom, size: int) -> None:
    content = os.urandom(size)
    assert read(newsroom, saved(newsroom, content)) == content


def test_replacing_shreds_the_one_before(newsroom: Newsroom) -> None:
    old = saved(newsroom, os.urandom(300_000))
    new = saved(newsroom, b"new", replaces=old)
    assert read(newsroom, new) == b"new"
    with pytest.raises(NotFound):
        read(newsroom, old)
    assert list(newsroom.vault.blobs.names()) == []


@pytest.mark.parametrize("fail", [ZeroDivisionError, Conflict])
def test_a_change_that_fails_leaves_neither_rows_nor_payloads_nor_log(
    newsroom: Newsroom, fail: Callable[..., Exception]
) -> None:
    old = saved(newsroom, os.urandom(300_000))
    seat = newsroom.seat(newsroom.amira)

    def change_and_fail() -> None:
        with (
            seat.stage(kind=Kind.DRAFT, thread=THREAD, parts=[part(os.urandom(300_000))]) as staged,
            seat.change() as change,
        ):
            change.add(staged)
            change.shred([old])
            change.session.add(SecondFactor(handle="x", counter=1))
            change.record(Act.ARTICLE_SAVED)
            raise fail("no")

    with pytest.raises((ZeroDivisionError, Conflict)):
        change_and_fail()
    assert len(read(newsroom, old)) == 300_000
    assert len(list(newsroom.vault.blobs.names())) == 1
    assert second_factor.last_counter(newsroom.vault, "x", bytes(20)) == 0
    assert len(newsroom.acts()) == 1


def test_what_was_staged_and_never_added_is_deleted(newsroom: Newsroom) -> None:
    with newsroom.seat(newsroom.amira).stage(kind=Kind.DRAFT, thread=THREAD, parts=[part(os.urandom(300_000))]):
        assert len(list(newsroom.vault.blobs.names())) == 1
    assert list(newsroom.vault.blobs.names()) == []


def test_nothing_is_added_that_was_sealed_to_an_older_roster(newsroom: Newsroom) -> None:
    seat = newsroom.seat(newsroom.amira)

    def slow() -> None:
        with seat.stage(kind=Kind.DRAFT, thread=THREAD, parts=[part(b"x")]) as staged:
            newsroom.hire("late")
            newsroom.seat(newsroom.jonas).roster()
            with seat.change() as change:
                change.add(staged)

    with pytest.raises(StaleRoster):
        slow()
    saved(newsroom, b"and again")


@pytest.mark.parametrize("expected", [{"kind": Kind.MEDIA}, {"thread": b"u" * 16}])
def test_an_object_in_anothers_place_is_refused(newsroom: Newsroom, expected: dict[str, Any]) -> None:
    object_id = saved(newsroom, b"x")
    with pytest.raises(SealError):
        read(newsroom, object_id, **expected)


def test_an_old_roster_is_not_used_after_a_newer_was_seen(newsroom: Newsroom) -> None:
    assert newsroom.vault.highest_epoch() == 0
    newsroom.seat(newsroom.amira).roster()
    assert newsroom.vault.highest_epoch() == 1
    newsroom.vault.saw_epoch(7)
    newsroom.vault.saw_epoch(3)
    assert newsroom.vault.highest_epoch() == 7
