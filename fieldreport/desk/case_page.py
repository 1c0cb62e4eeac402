"""The page of a case: what is on it, whichever view shows it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport import limits
from fieldreport.desk import contents, context, inbox_filter, presentation, search_job, sentences
from fieldreport.desk.article_fields import Changed, differences
from fieldreport.desk.article_readers import too_few_for_an_article
from fieldreport.desk.cases import editors, readable_case
from fieldreport.desk.forms import parsed_id
from fieldreport.desk.item_view import ReadItem, read_items
from fieldreport.desk.shown_sheet import shown_sheet
from fieldreport.desk.translation import state_name
from fieldreport.errors import NotARecipient, SealError
from fieldreport.press.leakcheck.spellings import spellings
from fieldreport.seal import Kind
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.cases import conversation, inbox, summary, unsent
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.evidence_import import was_received
from fieldreport.vault.cases.inbox import ItemRow
from fieldreport.vault.cases.notes import Question
from fieldreport.vault.cases.similar import Similar, similar
from fieldreport.web.forms import Problem
from fieldreport.web.i18n import NAMES, direction

_REFUSED_CARD: Final = {
    "unsigned": later("The fact sheet is not signed by anyone: do not trust it. Saving a new one is not possible."),
    "forged": later(
        "The fact sheet is not signed by who it claims to be: do not trust it. Saving a new one is not possible."
    ),
    "replayed": later(
        "The fact sheet is not the newest that the log knows: an older one was put back, or it was taken away. "
        "Saving a new one is not possible."
    ),
    "row-key": later(
        "The fact sheet lacks its key beside the database, which was changed, or restored without the keys that belong "
        "to it. Saving a new one is not possible."
    ),
}
_DAMAGED_CARD: Final = later("The fact sheet is damaged and was refused. Saving a new one is not possible.")
_QUESTIONS: Final[Mapping[str, Sentence]] = {
    Question.WHO: Sentence("Who is it?"),
    Question.WHERE: Sentence("Where was it?"),
    Question.WHEN: Sentence("When was it?"),
    Question.HOW: Sentence("How do they know?"),
}


def case_page(
    case_id: bytes,
    *,
    write: str = "",
    typed: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> ResponseReturnValue:
    """The page, with the form ``write`` open; in it stands ``typed``, or what was kept of it before."""
    desk, seat = context.desk(), context.seat()
    case = readable_case(case_id)
    rows = inbox.items(desk.vault, case_id)
    before = flask.request.args.get("before", type=int)
    end = before if before is not None and 0 < before < len(rows) else len(rows)
    start = max(0, end - limits.CASE_ITEMS)
    card, card_problem = _card(case_id)
    with desk.vault.reading() as database:
        received = was_received(database, case.name)
    write = "" if received and write == "reply" else write  # there is nobody to answer
    reads = sorted(readers.readers_of(seat, case_id) or ())
    kept, kept_problem = _kept(case_id)
    stored = kept.get(write, {})
    written = stored if typed is None else typed
    if write:
        presentation.stay_on_screen()
    items = read_items(seat, case_id, rows[start:end], first=start + 1)
    replies = [row for row in rows if row.kind is Kind.SENT]
    written_notes = _notes(case_id, rows, items)
    corrections = _corrections(written_notes)
    if write == "note" and typed is None and not stored:
        written = _begun_note(written_notes)
    here: dict[str, Any] = {"case_id": case_id, **in_address()}
    page = flask.render_template(
        "case.html",
        case=case,
        received=received,
        items=items,
        corrections=corrections,
        answers=_answers(written_notes, corrections),
        questions=_QUESTIONS,
        deliveries={item.row.id: desk.deliveries.of(item.row, item.reply) for item in items},
        shown_by=_shown_by(items),
        language_of_source=_language(items),
        direction=direction(_language(items)),
        preview="preview" in flask.request.args and bool(stored.get("text")),
        sentence_labels=sentences.LABELS,
        total=len(rows),
        earlier=start if start > 0 else None,
        later=end < len(rows),
        reads=reads,
        too_few=too_few_for_an_article(reads),
        shown=shown_sheet(case_id) if reads else None,
        card=card,
        card_problem=card_problem,
        spellings={term: spellings(term) for term in card.protected},
        title=summary.title_in(card.facts),
        articles=list_articles(desk.vault, case_id=case_id),
        assignee_options=[
            (handle, handle) for handle in sorted({*(reads or editors()), *([case.assignee] if case.assignee else [])})
        ],
        others=[handle for handle in editors() if handle != context.session().handle],
        state_options=[(state.value, state_name(state)) for state in CaseState],
        write=write,
        typed=written or (card_fields(card) if write == "facts" else {}),
        base=unsent.edition(card_fields(card)),
        changed=_changed(card, written) if write == "facts" else (),
        answered=len(replies),
        answers_since=_answers_since(case_id, replies, written) if write == "reply" else [],
        kept=kept,
        kept_problem=kept_problem,
        elsewhere=kept.get(unsent.other(write), {}) if write else {},
        unsent_field=f"{case_id.hex()}.{write}.{unsent.edition(stored)}" if write else "",
        item=written.get("item") or secrets.token_hex(16),
        here=flask.url_for("cases.show", write=write or None, **here),
        problems=problems,
        similar=_similar(case_id),
        **_in_list(case_id),
    )
    return page, status


def answered(form: Mapping[str, str]) -> int | None:
    """How many replies there were when the writing of this one began; nothing where the form does not say."""
    number = form.get("answered", "")
    return int(number) if re.fullmatch("[0-9]{1,6}", number) else None


def _answers_since(case_id: bytes, replies: Sequence[ItemRow], written: Mapping[str, str]) -> list[ReadItem]:
    """The replies that were sent since this one was begun."""
    known = answered(written)
    return [] if known is None else read_items(context.seat(), case_id, replies[known:], first=known + 1)


def _notes(case_id: bytes, rows: Sequence[ItemRow], shown: Sequence[ReadItem]) -> list[ReadItem]:
    """Every note of the case, also those that this page does not show."""
    here = {item.row.id for item in shown}
    others = [row for row in rows if row.kind is Kind.NOTE and row.exists and row.id not in here]
    read = read_items(context.seat(), case_id, others, first=1) if others else []
    order = {row.id: number for number, row in enumerate(rows)}
    found = [item for item in (*read, *shown) if item.row.kind is Kind.NOTE and not item.refusal]
    return sorted(found, key=lambda item: order[item.row.id])


def _corrections(written: Sequence[ReadItem]) -> dict[bytes, ReadItem]:
    """By the id of a note, the one with which its author corrected it."""
    authors = {item.row.id: item.row.author for item in written}
    return {
        item.heading.corrects: item
        for item in written
        if item.heading.corrects is not None and authors.get(item.heading.corrects) == item.row.author
    }


def _shown_by(items: Sequence[ReadItem]) -> dict[bytes, int]:
    """By the id of a reply here, the number of the first letter here that was written on a page which showed it.

    A letter names the newest reply of that page. Nothing is said of earlier ones: they may have waited here until
    later, have been damaged on their way, or been removed from the mailbox.
    """
    sent: dict[bytes, bytes] = {}
    found: dict[bytes, int] = {}
    for item in items:
        if item.row.kind is Kind.SENT and item.reply:
            sent[item.reply] = item.row.id
        elif item.read in sent:
            found.setdefault(sent[item.read], item.number)
    return found


def _answers(written: Sequence[ReadItem], corrections: Mapping[bytes, ReadItem]) -> dict[str, ReadItem]:
    """By question, the newest note that answers it."""
    return {
        item.heading.about.value: item
        for item in written
        if item.heading.about is not None and item.row.id not in corrections
    }


def _begun_note(written: Sequence[ReadItem]) -> dict[str, str]:
    """A new note as the address asks for it: an answer to a question, or one's own note to be corrected."""
    arguments = flask.request.args
    about, corrects = arguments.get("about", ""), parsed_id(arguments.get("corrects", ""))
    own = context.session().handle
    for item in written:
        if item.row.id == corrects and item.row.author == own:
            return {"text": item.text, **item.heading.fields, "corrects": item.row.id.hex()}
    return {"about": about} if about in _QUESTIONS else {}


