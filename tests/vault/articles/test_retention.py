"""Retention: what is past its time is shredded, what is doubtful stays, and the database alone has nothing deleted."""

from __future__ import annotations

import secrets

import pytest
from sqlalchemy import delete, update

from fieldreport.errors import NotAllowed, NotFound, RosterError, SealError
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import AuditRow, Case, CaseState, Mark, VaultState
from fieldreport.vault.articles import drafts, retention
from fieldreport.vault.articles.retention import Due, Rules
from fieldreport.vault.cases import inbox, restriction, workflow
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere

DAY = 24 * 3600
RULES = Rules(days={CaseState.CLOSED: 30, CaseState.PUBLISHED: 60}, even_unread=False, even_unpublished=False)


def closed(newsroom: Newsroom, *, read: bool = True, state: CaseState = CaseState.CLOSED) -> CaseRow:
    """A case that amira has read and closed."""
    case = newsroom.receive(a_source())
    if read:
        inbox.mark_read(newsroom.vault, case.id, "amira")
    workflow.set_state(newsroom.seat(newsroom.amira), case.id, state)
    return case


def purged(newsroom: Newsroom, rules: Rules = RULES) -> dict[str, str]:
    """Why each case past its time stayed at amira's seat, by its name; nothing: it is deleted."""
    keyfiles = newsroom.directory / "desk" / "keyfiles"
    found = retention.purge(newsroom.seat(newsroom.amira), rules, keyfiles=keyfiles)
    return {due.name: due.kept for due in found}


def previewed(newsroom: Newsroom, *, reader: str | None = None, ahead_days: int = 0) -> tuple[Due, ...]:
    return retention.preview(newsroom.seat(newsroom.amira), RULES, reader=reader, ahead_days=ahead_days)


def is_here(newsroom: Newsroom, case: CaseRow) -> bool:
    return inbox.get(newsroom.vault, case.id, viewer="amira").ended is None


@everywhere
def test_a_case_is_shredded_when_its_time_is_over_and_not_an_hour_before(newsroom: Newsroom) -> None:
    case, open_one = closed(newsroom), newsroom.receive(a_source())
    newsroom.clock.forward(30 * DAY - 3600)
    assert previewed(newsroom) == ()
    assert [due.name for due in previewed(newsroom, ahead_days=1)] == [case.name]
    assert purged(newsroom) == {}
    newsroom.clock.forward(3600)
    assert [due.kept for due in previewed(newsroom)] == [""]
    assert is_here(newsroom, case), "a preview deletes nothing"
    letter = inbox.items(newsroom.vault, case.id)[0].id
    assert purged(newsroom) == {case.name: ""}
    with pytest.raises(NotFound):
        newsroom.vault.objects.open(letter)
    assert is_here(newsroom, open_one)
    assert newsroom.acts()[-1] == ("amira", "case-purged", f"{case.name} closed 30 days")
    assert purged(newsroom) == {}


def test_each_state_has_its_own_time_and_one_without_a_rule_stays(newsroom: Newsroom) -> None:
    published, reading = (closed(newsroom, state=state) for state in (CaseState.PUBLISHED, CaseState.READING))
    newsroom.clock.forward(59 * DAY)
    assert purged(newsroom) == {}
    newsroom.clock.forward(DAY)
    assert purged(newsroom) == {published.name: ""}
    assert is_here(newsroom, reading)


def test_unread_letters_and_articles_on_their_way_keep_a_case_unless_the_rules_say_otherwise(
    newsroom: Newsroom,
) -> None:
    unread, written = closed(newsroom, read=False), closed(newsroom)
    drafts.create(newsroom.seat(newsroom.amira), [written.id], language="en")
    newsroom.clock.forward(31 * DAY)
    kept = purged(newsroom)
    assert "nobody has read" in kept[unread.name]
    assert "not published yet" in kept[written.name]
    even = Rules(days=RULES.days, even_unread=True, even_unpublished=True)
    assert purged(newsroom, even) == {unread.name: "", written.name: ""}


