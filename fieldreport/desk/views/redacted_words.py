"""Redacting a file that is words and not pages: lines and passages are marked, and what is left becomes a plain text.

Rules: everything that is marked is in the form, and marking changes nothing. Only what was looked at is kept: the form
that makes the text says which one its editor has seen. See ``vault.articles.redactions``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.desk import access, article_page, context, presentation
from fieldreport.desk.article_form import based_on, case_file, to_redact
from fieldreport.desk.cases import readable_case
from fieldreport.desk.forms import incomplete, typed_text
from fieldreport.desk.translation import said
from fieldreport.errors import Conflict, NotFound, ScrubRefused, UsageError
from fieldreport.scrub.views.covered import Covered, Covering, cover, shown, standing
from fieldreport.scrub.views.document import PLACES, Block, Reading
from fieldreport.sentence import Sentence
from fieldreport.vault.articles import drafts, redactions
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.redactions import Origin
from fieldreport.vault.cases import conversation
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("redacted_words", __name__)

_LINES: Final = 100  # of one sheet: each sends a field, and a form has ``limits.FORM_PARTS``
_RANGES: Final = re.compile(r"(?:[0-9]{1,7}(?:-[0-9]{1,7})?(?: |$))*")
_NUMBER: Final = re.compile(r"[0-9]{1,7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line as the page shows it: ``texts`` in runs of words, each with whether a passage covers it."""

    place: int
    block: Block
    texts: tuple[tuple[tuple[str, bool], ...], ...] = field(repr=False)
    marked: bool


@access.editor
@blueprint.get("/articles/<id:article_id>/words/<source>")
def show(article_id: bytes, source: str) -> ResponseReturnValue:
    """The first lines of a file, nothing marked."""
    draft = drafts.load(context.seat(), article_id)
    _origin, reading = _read(draft, source)
    return _page(draft, source, reading, Covering(), revision=draft.head.revision)


@access.editor
@blueprint.post("/articles/<id:article_id>/words/<source>")
def mark(article_id: bytes, source: str) -> ResponseReturnValue:
    """Mark, turn a sheet, look at what would be left; or make the text."""
    form, revision = flask.request.form, based_on()
    draft = drafts.load(context.seat(), article_id)
    origin, reading = _read(draft, source)
    act, _dash, number = form.get("act", "").partition("-")
    sheet = int(number) if act == "sheet" and number.isdecimal() else form.get("sheet", 1, type=int)
    covering, covered = _ticked(_places(reading)), None
    try:
        covering = _with_passages(covering)
        if act in {"look", "save"}:
            covered = _covered(reading, covering)
        if covered is not None and act == "save" and _is_seen(covered):
            return _make(draft, covered, origin, revision)
    except (UsageError, ScrubRefused) as error:
        problem = Problem(text=said(error.text), field="passages")
        return _page(draft, source, reading, covering, sheet=sheet, revision=revision, problems=[problem]), 422
    except Conflict:
        now, problems = draft.head.revision, [article_page.saved_meanwhile()]
        return _page(
            draft, source, reading, covering, sheet=sheet, revision=now, problems=problems, covered=covered
        ), 409
    return _page(draft, source, reading, covering, sheet=sheet, revision=revision, covered=covered)


def _covered(reading: Reading, covering: Covering) -> Covered:
    """What is left. Raises ``UsageError``: nothing is covered."""
    covered = cover(reading, covering)
    if not covered.marks:
        raise UsageError(Sentence("Mark at least one line, or type words that are in the file."))
    return covered


def _still_there(draft: Draft, covered: Covered) -> tuple[str, ...]:
    """What the fact sheets of the article's cases protect, and is not covered; of a case that has ended, nothing."""
    protected: list[str] = []
    for case_id in draft.head.cases:
        with suppress(NotFound):
            readable_case(case_id)
            protected += conversation.card(context.seat(), case_id).protected
    return standing(covered.text, protected)


def _make(draft: Draft, covered: Covered, origin: Origin, revision: int) -> ResponseReturnValue:
    redactions.redact_words(
        context.seat(),
        draft.head.id,
        covered,
        origin=origin,
        scratch=context.desk().settings.desk.data / "scratch",
        based_on=revision,
    )
    context.say(_("Redacted: a new text is in the article. Look at it once more before you hand it in."))
    return flask.redirect(flask.url_for("articles.edit", article_id=draft.head.id) + "#files", code=303)


