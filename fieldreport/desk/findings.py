"""What the leak check found, as pages show it: by name, with the words around it, marked in what readers will see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as later
from markupsafe import Markup

from fieldreport.desk.article_fields import label
from fieldreport.press.article import Article
from fieldreport.press.render import marked_html
from fieldreport.vault.articles.review import Checked

_RULE_LABELS: Final[Mapping[str, LazyString]] = {
    "protected-term": later("Protected term"),
    "lifted-run": later("Words copied from the report"),
    "lifted-share": later("Close to the report"),
    "phone": later("Phone number"),
    "e-mail": later("E-mail address"),
    "address": later("Internet address"),
    "account": later("Account name"),
    "coordinates": later("Coordinates"),
    "id-number": later("ID number"),
    "invisible": later("Invisible characters"),
    "look-alike": later("Look-alike letters"),
    "media": later("File not freshly cleaned"),
    "case-gone": later("Case gone"),
    "case-unread": later("Case not opened"),
    "case-unreadable": later("Case could not be read"),
    "case-partly": later("Case compared in part"),
    "not-compared": later("Files not compared"),
    "only-looks": later("Pictures and sound not compared"),
    "near-spelling": later("Close to a protected term"),
    "exact-date": later("Exact date"),
    "clock-time": later("Time of day"),
    "shared-number": later("Number from the report"),
    "rounded-number": later("Number from the report, rounded"),
    "noted": later("What the source asked not to say"),
    "reworded": later("Sentence of the report, edited"),
    "translated": later("Perhaps translated from the report"),
    "rare-wording": later("Rare words of the report"),
    "small-group": later("Small group, tenure or role"),
    "not-before": later("Not before"),
}
_AROUND: Final = 70  # characters of context on either side of a finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a field's text; ``keys`` are the findings in it, empty where there is none."""

    text: str = field(repr=False)
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A finding's words and the text around them."""

    before: str = field(repr=False)
    found: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One language of an article as readers will see it, with places marked.

    ``fields``: name, what it is called, and its pieces; ``body`` is the field of that name, rendered.
    """

    article: Article
    fields: tuple[tuple[str, str, tuple[Piece, ...]], ...] = field(repr=False)
    body: Markup = field(repr=False)


def rule_label(rule: str) -> str:
    """What a rule is called."""
    return str(_RULE_LABELS.get(str(rule), rule))


def shown(article_id: bytes, article: Article, checked: Sequence[Checked]) -> tuple[Shown, ...]:
    """Each language of an article."""
    return tuple(
        _shown(article_id, each, "" if number == 0 else f"{each.language}:", checked)
        for number, each in enumerate(article.each_language())
    )


def _shown(article_id: bytes, article: Article, prefix: str, checked: Sequence[Checked]) -> Shown:
    found = [each.finding for each in checked]
    marks = [(each.start, each.end, f"f-{each.key}") for each in found if each.field == f"{prefix}body"]
    return Shown(
        article=article,
        fields=tuple(
            (name, label(name), pieces(text, f"{prefix}{name}", checked))
            for name, text in article.public_fields().items()
            if text
        ),
        body=marked_html(
            article, marks, lambda name: flask.url_for("articles.media", article_id=article_id, name=name)
        ),
    )


def excerpts(article: Article, checked: Sequence[Checked]) -> dict[str, Excerpt]:
    """The words of each finding, by its key."""
    fields = article.public_fields()
    return {each.finding.key: excerpt(fields.get(each.finding.field, ""), each) for each in checked}


def excerpt(text: str, checked: Checked) -> Excerpt:
    """The words that were found, with up to ``_AROUND`` characters before and after."""
    start, end = checked.finding.start, checked.finding.end
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    if start == end:
        return Excerpt(before="", found="", after="")
    return Excerpt(
        before=("… " if start > _AROUND else "") + before,
        found=text[start:end],
        after=after + (" …" if end + _AROUND < len(text) else ""),
    )


def pieces(text: str, name: str, checked: Sequence[Checked]) -> tuple[Piece, ...]:
    """A field's text cut where findings begin and end; findings may overlap."""
    spans = [(c.finding.start, c.finding.end, c.finding.key) for c in checked if c.finding.field == name]
    return tuple(_cut(text, [span for span in spans if span[0] < span[1]]))


def _cut(text: str, spans: Sequence[tuple[int, int, str]]) -> Iterator[Piece]:
    edges = sorted({0, len(text), *(start for start, _, _ in spans), *(end for _, end, _ in spans)})
    for start, end in pairwise(edges):
        keys = tuple(key for begin, finish, key in spans if begin <= start and end <= finish)
        yield Piece(text=text[start:end], keys=keys)
