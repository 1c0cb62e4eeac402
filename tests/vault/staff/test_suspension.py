"""An editor who is suspended: what is sealed to them meanwhile, what their signature is worth, and their return."""

from __future__ import annotations

import pytest

from fieldreport.errors import FieldreportError, NotAllowed, NotARecipient, SealError, UsageError
from fieldreport.seal import KeyState, Role, editors_of, open_header
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.cases import conversation, inbox, restriction, sort
from fieldreport.vault.staff import roster_changes
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere


def opens(newsroom: Newsroom, staff: StaffKey, object_id: bytes) -> bool:
    """Whether somebody's keys open an object, whatever the desk allows."""
    try:
        open_header(newsroom.vault.objects.header(object_id), staff.identities)
    except NotARecipient:
        return False
    return True


def suspend(newsroom: Newsroom, handle: str = "amira") -> None:
    roster_changes.suspend(newsroom.seat(newsroom.lena), handle, newsroom.mailbox)


def resume(newsroom: Newsroom, handle: str = "amira") -> None:
    roster_changes.resume(newsroom.seat(newsroom.lena), handle, newsroom.mailbox)


def sort_and_rewrap(newsroom: Newsroom, person: StaffKey) -> None:
    newsroom.collect()
    sort.sort(newsroom.seat(person))
    rewrap.rewrap(newsroom.seat(person))


@everywhere
def test_what_comes_meanwhile_is_not_sealed_to_them_and_all_of_it_is_read_on_their_return(newsroom: Newsroom) -> None:
    before = newsroom.send(a_source(), "before")
    sort_and_rewrap(newsroom, newsroom.jonas)
    on_its_way = newsroom.send(a_source(), "on its way")
    suspend(newsroom)
    meanwhile = newsroom.send(a_source(), "meanwhile")
    sort_and_rewrap(newsroom, newsroom.jonas)
    assert not any(opens(newsroom, newsroom.amira, each) for each in (before, on_its_way, meanwhile))
    resume(newsroom)
    assert rewrap.pending(newsroom.seat(newsroom.jonas)) == 3
    sort_and_rewrap(newsroom, newsroom.jonas)
    texts = [newsroom.seat(newsroom.amira).text(each) for each in (before, on_its_way, meanwhile)]
    assert texts == ["before", "on its way", "meanwhile"]


@everywhere
def test_what_only_they_may_read_stays_theirs(newsroom: Newsroom) -> None:
    newsroom.address("amira", "amira", "borders")
    source = a_source()
    alone, desk = newsroom.send(source, addressee="amira"), newsroom.send(a_source(), addressee="borders")
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    on_its_way = newsroom.send(source, "more", addressee="amira")
    suspend(newsroom)
    assert newsroom.roster.addressees == {}
    sort_and_rewrap(newsroom, newsroom.jonas)
    assert not opens(newsroom, newsroom.jonas, on_its_way)
    resume(newsroom)
    sort_and_rewrap(newsroom, newsroom.amira)
    texts = [newsroom.seat(newsroom.amira).text(each) for each in (alone, desk, on_its_way)]
    assert texts == ["a report", "a report", "more"]
    assert inbox.item(newsroom.vault, on_its_way).case_id == inbox.item(newsroom.vault, alone).case_id


@everywhere
def test_a_case_that_names_them_is_sealed_to_them_also_meanwhile(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "jonas"})
    suspend(newsroom)
    more = newsroom.send(source, "more")
    sort_and_rewrap(newsroom, newsroom.jonas)
    note = conversation.note(newsroom.seat(newsroom.jonas), case.id, "a note")
    assert all(opens(newsroom, newsroom.amira, each) for each in (more, note))
    # Also if the colleague, who alone could have re-wrapped it, is gone when they return.
    newsroom.hire("late")
    newsroom.revoke("jonas")
    resume(newsroom)
    assert newsroom.seat(newsroom.amira).text(more) == "more"


def test_what_they_sign_meanwhile_does_not_count_and_what_they_signed_before_does(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    note = conversation.note(newsroom.seat(newsroom.amira), case.id, "before")
    suspend(newsroom)
    assert editors_of(newsroom.roster).keys() == {"jonas"}
    with pytest.raises(NotAllowed, match="signing key"):
        conversation.note(newsroom.seat(newsroom.amira), case.id, "meanwhile")
    assert newsroom.seat(newsroom.jonas).text(note) == "before"
    # Long after, so that no request can have been under way: an entry in their name breaks the log.
    newsroom.clock.forward(3 * 3600)
    newsroom.seat(newsroom.lena).record(Act.LOCKED)
    newsroom.vault.audit.verify(newsroom.watch.all_here())
    newsroom.seat(newsroom.amira).record(Act.NOTED, case.name)
    with pytest.raises(SealError) as refused:
        newsroom.vault.audit.verify(newsroom.watch.all_here())
    assert refused.value.code == "audit"


def test_the_log_says_each_once_also_after_an_interruption(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    def acts() -> list[str]:
        return [act for _, act, subject in newsroom.acts() if subject == "amira" and act.startswith("staff-")]

    suspend(newsroom)
    suspend(newsroom)
    assert acts() == ["staff-suspended"]
    with monkeypatch.context() as patched:
        patched.setattr(type(newsroom.vault), "change", lambda *_args, **_more: None)
        with pytest.raises((TypeError, AttributeError, FieldreportError)):
            resume(newsroom)
    assert newsroom.roster.entry("amira").state is KeyState.ACTIVE
    resume(newsroom)
    suspend(newsroom)
    assert acts() == ["staff-suspended", "staff-resumed", "staff-suspended"]
    assert newsroom.roster.suspended == {"amira"}


def test_only_an_active_editor_is_suspended_and_only_by_the_admin(newsroom: Newsroom) -> None:
    for handle in ("lena", "recovery", "nobody"):
        with pytest.raises(UsageError):
            suspend(newsroom, handle)
    with pytest.raises(NotAllowed):
        roster_changes.suspend(newsroom.seat(newsroom.jonas), "amira", newsroom.mailbox)
    newsroom.revoke("amira")
    for act in (suspend, resume):
        with pytest.raises(UsageError):
            act(newsroom)
    assert [e.handle for e in newsroom.roster.entries if e.role is Role.EDITOR and e.state is KeyState.ACTIVE] == [
        "jonas"
    ]


def test_a_suspended_person_can_be_removed(newsroom: Newsroom) -> None:
    suspend(newsroom)
    roster_changes.revoke(newsroom.seat(newsroom.lena), "amira", newsroom.mailbox)
    assert newsroom.roster.suspended == frozenset()
