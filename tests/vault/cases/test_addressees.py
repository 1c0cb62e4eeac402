"""Letters that their source addressed to a desk or one editor: who opens them, and what never opens them to others."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from fieldreport.errors import NotAllowed, NotARecipient, StoreError, UsageError
from fieldreport.seal import open_header
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.objects import StoredObject
from fieldreport.vault.archive.readers import readers_of
from fieldreport.vault.archive.tables import Item
from fieldreport.vault.cases import conversation, inbox, restriction, sort
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.keys.recovery import Rescue
from tests.cast import a_source, with_new_key, without_old_keys
from tests.vault.newsroom import Newsroom, everywhere


@pytest.fixture
def late(newsroom: Newsroom) -> StaffKey:
    """A third editor, who is in no desk."""
    return newsroom.hire("late")


def opens(newsroom: Newsroom, staff: StaffKey, object_id: bytes) -> bool:
    """Whether somebody's keys open an object, whatever the desk allows."""
    try:
        open_header(newsroom.vault.objects.header(object_id), staff.identities)
    except NotARecipient:
        return False
    return True


def case_of(newsroom: Newsroom, letter: bytes) -> CaseRow | None:
    case_id = inbox.item(newsroom.vault, letter).case_id
    return None if case_id is None else inbox.get(newsroom.vault, case_id, viewer="amira")


def sorted_by(newsroom: Newsroom, *people: StaffKey) -> None:
    newsroom.collect()
    for person in people:
        sort.sort(newsroom.seat(person))


def rescue(newsroom: Newsroom) -> Rescue:
    entry = newsroom.roster.entry("recovery")
    return Rescue(vault=newsroom.vault, identity=newsroom.recovery, entry=entry, rosters=newsroom.watch)


