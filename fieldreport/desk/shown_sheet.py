"""The fact sheet of a limited case as the pages of a case and of an article say that it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from fieldreport.desk import context
from fieldreport.errors import NotAllowed, NotARecipient, SealError
from fieldreport.vault.cases import shown_sheets
from fieldreport.vault.cases.shown_sheets import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """``sheet``: nothing where what is stored does not hold, so that nobody should trust it."""

    id: bytes = field(repr=False)
    name: str
    sheet: Sheet | None = field(repr=False)


def shown_sheet(case_id: bytes, name: str = "") -> Shown | None:
    """What is shown of a case to this person, or by its readers; nothing where nothing is."""
    try:
        sheet = shown_sheets.shown(context.seat(), case_id)
    except (NotAllowed, NotARecipient):
        return None
    except SealError:
        return Shown(id=case_id, name=name, sheet=None)
    return None if sheet is None else Shown(id=case_id, name=name, sheet=sheet)
