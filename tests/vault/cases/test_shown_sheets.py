"""The fact sheet of a limited case, shown to a colleague who does not read it: that text, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, update

from fieldreport.errors import Conflict, NotAllowed, NotARecipient, SealError, UsageError
from fieldreport.store import reading, reveal_all
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseReaders, ShownSheet
from fieldreport.vault.cases import conversation, inbox, restriction, shown_sheets, workflow
from fieldreport.vault.cases.conversation import Card
from tests.cast import a_source, with_new_key, without_old_keys
from tests.vault.newsroom import Newsroom, everywhere

FACTS = "사실: the convoy left in spring"


@pytest.fixture
def late(newsroom: Newsroom) -> StaffKey:
    """A third editor."""
    return newsroom.hire("late")


def a_limited_case(newsroom: Newsroom) -> bytes:
    """Of amira and late; jonas does not read it."""
    case_id, seat = newsroom.receive(a_source()).id, newsroom.seat(newsroom.amira)
    conversation.save_card(seat, case_id, Card(facts=FACTS, protected=("Kim Ok",)))
    restriction.limit(seat, case_id, {"amira", "late"})
    return case_id


def show(seat: Seat, case_id: bytes, *to: str) -> None:
    shown_sheets.show(seat, case_id, to, version=conversation.card(seat, case_id).version)


def row_of(newsroom: Newsroom, case_id: bytes) -> ShownSheet:
    with reading(newsroom.vault.engine) as session:
        return session.get_one(ShownSheet, case_id)


def stored(newsroom: Newsroom, case_id: bytes, **values: object) -> None:
    """As somebody with the database's password writes it."""
    with newsroom.vault.change() as change:
        change.session.execute(update(ShownSheet).where(ShownSheet.case_id == case_id).values(**values))


@everywhere
def test_whom_it_is_shown_to_sees_the_text_and_nothing_else(newsroom: Newsroom, late: StaffKey) -> None:
    case_id = a_limited_case(newsroom)
    amira, jonas, ines = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas), newsroom.hire("ines")
    assert shown_sheets.shown(jonas, case_id) is None
    show(amira, case_id, "jonas")
    sheet = shown_sheets.shown(jonas, case_id)
    assert sheet is not None
    assert (sheet.text, sheet.to, sheet.by) == (FACTS, frozenset({"jonas"}), "amira")
    assert shown_sheets.shown(newsroom.seat(late), case_id) == sheet
    with pytest.raises(NotARecipient):
        shown_sheets.shown(newsroom.seat(ines), case_id)
    with pytest.raises((NotAllowed, NotARecipient)):
        conversation.card(jonas, case_id)
    for item in inbox.items(newsroom.vault, case_id):
        with pytest.raises((NotAllowed, NotARecipient)):
            jonas.text(item.id)
    assert not any(b"convoy" in file.read_bytes() for file in newsroom.files())
    case = inbox.get(newsroom.vault, case_id, viewer="amira").name
    assert newsroom.acts()[-2:] == [("amira", "sheet-sealed", case), ("amira", "sheet-shown", f"{case} jonas")]


def test_what_is_written_later_is_not_shown_before_a_reader_shows_it_again(newsroom: Newsroom, late: StaffKey) -> None:
    case_id = a_limited_case(newsroom)
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    show(amira, case_id, "jonas")
    seen = conversation.card(amira, case_id)
    conversation.save_card(newsroom.seat(late), case_id, replace(seen, facts="names her village"))
    with pytest.raises(Conflict):
        shown_sheets.show(amira, case_id, ["jonas"], version=seen.version)
    assert (sheet := shown_sheets.shown(jonas, case_id)) is not None
    assert sheet.text == FACTS
    show(amira, case_id, "jonas")
    assert (sheet := shown_sheets.shown(jonas, case_id)) is not None
    assert sheet.text == "names her village"


