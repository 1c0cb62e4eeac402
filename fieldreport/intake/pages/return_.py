"""Coming back with the codename: reading answers, adding more, deleting what was read, withdrawing everything.

Rules: a known and an unknown codename get the same page after the same work; a typo is recognised
without asking any store. The codename travels in the sealed token, nowhere else. Answers are opened for the one page
that shows them. These pages are padded to steps, so that their length does not show how long an answer is.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

import flask
from werkzeug.wrappers import Response

from fieldreport import limits
from fieldreport.errors import CodenameError, SealError, TokenError
from fieldreport.intake import context, form_token
from fieldreport.intake.context import Service
from fieldreport.intake.deposit import earlier_letters
from fieldreport.intake.deposit import withdraw as send_withdrawal
from fieldreport.intake.form import Draft, new_nonce
from fieldreport.intake.form_token import Visit
from fieldreport.intake.messages import FORM_NOT_FOUND, FORM_USED, Explanation, codename_problem, why_not
from fieldreport.intake.submission import Pending, add_files, delete_files, relisted, submit
from fieldreport.mailbox import SealedReply
from fieldreport.seal import Codename, Expected, Kind, Sender, SourceKeys, open_envelope
from fieldreport.web.form_reader import Upload
from fieldreport.web.forms import Problem
from fieldreport.web.i18n import current_language
from fieldreport.web.request_body import current_request

blueprint = flask.Blueprint("return", __name__)

_STEP_BYTES: Final = 4 * limits.KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the editors, with its running number. ``text`` is nothing when it could not be opened."""

    id: bytes
    hour: int
    number: int
    text: str | None = field(repr=False)
    sender: Sender = field(default_factory=Sender, repr=False)

    @property
    def day(self) -> date:
        """The day on which it was written."""
        return datetime.fromtimestamp(self.hour * 3600, UTC).date()


@blueprint.get("/<language:language>/return")
def ask() -> str:
    """Where the codename is typed."""
    return ask_page(Draft())


@blueprint.post("/<language:language>/return")
def enter() -> tuple[str, int] | str:
    """The codename, or the token of another return page: the answers, or the page that asks again in this language."""
    here = context.current()
    typed = current_request().form
    draft = Draft.of(current_request().typed())
    untrusted_text = typed.get("codename", "")
    if typed.get("turn"):
        return ask_page(draft, form=typed.get("form", ""), untrusted_text=untrusted_text)
    if not untrusted_text.strip() and typed.get(form_token.FIELD):
        return _conversation(here, (form_token.open_visit(here, typed[form_token.FIELD]).codename,), draft)
    try:
        readings = Codename.parse(untrusted_text, as_written=typed.get("as_written") == "yes")
    except CodenameError as error:
        problem = Problem(field="codename", text=codename_problem(error))
        form = typed.get("form", "")
        return ask_page(
            draft, form=form, untrusted_text=untrusted_text, problems=[problem], may_be_right=error.may_be_older
        ), 422
    return _conversation(here, readings, draft, resumed="form" in typed)


@blueprint.post("/<language:language>/return/add")
def add() -> tuple[str, int] | str:
    """One more letter under the same codename."""
    here, visit, draft, uploads = _posted()
    keys = here.keys_of(visit.codename)
    result = submit(
        here,
        keys,
        draft,
        uploads,
        admit=lambda files: _admit(here, keys, draft, files=files),
        language=current_language(),
        read=visit.read,
    )
    if isinstance(result, Pending):
        return add_page(here, visit, result.draft, pending=result), 422
    return flask.render_template("intake/receipt.html", receipt=result, codename=visit.codename, added=True)


