"""What several views do with cases: find the one that a path names, and name those who may work on it."""

from __future__ import annotations

from fieldreport.desk import context
from fieldreport.errors import NotFound
from fieldreport.seal import Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.inbox import CaseRow, ItemRow


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
        raise NotFound(Sentence("This case was deleted or withdrawn."))
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
        raise NotFound(Sentence("This was deleted."))
    if row.case_id is not None:
        readers.must_read(context.seat(), row.case_id, context.session().handle)
    return row


def editors() -> tuple[str, ...]:
    """The handles that a case can be assigned to."""
    entries = context.desk().rosters.listed().entries
    return tuple(sorted({entry.handle for entry in entries if entry.role is Role.EDITOR and entry.state == "active"}))
