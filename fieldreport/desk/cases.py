"""What several views do with cases: find the one that a path names, sort new letters into them, name them."""

from __future__ import annotations

from typing import Final

from fieldreport.desk import context
from fieldreport.desk.sessions import Session
from fieldreport.errors import FieldreportError, NotFound, Unavailable
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases import conversation, inbox, sort
from fieldreport.vault.cases.inbox import CaseRow, ItemRow
from fieldreport.vault.cases.sort import Sorted

_TITLE_CHARACTERS: Final = 80


def readable_case(case_id: bytes) -> CaseRow:
    """The case that a path names.

    Raises:
        NotFound: there is none, or it was deleted or withdrawn.
        NotAllowed: it is limited to others (code "limited").
        SealError: who may read it is not signed by who might set that.
    """
    handle = context.session().handle
    row = inbox.get(context.desk().vault, case_id, viewer=handle)
    if row.ended is not None:
        raise NotFound("This case was deleted or withdrawn.")
    readers.must_read(context.seat(), case_id, handle)
    return row


def readable_item(item_id: bytes) -> ItemRow:
    """The item that a path names, of a case that is still there.

    Raises:
        NotFound: there is none, or it was deleted.
        NotAllowed: its case is limited to others (code "limited").
    """
    row = inbox.item(context.desk().vault, item_id)
    if not row.exists:
        raise NotFound("This was deleted.")
    if row.case_id is not None:
        readers.must_read(context.seat(), row.case_id, context.session().handle)
    return row


def sort_new(seat: Seat) -> None:
    """Sort what was collected, and say on the page what came of it."""
    if not inbox.unsorted(seat.vault):
        return
    text = _summary(sort.sort(seat))
    if text:
        context.say(text)


def _summary(done: Sorted) -> str:
    parts = []
    if done.letters:
        letters, cases = _plural("letter", done.letters), _plural("case", done.new_cases)
        parts.append(f"{done.letters} new {letters}, {done.new_cases} new {cases}.")
    if done.damaged:
        parts.append(f"{done.damaged} {_plural('letter', done.damaged)} arrived damaged; the case says which part.")
    if done.withdrawn:
        parts.append(f"{done.withdrawn} {_plural('report', done.withdrawn)} withdrawn by the source and deleted.")
    if done.unreadable:
        letters = _plural("letter", done.unreadable)
        parts.append(f"{done.unreadable} collected {letters} cannot be read from the store; run 'fieldreport doctor'.")
    return " ".join(parts)


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def title_of(session: Session, row: CaseRow) -> str:
    """The first line of the fact sheet: what editors call a case. Empty while there is no fact sheet.

    A card is opened once per session; a new version has a new id. Titles are forgotten with the session's keys.
    """
    if row.card is None or (row.readers and session.handle not in row.readers):
        return ""
    known = session.titles.get(row.card)
    if known is None:
        try:
            known = title_in(conversation.card(session.seat, row.id).facts)
        except Unavailable:
            return ""  # not remembered: the next page may show it
        except FieldreportError:
            known = ""  # a damaged card is named on the case's own page
        session.titles[row.card] = known
    return known


def title_in(facts: str) -> str:
    """The first line of a fact sheet, cut to a line of the inbox."""
    lines = facts.strip().splitlines()
    return lines[0].strip("# ")[:_TITLE_CHARACTERS] if lines else ""