@blueprint.post("/<language:language>/return/files")
def add_to_form() -> tuple[str, int] | str:
    """Keep files for the form to add more, take one out, delete all, or show the page again in this language."""
    here, visit, draft, uploads = _posted()
    typed, keys = current_request().typed(), here.keys_of(visit.codename)
    if typed.get("delete_files"):
        delete_files(here, keys, draft.form)
        return flask.render_template("intake/files-deleted.html")
    if typed.get("turn") and not uploads:
        return _conversation(here, (visit.codename,), draft)
    result = add_files(
        here,
        keys,
        draft,
        uploads,
        admit=lambda files: _admit(here, keys, draft, files=files),
        language=current_language(),
        take_out=typed.get("take_out", ""),
    )
    return add_page(here, visit, result.draft, pending=result), 422 if result.is_refusal else 200


def _posted() -> tuple[Service, Visit, Draft, Sequence[Upload]]:
    """The form to add more and whose it is; its files first, because words can be read without them."""
    here, request = context.current(), current_request()
    uploads, typed = request.uploads, request.typed()
    return here, form_token.open_visit(here, typed.get(form_token.FIELD, "")), Draft.of(typed), uploads


def _admit(here: Service, keys: SourceKeys, draft: Draft, *, files: bool) -> list[Problem]:
    here.must_be_open(files=files)
    # A codename alone proves nothing: our form gives one to everybody.
    has_written = bool(here.receipts.of(keys, hour=here.hour) or here.mailbox.replies(keys.index))
    here.must_have_room(has_written=has_written)
    return [] if has_written else here.uninvited(draft.invitation)


@blueprint.post("/<language:language>/return/delete")
def delete() -> str:
    """Delete the answers that the page has shown; one that came in between stays."""
    here = context.current()
    visit = form_token.open_visit(here, current_request().form.get(form_token.FIELD, ""))
    here.mailbox.delete_replies(here.keys_of(visit.codename).index, visit.shown)
    return _conversation(here, (visit.codename,), Draft(), deleted=True)


@blueprint.post("/<language:language>/return/arrived")
def arrived() -> str:
    """What arrived lately under this codename, for a source whose line dropped before they saw the receipt.

    A page of its own, so that the other return pages show nothing about it to somebody who looks over a shoulder.
    """
    here = context.current()
    visit = form_token.open_visit(here, current_request().form.get(form_token.FIELD, ""))
    received = here.receipts.of(here.keys_of(visit.codename), hour=here.hour)
    return flask.render_template("intake/arrived.html", received=received, token=form_token.seal_visit(here, visit))


@blueprint.post("/<language:language>/return/withdraw")
def confirm_withdrawal() -> str:
    """Ask before everything is withdrawn."""
    here = context.current()
    visit = form_token.open_visit(here, current_request().form.get(form_token.FIELD, ""))
    token = form_token.seal_visit(here, Visit(codename=visit.codename, form=new_nonce()))
    return flask.render_template("intake/withdraw.html", token=token, doubtful=visit.codename.is_older)


@blueprint.post("/<language:language>/return/withdrawn")
def withdraw() -> str:
    """Delete the answers and tell the editors."""
    here = context.current()
    visit = form_token.open_visit(here, current_request().form.get(form_token.FIELD, ""))
    if not visit.form:
        raise TokenError("This form was made for another page.", code="token")
    send_withdrawal(here, here.keys_of(visit.codename), form=visit.form, language=current_language())
    return flask.render_template("intake/withdrawn.html")


@blueprint.get("/<language:language>/return/<any(add, files, delete, arrived, withdraw, withdrawn):step>")
def start_again(step: str) -> Response:  # noqa: ARG001 - whichever it was, it begins with the codename
    """The address was opened without its form: these pages cannot be."""
    return flask.redirect(flask.url_for("return.ask"), 303)


@blueprint.after_request
def pad(response: flask.Response) -> flask.Response:
    """Fill a page with spaces up to the next step."""
    body = response.get_data()
    response.set_data(body + b" " * (-len(body) % _STEP_BYTES))
    return response


