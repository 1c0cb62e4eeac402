"""What somebody with the database and the public keys can change, and by which name each change is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from fieldreport.errors import FieldreportError, SealError
from fieldreport.seal import Author, Binding, Kind, seal_envelope
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import origin
from fieldreport.vault.archive.authors import digest_of
from fieldreport.vault.archive.tables import AuditRow, Case, Item, SealedObject, Unsigned
from fieldreport.vault.cases import conversation, inbox, sort
from fieldreport.vault.cases.conversation import Card, text_part
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere, hidden


@dataclass(kw_only=True)
class Archive:
    """Two cases, of which the first has a letter, a reply, a note by each editor and a card saved twice."""

    newsroom: Newsroom
    case: bytes
    other: bytes
    letter: bytes
    stranger: bytes
    sent: bytes
    note: bytes
    theirs: bytes
    elsewhere: bytes
    first_card: dict[str, Any]

    def tamper(self, *statements: Any) -> None:
        with self.newsroom.vault.change() as change:
            for statement in statements:
                change.session.execute(statement)

    def copied(self, object_id: bytes) -> dict[str, Any]:
        with self.newsroom.vault.reading() as session:
            return dict(
                session.execute(select(SealedObject.__table__).where(SealedObject.id == object_id)).mappings().one()
            )

    def forge(self, object_id: bytes, kind: Kind, author: Author | None, text: str = "forged") -> None:
        """Put something sealed with the public keys in the place of an object."""
        newsroom, payload = self.newsroom, io.BytesIO()
        roster = newsroom.roster
        binding = Binding(
            kind=kind,
            epoch=roster.epoch,
            roster=roster.sha256,
            instance=newsroom.vault.instance,
            thread=self.case,
            object=object_id,
        )
        header = seal_envelope(
            binding,
            hour=newsroom.clock.hour,
            fields={"version": "2"},
            parts=[text_part(text)],
            recipients=roster.recipients(),
            payload_to=payload,
            author=author,
        )
        with newsroom.vault.change() as change:
            change.session.execute(
                update(SealedObject)
                .where(SealedObject.id == object_id)
                .values(**hidden(change, header), payload=payload.getvalue(), blob=None, size=payload.tell())
            )


def item_of(newsroom: Newsroom, case_id: bytes, kind: Kind) -> bytes:
    return next(row.id for row in inbox.items(newsroom.vault, case_id) if row.kind is kind)


@pytest.fixture
def archive(newsroom: Newsroom) -> Archive:
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    case, other = newsroom.receive(a_source(), "the first").id, newsroom.receive(a_source(), "the other").id
    sent = conversation.reply(amira, case, "an answer", newsroom.mailbox)
    note, theirs = conversation.note(amira, case, "by amira"), conversation.note(jonas, case, "by jonas")
    elsewhere = conversation.note(amira, other, "in the other case")
    saved = conversation.save_card(amira, case, Card(facts="old", protected=()))
    assert saved.version is not None
    archive = Archive(
        newsroom=newsroom,
        case=case,
        other=other,
        letter=item_of(newsroom, case, Kind.LETTER),
        stranger=item_of(newsroom, other, Kind.LETTER),
        sent=sent,
        note=note,
        theirs=theirs,
        elsewhere=elsewhere,
        first_card={},
    )
    archive.first_card = archive.copied(saved.version) | {"header": newsroom.vault.objects.header(saved.version)}
    conversation.save_card(amira, case, replace(saved, facts="new", protected=("Mara",)))
    return archive


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(FieldreportError) as caught:
        act()
    return caught.value.code


def author(staff: StaffKey, name: str | None = None) -> Author:
    return Author(handle=name or staff.handle, key=staff.signing)


# --- notes and replies ---


def set_item(object_id: bytes, **values: object) -> Any:
    return update(Item).where(Item.id == object_id).values(**values)


def exchange(archive: Archive, one: bytes, other: bytes, *columns: str) -> None:
    first, second = archive.copied(one), archive.copied(other)
    for target, source in ((one, second), (other, first)):
        archive.tamper(
            update(SealedObject).where(SealedObject.id == target).values({name: source[name] for name in columns})
        )


_CONTENT = ("slot", "hidden", "payload")


def drop_signature(archive: Archive) -> None:
    archive.forge(archive.note, Kind.NOTE, None)


def list_as_old(archive: Archive) -> None:
    archive.forge(archive.note, Kind.NOTE, None)
    archive.tamper(insert(Unsigned).values(digest=digest_of(archive.note)))


def claim_adoption(archive: Archive) -> None:
    archive.forge(archive.note, Kind.NOTE, None)
    stranger = StaffKey.generate("amira", archive.newsroom.amira.role)
    signature = stranger.signing.sign("adoption", b"anything")
    archive.tamper(
        insert(Unsigned).values(digest=digest_of(archive.note), adopter="amira", epoch=1, signature=signature)
    )


def forge_as(archive: Archive, staff: StaffKey) -> None:
    archive.forge(archive.note, Kind.NOTE, author(staff))
    archive.tamper(set_item(archive.note, author=staff.handle))


NOTES: dict[str, tuple[Callable[[Archive], object], str]] = {
    "no signature": (drop_signature, "unsigned"),
    "no signature, listed as from before signing": (list_as_old, "unsigned"),
    "no signature, adopted with another key": (claim_adoption, "forged"),
    "signed with a key of one's own in an editor's name": (
        lambda a: a.forge(a.note, Kind.NOTE, author(StaffKey.generate("amira", a.newsroom.amira.role))),
        "forged",
    ),
    "signed by a colleague in an editor's name": (
        lambda a: a.forge(a.note, Kind.NOTE, author(a.newsroom.jonas, "amira")),
        "forged",
    ),
    "signed by a colleague in their own name": (
        lambda a: a.forge(a.note, Kind.NOTE, author(a.newsroom.jonas)),
        "forged",
    ),
    "signed by the admin": (lambda a: forge_as(a, a.newsroom.lena), "forged"),
    "signed by a stranger who is in no roster": (
        lambda a: forge_as(a, StaffKey.generate("boris", a.newsroom.amira.role)),
        "forged",
    ),
    "another author in the table": (lambda a: a.tamper(set_item(a.note, author="jonas")), "forged"),
    "an author with a capital letter": (lambda a: a.tamper(set_item(a.note, author="Amira")), "forged"),
    "an author with a space": (lambda a: a.tamper(set_item(a.note, author="amira ")), "forged"),
    "no author in the table": (lambda a: a.tamper(set_item(a.note, author=None)), "forged"),
    "moved to another case": (lambda a: a.tamper(set_item(a.note, case_id=a.other)), "binding"),
    "called a reply": (lambda a: a.tamper(set_item(a.note, kind=Kind.SENT.value)), "binding"),
    "called a letter": (lambda a: a.tamper(set_item(a.note, kind=Kind.LETTER.value)), "binding"),
    "headers exchanged": (lambda a: exchange(a, a.note, a.theirs, "slot", "hidden"), "payload"),
    "payloads exchanged": (lambda a: exchange(a, a.note, a.theirs, "payload"), "payload"),
    "headers exchanged without their keys": (lambda a: exchange(a, a.note, a.theirs, "hidden"), "row-key"),
    "headers and payloads exchanged": (lambda a: exchange(a, a.note, a.theirs, *_CONTENT), "binding"),
    "a note of another case in its place": (lambda a: exchange(a, a.note, a.elsewhere, *_CONTENT), "binding"),
}


@pytest.mark.parametrize("how", NOTES)
def test_a_note_that_was_tampered_with_is_refused(archive: Archive, how: str) -> None:
    act, code = NOTES[how]
    act(archive)
    for staff in (archive.newsroom.amira, archive.newsroom.jonas):
        seat = archive.newsroom.seat(staff)
        assert refused(lambda seat=seat: seat.text(archive.note)) == code  # type: ignore[misc] # bound in the loop


def test_a_reply_that_was_tampered_with_is_refused(archive: Archive) -> None:
    archive.forge(archive.sent, Kind.SENT, author(archive.newsroom.jonas, "amira"))
    assert refused(lambda: archive.newsroom.seat(archive.newsroom.amira).text(archive.sent)) == "forged"


@everywhere
def test_what_nobody_touched_opens_for_both_editors(archive: Archive) -> None:
    for staff in (archive.newsroom.amira, archive.newsroom.jonas):
        seat = archive.newsroom.seat(staff)
        assert [seat.text(one) for one in (archive.letter, archive.sent, archive.note, archive.theirs)] == [
            "the first",
            "an answer",
            "by amira",
            "by jonas",
        ]
        assert conversation.card(seat, archive.case).protected == ("Mara",)


def test_what_a_colleague_wrote_still_counts_after_they_have_left(archive: Archive) -> None:
    archive.newsroom.revoke("jonas")
    assert archive.newsroom.seat(archive.newsroom.amira).text(archive.theirs) == "by jonas"


def test_a_colleague_who_has_left_signs_nothing_in_a_roster_after_that(archive: Archive) -> None:
    archive.newsroom.revoke("jonas")
    archive.forge(archive.theirs, Kind.NOTE, author(archive.newsroom.jonas))
    assert refused(lambda: archive.newsroom.seat(archive.newsroom.amira).text(archive.theirs)) == "forged"
    jonas = archive.newsroom.seat(archive.newsroom.jonas)
    assert refused(lambda: conversation.note(jonas, archive.case, "x")) == "not-in-roster"


# --- cards ---


def card_of(archive: Archive) -> bytes:
    with archive.newsroom.vault.reading() as session:
        card = session.get_one(Case, archive.case).card
    assert card is not None
    return card


def set_case(case_id: bytes, **values: object) -> Any:
    return update(Case).where(Case.id == case_id).values(**values)


def replay(archive: Archive, *, key: bool = True) -> None:
    row = {name: value for name, value in archive.first_card.items() if name != "header"}
    with archive.newsroom.vault.change() as change:
        row |= hidden(change, archive.first_card["header"]) if key else {}
        change.session.execute(insert(SealedObject).values(row))
        change.session.execute(set_case(archive.case, card=row["id"]))


def take_name(archive: Archive) -> None:
    archive.tamper(set_case(archive.case, card=None, name="C-ZZZZ"))


CARDS: dict[str, tuple[Callable[[Archive], object], str]] = {
    "forged without a signature": (lambda a: a.forge(card_of(a), Kind.CARD, None), "unsigned"),
    "forged in an editor's name": (
        lambda a: a.forge(card_of(a), Kind.CARD, author(StaffKey.generate("amira", a.newsroom.amira.role))),
        "forged",
    ),
    "an older one put back": (replay, "replayed"),
    "an older one put back without its key, which is destroyed": (lambda a: replay(a, key=False), "row-key"),
    "taken away": (lambda a: a.tamper(set_case(a.case, card=None)), "replayed"),
    "taken away, and the case renamed": (take_name, "forged"),
    "a note in its place": (lambda a: a.tamper(set_case(a.case, card=a.note)), "binding"),
}


@pytest.mark.parametrize("how", CARDS)
def test_a_card_that_was_tampered_with_is_refused(archive: Archive, how: str) -> None:
    act, code = CARDS[how]
    act(archive)
    seat = archive.newsroom.seat(archive.newsroom.jonas)
    assert refused(lambda: conversation.card(seat, archive.case)) == code
    assert refused(lambda: conversation.save_card(seat, archive.case, Card(facts="x"))) in {code, "card-changed"}


def test_an_older_card_whose_last_save_is_struck_from_the_log_breaks_the_log(archive: Archive) -> None:
    """The card alone cannot show it: what it is counted by does."""
    replay(archive)
    last = select(AuditRow.sequence).where(AuditRow.act == "card-saved").order_by(AuditRow.sequence.desc()).limit(1)
    archive.tamper(delete(AuditRow).where(AuditRow.sequence == last.scalar_subquery()))
    with pytest.raises(SealError) as caught:
        archive.newsroom.vault.audit.verify(archive.newsroom.watch.all_here())
    assert caught.value.code == "audit"


# --- the source of a case ---


def source_of(archive: Archive, case_id: bytes) -> bytes:
    with archive.newsroom.vault.reading() as session:
        source = session.get_one(Case, case_id).source
    assert source is not None
    return source


def take_over(archive: Archive) -> None:
    """The attack: a letter of one's own is moved into a case, and the case's source is changed to one's own."""
    mine = source_of(archive, archive.other)
    archive.tamper(
        set_case(archive.other, source=b"\0" * 32),
        set_case(archive.case, source=mine),
        set_item(archive.stranger, case_id=archive.case, sequence=99),
    )