def test_a_new_letter_opens_a_closed_case_and_its_time_begins_again(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    workflow.set_state(newsroom.seat(newsroom.amira), case.id, CaseState.CLOSED)
    newsroom.clock.forward(29 * DAY)
    newsroom.receive(source, "there is more")
    inbox.mark_read(newsroom.vault, case.id, "amira")
    newsroom.clock.forward(2 * DAY)
    assert purged(newsroom) == {}
    workflow.set_state(newsroom.seat(newsroom.amira), case.id, CaseState.CLOSED)
    newsroom.clock.forward(30 * DAY)
    assert purged(newsroom) == {case.name: ""}


class TestADatabaseWriter:
    def test_has_no_case_deleted_that_nobody_closed(self, newsroom: Newsroom) -> None:
        case = newsroom.receive(a_source())
        inbox.mark_read(newsroom.vault, case.id, "amira")
        newsroom.clock.forward(40 * DAY)
        self._write(newsroom, case, state="closed", active=0)
        assert "does not say" in purged(newsroom)[case.name]

    def test_has_no_case_deleted_whose_source_wrote_after_it_was_closed(self, newsroom: Newsroom) -> None:
        source = a_source()
        case = newsroom.receive(source)
        workflow.set_state(newsroom.seat(newsroom.amira), case.id, CaseState.CLOSED)
        newsroom.clock.forward(24 * DAY)
        newsroom.receive(source, "I am in danger")
        newsroom.clock.forward(35 * DAY)
        self._write(newsroom, case, state="closed", active=0)
        with newsroom.vault.change() as change:
            change.session.execute(delete(Mark))
            change.session.add(Mark(case_id=case.id, handle="jonas", read_sequence=9))
        assert "came after it was closed" in purged(newsroom)[case.name]

    def test_cannot_give_an_open_case_the_name_of_a_closed_one(self, newsroom: Newsroom) -> None:
        old, living = closed(newsroom), newsroom.receive(a_source())
        inbox.mark_read(newsroom.vault, living.id, "amira")
        newsroom.clock.forward(31 * DAY)
        self._write(newsroom, old, name="C-AAAAAA", state="reading")
        self._write(newsroom, living, name=old.name, state="closed", active=0)
        assert "does not say" in purged(newsroom)[old.name]

    def test_cannot_sign_with_the_key_of_somebody_who_left(self, newsroom: Newsroom) -> None:
        case = newsroom.receive(a_source())
        inbox.mark_read(newsroom.vault, case.id, "amira")
        newsroom.revoke("jonas")
        newsroom.clock.forward(3 * 3600)
        newsroom.seat(newsroom.amira).record(Act.NOTED, case.name)  # an act under the roster without jonas
        with newsroom.vault.change(actor="jonas", signer=newsroom.jonas.signing) as change:
            change.record(Act.CASE_STATE, f"{case.name} closed")
        self._write(newsroom, case, state="closed", active=0)
        newsroom.clock.forward(40 * DAY)
        with pytest.raises(SealError, match="tampered"):
            purged(newsroom)
        assert is_here(newsroom, case)

    def test_cannot_cut_off_that_a_case_was_opened_again(self, newsroom: Newsroom) -> None:
        case = closed(newsroom)
        head = newsroom.vault.audit.head()
        assert head is not None
        workflow.set_state(newsroom.seat(newsroom.amira), case.id, CaseState.READING)
        keyfiles = newsroom.directory / "desk" / "keyfiles"
        keyfiles.mkdir(exist_ok=True)
        audit_heads.remember(newsroom.vault, newsroom.amira, keyfiles)
        with newsroom.vault.change() as change:
            change.session.execute(delete(AuditRow).where(AuditRow.sequence > head.number))
            change.session.execute(update(VaultState).values(audit_sequence=head.number, audit_hash=head.hash))
            change.state.audit_sequence, change.state.audit_hash = head.number, head.hash
        self._write(newsroom, case, state="closed", active=0)
        newsroom.clock.forward(31 * DAY)
        with pytest.raises(SealError, match="not the one that was here"):
            purged(newsroom)
        assert is_here(newsroom, case)

    @staticmethod
    def _write(newsroom: Newsroom, case: CaseRow, **values: object) -> None:
        with newsroom.vault.change() as change:
            change.session.execute(update(Case).where(Case.id == case.id).values(**values))


def test_a_limited_case_is_deleted_by_its_readers_alone_and_named_to_nobody_else(newsroom: Newsroom) -> None:
    ines = newsroom.hire("ines")
    case = newsroom.receive(a_source())
    inbox.mark_read(newsroom.vault, case.id, "jonas")
    jonas = newsroom.seat(newsroom.jonas)
    workflow.set_state(jonas, case.id, CaseState.CLOSED)
    restriction.limit(jonas, case.id, [jonas.handle, ines.handle])
    newsroom.clock.forward(31 * DAY)
    assert previewed(newsroom, reader="amira") == ()
    assert [due.name for due in previewed(newsroom, reader="jonas")] == [case.name]
    assert purged(newsroom) == {}
    found = retention.purge(jonas, RULES, keyfiles=newsroom.directory / "desk" / "keyfiles")
    assert [(due.name, due.kept) for due in found] == [(case.name, "")]


def test_what_changes_while_it_is_deleted_stays(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    opened_again, limited = closed(newsroom), closed(newsroom)
    newsroom.clock.forward(31 * DAY)
    verify = newsroom.vault.audit.verify

    def meanwhile(*arguments: object, **more: object) -> object:
        report = verify(*arguments, **more)  # type: ignore[arg-type]
        jonas = newsroom.seat(newsroom.jonas)
        workflow.set_state(jonas, opened_again.id, CaseState.READING)
        with newsroom.vault.change() as change:
            change.session.execute(delete(Mark).where(Mark.case_id == limited.id))
        return report

    monkeypatch.setattr(newsroom.vault.audit, "verify", meanwhile)
    kept = purged(newsroom)
    assert kept[opened_again.name] == "it was changed meanwhile"
    assert "nobody has read" in kept[limited.name]


def test_an_admin_and_somebody_who_left_delete_nothing(newsroom: Newsroom) -> None:
    closed(newsroom)
    newsroom.clock.forward(31 * DAY)
    newsroom.revoke("jonas")
    for person in (newsroom.lena, newsroom.jonas):
        with pytest.raises(NotAllowed):
            retention.purge(newsroom.seat(person), RULES, keyfiles=newsroom.directory)


def test_a_letter_that_cannot_be_opened_keeps_its_case(newsroom: Newsroom) -> None:
    case = closed(newsroom)
    newsroom.clock.forward(31 * DAY)
    from fieldreport.vault.archive.tables import SealedObject

    with newsroom.vault.change() as change:
        change.session.execute(update(SealedObject).values(hidden=secrets.token_bytes(400)))
    assert "cannot be opened" in purged(newsroom)[case.name]


def test_a_clock_that_runs_far_ahead_deletes_nothing(newsroom: Newsroom) -> None:
    """No roster is in force then: what a broken clock can delete too early is bounded by a roster's term."""
    case = closed(newsroom)
    newsroom.clock.forward(10 * 365 * DAY)
    with pytest.raises(RosterError):
        purged(newsroom)
    assert is_here(newsroom, case)
