"""What a note is besides its words: for a colleague, the correction of an earlier one, the answer to a question.

It stands in the fields of the note, inside its seal and under its author's signature. A corrected note stays: both
versions are kept. The questions are those that a newsroom asks before it believes a report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fieldreport.errors import NotAllowed, NotFound
from fieldreport.seal import Kind
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Item
from fieldreport.vault.cases import conversation

_ID: Final = re.compile(r"[0-9a-f]{32}")


class Question(StrEnum):
    """What has to be known before a report is believed."""

    WHO = "who"
    WHERE = "where"
    WHEN = "when"
    HOW = "how"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """``to``: a colleague's handle, or empty. ``about``: the question that it answers. ``corrects``: a note's id."""

    to: str = ""
    about: Question | None = None
    corrects: bytes | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the manifest."""
        said = {
            "to": self.to,
            "about": self.about.value if self.about is not None else "",
            "corrects": self.corrects.hex() if self.corrects is not None else "",
        }
        return {name: value for name, value in said.items() if value}

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Heading:
        """The heading in a manifest; what it does not know is as if it were missing."""
        about, corrects = fields.get("about", ""), fields.get("corrects", "")
        return cls(
            to=fields.get("to", ""),
            about=Question(about) if about in set(Question) else None,
            corrects=bytes.fromhex(corrects) if _ID.fullmatch(corrects) else None,
        )


def write(seat: Seat, case_id: bytes, text: str, heading: Heading, *, item_id: bytes | None = None) -> bytes:
    """Leave a note with a heading and return its id.

    Raises:
        NotFound: there is no such colleague, or the note to be corrected is not in this case.
        NotAllowed: the colleague may not read the case (code "limited"); the note is another's (code "other-author").
        and as ``conversation.note``.
    """
    if heading.to:
        seat.roster().entry(heading.to)
        readers.must_read(seat, case_id, heading.to)
    if heading.corrects is not None:
        with seat.vault.reading() as session:
            earlier = session.get(Item, heading.corrects)
        if earlier is None or earlier.case_id != case_id or earlier.kind != Kind.NOTE.value:
            raise NotFound(Sentence("this note is not in this case"))
        if earlier.author != seat.handle:
            raise NotAllowed(Sentence("only who wrote a note corrects it"), code="other-author")
    return conversation.note(seat, case_id, text, fields=heading.fields, item_id=item_id)
