"""Who reads a limited case cannot be changed by somebody with the database: by which name each try is refused.

The attacker is the editor late, whom a case was kept from, or stands with them: what is sealed to late is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from fieldreport.errors import FieldreportError, NotARecipient, SealError
from fieldreport.seal import SourceKeys, open_header
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import origin, readers, rewrap
from fieldreport.vault.archive.readers import Setter
from fieldreport.vault.archive.tables import AuditRow, Case, CaseReaders, Item, SealedObject
from fieldreport.vault.articles import drafts
from fieldreport.vault.articles.readers import readers_behind
from fieldreport.vault.cases import conversation, restriction, sort, workflow
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.staff import adoption
from tests.cast import a_source, with_new_key, without_old_keys
from tests.vault.newsroom import Newsroom, everywhere


@dataclass(kw_only=True)
class Limited:
    """A case of amira and jonas with a letter, a note and a card, once limited to amira and late; and one for all."""

    newsroom: Newsroom
    late: StaffKey
    source: SourceKeys
    case: bytes
    other: bytes
    letter: bytes
    note: bytes
    card: bytes

    def tamper(self, *statements: Any) -> None:
        with self.newsroom.vault.change() as change:
            for statement in statements:
                change.session.execute(statement)

    @property
    def objects(self) -> list[bytes]:
        return [self.letter, self.note, self.card]

    def is_closed_to_late(self) -> bool:
        return not any(self.opens(self.late, each) for each in self.objects)

    def opens(self, staff: StaffKey, object_id: bytes) -> bool:
        try:
            open_header(self.newsroom.vault.objects.header(object_id), staff.identities)
        except NotARecipient:
            return False
        return True


@pytest.fixture
def limited(newsroom: Newsroom) -> Limited:
    late, source = newsroom.hire("late"), a_source()
    amira = newsroom.seat(newsroom.amira)
    case, other = newsroom.receive(source).id, newsroom.receive(a_source()).id
    restriction.limit(amira, case, {"amira", "late"})
    restriction.limit(amira, case, {"amira", "jonas"})
    note = conversation.note(amira, case, "for the two of us")
    card = conversation.save_card(amira, case, Card(facts="facts")).version
    assert card is not None
    with newsroom.vault.reading() as session:
        letter = session.scalars(select(Item.id).where(Item.case_id == case, Item.id != note)).one()
    found = Limited(
        newsroom=newsroom, late=late, source=source, case=case, other=other, letter=letter, note=note, card=card
    )
    assert found.is_closed_to_late()
    return found


def of_case(limited: Limited, **values: object) -> Any:
    return update(Case).where(Case.id == limited.case).values(**values)


def acts(limited: Limited, version: int) -> Any:
    return CaseReaders.case_id == limited.case, CaseReaders.version == version


def the_older_act(limited: Limited, *, as_version: int) -> None:
    with limited.newsroom.vault.change() as change:
        older, newer = (change.session.get_one(CaseReaders, (limited.case, number)) for number in (1, 2))
        newer.readers, newer.setter, newer.epoch, newer.signature = (
            older.readers,
            older.setter,
            older.epoch,
            older.signature,
        )
        newer.version = as_version
        change.session.get_one(Case, limited.case).readers = older.readers


def set_by(limited: Limited, staff: StaffKey, *, name: str = "") -> None:
    """One more act, properly signed and logged, by somebody who might not."""
    with limited.newsroom.seat(staff).change() as change:
        case = change.session.get_one(Case, limited.case)
        setter = Setter(handle=name or staff.handle, key=staff.signing, epoch=limited.newsroom.roster.epoch)
        readers.set_readers(change, case, None, setter=setter, instance=limited.newsroom.vault.instance)


TAMPERED: dict[str, tuple[Callable[[Limited], object], str]] = {
    "the limit struck": (lambda c: c.tamper(of_case(c, readers=None)), "forged"),
    "a reader added": (lambda c: c.tamper(of_case(c, readers="amira,jonas,late")), "forged"),
    "a reader exchanged": (lambda c: c.tamper(of_case(c, readers="amira,late")), "forged"),
    "limit and newest act changed": (
        lambda c: c.tamper(
            of_case(c, readers="amira,jonas,late"),
            update(CaseReaders).where(*acts(c, 2)).values(readers="amira,jonas,late"),
        ),
        "forged",
    ),
    "limit and acts struck": (
        lambda c: c.tamper(of_case(c, readers=None), delete(CaseReaders).where(CaseReaders.case_id == c.case)),
        "replayed",
    ),
    "the newest act struck": (
        lambda c: c.tamper(of_case(c, readers="amira,late"), delete(CaseReaders).where(*acts(c, 2))),
        "replayed",
    ),
    "an older act in its place": (lambda c: the_older_act(c, as_version=2), "forged"),
    "an older act after it": (lambda c: the_older_act(c, as_version=3), "replayed"),
    "opened by an editor who is no reader": (lambda c: set_by(c, c.late), "forged"),
    "opened in a reader's name": (
        lambda c: set_by(c, StaffKey.generate("amira", c.late.role), name="amira"),
        "forged",
    ),
    "opened by the admin": (lambda c: set_by(c, c.newsroom.lena), "forged"),
}


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(FieldreportError) as caught:
        act()
    return caught.value.code


@pytest.mark.parametrize("how", TAMPERED)
def test_readers_that_were_tampered_with_are_refused_and_nobody_new_reads(limited: Limited, how: str) -> None:
    act, code = TAMPERED[how]
    newsroom = limited.newsroom
    draft = drafts.create(newsroom.seat(newsroom.amira), [limited.case], "en").head.id
    act(limited)
    for staff in (newsroom.amira, newsroom.jonas):
        seat = newsroom.seat(staff)
        with newsroom.vault.reading() as session:
            behind = refused(lambda seat=seat, session=session: readers_behind(session, seat, draft))  # type: ignore[misc] # bound in the loop
        assert behind == code
        tries: list[Callable[[], object]] = [
            lambda seat=seat: conversation.note(seat, limited.case, "x"),  # type: ignore[misc] # bound in the loop
            lambda seat=seat: conversation.save_card(seat, limited.case, Card(facts="x")),  # type: ignore[misc] # same
            lambda seat=seat: restriction.limit(seat, limited.case, None),  # type: ignore[misc] # same
            lambda seat=seat: workflow.delete(seat, limited.case),  # type: ignore[misc] # same
            lambda seat=seat: rewrap.rewrap(seat),  # type: ignore[misc] # same
        ]
        assert {refused(each) for each in tries} == {code}
    assert limited.is_closed_to_late()
    assert [code for _, code in readers.refused_cases(newsroom.vault, newsroom.watch)] == [code]


def test_a_letter_for_a_case_whose_readers_were_tampered_with_is_sealed_to_nobody_new(limited: Limited) -> None:
    newsroom = limited.newsroom
    limited.tamper(
        of_case(limited, readers=None),
        update(Item).where(Item.id == limited.letter).values(case_id=None),
        update(SealedObject).where(SealedObject.id == limited.letter).values(limited=None),
    )
    sort.sort(newsroom.seat(newsroom.amira))
    assert limited.is_closed_to_late()


def move_to_case_of_late(limited: Limited) -> None:
    restriction.limit(limited.newsroom.seat(limited.late), limited.other, {"late", "amira"})
    limited.tamper(update(SealedObject).where(SealedObject.id.in_(limited.objects)).values(limited=limited.other))


OBJECTS: dict[str, Callable[[Limited], object]] = {
    "called unlimited": lambda c: c.tamper(
        update(SealedObject).where(SealedObject.id.in_(c.objects)).values(limited=None)
    ),
    "moved to a case that late reads": move_to_case_of_late,
    "the letter moved to the case for all": lambda c: c.tamper(
        update(Item).where(Item.id == c.letter).values(case_id=c.other),
        update(SealedObject).where(SealedObject.id.in_(c.objects)).values(limited=None),
    ),
    "everything called a thread of the case for all": lambda c: c.tamper(
        update(SealedObject).where(SealedObject.id.in_(c.objects)).values(limited=None, thread=c.other)
    ),
    "the letter called unsorted": lambda c: c.tamper(
        update(Item).where(Item.id == c.letter).values(case_id=None),
        update(SealedObject).where(SealedObject.id.in_(c.objects)).values(limited=None),
    ),
    "payloads damaged": lambda c: c.tamper(
        update(SealedObject).where(SealedObject.id.in_(c.objects)).values(limited=None, payload=b"x" * 40)
    ),
    "payloads taken away": lambda c: c.tamper(
        update(SealedObject).where(SealedObject.id.in_(c.objects)).values(limited=None, payload=None, blob="0" * 32)
    ),
}


@pytest.mark.parametrize("how", OBJECTS)
def test_what_the_database_says_of_an_object_opens_it_to_nobody_new(limited: Limited, how: str) -> None:
    newsroom = limited.newsroom
    OBJECTS[how](limited)
    newsroom.jonas = with_new_key(newsroom.jonas)
    newsroom.next_roster(newsroom.jonas)  # everything is re-wrapped
    for _ in range(2):
        for staff in (newsroom.amira, newsroom.jonas, limited.late):
            sort.sort(newsroom.seat(staff))
            rewrap.rewrap(newsroom.seat(staff))
    assert limited.is_closed_to_late()
    assert all(limited.opens(newsroom.amira, each) for each in limited.objects)
    assert newsroom.vault.objects.named_by(newsroom.jonas.identities[1].key_id) == 0  # no door stays open for a key


def test_a_case_whose_source_was_changed_gives_its_letters_to_nobody_new(limited: Limited) -> None:
    newsroom = limited.newsroom
    for values in ({"source": b"\0" * 32}, {"source": None, "opener": None}):
        limited.tamper(
            of_case(limited, **values),
            update(Item).where(Item.id == limited.letter).values(case_id=None),
            update(SealedObject).where(SealedObject.id == limited.letter).values(limited=None),
        )
        amira = newsroom.seat(newsroom.amira)
        sort.sort(amira)
        assert refused(lambda amira=amira: rewrap.rewrap(amira)) in {"forged", "unsigned"}  # type: ignore[misc] # bound in the loop
        assert limited.is_closed_to_late()


def test_a_limit_that_nobody_set_is_not_believed(limited: Limited) -> None:
    jonas = limited.newsroom.seat(limited.newsroom.jonas)
    adoption.adopt(jonas)
    limited.tamper(update(Case).where(Case.id == limited.other).values(readers="amira,late"))
    assert refused(lambda: conversation.note(jonas, limited.other, "x")) == "unsigned"
    adoption.adopt(limited.newsroom.seat(limited.newsroom.amira))
    assert refused(lambda: conversation.note(jonas, limited.other, "x")) == "unsigned"


def test_acts_that_are_struck_from_the_log_break_the_log(limited: Limited) -> None:
    limited.tamper(
        of_case(limited, readers=None),
        delete(CaseReaders).where(CaseReaders.case_id == limited.case),
        delete(AuditRow).where(AuditRow.act == "case-readers-set"),
    )
    with pytest.raises(SealError) as caught:
        limited.newsroom.vault.audit.verify(limited.newsroom.watch.all_here())
    assert caught.value.code == "audit"


@everywhere
def test_where_nobody_touched_anything_readers_read_and_set_readers(limited: Limited) -> None:
    newsroom = limited.newsroom
    jonas = newsroom.seat(newsroom.jonas)
    assert jonas.text(limited.note) == "for the two of us"
    newsroom.jonas = with_new_key(newsroom.jonas)
    newsroom.next_roster(newsroom.jonas)
    rewrap.rewrap(newsroom.seat(newsroom.jonas))
    assert newsroom.seat(without_old_keys(newsroom.jonas)).text(limited.letter) == "a report"
    restriction.limit(newsroom.seat(newsroom.jonas), limited.case, None)
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    assert newsroom.seat(limited.late).text(limited.note) == "for the two of us"
    assert readers.refused_cases(newsroom.vault, newsroom.watch) == []
    newsroom.vault.audit.verify(newsroom.watch.all_here())


@everywhere
def test_limits_from_before_signing_are_signed_by_the_first_who_unlocks(newsroom: Newsroom) -> None:
    late = newsroom.hire("late")
    case = newsroom.receive(a_source()).id
    with newsroom.vault.change() as change:
        change.session.execute(update(Case).where(Case.id == case).values(readers="amira,late"))
        change.session.execute(update(SealedObject).values(limited=case))
    amira = newsroom.seat(newsroom.amira)
    assert refused(lambda: conversation.note(amira, case, "x")) == "unsigned"
    adoption.adopt(newsroom.seat(newsroom.jonas))
    note = conversation.note(amira, case, "x")
    assert newsroom.seat(late).text(note) == "x"
    assert origin.refused_cases(newsroom.vault, newsroom.watch) == []
    with newsroom.vault.change() as change:
        change.session.execute(update(Case).where(Case.id == case).values(readers=None))
    assert refused(lambda: conversation.note(amira, case, "y")) == "forged"


def test_a_new_archive_adopts_nothing_later(limited: Limited) -> None:
    newsroom = limited.newsroom
    adoption.adopt(newsroom.seat(newsroom.amira))
    before = newsroom.acts()
    limited.tamper(
        update(Case).where(Case.id == limited.other).values(readers="late,lena"),
        insert(AuditRow).values(
            sequence=10_000,
            hour=1,
            actor="amira",
            act="readers-adopted",
            subject="0",
            previous=b"\0" * 32,
            hash=b"\1" * 32,
        ),
    )
    adoption.adopt(newsroom.seat(newsroom.jonas))
    assert newsroom.acts()[: len(before)] == before
    assert refused(lambda: readers.readers_of(newsroom.seat(newsroom.amira), limited.other)) == "unsigned"
