"""Sentences that are made below the desk, and names of states, in the language of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from flask_babel import LazyString, gettext, ngettext
from flask_babel import lazy_gettext as later

from fieldreport.sentence import Sentence

# The values of ``ArticleState``, ``CaseState``, ``KeyState``, ``LetterboxState`` and ``Role``; a word that two of them
# have means the same.
_STATES: Final[Mapping[str, LazyString]] = {
    "draft": later("draft"),
    "review": later("review"),
    "cleared": later("cleared"),
    "scheduled": later("scheduled"),
    "published": later("published"),
    "corrected": later("corrected"),
    "withdrawn": later("withdrawn"),
    "new": later("new"),
    "reading": later("reading"),
    "verifying": later("verifying"),
    "writing": later("writing"),
    "open": later("open"),
    "no-files": later("no-files"),
    "closed": later("closed"),
    "active": later("active"),
    "suspended": later("suspended"),
    "decrypt-only": later("decrypt-only"),
    "revoked": later("revoked"),
    "editor": later("editor"),
    "admin": later("admin"),
    "recovery": later("recovery"),
}


def said(text: str) -> str:
    """A sentence of the product in the language of this request; other text as it is."""
    if not isinstance(text, Sentence):
        return str(gettext(text)) if text else ""
    values = {name: _said_value(value) for name, value in text.values.items()}
    if text.many:
        number = values.pop("num")
        return str(ngettext(text.message, text.many, number, **values))
    return str(gettext(text.message, **values))


def _said_value(value: object) -> object:
    if isinstance(value, Sentence):
        return said(value)
    return state_name(value) if isinstance(value, StrEnum) else value


def listed(texts: Iterable[str]) -> str:
    """Names or sentences after each other, as the language of this request separates them."""
    return str(gettext(", ")).join(said(text) for text in texts)


def state_name(state: str) -> str:
    """What a page calls a state or a role; one that this release does not know, as it stands."""
    return str(_STATES.get(state, state))
