"""Writing on the page of a case: a reply to its source, a note for colleagues, the fact sheet; and what is kept of it.

What was typed is kept before any of these runs; see ``desk.composer``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.desk import access, composer, context, sentences
from fieldreport.desk.case_page import answered, card_fields, case_page, in_address
from fieldreport.desk.cases import editors, readable_case
from fieldreport.desk.forms import parsed_id, typed_labels, typed_text
from fieldreport.errors import Conflict, UsageError
from fieldreport.seal import Sender, SenderKind
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.cases import conversation, inbox, notes, unsent
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.notes import Heading
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("compose", __name__)

_MOST: Final = {"most": f"{limits.SENT_TEXT_BYTES:,}", "fewer": f"{limits.SENT_TEXT_BYTES // 3:,}"}


@access.editor
@blueprint.post("/cases/<id:case_id>/reply")
def reply(case_id: bytes) -> ResponseReturnValue:
    """Answer the source: sealed to the codename's key for them, and to the editors for the record."""
    readable_case(case_id)
    text = typed_text()
    problem = _problem_with_reply(text)
    if problem is not None:
        return _again(case_id, "reply", problem)
    sender = _sender()
    if sender is None:
        return _again(case_id, "reply", Problem(text=_("Type the name that the source sees."), field="name"))
    try:
        item_id = conversation.reply(
            context.seat(),
            case_id,
            text,
            context.desk().mailbox,
            sender=sender,
            item_id=_drawn_id(),
            seen=answered(flask.request.form),
        )
    except Conflict as error:
        if error.code == "answered":  # the page shows what a colleague wrote, and counts it as known from then on
            return _form_again(case_id, "reply", status=409)
        return _sent_before(case_id, "reply")
    unsent.drop(context.seat(), case_id, "reply")
    pending = inbox.item(context.desk().vault, item_id).pending
    context.say(
        _(
            "The reply is sealed and stored here. The letterbox cannot be reached; the reply is sent as soon as it "
            "can be."
        )
        if pending
        else _("The reply is sealed and waits for the source.")
    )
    return _to_case(case_id)


def _sender() -> Sender | None:
    """Whom the source is to see; nothing where a name was chosen and not typed."""
    form = flask.request.form
    kind, name = form.get("sender", SenderKind.NEWSROOM), " ".join(form.get("name", "").split())
    if kind not in set(SenderKind) or len(name) > limits.SENDER_CHARACTERS or not name.isprintable():
        raise UsageError(Sentence("There is no such sender."))
    if kind == SenderKind.NAME and not name:
        return None
    return Sender(kind=SenderKind(kind), name=name if kind == SenderKind.NAME else "")


@access.editor
@blueprint.post("/cases/<id:case_id>/preview")
def preview(case_id: bytes) -> ResponseReturnValue:
    """Show what the source will see; the reply is kept and not sent."""
    readable_case(case_id)
    return _to_case(case_id, "reply", preview=1)


@access.editor
@blueprint.post("/cases/<id:case_id>/sentence")
def add_sentence(case_id: bytes) -> ResponseReturnValue:
    """Add a sentence that is often written, in the language that was chosen."""
    readable_case(case_id)
    form = flask.request.form
    try:
        added = sentences.sentence(form.get("sentence", ""), form.get("language_of_sentence", ""))
    except KeyError:
        raise UsageError(Sentence("There is no such sentence.")) from None
    text = form.get("text", "").replace("\r\n", "\n").rstrip()
    composer.rewrite(case_id, "reply", {"text": f"{text}\n\n{added}" if text else added})
    return _to_case(case_id, "reply")


@access.editor
@blueprint.post("/cases/<id:case_id>/note")
def note(case_id: bytes) -> ResponseReturnValue:
    """Store a note for colleagues; the source never sees it."""
    readable_case(case_id)
    text = typed_text()
    problem = _problem_with_note(text)
    if problem is not None:
        return _again(case_id, "note", problem)
    try:
        notes.write(context.seat(), case_id, text, _heading(case_id), item_id=_drawn_id())
    except Conflict:
        return _sent_before(case_id, "note")
    unsent.drop(context.seat(), case_id, "note")
    context.say(_("The note is sealed and stored."))
    return _to_case(case_id)


def _heading(case_id: bytes) -> Heading:
    form = flask.request.form
    to = form.get("to", "")
    if to and to not in (readers.readers_of(context.seat(), case_id) or editors()):
        raise UsageError(Sentence("There is no such colleague who reads this case."))
    return Heading.of({name: form.get(name, "") for name in ("to", "about", "corrects")})


