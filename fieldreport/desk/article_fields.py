"""The public fields of an article as pages name them, and where two versions of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

_LABELS: Final[Mapping[str, LazyString]] = {
    "title": later("Title"),
    "standfirst": later("Standfirst"),
    "body": later("Body"),
    "correction": later("Correction"),
    "slug": later("Address"),
    "article": later("The whole article"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One field that differs. ``pieces``: the lines of only the first and of only the second version, by place."""

    label: str
    pieces: tuple[tuple[str, str], ...] = field(repr=False)


def label(name: str) -> str:
    """What an editor calls a public field of an article."""
    if name.startswith("media."):
        which, _dot, what = name.removeprefix("media.").rpartition(".")
        if what in {"caption", "alternative"}:
            said = (
                _("Caption of %(file)s", file=which) if what == "caption" else _("Description of %(file)s", file=which)
            )
            return str(said)
        return name.removeprefix("media.")
    return str(_LABELS.get(name, name))


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> tuple[Changed, ...]:
    """The fields of two versions, as of ``Article.public_fields``, that are not the same; a missing one is empty."""
    pairs = {name: (first.get(name, ""), second.get(name, "")) for name in [*first, *second]}
    return tuple(
        Changed(label=label(name), pieces=_pieces(*both)) for name, both in pairs.items() if both[0] != both[1]
    )


def _pieces(first: str, second: str) -> tuple[tuple[str, str], ...]:
    before, after = first.split("\n"), second.split("\n")
    steps = SequenceMatcher(None, before, after).get_opcodes()
    return tuple(
        ("\n".join(before[start:end]), "\n".join(after[begin:finish]))
        for step, start, end, begin, finish in steps
        if step != "equal"
    )
