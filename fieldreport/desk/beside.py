"""What stands beside an article while somebody writes: its cases, with letters, notes, fact sheets and files.

Rule: each thing is shown to those whose key opens it and to nobody else; what is closed is named and no more. Of a case
that is limited to others, that is its fact sheet where one of them shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.desk import context
from fieldreport.desk.attribution import attribution
from fieldreport.desk.cases import readable_case
from fieldreport.desk.item_view import ReadItem, ReadPart, Shape, read_items
from fieldreport.desk.shown_sheet import Shown, shown_sheet
from fieldreport.errors import FieldreportError, NotAllowed, NotFound, Unavailable
from fieldreport.seal import Kind
from fieldreport.vault.articles.overview import ArticleHead
from fieldreport.vault.cases import conversation, inbox
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.inbox import CaseRow

# What readers' browsers show or play, and documents whose words the leak check compares.
_ATTACHED: Final = frozenset({Shape.IMAGE, Shape.SOUND, Shape.FILM})
_WORDS: Final = frozenset({Shape.TEXT, Shape.FILE})
_DOCUMENT: Final = "application/pdf"
PAGES: Final = frozenset({_DOCUMENT, "image/tiff"})
"""Of these, too, pages can be marked and taken as pixels."""
_SHOWN: Final = frozenset({Kind.LETTER, Kind.SENT, Kind.NOTE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file of a case that can be attached to an article; ``value`` names it in the form."""

    item_id: bytes
    case: str
    part: ReadPart

    @property
    def value(self) -> str:
        """As ``article_form.case_file`` takes it."""
        return f"{self.item_id.hex()}-{self.part.number}"

    @property
    def attaches(self) -> bool:
        """Whether readers' browsers show or play it as it is."""
        return self.part.shape in _ATTACHED or self.part.media_type == _DOCUMENT

    @property
    def redacts(self) -> bool:
        """Whether areas of it can be marked."""
        return self.part.shape is Shape.IMAGE or self.part.media_type in PAGES

    @property
    def has_words(self) -> bool:
        """Whether words of it are marked, because it has no pages to draw: texts, office files, mail."""
        return self.part.shape in _WORDS and self.part.media_type not in PAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One case. ``card``: nothing where it does not open; ``more``: how many items are older than those shown."""

    id: bytes = field(repr=False)
    name: str
    card: Card | None = field(default=None, repr=False)
    items: tuple[ReadItem, ...] = field(default=(), repr=False)
    more: int = 0
    files: tuple[CaseFile, ...] = field(default=(), repr=False)

    def attributions(self, language: str) -> tuple[str, ...]:
        """How an article in this language may name the source, in what the source asked for."""
        described = [item.fields["Describe as"] for item in self.items if "Describe as" in item.fields]
        return tuple(dict.fromkeys(attribution(language, each) for each in described))


def beside(head: ArticleHead) -> tuple[tuple[Beside, ...], tuple[Shown, ...]]:
    """The article's cases that this person may read, in its order, and of the others the fact sheets shown to them.

    Raises:
        Unavailable: a store is away. SealError: who reads a case is not signed by who might set that.
    """
    cases, sheets = [], []
    for case_id in head.cases:
        try:
            case = readable_case(case_id)
        except NotFound:
            continue
        except NotAllowed:
            row = inbox.get(context.desk().vault, case_id, viewer=context.session().handle)
            shown = shown_sheet(case_id, row.name)
            if shown is not None:
                sheets.append(shown)
        else:
            cases.append(_opened(case))
    return tuple(cases), tuple(sheets)


def _opened(case: CaseRow) -> Beside:
    seat = context.seat()
    rows = [row for row in inbox.items(seat.vault, case.id) if row.kind in _SHOWN and row.exists]
    newest = rows[-limits.CASE_ITEMS :]
    items = tuple(read_items(seat, case.id, newest, first=len(rows) - len(newest) + 1))
    found = [
        (part.opened_item, part.opened) if part.opened else (item.row.id, part) for item in items for part in item.parts
    ]
    files = [CaseFile(item_id=item_id, case=case.name, part=part) for item_id, part in found]
    try:
        card = conversation.card(seat, case.id)
    except Unavailable:
        raise
    except FieldreportError:  # the case's own page says what is wrong with it
        card = None
    return Beside(
        id=case.id,
        name=case.name,
        card=card,
        items=items,
        more=len(rows) - len(newest),
        files=tuple(each for each in files if each.attaches or each.redacts or each.has_words),
    )