def whole_row(archive: Archive, *, letters: bool) -> None:
    """Everything that names the source is copied from the attacker's own case, signature included."""
    with archive.newsroom.vault.reading() as session:
        other = session.get_one(Case, archive.other)
        names = ("source", "reply_tag", "opener", "opener_epoch", "opener_signature")
        values = {name: getattr(other, name) for name in names}
    archive.tamper(
        set_case(archive.other, source=None),
        set_case(archive.case, **values),
        set_item(archive.stranger, case_id=archive.case, sequence=99),
    )
    if letters:
        archive.tamper(set_item(archive.letter, gone=True))


def sign_oneself(archive: Archive) -> None:
    from fieldreport.vault.archive.origin import Opener

    take_over(archive)
    stranger = StaffKey.generate("amira", archive.newsroom.amira.role)
    with archive.newsroom.vault.change() as change:
        case = change.session.get_one(Case, archive.case)
        Opener(staff=stranger, epoch=1, instance=archive.newsroom.vault.instance).sign(case)


CASES: dict[str, tuple[Callable[[Archive], object], str]] = {
    "a stranger's letter moved here": (
        lambda a: a.tamper(set_item(a.stranger, case_id=a.case, sequence=99)),
        "other-source",
    ),
    "a stranger's letter moved here, before the others": (
        lambda a: a.tamper(set_item(a.stranger, case_id=a.case, sequence=0)),
        "other-source",
    ),
    "moved, and the case's source changed": (take_over, "forged"),
    "moved, and all of the source copied from another case": (lambda a: whole_row(a, letters=False), "forged"),
    "the same, and the case's own letters called deleted": (lambda a: whole_row(a, letters=True), "forged"),
    "moved, changed, and signed with a key of one's own": (sign_oneself, "forged"),
    "the signature taken away": (
        lambda a: a.tamper(set_case(a.case, opener=None, opener_epoch=None, opener_signature=None)),
        "unsigned",
    ),
    "taken away, and listed as from before signing": (
        lambda a: a.tamper(
            set_case(a.case, opener=None, opener_epoch=None, opener_signature=None),
            insert(Unsigned).values(digest=digest_of(a.case)),
        ),
        "unsigned",
    ),
    "another editor named": (lambda a: a.tamper(set_case(a.case, opener="jonas")), "forged"),
    "another roster named": (lambda a: a.tamper(set_case(a.case, opener_epoch=2)), "forged"),
    "another reply address": (lambda a: a.tamper(set_case(a.case, reply_tag=bytes(32))), "forged"),
    "another name": (lambda a: a.tamper(set_case(a.case, name="C-ZZZZ")), "forged"),
    "no source": (lambda a: a.tamper(set_case(a.case, source=None)), "other-source"),
}


