"""What a source typed into a form, before anything is done with it.

Rules: a draft survives every error, so it is made of all that arrived, complete or not; deciding whether it can be sent
is a step of its own. Hidden fields are as untrusted as typed ones.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Self

from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.web.forms import Problem

_NONCE = re.compile(r"[0-9a-f]{32}")

SHORT_FIELDS = ("when", "where", "protect", "describe", "not_before")
"""Fields that travel in the letter's manifest, next to the report itself."""


def new_nonce() -> str:
    """A number that tells two forms apart, so that the same text sent twice on purpose is two letters. Not a secret."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The text fields of the report and of an addition; an absent one is empty.

    ``form`` is 32 hexadecimal digits: posted twice, the same form with the same content is one letter. ``invitation``
    is the word that the newsroom gave out, compared and thrown away. ``without_refused``: files that cannot be cleaned
    are to be left out. ``strong``: pictures and pages are to be re-encoded.
    """

    report: str = field(default="", repr=False)
    when: str = field(default="", repr=False)
    where: str = field(default="", repr=False)
    protect: str = field(default="", repr=False)
    describe: str = field(default="", repr=False)
    not_before: str = field(default="", repr=False)
    invitation: str = field(default="", repr=False)
    form: str = field(default_factory=new_nonce)
    without_refused: bool = False
    strong: bool = False

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> Self:
        """The draft that these form fields hold."""
        nonce = typed.get("form", "")
        texts = {name: _unified(typed.get(name, "")) for name in ("report", *SHORT_FIELDS)}
        return cls(
            **texts,
            invitation=typed.get("invitation", ""),
            form=nonce if _NONCE.fullmatch(nonce) else new_nonce(),
            without_refused=typed.get("without_refused") == "yes",
            strong=typed.get("strong") == "yes",
        )

    def with_new_form(self) -> Self:
        """The same texts on another form, so that they are another letter."""
        return replace(self, form=new_nonce())

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed at all."""
        return not any(getattr(self, item.name).strip() for item in fields(self) if item.name in _TYPED)

    def problems(self, *, files: int) -> list[Problem]:
        """Why this cannot be sent as it is, except for what only cleaning can find; ``files`` is their number."""
        found = []
        if not self.report.strip() and not files:
            found.append(Problem(field="report", text=_("Write a few words, or choose a file.")))
        found.extend(
            Problem(
                field=name,
                text=_(
                    "This is longer than %(most)d characters. Move a part of it into the report.",
                    most=limits.FIELD_CHARACTERS,
                ),
            )
            for name in SHORT_FIELDS
            if len(getattr(self, name)) > limits.FIELD_CHARACTERS
        )
        return found


_TYPED = frozenset({"report", *SHORT_FIELDS})


def _unified(text: str) -> str:
    # A textarea posts CR LF; a textarea filled from the post and posted again must not be another letter.
    return text.replace("\r\n", "\n").replace("\r", "\n")
