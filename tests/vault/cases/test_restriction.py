"""Cases that only named editors may read: what the keys enforce, what the desk does until they do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fieldreport.errors import NotAllowed, NotARecipient, NotFound, StaleRoster, UsageError
from fieldreport.seal import Kind, open_header
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.cases import conversation, inbox, restriction, sort, workflow
from fieldreport.vault.cases.conversation import Card, text_part
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.keys.recovery import Rescue
from tests.cast import a_source, with_new_key, without_old_keys
from tests.vault.newsroom import Newsroom, everywhere


@pytest.fixture
def late(newsroom: Newsroom) -> StaffKey:
    """A third editor."""
    return newsroom.hire("late")


def opens(newsroom: Newsroom, staff: StaffKey, object_id: bytes) -> bool:
    """Whether somebody's keys open an object, whatever the desk allows."""
    try:
        open_header(newsroom.vault.objects.header(object_id), staff.identities)
    except NotARecipient:
        return False
    return True


def a_case(newsroom: Newsroom) -> CaseRow:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    conversation.note(seat, case.id, "a note")
    conversation.save_card(seat, case.id, Card(facts="facts"))
    return inbox.get(newsroom.vault, case.id, viewer="amira")


def objects_of(newsroom: Newsroom, case: CaseRow) -> list[bytes]:
    card = inbox.get(newsroom.vault, case.id, viewer="amira").card
    return [item.id for item in inbox.items(newsroom.vault, case.id)] + ([card] if card else [])


