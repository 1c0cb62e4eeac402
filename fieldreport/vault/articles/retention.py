"""Retention: which cases are past their time by the newsroom's rules, and their deletion.

The rules are settings: the database, which is untrusted, holds none. Nor does it decide on its own what they apply to:
a case counts as being in a state since the hour at which an editor put it there, as the audit log has it signed, and as
quiet since its newest letter by the hour sealed into it. Who can only write to the database can make a case stay, and
cannot have one deleted that nobody closed.

Rules: a case is deleted only at the seat of an editor who may read it, shredded as by hand, one transaction each, after
the whole log was verified. What is doubtful stays, and the preview says why. A case stays while a letter in it was read
by nobody, or an article of it is on its way, unless the rules say otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from fieldreport.config import Desk
from fieldreport.errors import FieldreportError, NotFound, SealError
from fieldreport.seal import Kind, OpenEnvelope, Role, editors_of
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import audit_heads, origin, readers
from fieldreport.vault.archive.audit import Act, is_signed_by
from fieldreport.vault.archive.readers import Place
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow, Case, CaseState, Ending, Item, Mark
from fieldreport.vault.articles.state import OPEN_STATES
from fieldreport.vault.articles.tables import ArticleCase, ArticleRow
from fieldreport.vault.cases.file import end_case
from fieldreport.vault.cases.inbox import living

_DAY: Final = 24  # hours
_AT_ONCE: Final = 500  # parameters of one question
_UNREAD: Final = Sentence("nobody has read its newest letter")
_UNPUBLISHED: Final = Sentence("an article of it is not published yet")
_UNSIGNED: Final = Sentence("the log does not say, signed, that it is in this state")
_REOPENED: Final = Sentence("a letter came after it was closed")
_CHANGED: Final = Sentence("it was changed meanwhile")
_UNREADABLE: Final = Sentence("a letter of it cannot be opened here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """After how many days a case in a state is deleted; ``even_unread`` and ``even_unpublished`` take those along."""

    days: Mapping[CaseState, int]
    even_unread: bool
    even_unpublished: bool

    @classmethod
    def of(cls, desk: Desk) -> Rules:
        """The rules in the settings."""
        return cls(
            days={CaseState(state): days for state, days in desk.retention.items()},
            even_unread="unread" in desk.retention_even,
            even_unpublished="unpublished" in desk.retention_even,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A case to which a rule applies. ``due``: the hour from which on it is deleted; ``kept``: why it is not."""

    id: bytes
    name: str
    state: CaseState
    due: int
    kept: str


def preview(place: Place, rules: Rules, *, reader: str | None = None, ahead_days: int = 0) -> tuple[Due, ...]:
    """Return the cases past their time, or within ``ahead_days``, the first due first; no key is needed.

    ``reader``: an editor, of whose cases alone; without one, all. What a letter seals is not looked at yet.
    """
    now = place.vault.hour()
    with place.vault.reading() as session:
        cases = _candidates(session, rules, before=now + ahead_days * _DAY)
        entries = _state_entries(session, place, cases)
        facts = _facts(session, cases)
        judged = [_judged(place, rules, case, entries.get(case.name), facts) for case in cases]
        found = [due for due in judged if due is not None and due.due <= now + ahead_days * _DAY]
        if reader is not None:
            named = readers.readers_in_each(session, place, [due.id for due in found])
            found = [due for due, only in zip(found, named, strict=True) if _is_among(only, reader)]
    return tuple(sorted(found, key=lambda due: (due.due, due.name)))


def purge(seat: Seat, rules: Rules, *, keyfiles: Path) -> tuple[Due, ...]:
    """Delete the cases past their time that this editor may read; return those and, with why, those that stay.

    Raises:
        NotAllowed: an admin's seat, or that of somebody whom the roster does not list any more.
        SealError: the audit log does not hold; nothing was deleted.
        StoreError: a store is away; what was deleted before stays so.
    """
    seat.must_be(Role.EDITOR)
    seat.must_be_listed()
    planned = preview(seat, rules, reader=seat.handle)
    if all(due.kept for due in planned):
        return planned
    newest: dict[str, AuditRow] = {}

    def remember(row: AuditRow) -> None:
        if row.act == Act.CASE_STATE:
            newest[row.subject.partition(" ")[0]] = row

    remembered = audit_heads.remembered(seat.rosters, seat.vault.instance, keyfiles)
    seat.vault.audit.verify(seat.rosters.all_here(), remembered, each=remember)
    return tuple(due if due.kept else _purged(seat, rules, due, newest.get(due.name)) for due in planned)


