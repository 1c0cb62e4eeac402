"""The public fields of an article as pages name them, and where two versions of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport.desk.presentation import language_name
from fieldreport.press import faithful, proof
from fieldreport.press.article import Article
from fieldreport.press.faithful import Difference
from fieldreport.sentence import Sentence

_LABELS: Final[Mapping[str, LazyString]] = {
    "title": later("Title"),
    "standfirst": later("Standfirst"),
    "body": later("Body"),
    "correction": later("Correction"),
    "slug": later("Address"),
    "article": later("The whole article"),
    "state": later("State"),
}
_READY, _DRAFT = later("ready"), later("draft")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One field that differs. ``pieces``: the lines of only the first and of only the second version, by place."""

    label: str
    pieces: tuple[tuple[str, str], ...] = field(repr=False)


def label(name: str) -> str:
    """What an editor calls a public field of an article, or, as ``ko:title``, of its translation."""
    language, colon, own = name.partition(":")
    if colon:
        return str(_("%(field)s, %(language)s", field=label(own), language=language_name(language)))
    if name.startswith("media."):
        which, _dot, what = name.removeprefix("media.").rpartition(".")
        if what in {"caption", "alternative"}:
            said = (
                _("Caption of %(file)s", file=which) if what == "caption" else _("Description of %(file)s", file=which)
            )
            return str(said)
        return name.removeprefix("media.")
    return str(_LABELS.get(name, name))


def compared(article: Article) -> dict[str, str]:
    """The public fields of an article and the state of each translation, to be compared with another version's."""
    states = {f"{each.article.language}:state": str(_READY if each.ready else _DRAFT) for each in article.translations}
    return {**article.public_fields(), **states}


def left_out(article: Article) -> tuple[str, ...]:
    """What readers do not get as it was meant, as ``proof.left_out``, in every language of an article."""
    return tuple(
        words if each.language == article.language else Sentence("%(lack)s in %(code)s", lack=words, code=each.language)
        for each in article.each_language()
        for words in proof.left_out(each)
    )


def unfaithful(article: Article) -> tuple[tuple[str, tuple[Difference, ...]], ...]:
    """Where translations differ from the original: the language of each that does, and how."""
    found = [(each.article.language, faithful.differences(article, each.article)) for each in article.translations]
    return tuple((language, differs) for language, differs in found if differs)


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