def _page(
    draft: Draft,
    source: str,
    reading: Reading,
    covering: Covering,
    *,
    revision: int,
    sheet: int = 1,
    problems: Sequence[Problem] = (),
    covered: Covered | None = None,
) -> str:
    presentation.stay_on_screen()
    places = _places(reading)
    sheets = max(1, -(-len(places) // _LINES))
    sheet = min(max(1, sheet), sheets)
    here = places[(sheet - 1) * _LINES : sheet * _LINES]
    lines = [
        _Line(
            place=place,
            block=reading.pieces[place].block,
            texts=shown(reading.pieces[place], covering),
            marked=place in covering.lines,
        )
        for place in here
    ]
    return flask.render_template(
        "redacted-words.html",
        head=draft.head,
        article=draft.article,
        source=source,
        replaces=draft.article.media_named(source) is not None,
        lines=lines,
        sheet=sheet,
        sheets=sheets,
        elsewhere=_written(covering.lines.difference(here)),
        all_marked=_written(covering.lines),
        passages=flask.request.form.get("passages", "") if problems else "\n".join(covering.passages),
        unread=reading.unread,
        covered=covered,
        still_there=() if covered is None else _still_there(draft, covered),
        seen="" if covered is None else _digest(covered),
        based_on=revision,
        problems=problems,
    )


def _read(draft: Draft, source: str) -> tuple[Origin, Reading]:
    """The words of an attachment by its name, or of a file of one of the article's cases by item and number.

    Raises:
        NotFound: there is no such file. ScrubRefused: it cannot be read. Unavailable: not now.
    """
    seat, desk = context.seat(), context.desk()
    if draft.article.media_named(source) is not None:
        with to_redact(draft, source) as (origin, copy):
            return origin, desk.scrubber.read(copy)
    with case_file(draft.head, source) as (item_id, number, _stream), seat.open_item(item_id) as envelope:
        reading = desk.site.reader.words(seat, envelope, number)
    if reading is None:
        raise ScrubRefused(Sentence("Nothing of this file could be read here."), code="unsupported")
    return Origin(item=item_id, number=number), reading


def _places(reading: Reading) -> list[int]:
    """Of what has words."""
    return [place for place, piece in enumerate(reading.pieces) if piece.block not in PLACES]


def _ticked(places: Sequence[int]) -> Covering:
    """The lines that the form marks: those of other sheets, and those ticked on this one. Raises ``UsageError``."""
    form = flask.request.form
    elsewhere, ticked = form.get("elsewhere", ""), form.getlist("line")
    if not _RANGES.fullmatch(elsewhere) or not all(map(_NUMBER.fullmatch, ticked)):
        raise incomplete()
    lines, last = set(map(int, ticked)), -1
    for each in elsewhere.split():
        first, _dash, end = each.partition("-")
        if int(first) <= last:
            raise incomplete()
        last = int(end or first)
        lines.update(range(int(first), min(last, limits.READING_CHARACTERS) + 1))
    return Covering(lines=frozenset(lines.intersection(places)))


def _with_passages(covering: Covering) -> Covering:
    """With the passages that are typed, one a line. Raises ``UsageError``: there are too many."""
    typed = (" ".join(each.split()) for each in typed_text("passages").split("\n"))
    try:
        return replace(covering, passages=tuple(dict.fromkeys(each for each in typed if each)))
    except ValueError:
        raise UsageError(
            Sentence(
                "Type at most %(most)s passages, each of at most %(characters)s characters.",
                most=limits.COVERED_PASSAGES,
                characters=limits.PASSAGE_CHARACTERS,
            )
        ) from None


def _written(lines: Iterable[int]) -> str:
    """Numbers as the form carries them: ``1-5 9``."""
    ranges: list[list[int]] = []
    for each in sorted(lines):
        if ranges and ranges[-1][1] == each - 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _is_seen(covered: Covered) -> bool:
    """Whether the form comes from the page that showed this text."""
    return hmac.compare_digest(flask.request.form.get("seen", "").encode(), _digest(covered).encode())


def _digest(covered: Covered) -> str:
    return hashlib.sha256(covered.text.encode()).hexdigest()