@pytest.mark.parametrize("how", CASES)
def test_no_reply_leaves_a_case_that_was_tampered_with(archive: Archive, how: str) -> None:
    act, code = CASES[how]
    act(archive)
    newsroom = archive.newsroom
    before = newsroom.acts()
    for staff in (newsroom.amira, newsroom.jonas):
        seat = newsroom.seat(staff)
        sort.sort(seat)
        assert refused(lambda seat=seat: conversation.reply(seat, archive.case, "for whom?", newsroom.mailbox)) == code  # type: ignore[misc] # bound in the loop
    assert newsroom.acts() == before


def test_a_letter_from_the_same_source_with_another_reply_key_stops_replies(newsroom: Newsroom) -> None:
    """Somebody who knows a source's lookup, but not the codename, names a key of their own."""
    source, thief = a_source(), a_source()
    case = newsroom.receive(source)
    newsroom.send(source, "send it here", fields={"reply_key": str(thief.identity.recipient)})
    newsroom.collect()
    seat = newsroom.seat(newsroom.amira)
    sort.sort(seat)
    assert refused(lambda: conversation.reply(seat, case.id, "x", newsroom.mailbox)) == "other-source"


@everywhere
def test_a_case_goes_on_where_nobody_touched_it(archive: Archive) -> None:
    newsroom = archive.newsroom
    assert conversation.reply(newsroom.seat(newsroom.jonas), archive.case, "again", newsroom.mailbox)


def test_the_doctor_names_a_case_whose_source_was_changed(archive: Archive) -> None:
    newsroom = archive.newsroom
    assert origin.refused_cases(newsroom.vault, newsroom.watch) == []
    take_over(archive)
    names = {inbox.get(newsroom.vault, case, viewer="amira").name for case in (archive.case, archive.other)}
    assert {(name, "forged") for name in names} == set(origin.refused_cases(newsroom.vault, newsroom.watch))
