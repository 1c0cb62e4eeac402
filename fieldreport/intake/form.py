"""What a source typed into a form, before anything is done with it.

Rules: a draft survives every error, so it is made of all that arrived, complete or not; deciding whether it can be sent
is a step of its own. Hidden fields are as untrusted as typed ones.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Self

from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.seal import kept_name
from fieldreport.web.forms import Problem

_NONCE = re.compile(r"[0-9a-f]{32}")

EVERY_EDITOR = "*"
"""The choice of readers that is no name in the roster."""

SHORT_FIELDS = ("when", "where", "protect", "describe", "not_before")
"""Fields that travel in the letter's manifest, next to the report itself."""


def new_nonce() -> str:
    """A number that tells two forms apart, so that the same text sent twice on purpose is two letters.

    With the codename it opens the files that wait for the form (``kept_files``), so it is in the page and nowhere else.
    """
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A file that the source chose for this form and that a page has listed.

    ``why``: the code for which it was not taken, or nothing where it is kept: at ``place``. ``size``: of the clean copy
    in bytes, if there was one.
    """

    untrusted_name: str = field(repr=False)
    size: int = 0
    place: int = -1
    why: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it waits at the intake."""
        return not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The text fields of the report and of an addition; an absent one is empty.

    ``form`` is 32 hexadecimal digits: posted twice, the same form with the same content is one letter. ``invitation``
    is the word that the newsroom gave out, compared and thrown away. ``without_refused``: files that cannot be cleaned
    are to be left out. ``without_missing``: so are files that were chosen before and are not here now. ``strong``:
    pictures and pages are to be re-encoded. ``originals``: files are to be kept unchanged, too. ``addressee``: who may
    read it, a name in the roster or ``EVERY_EDITOR``, empty where nothing was chosen. ``chosen``: the files that the
    page has listed.
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
    without_missing: bool = False
    strong: bool = False
    originals: bool = False
    addressee: str = ""
    chosen: tuple[Chosen, ...] = ()

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
            without_missing=typed.get("without_missing") == "yes",
            strong=typed.get("strong") == "yes",
            originals=typed.get("originals") == "yes",
            addressee=typed.get("addressee", ""),
            chosen=_read_chosen(typed.get("chosen", "")),
        )

    @property
    def chosen_field(self) -> str:
        """``chosen`` as the hidden field that ``of`` reads."""
        rows = [[each.untrusted_name, each.size, each.place, each.why] for each in self.chosen]
        return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""

    def with_new_form(self) -> Self:
        """The same texts on another form, so that they are another letter; no files wait for it."""
        return replace(self, form=new_nonce(), chosen=())

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed at all."""
        return not any(getattr(self, item.name).strip() for item in fields(self) if item.name in _TYPED)

    def problems(self, *, files: int, addressees: Collection[str]) -> list[Problem]:
        """Why this cannot be sent as it is, except for what only cleaning can find.

        ``files`` is their number; ``addressees``: the names that are on offer.
        """
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
        # Never for others than the source meant: a name that is not on offer any more, or a form from before there were
        # any, is asked about.
        everybody = EVERY_EDITOR if addressees else ""
        if self.addressee not in {everybody, EVERY_EDITOR, *addressees}:
            found.append(Problem(field="addressee", text=_("Choose who can read it.")))
        return found


def _read_chosen(untrusted_text: str) -> tuple[Chosen, ...]:
    """What ``chosen_field`` wrote, as far as a page can grow (what is kept comes first); nothing if it is not ours."""
    try:
        rows = json.loads(untrusted_text) if untrusted_text else []
        chosen = tuple(Chosen(untrusted_name=name, size=size, place=place, why=why) for name, size, place, why in rows)
    except (ValueError, TypeError, RecursionError):
        return ()
    if not all(map(_is_chosen, chosen)):
        return ()
    listed = chosen[: limits.KEPT_PLACES + limits.FORM_FILES]
    return tuple(replace(each, untrusted_name=kept_name(each.untrusted_name)) for each in listed)


def _is_chosen(untrusted: Chosen) -> bool:
    types = (type(untrusted.untrusted_name), type(untrusted.size), type(untrusted.place), type(untrusted.why))
    return (
        types == (str, int, int, str)
        and 0 <= untrusted.size <= limits.PAYLOAD_BYTES
        and -1 <= untrusted.place < limits.KEPT_PLACES
    )


_TYPED = frozenset({"report", *SHORT_FIELDS})


def _unified(text: str) -> str:
    # A textarea posts CR LF; a textarea filled from the post and posted again must not be another letter.
    return text.replace("\r\n", "\n").replace("\r", "\n")