def _language(items: Sequence[ReadItem]) -> str:
    """The language of the page on which the source wrote last, as far as these items say."""
    used = [item.language for item in items if item.language in NAMES]
    return used[-1] if used else "en"


def in_address() -> dict[str, Any]:
    """What the address of this page says of the list that the case was opened from."""
    return {name: value for name, value in flask.request.args.items() if name in inbox_filter.NAMES}


def card_fields(card: Card) -> dict[str, str]:
    """What the form of a fact sheet holds."""
    fields = {"facts": card.facts, "protected": "\n".join(card.protected)}
    return fields if any(fields.values()) else {}


def _changed(card: Card, written: Mapping[str, str]) -> tuple[Changed, ...]:
    """Where the fact sheet that was typed differs from one that a colleague has saved since it was begun."""
    if not written or written.get("base", "") == unsent.edition(card_fields(card)):
        return ()
    labels = {"facts": Sentence("Fact sheet"), "protected": Sentence("Protected terms")}
    stored = card_fields(card)
    return differences(
        {label: stored.get(name, "") for name, label in labels.items()},
        {label: written.get(name, "").strip() for name, label in labels.items()},
    )


def _kept(case_id: bytes) -> tuple[Mapping[str, unsent.Fields], str]:
    """What was typed and not sent; if it was changed by somebody else, nothing, and what is wrong with it."""
    try:
        return unsent.kept(context.seat(), case_id), ""
    except SealError:
        return {}, _("What you had typed here was changed by somebody else and is not shown. Tell the admin.")


def _in_list(case_id: bytes) -> dict[str, object]:
    """The list that the case was opened from, and its neighbours there."""
    desk, session = context.desk(), context.session()
    chosen = inbox_filter.chosen(in_address())
    wanted = inbox_filter.wanted(chosen, handles=frozenset(editors()) | desk.cases.handles())
    known, _ = contents.known(session, desk.cases, desk.site.reader)
    beside = desk.cases.neighbours(wanted, case_id, viewer=session.handle, contents=known)
    return {"chosen": chosen, "before": beside.before, "after": beside.after, "shortcuts": session.shortcuts}


def _similar(case_id: bytes) -> tuple[Similar, ...]:
    """Cases that tell the same, as far as the session's search knows."""
    desk, session = context.desk(), context.session()
    reader, _ = search_job.known(session, desk.cases, desk.site.reader)
    return similar(session.seat, reader, case_id)


def _card(case_id: bytes) -> tuple[Card, str]:
    """The card; if it is damaged, an empty one and what is wrong with it, because the letters must stay readable."""
    try:
        return conversation.card(context.seat(), case_id), ""
    except NotARecipient:
        return Card(), _(
            "The fact sheet is not sealed to your key yet. While a colleague who reads it is unlocked, the desk does "
            "that by itself. Nobody can save a new one for you until then."
        )
    except SealError as error:
        return Card(), str(_REFUSED_CARD.get(error.code, _DAMAGED_CARD))
