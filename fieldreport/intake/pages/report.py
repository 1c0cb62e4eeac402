"""The first report: the codename before anything else, then the form, then the receipt.

Rules: the codename is in the page in the clear, because the page shows it; the token only says that the form is ours
and not too old. Every answer that is not a receipt gives back everything that was typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import flask
from flask_babel import ngettext
from werkzeug.wrappers import Response

from fieldreport.errors import CodenameError, TokenError
from fieldreport.intake import context, form_token
from fieldreport.intake.context import Service
from fieldreport.intake.form import EVERY_EDITOR, Draft, new_nonce
from fieldreport.intake.form_cache import circumstances
from fieldreport.intake.messages import Explanation, codename_problem, numbers_in_words
from fieldreport.intake.submission import Pending, add_files, delete_files, submit
from fieldreport.seal import Codename
from fieldreport.web.forms import Problem
from fieldreport.web.i18n import current_language
from fieldreport.web.request_body import current_request

blueprint = flask.Blueprint("report", __name__)


@blueprint.get("/<language:language>/report")
def write() -> str:
    """A new codename, and an empty form."""
    here = context.current()
    here.check_ready()  # fails early, so that nobody writes for an hour while we cannot take it
    codename, draft = Codename.generate(current_language()), _first_draft()
    words = {f"word {place}": word for place, word in enumerate(codename.words)}
    values = {"token": form_token.seal_report(here, codename, draft.form), "form": draft.form, **words}
    keeps_originals = here.roster_for_originals() is not None
    key = (
        circumstances(flask.request),
        here.takes_files,
        here.asks_for_invitation,
        keeps_originals,
        tuple(here.addressees),
    )
    return here.form_cache.page(key, values, lambda these: _empty(these, list(words)))


@blueprint.post("/<language:language>/report")
def receive() -> tuple[str, int] | str:
    """Clean, seal and deposit; answer with the receipt, or ask."""
    here, codename, draft = _posted()
    keys = here.keys_of(codename)
    result = submit(
        here,
        keys,
        draft,
        current_request().uploads,
        admit=lambda files: _admit(here, codename, draft, files=files),
        language=current_language(),
    )
    if isinstance(result, Pending):
        return page(here, codename, result.draft, pending=result), 422
    return flask.render_template("intake/receipt.html", receipt=result, codename=codename, added=False)


@blueprint.post("/<language:language>/report/files")
def add() -> tuple[str, int] | str:
    """Keep files for the form, take one out, delete all that wait for it, or show it again in this language."""
    here, codename, draft = _posted()
    typed, keys = current_request().typed(), here.keys_of(codename)
    if typed.get("delete_files"):
        delete_files(here, keys, draft.form)
        return flask.render_template("intake/files-deleted.html")
    if typed.get("turn") and not current_request().uploads:
        return page(here, codename, draft)
    result = add_files(
        here,
        keys,
        draft,
        current_request().uploads,
        admit=lambda files: _admit(here, codename, draft, files=files),
        language=current_language(),
        take_out=typed.get("take_out", ""),
    )
    return page(here, codename, result.draft, pending=result), 422 if result.is_refusal else 200


def _posted() -> tuple[Service, Codename, Draft]:
    here, request = context.current(), current_request()
    uploads, typed = request.uploads, request.typed()
    codename = Codename.from_exact(typed.get("codename", ""))
    if codename is None:
        here.must_be_open(files=bool(uploads))
        raise TokenError("The codename was changed on its way.", code="token")
    return here, codename, Draft.of(typed)


def _admit(here: Service, codename: Codename, draft: Draft, *, files: bool) -> list[Problem]:
    here.must_be_open(files=files)
    here.must_have_room()
    typed = current_request().typed()
    form_token.check_report(here, typed.get(form_token.FIELD, ""), codename, typed.get("form", ""))
    return here.uninvited(draft.invitation)


@blueprint.post("/<language:language>/report/practise")
def practise() -> tuple[str, int] | str | Response:
    """Compare what the source wrote on paper with the codename on the form, in a new tab.

    Both come in the same post, so that nothing is looked up and nothing can be found out; nothing is kept.
    """
    typed = current_request().form
    codename = Codename.from_exact(typed.get("codename", ""))
    if codename is None:
        return flask.redirect(flask.url_for("report.write"), 303)
    untrusted_text, problems = typed.get("practice", ""), []
    try:
        differ = codename.differences(untrusted_text)
    except CodenameError as error:
        problems, differ = [Problem(field="practice", text=codename_problem(error))], ()
    if differ:
        text = ngettext(
            "Word %(numbers)s is different.",
            "Words %(numbers)s are different.",
            len(differ),
            numbers=numbers_in_words(differ),
        )
        problems = [Problem(field="practice", text=text)]
    shown = flask.render_template(
        "intake/practised.html", codename=codename, practice=untrusted_text if problems else "", problems=problems
    )
    return (shown, 422) if problems else shown


@blueprint.get("/<language:language>/report/<any(practise, files):step>")
def start_again(step: str) -> Response:  # noqa: ARG001 - whichever it was, it begins with the form
    """The address was opened without its form: these pages cannot be."""
    return flask.redirect(flask.url_for("report.write"), 303)


def page(
    here: Service,
    codename: Codename,
    draft: Draft,
    *,
    pending: Pending | None = None,
    explanation: Explanation | None = None,
    is_new: bool = False,
) -> str:
    """The report's page: empty, or with what was typed and what is wrong. ``is_new``: the codename had to change."""
    return _rendered(
        codename,
        draft,
        form_token.seal_report(here, codename, draft.form),
        pending=pending,
        explanation=explanation,
        codename_is_new=is_new,
    )


def _first_draft(*, form: str = "") -> Draft:
    """An empty form: for every editor, unless its source chooses otherwise."""
    return Draft(addressee=EVERY_EDITOR, form=form or new_nonce())


def _empty(values: Mapping[str, str], words: Sequence[str]) -> str:
    codename = Codename(tuple(values[word] for word in words))
    return _rendered(codename, _first_draft(form=values["form"]), values["token"])


def _rendered(
    codename: Codename,
    draft: Draft,
    token: str,
    *,
    pending: Pending | None = None,
    explanation: Explanation | None = None,
    codename_is_new: bool = False,
) -> str:
    return flask.render_template(
        "intake/report.html",
        codename=codename,
        draft=draft,
        token=token,
        pending=pending or Pending(draft=draft),
        explanation=explanation,
        codename_is_new=codename_is_new,
    )