@everywhere
def test_only_the_named_readers_and_the_recovery_key_open_a_limited_case(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    other = newsroom.receive(a_source())
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    for object_id in objects_of(newsroom, case):
        assert opens(newsroom, newsroom.amira, object_id)
        assert opens(newsroom, late, object_id)
        assert not opens(newsroom, newsroom.jonas, object_id)
        assert open_header(newsroom.vault.objects.header(object_id), [newsroom.recovery])
    assert all(opens(newsroom, newsroom.jonas, object_id) for object_id in objects_of(newsroom, other))
    assert inbox.get(newsroom.vault, case.id, viewer="jonas").readers == ("amira", "late")
    assert newsroom.acts()[-2:] == [("amira", "case-limited", f"{case.name} {reader}") for reader in ("amira", "late")]


@everywhere
def test_a_letter_that_comes_later_is_for_the_readers_once_anybody_has_sorted_it(
    newsroom: Newsroom, late: StaffKey
) -> None:
    source = a_source()
    case = newsroom.receive(source)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    letter = newsroom.send(source, "one thing more")
    newsroom.collect()
    assert opens(newsroom, newsroom.jonas, letter)
    sort.sort(newsroom.seat(newsroom.jonas))
    assert not opens(newsroom, newsroom.jonas, letter)
    assert newsroom.seat(late).text(letter) == "one thing more"


def test_until_it_is_sealed_to_the_readers_alone_the_desk_keeps_it_from_others(
    newsroom: Newsroom, late: StaffKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a crash between limiting a case and re-wrapping it leaves it."""
    case = a_case(newsroom)
    monkeypatch.setattr(rewrap, "rewrap_limited", lambda _seat: None)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    jonas = newsroom.seat(newsroom.jonas)
    item = inbox.items(newsroom.vault, case.id)[0]
    assert opens(newsroom, newsroom.jonas, item.id)
    with pytest.raises(NotAllowed) as refused:
        jonas.text(item.id)
    assert refused.value.code == "limited"
    assert rewrap.rewrap(jonas).done == 3  # by anybody whose keys still can
    assert not opens(newsroom, newsroom.jonas, item.id)


def test_what_readers_write_is_sealed_to_them_alone(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    restriction.limit(amira, case.id, {"amira", "late"})
    note = conversation.note(amira, case.id, "for the two of us")
    reply = conversation.reply(amira, case.id, "Thank you", newsroom.mailbox)
    card = conversation.save_card(
        amira, case.id, Card(facts="new", version=conversation.card(amira, case.id).version)
    ).version
    assert card is not None
    for object_id in (note, reply, card):
        assert opens(newsroom, late, object_id)
        assert not opens(newsroom, newsroom.jonas, object_id)


def test_others_can_do_nothing_with_it(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    jonas = newsroom.seat(newsroom.jonas)
    item = inbox.items(newsroom.vault, case.id)[0]
    acts: list[Callable[[], object]] = [
        lambda: jonas.text(item.id),
        lambda: conversation.card(jonas, case.id),
        lambda: conversation.note(jonas, case.id, "x"),
        lambda: conversation.reply(jonas, case.id, "x", newsroom.mailbox),
        lambda: conversation.save_card(jonas, case.id, Card(facts="x")),
        lambda: workflow.assign(jonas, case.id, "jonas"),
        lambda: workflow.delete(jonas, case.id),
        lambda: restriction.limit(jonas, case.id, None),
        lambda: restriction.limit(jonas, case.id, {"jonas", "late"}),
        lambda: workflow.assign(newsroom.seat(newsroom.amira), case.id, "jonas"),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    assert inbox.get(newsroom.vault, case.id, viewer="jonas").ended is None


def test_a_case_needs_two_readers_who_are_active_editors_oneself_among_them(newsroom: Newsroom) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    for only in ({"amira"}, set(), {"jonas", "late"}, {"amira", "lena"}):
        with pytest.raises(UsageError):
            restriction.limit(amira, case.id, only)
    with pytest.raises(NotFound):
        restriction.limit(amira, case.id, {"amira", "nobody"})
    with pytest.raises(NotFound):
        restriction.limit(amira, bytes(16), {"amira", "jonas"})
    assert inbox.get(newsroom.vault, case.id, viewer="amira").readers == ()


def test_whoever_had_it_and_may_not_read_it_has_it_no_more(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    workflow.assign(amira, case.id, "jonas")
    restriction.limit(amira, case.id, {"amira", "late"})
    assert inbox.get(newsroom.vault, case.id, viewer="amira").assignee is None


@everywhere
def test_opened_to_all_it_is_re_wrapped_for_all(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    rewrap.rewrap(amira)
    restriction.limit(amira, case.id, {"amira", "late"})
    assert rewrap.pending(amira) == 0
    restriction.limit(newsroom.seat(late), case.id, None)
    assert rewrap.pending(amira) == 3
    rewrap.rewrap(amira)
    assert all(opens(newsroom, newsroom.jonas, object_id) for object_id in objects_of(newsroom, case))


@everywhere
def test_a_new_colleague_does_not_get_what_is_limited(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    restriction.limit(amira, case.id, {"amira", "jonas"})
    newest = newsroom.hire("newest")
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    assert rewrap.pending(amira) == 0
    assert not any(opens(newsroom, newest, object_id) for object_id in objects_of(newsroom, case))


@everywhere
def test_a_readers_new_key_reads_it_and_the_old_one_can_go(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    newsroom.amira = with_new_key(newsroom.amira)
    newsroom.next_roster(newsroom.amira)
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    old = newsroom.amira.identities[1]
    assert newsroom.vault.objects.named_by(old.key_id) == 0
    renewed = without_old_keys(newsroom.amira)
    assert all(opens(newsroom, renewed, object_id) for object_id in objects_of(newsroom, case))
    assert not any(opens(newsroom, newsroom.jonas, object_id) for object_id in objects_of(newsroom, case))


def test_when_one_reader_leaves_the_other_still_reads(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    newsroom.revoke("late")
    amira = newsroom.seat(newsroom.amira)
    rewrap.rewrap(amira)
    assert not any(opens(newsroom, late, object_id) for object_id in objects_of(newsroom, case))
    assert conversation.card(amira, case.id).facts == "facts"


def test_when_both_have_left_it_stays_with_the_recovery_key_and_holds_up_nobody(
    newsroom: Newsroom, late: StaffKey
) -> None:
    newest = newsroom.hire("newest")
    case = a_case(newsroom)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    newsroom.revoke("late")
    newsroom.revoke("amira")
    rewrap.rewrap(newsroom.seat(newest))
    assert rewrap.pending(newsroom.seat(newest)) == 0
    for object_id in objects_of(newsroom, case):
        assert not opens(newsroom, newest, object_id)
        assert open_header(newsroom.vault.objects.header(object_id), [newsroom.recovery])


@everywhere
def test_when_both_have_left_a_later_letter_is_for_the_recovery_key_and_holds_up_no_rotation(
    newsroom: Newsroom, late: StaffKey
) -> None:
    source = a_source()
    case = newsroom.receive(source)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    newsroom.revoke("late")
    newsroom.revoke("amira")
    letter = newsroom.send(source, "one thing more")
    newsroom.collect()
    newsroom.jonas = with_new_key(newsroom.jonas)
    newsroom.next_roster(newsroom.jonas)
    jonas = newsroom.seat(newsroom.jonas)
    sort.sort(jonas)
    rewrap.rewrap(jonas)
    assert rewrap.pending(jonas) == 0
    assert all(newsroom.vault.objects.named_by(identity.key_id) == 0 for identity in newsroom.jonas.identities)
    assert open_header(newsroom.vault.objects.header(letter), [newsroom.recovery])


def rescue(newsroom: Newsroom) -> Rescue:
    identity = newsroom.recovery
    entry = newsroom.roster.by_key(identity.key_id)
    return Rescue(vault=newsroom.vault, identity=identity, entry=entry, rosters=newsroom.watch)


def unheard(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@everywhere
def test_the_recovery_key_gives_a_case_whose_readers_left_to_those_it_is_told_and_to_nobody_unasked(
    newsroom: Newsroom, late: StaffKey
) -> None:
    newest = newsroom.hire("newest")
    case = a_case(newsroom)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    assert rescue(newsroom).orphaned_cases() == []
    newsroom.revoke("late")
    newsroom.revoke("amira")
    rescue(newsroom).rewrap(unheard)
    assert rescue(newsroom).orphaned_cases() == [(case.name, frozenset({"late", "amira"}))]
    assert not any(opens(newsroom, newest, object_id) for object_id in objects_of(newsroom, case))
    newsroom.hire("fourth")
    rescue(newsroom).assign_readers(case.name, ["newest", "fourth"])
    rescue(newsroom).rewrap(unheard)
    assert conversation.card(newsroom.seat(newest), case.id).facts == "facts"
    assert not any(opens(newsroom, newsroom.jonas, object_id) for object_id in objects_of(newsroom, case))
    assert rescue(newsroom).orphaned_cases() == []
    assert ("recovery", "case-limited", f"{case.name} newest") in newsroom.acts()


def test_a_case_that_has_a_reader_is_theirs_to_give(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    newsroom.revoke("late")
    with pytest.raises(NotFound):
        rescue(newsroom).assign_readers(case.name, ["amira", "jonas"])
    newsroom.hire("newest")
    newsroom.revoke("amira")
    for wrong in (["jonas"], ["jonas", "amira"], ["jonas", "lena"], []):
        with pytest.raises(UsageError):
            rescue(newsroom).assign_readers(case.name, wrong)
    newsroom.revoke("newest")
    rescue(newsroom).assign_readers(case.name, ["jonas"])  # the only editor there is


def test_something_sealed_before_the_case_was_limited_is_sealed_again(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    with amira.stage(kind=Kind.NOTE, thread=case.id, parts=[text_part("for all")]) as staged:
        restriction.limit(newsroom.seat(late), case.id, {"amira", "late"})
        with pytest.raises(StaleRoster), amira.change() as change:
            change.add(staged)


def test_a_deleted_case_is_limited_no_more(newsroom: Newsroom, late: StaffKey) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    restriction.limit(amira, case.id, {"amira", "late"})
    workflow.delete(amira, case.id)
    assert inbox.get(newsroom.vault, case.id, viewer="jonas").readers == ()
    assert rewrap.pending(newsroom.seat(newsroom.jonas)) == 0


def test_a_re_wrapping_that_began_before_a_reader_was_taken_off_gives_them_nothing_back(
    newsroom: Newsroom, late: StaffKey
) -> None:
    case = a_case(newsroom)
    amira = newsroom.seat(newsroom.amira)
    restriction.limit(amira, case.id, {"amira", "late"})

    def meanwhile(_done: int, _total: int) -> None:
        restriction.limit(amira, case.id, {"amira", "jonas"})

    with pytest.raises(StaleRoster):
        rewrap.rewrap(amira, meanwhile)
    assert all(not opens(newsroom, late, object_id) for object_id in objects_of(newsroom, case))