def _purged(seat: Seat, rules: Rules, due: Due, entry: AuditRow | None) -> Due:
    """Delete one case, or say why it stays."""
    with seat.vault.reading() as session:
        letters = session.scalars(_letters(due.id)).all()
    hours = seat.read_items(due.id, letters, _hour)
    sealed = [each for each in hours.values() if isinstance(each, int)]
    if any(isinstance(each, FieldreportError) and not isinstance(each, NotFound) for each in hours.values()):
        return replace(due, kept=_UNREADABLE)
    with seat.change() as change:
        try:
            case = living(change.session, due.id)
        except NotFound:
            return replace(due, kept=_CHANGED)
        (only,) = readers.readers_in_each(change.session, seat, [due.id])
        if not _is_among(only, seat.handle):
            return replace(due, kept=_CHANGED)
        now = _judged(seat, rules, case, entry, _facts(change.session, [case]), sealed=sealed)
        if now is None or now.due > change.hour:
            return replace(due, kept=_CHANGED)
        if not now.kept and set(change.session.scalars(_letters(due.id))) != set(letters):
            now = replace(now, kept=_UNREAD)
        if not now.kept:
            end_case(change, case, Ending.DELETED)
            change.record(Act.CASE_PURGED, f"{case.name} {now.state} {rules.days[now.state]} days")
    return now


def _hour(envelope: OpenEnvelope) -> int:
    return envelope.manifest.hour


def _candidates(session: Session, rules: Rules, *, before: int) -> Sequence[Case]:
    """Living cases that the database says are old enough; that is where the search begins, and decides nothing."""
    if not rules.days:
        return ()
    old = (and_(Case.state == state.value, Case.active <= before - days * _DAY) for state, days in rules.days.items())
    return session.scalars(select(Case).where(Case.ended.is_(None), or_(*old))).all()


def _state_entries(session: Session, place: Place, cases: Collection[Case]) -> dict[str, AuditRow]:
    """The newest entry about the state of each case, if an editor signed it."""
    subjects = [f"{case.name} {state}" for case in cases for state in CaseState]
    found: dict[str, AuditRow] = {}
    for start in range(0, len(subjects), _AT_ONCE):
        wanted = select(AuditRow).where(
            AuditRow.act == Act.CASE_STATE.value, AuditRow.subject.in_(subjects[start : start + _AT_ONCE])
        )
        for row in session.scalars(wanted.order_by(AuditRow.sequence)):
            found[row.subject.partition(" ")[0]] = row
    signers = editors_of(place.rosters.newest(), ever=True)
    return {name: row for name, row in found.items() if is_signed_by(row, signers)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the tables say of some cases, by their ids.

    ``newest``: the hour of the newest item; ``read``: up to which letter somebody has read; ``on_its_way``: those with
    an article that is not published.
    """

    newest: Mapping[bytes, int] = field(repr=False)
    read: Mapping[bytes, int] = field(repr=False)
    on_its_way: Collection[bytes] = field(repr=False)


def _facts(session: Session, cases: Sequence[Case]) -> _Facts:
    newest: dict[bytes, int] = {}
    read: dict[bytes, int] = {}
    on_its_way: set[bytes] = set()
    unpublished = ArticleRow.state.in_([state.value for state in OPEN_STATES])
    for start in range(0, len(cases), _AT_ONCE):
        some = [case.id for case in cases[start : start + _AT_ONCE]]
        hours = select(Item.case_id, func.max(Item.hour)).where(Item.case_id.in_(some)).group_by(Item.case_id)
        newest.update((case_id, hour) for case_id, hour in session.execute(hours) if case_id is not None)
        marks = select(Mark.case_id, func.max(Mark.read_sequence)).where(Mark.case_id.in_(some)).group_by(Mark.case_id)
        read.update((case_id, sequence or 0) for case_id, sequence in session.execute(marks))
        articles = select(ArticleCase.case_id).join(ArticleRow, ArticleCase.article_id == ArticleRow.id)
        on_its_way.update(session.scalars(articles.where(ArticleCase.case_id.in_(some), unpublished)))
    return _Facts(newest=newest, read=read, on_its_way=on_its_way)


def _judged(
    place: Place, rules: Rules, case: Case, entry: AuditRow | None, facts: _Facts, *, sealed: Sequence[int] = ()
) -> Due | None:
    """When a case is due, and why it stays; nothing where no rule is about it. ``sealed``: hours of its letters."""
    state = CaseState(case.state)
    if state not in rules.days:
        return None
    signed = entry.hour if entry is not None and entry.subject == f"{case.name} {state}" else None
    since = max(case.active, facts.newest.get(case.id, 0), signed or 0, *sealed)
    kept = ""
    if signed is None or not _is_whose_it_says(place, case):
        kept = _UNSIGNED
    elif state is CaseState.CLOSED and any(hour > signed for hour in sealed):
        kept = _REOPENED
    elif not rules.even_unread and facts.read.get(case.id, 0) < case.last_letter:
        kept = _UNREAD
    elif not rules.even_unpublished and case.id in facts.on_its_way:
        kept = _UNPUBLISHED
    return Due(id=case.id, name=case.name, state=state, due=since + rules.days[state] * _DAY, kept=kept)


def _is_whose_it_says(place: Place, case: Case) -> bool:
    """Whether an editor signed that this case has this name, under which the log speaks of it."""
    try:
        return origin.check_signed(place.vault, place.rosters, case)
    except SealError:
        return False


def _is_among(only: Collection[str] | SealError | None, handle: str) -> bool:
    """Whether a person is one of a case's readers; where those do not hold, nobody is."""
    return only is None or (not isinstance(only, SealError) and handle in only)


def _letters(case_id: bytes) -> Select[bytes]:
    return select(Item.id).where(Item.case_id == case_id, Item.kind == Kind.LETTER.value, ~Item.gone)