def unheard(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


@everywhere
def test_a_letter_to_one_editor_waits_for_her_and_its_case_is_hers_alone(newsroom: Newsroom, late: StaffKey) -> None:
    newsroom.address("amira", "amira")
    letter = newsroom.send(a_source(), "for amira alone", addressee="amira")
    newsroom.collect()
    for person in (newsroom.jonas, late, newsroom.jonas):
        assert sort.sort(newsroom.seat(person)).unopened == 1
    row = inbox.item(newsroom.vault, letter)
    assert (row.case_id, row.damage) == (None, None)
    assert sort.sort(newsroom.seat(newsroom.amira)).new_cases == 1
    case = case_of(newsroom, letter)
    assert case is not None
    assert case.readers == ("amira",)
    assert newsroom.seat(newsroom.amira).text(letter) == "for amira alone"
    assert not opens(newsroom, newsroom.jonas, letter)
    assert not opens(newsroom, late, letter)
    assert open_header(newsroom.vault.objects.header(letter), [newsroom.recovery])
    assert ("amira", "case-limited", f"{case.name} amira") in newsroom.acts()
    note = conversation.note(newsroom.seat(newsroom.amira), case.id, "mine")
    assert not opens(newsroom, newsroom.jonas, note)
    with pytest.raises(NotAllowed):
        conversation.note(newsroom.seat(newsroom.jonas), case.id, "not mine")
    assert rewrap.pending(newsroom.seat(newsroom.jonas)) == rewrap.pending(newsroom.seat(newsroom.amira)) == 0


@everywhere
def test_a_desk_reads_newcomers_too_and_nobody_outside_it(newsroom: Newsroom, late: StaffKey) -> None:
    newsroom.address("amira", "borders")
    letter = newsroom.send(a_source(), addressee="borders")
    sorted_by(newsroom, newsroom.jonas, newsroom.amira)
    case = case_of(newsroom, letter)
    assert case is not None
    assert case.readers == ("borders",)
    reply = conversation.reply(newsroom.seat(newsroom.amira), case.id, "Thank you", newsroom.mailbox)
    newsroom.address("jonas", "borders")
    assert rewrap.pending(newsroom.seat(newsroom.amira)) == 2
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    assert newsroom.seat(newsroom.jonas).text(letter) == "a report"
    assert not any(opens(newsroom, late, each) for each in (letter, reply))
    # Who has left the desk does not read what its sources send, nor what they sent.
    newsroom.address("amira")
    rewrap.rewrap(newsroom.seat(newsroom.jonas))
    assert not any(opens(newsroom, newsroom.amira, each) for each in (letter, reply))
    assert readers_of(newsroom.seat(newsroom.jonas), case.id) == frozenset({"jonas"})
    newsroom.seat(newsroom.jonas).text(letter)


def test_a_new_key_of_who_is_meant_opens_it_and_the_old_one_does_not(newsroom: Newsroom, late: StaffKey) -> None:
    newsroom.address("amira", "amira")
    here = newsroom.send(a_source(), addressee="amira")
    sorted_by(newsroom, newsroom.amira)
    waiting = newsroom.send(a_source(), addressee="amira")
    amira = with_new_key(newsroom.amira)
    newsroom.next_roster(amira)
    sorted_by(newsroom, newsroom.jonas, late, amira)
    rewrap.rewrap(newsroom.seat(amira))
    rewrap.rewrap(newsroom.seat(newsroom.jonas))
    for letter in (here, waiting):
        assert opens(newsroom, without_old_keys(amira), letter)
        assert not opens(newsroom, newsroom.amira, letter)
        assert not opens(newsroom, newsroom.jonas, letter)
    assert newsroom.vault.objects.named_by(newsroom.amira.identities[0].key_id) == 0


@everywhere
def test_another_choice_under_the_same_codename_is_another_case(newsroom: Newsroom, late: StaffKey) -> None:
    newsroom.address("amira", "amira", "borders")
    newsroom.address("jonas", "borders")
    source = a_source()
    letters = {name: newsroom.send(source, f"for {name}", addressee=name) for name in ("amira", "borders", "")}
    more = newsroom.send(source, "and more", addressee="amira")
    sorted_by(newsroom, late, newsroom.jonas, newsroom.amira)
    cases = {name: case_of(newsroom, letter) for name, letter in letters.items()}
    found = {name: case.readers for name, case in cases.items() if case is not None}
    assert found == {"amira": ("amira",), "borders": ("borders",), "": ()}
    assert len({case.id for case in cases.values() if case is not None}) == 3
    assert case_of(newsroom, more) == cases["amira"]
    assert [opens(newsroom, newsroom.jonas, letters[name]) for name in letters] == [False, True, True]
    assert [opens(newsroom, late, letters[name]) for name in letters] == [False, False, True]
    # Answers from each of them reach the same source.
    for name, who in (("amira", newsroom.amira), ("borders", newsroom.jonas), ("", late)):
        case = cases[name]
        assert case is not None
        conversation.reply(newsroom.seat(who), case.id, f"from {who.handle}", newsroom.mailbox)
    assert sorted(newsroom.read_replies(source)) == ["from amira", "from jonas", "from late"]


@everywhere
def test_a_withdrawal_ends_every_case_of_its_source(newsroom: Newsroom) -> None:
    newsroom.address("amira", "amira", "borders")
    source, other = a_source(), a_source()
    here = [newsroom.send(source, addressee=name) for name in ("amira", "")]
    kept = newsroom.send(other, addressee="amira")
    sorted_by(newsroom, newsroom.amira)
    waiting = newsroom.send(source, addressee="borders")
    newsroom.clock.pass_hours(1)
    newsroom.send(source, action="withdraw")
    newsroom.clock.pass_hours(1)
    later = newsroom.send(source, "changed my mind", addressee="amira")
    sorted_by(newsroom, newsroom.jonas)  # who opens none of them but the withdrawal
    assert all(inbox.item(newsroom.vault, letter).exists is False for letter in here)
    sort.sort(newsroom.seat(newsroom.amira))
    assert inbox.item(newsroom.vault, waiting).exists is False
    for letter in (kept, later):
        case = case_of(newsroom, letter)
        assert case is not None
        assert case.readers == ("amira",)


def test_what_came_after_a_withdrawal_waits_for_whom_it_is_for(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an outage leaves it, in which the withdrawal cannot be read while later letters are sorted."""
    newsroom.address("amira", "amira")
    source = a_source()
    newsroom.send(source, addressee="amira")
    sorted_by(newsroom, newsroom.amira)
    withdrawal = newsroom.send(source, action="withdraw")
    newsroom.collect()
    later = newsroom.send(source, "after it", addressee="amira")
    open_ = newsroom.vault.objects.open

    def away(object_id: bytes) -> StoredObject:
        if object_id == withdrawal:
            raise StoreError("a store is away")
        return open_(object_id)

    with monkeypatch.context() as outage:
        outage.setattr(newsroom.vault.objects, "open", away)
        sorted_by(newsroom, newsroom.amira)
    (case,) = newsroom.cases()
    assert case.letters == 2
    sorted_by(newsroom, newsroom.jonas)
    assert not newsroom.cases()
    assert not opens(newsroom, newsroom.jonas, later)
    sorted_by(newsroom, newsroom.amira)
    (case,) = newsroom.cases()
    assert (case.letters, case.readers) == (1, ("amira",))
    assert newsroom.seat(newsroom.amira).text(later) == "after it"


def test_the_recovery_key_opens_it_to_nobody_else(newsroom: Newsroom, late: StaffKey) -> None:
    newsroom.address("amira", "amira")
    letter = newsroom.send(a_source(), addressee="amira")
    newsroom.collect()
    rescue(newsroom).rewrap(unheard)
    assert not opens(newsroom, newsroom.jonas, letter)
    assert not opens(newsroom, late, letter)
    sorted_by(newsroom, newsroom.jonas, newsroom.amira)
    assert newsroom.seat(newsroom.amira).text(letter) == "a report"


def test_what_is_for_people_who_have_left_goes_to_whom_the_recovery_key_gives_it(
    newsroom: Newsroom, late: StaffKey
) -> None:
    newsroom.address("late", "late", "borders")
    letters = [newsroom.send(a_source(), addressee=name) for name in ("late", "borders")]
    newsroom.collect()
    newsroom.revoke("late")
    sorted_by(newsroom, newsroom.amira, newsroom.jonas)
    _, abandoned = rescue(newsroom).rewrap(unheard)
    assert abandoned == {"late", "borders"}
    assert not any(opens(newsroom, each, letter) for letter in letters for each in (newsroom.amira, newsroom.jonas))
    with pytest.raises(UsageError):
        rescue(newsroom).rewrap(unheard, given={"late": ["lena"]})
    _, abandoned = rescue(newsroom).rewrap(unheard, given={"late": ["jonas"]})
    assert abandoned == {"borders"}
    sorted_by(newsroom, newsroom.amira, newsroom.jonas)
    case = case_of(newsroom, letters[0])
    assert case is not None
    assert case.readers == ("jonas",)
    assert newsroom.seat(newsroom.jonas).text(letters[0]) == "a report"
    assert not opens(newsroom, newsroom.amira, letters[0])
    assert inbox.item(newsroom.vault, letters[1]).case_id is None


def test_rewrapping_before_sorting_opens_it_to_nobody_else(newsroom: Newsroom) -> None:
    newsroom.address("amira", "amira")
    letter = newsroom.send(a_source(), addressee="amira")
    newsroom.collect()
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    assert not opens(newsroom, newsroom.jonas, letter)
    # Nor does a database that names a case which everybody reads.
    case = newsroom.receive(a_source())
    with newsroom.vault.change() as change:
        change.session.execute(update(Item).where(Item.id == letter).values(case_id=case.id))
    newsroom.next_roster(with_new_key(newsroom.jonas))
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    assert not opens(newsroom, newsroom.jonas, letter)


def test_a_damaged_one_is_opened_to_nobody_else(newsroom: Newsroom) -> None:
    newsroom.address("amira", "amira")
    letter = newsroom.send(a_source(), addressee="amira", damage=40)
    sorted_by(newsroom, newsroom.jonas, newsroom.amira)
    case = case_of(newsroom, letter)
    assert case is not None
    assert case.damaged == 1
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    assert opens(newsroom, newsroom.amira, letter)
    assert not opens(newsroom, newsroom.jonas, letter)


def test_when_a_desk_is_empty_those_who_were_in_it_read_and_then_only_the_recovery_key(
    newsroom: Newsroom, late: StaffKey
) -> None:
    newsroom.address("late", "borders")
    newsroom.address("amira", "borders")
    first, second = (newsroom.send(a_source(), addressee="borders") for _ in range(2))
    sorted_by(newsroom)
    newsroom.revoke("late")
    newsroom.address("jonas", "borders")
    newsroom.address("amira")
    newsroom.revoke("jonas")
    sorted_by(newsroom, newsroom.amira)
    case = case_of(newsroom, first)
    assert case is not None
    assert case.readers == ("amira",)
    assert newsroom.seat(newsroom.amira).text(second) == "a report"


def test_a_name_that_the_roster_does_not_know_limits_the_letter_to_who_opened_it(newsroom: Newsroom) -> None:
    letter = newsroom.send(a_source(), fields={"addressee": "everybody, please"})
    sorted_by(newsroom, newsroom.amira)
    case = case_of(newsroom, letter)
    assert case is not None
    assert case.readers == ("amira",)
    assert not opens(newsroom, newsroom.jonas, letter)


def test_a_reader_may_show_the_case_to_colleagues_and_what_comes_later_follows(newsroom: Newsroom) -> None:
    newsroom.address("amira", "amira")
    source = a_source()
    newsroom.send(source, addressee="amira")
    sorted_by(newsroom, newsroom.amira)
    (case,) = newsroom.cases()
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "jonas"})
    later = newsroom.send(source, "more", addressee="amira")
    sorted_by(newsroom, newsroom.amira)
    assert newsroom.seat(newsroom.jonas).text(later) == "more"