@access.editor
@blueprint.post("/cases/<id:case_id>/facts")
def facts(case_id: bytes) -> ResponseReturnValue:
    """Save the fact sheet and the protected terms, unless a colleague has saved others since the form was shown."""
    readable_case(case_id)
    seat = context.seat()
    newest = conversation.card(seat, case_id)
    if card_fields(_typed_card()) == card_fields(newest):
        return _facts_stored(case_id)
    if flask.request.form.get("base", "") != unsent.edition(card_fields(newest)):
        return _form_again(case_id, "facts", status=409)
    # Labels are no part of this form: they stay as they are now.
    card = replace(_typed_card(), labels=newest.labels, version=newest.version)
    try:
        conversation.save_card(seat, case_id, card)
    except Conflict:
        return _form_again(case_id, "facts", status=409)
    return _facts_stored(case_id)


def _typed_card() -> Card:
    terms = tuple(dict.fromkeys(line.strip() for line in typed_text("protected").splitlines() if line.strip()))
    return Card(facts=typed_text("facts"), protected=terms)


def _facts_stored(case_id: bytes) -> ResponseReturnValue:
    unsent.drop(context.seat(), case_id, "facts")
    context.say(_("Fact sheet and protected terms are sealed and stored."))
    return _to_case(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/keep")
def keep(case_id: bytes) -> ResponseReturnValue:
    """Nothing more: what was typed is kept already. ``write`` names the form to go on with; none to stop writing."""
    readable_case(case_id)
    write = flask.request.args.get("write", "")
    if flask.request.form.get("label", "").strip():  # Enter was pressed in the field of labels
        conversation.change_labels(context.seat(), case_id, add=typed_labels())
        context.say(_("Labelled."))
    elif not write:
        context.say(_("What you typed is kept for you alone. Nobody else can open it, and it is not sent."))
    chosen = {name: flask.request.args.get(name) for name in ("about", "corrects")}
    return _to_case(case_id, write, **chosen)


@access.editor
@blueprint.post("/cases/<id:case_id>/discard")
def discard(case_id: bytes) -> ResponseReturnValue:
    """Throw away what was kept of one form, ``form``."""
    readable_case(case_id)
    form = flask.request.form.get("form", "")
    unsent.drop(context.seat(), case_id, form)
    context.say(_("Thrown away."))
    return _to_case(case_id, flask.request.args.get("write", "") if form.endswith(".other") else "")


def _drawn_id() -> bytes | None:
    """The id that was drawn with the form, so that a form sent twice is stored once."""
    return parsed_id(flask.request.form.get("item", ""))


def _problem_with_reply(text: str) -> Problem | None:
    if not text:
        return Problem(text=_("The reply is empty."), field="text")
    if _too_long(text):
        words = _("The reply is too long: at most %(most)s letters, in some scripts %(fewer)s.", **_MOST)
        return Problem(text=words, field="text")
    return None


def _problem_with_note(text: str) -> Problem | None:
    if not text:
        return Problem(text=_("The note is empty."), field="text")
    if _too_long(text):
        words = _("The note is too long: at most %(most)s letters, in some scripts %(fewer)s.", **_MOST)
        return Problem(text=words, field="text")
    return None


def _too_long(text: str) -> bool:
    return len(text.encode()) > limits.SENT_TEXT_BYTES


def _again(case_id: bytes, write: str, problem: Problem) -> ResponseReturnValue:
    return _form_again(case_id, write, problems=[problem])


def _sent_before(case_id: bytes, write: str) -> ResponseReturnValue:
    """The page again, with another id, so that what was changed since can be sent if that is meant."""
    problem = Problem(
        text=_("This form was sent before with other words, and those are stored. Send these only if you mean both."),
        field="text",
    )
    return _form_again(case_id, write, problems=[problem], status=409, item="")


def _form_again(
    case_id: bytes, write: str, *, problems: list[Problem] | None = None, status: int = 422, **other: str
) -> ResponseReturnValue:
    """The page with its form as it was sent."""
    typed = {**flask.request.form.to_dict(), **other}
    return case_page(case_id, write=write, typed=typed, problems=problems or [], status=status)


def _to_case(case_id: bytes, write: str = "", **more: Any) -> ResponseReturnValue:
    wanted: dict[str, Any] = {**in_address(), "write": write if composer.is_form(write) else None, **more}
    anchor = "write" if wanted["write"] else None
    return flask.redirect(flask.url_for("cases.show", case_id=case_id, **wanted, _anchor=anchor), code=303)