def test_one_that_is_shown_once_more_while_it_is_opened_is_not_refused(
    newsroom: Newsroom, late: StaffKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, amira = a_limited_case(newsroom), newsroom.seat(newsroom.amira)
    show(amira, case_id, "jonas")
    once = [lambda: show(amira, case_id, "jonas")]

    def revealed(*given: Any) -> Any:
        if once:
            once.pop()()
        return reveal_all(*given)

    monkeypatch.setattr(shown_sheets, "reveal_all", revealed)
    assert shown_sheets.shown(newsroom.seat(newsroom.jonas), case_id) is not None
    assert once == []


ENDS: dict[str, Callable[[Seat, bytes], object]] = {
    "taken back": show,
    "other readers": lambda seat, case_id: restriction.limit(seat, case_id, {"amira", "late", "ines"}),
    "opened to all": lambda seat, case_id: restriction.limit(seat, case_id, None),
    "deleted": workflow.delete,
}


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_and_cannot_be_put_back(newsroom: Newsroom, late: StaffKey, end: str) -> None:
    newsroom.hire("ines")
    case_id = a_limited_case(newsroom)
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    show(amira, case_id, "jonas")
    old = row_of(newsroom, case_id)
    ENDS[end](amira, case_id)
    assert shown_sheets.shown(jonas, case_id) is None
    with newsroom.vault.change() as change:
        change.session.add(ShownSheet(case_id=case_id, id=old.id, slot=old.slot, hidden=old.hidden))
    if end == "deleted":
        assert shown_sheets.shown(jonas, case_id) is None
    else:
        with pytest.raises(SealError):
            shown_sheets.shown(jonas, case_id)


def test_who_writes_to_the_database_widens_nothing(newsroom: Newsroom, late: StaffKey) -> None:
    ines = newsroom.seat(newsroom.hire("ines"))
    first, second = a_limited_case(newsroom), a_limited_case(newsroom)
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    show(amira, first, "jonas")
    good = row_of(newsroom, first)
    show(amira, second, "ines")
    stored(newsroom, first, id=(other := row_of(newsroom, second)).id, slot=other.slot, hidden=other.hidden)
    for seat in (jonas, ines):  # of another case
        with pytest.raises(SealError):
            shown_sheets.shown(seat, first)
    stored(newsroom, first, id=good.id, slot=good.slot, hidden=good.hidden)
    assert shown_sheets.shown(jonas, first)
    with newsroom.vault.change() as change:
        change.session.execute(delete(CaseReaders).where(CaseReaders.case_id == first))
    with pytest.raises(SealError):
        shown_sheets.shown(jonas, first)


def test_only_what_a_reader_signed_is_shown(
    newsroom: Newsroom, late: StaffKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = a_limited_case(newsroom)
    jonas, ines = newsroom.seat(newsroom.jonas), newsroom.seat(newsroom.hire("ines"))
    with pytest.raises(NotAllowed):
        shown_sheets.show(jonas, case_id, ["ines"], version=None)
    card = Card(facts="invented", version=inbox.get(newsroom.vault, case_id, viewer="amira").card)
    with monkeypatch.context() as patch:  # as a colleague with a desk of their own would write it
        patch.setattr(readers, "must_read", lambda *_: True)
        patch.setattr(readers, "readers_in", lambda *_: frozenset({"jonas", "amira"}))
        patch.setattr(conversation, "card", lambda *_: card)
        shown_sheets.show(jonas, case_id, ["ines"], version=card.version)
    with pytest.raises(SealError):
        shown_sheets.shown(ines, case_id)
    show(newsroom.seat(late), case_id, "ines")  # a reader puts the true one in its place
    assert (sheet := shown_sheets.shown(ines, case_id)) is not None
    assert sheet.text == FACTS


def test_to_whom_it_cannot_be_shown(newsroom: Newsroom, late: StaffKey) -> None:
    case_id, amira = a_limited_case(newsroom), newsroom.seat(newsroom.amira)
    for to in ("late", "lena", "nobody"):
        with pytest.raises(UsageError):
            show(amira, case_id, to)
    restriction.limit(amira, case_id, None)
    with pytest.raises(UsageError):
        show(amira, case_id, "jonas")


def test_it_opens_with_a_new_key_once_its_owner_has_resealed_it(newsroom: Newsroom, late: StaffKey) -> None:
    case_id, amira = a_limited_case(newsroom), newsroom.seat(newsroom.amira)
    show(amira, case_id, "jonas")
    newsroom.jonas = with_new_key(newsroom.jonas)
    newsroom.next_roster(newsroom.jonas)
    both = newsroom.seat(newsroom.jonas)
    assert shown_sheets.reseal(both) == 1
    new = newsroom.seat(without_old_keys(newsroom.jonas))
    assert (sheet := shown_sheets.shown(new, case_id)) is not None
    assert sheet.text == FACTS
