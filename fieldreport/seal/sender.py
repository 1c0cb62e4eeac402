"""Who answers a source, as the source is to see it: the newsroom, one of its editors, or a name; FORMAT.md, "Manifest".

It stands in the fields of a reply, sealed to its source, and of the newsroom's copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from fieldreport import limits

_FIELD: Final = "from"
_NAME: Final = "name "


class SenderKind(StrEnum):
    """What a source sees above an answer."""

    NEWSROOM = "newsroom"
    EDITOR = "editor"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """``name``: only with that kind; one line."""

    kind: SenderKind = SenderKind.NEWSROOM
    name: str = field(default="", repr=False)

    @property
    def fields(self) -> dict[str, str]:
        """The field of the manifest; none for the newsroom, as in replies from before there was a choice."""
        match self.kind:
            case SenderKind.EDITOR:
                return {_FIELD: "editor"}
            case SenderKind.NAME:
                return {_FIELD: f"{_NAME}{self.name}"}
            case _:
                return {}

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Sender:
        """Whom a manifest names; the newsroom where it says nothing that is known."""
        said = fields.get(_FIELD, "")
        name = " ".join(said.removeprefix(_NAME).split())[: limits.SENDER_CHARACTERS]
        if said.startswith(_NAME) and name:
            return cls(kind=SenderKind.NAME, name=name)
        return cls(kind=SenderKind.EDITOR if said == "editor" else SenderKind.NEWSROOM)