def ask_page(
    draft: Draft,
    *,
    form: str = "",
    untrusted_text: str = "",
    problems: list[Problem] | None = None,
    explanation: Explanation | None = None,
    may_be_right: bool = False,
) -> str:
    """The page that asks for the codename; what was typed elsewhere stays on it until the codename is known.

    ``form``: the number of the form that was sent, so that the next page tells whether it has arrived.
    ``may_be_right``: the source may say that what looks like a mistake stands so on the paper.
    """
    return flask.render_template(
        "intake/return.html",
        draft=draft,
        form=form,
        typed_codename=untrusted_text,
        problems=problems or [],
        explanation=explanation,
        may_be_right=may_be_right,
    )


def add_page(
    here: Service,
    visit: Visit,
    draft: Draft,
    *,
    pending: Pending | None = None,
    explanation: Explanation | None = None,
) -> str:
    """The form to add more, alone, with what was typed and what is wrong."""
    return flask.render_template(
        "intake/conversation.html",
        answers=None,
        deleted=False,
        closed=None,
        draft=draft,
        token=form_token.seal_visit(here, visit),
        pending=pending or Pending(draft=draft),
        explanation=explanation,
    )


def _conversation(
    here: Service, readings: tuple[Codename, ...], draft: Draft, *, deleted: bool = False, resumed: bool = False
) -> str:
    """The page with answers. ``resumed``: the draft comes from a form that was sent, perhaps with success."""
    codename, keys, answers = _answers(here, readings)
    explanation = None
    if resumed:
        arrived = bool(earlier_letters(here, keys, draft.form))
        explanation = FORM_USED if arrived else FORM_NOT_FOUND
        draft = draft.with_new_form() if arrived else relisted(here, keys, draft)
    # Said before anything is typed, and by the wider ceiling for every codename: this page is the same for one that was
    # never used.
    closed = why_not(lambda: here.check_ready(has_written=True)) if draft.is_blank and not draft.chosen else None
    opened = [answer.id for answer in answers if answer.text is not None]
    visit = Visit(codename=codename, shown=tuple(answer.id for answer in answers), read=b"".join(opened[-1:]))
    return flask.render_template(
        "intake/conversation.html",
        answers=answers,
        deleted=deleted,
        doubtful=codename.is_older,
        closed=closed,
        draft=draft,
        token=form_token.seal_visit(here, visit),
        pending=Pending(draft=draft),
        explanation=explanation,
    )


def _answers(here: Service, readings: tuple[Codename, ...]) -> tuple[Codename, SourceKeys, list[Answer]]:
    """The answers for what was typed. Of several readings (almost never) the first that has answers counts."""
    history = here.rosters.history()
    waiting: list[tuple[Codename, SourceKeys, list[SealedReply]]] = []
    for codename in readings:
        keys = here.keys_of(codename)
        waiting.append((codename, keys, here.mailbox.replies(keys.index)[-limits.REPLIES_SHOWN :]))
    codename, keys, replies = next((each for each in waiting if each[2]), waiting[0])
    answers = [_open(here, keys, reply, history) for reply in replies]
    return (
        codename,
        keys,
        sorted(answers, key=lambda answer: (answer.hour, answer.number)),
    )  # the mailbox knows days, the sealed reply hours, and within them the order


def _open(here: Service, keys: SourceKeys, reply: SealedReply, history: Mapping[int, bytes]) -> Answer:
    expected = Expected(
        kind=Kind.REPLY,
        instance=here.settings.instance_id,
        thread=keys.thread,
        object=reply.id,
        rosters=history,
    )
    text, hour, number, sender = None, reply.hour, 0, Sender()
    # One damaged answer must not hide the others; the page says that it exists and could not be opened.
    with contextlib.suppress(SealError, UnicodeDecodeError):
        envelope = open_envelope(
            reply.header, io.BytesIO(reply.payload), identities=(keys.identity,), expected=expected
        )
        hour, number, sender = envelope.manifest.hour, envelope.manifest.number, Sender.of(envelope.manifest.fields)
        text = envelope.read_part(0, limits.REPLY_TEXT_BYTES).decode("utf-8")
    return Answer(id=reply.id, hour=hour, number=number, text=text, sender=sender)
