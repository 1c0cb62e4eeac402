"""The error pages: after a form, the same form again with everything that was typed.

Rules: the page depends on the form that was posted, not on the error; what was typed is read even if the error
came before the body was read. From a form of another site the text is kept, never the codename.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import flask

from fieldreport.errors import TokenError, TokenExpired
from fieldreport.intake import context, form_token, transport
from fieldreport.intake.form import SHORT_FIELDS, Draft
from fieldreport.intake.messages import Sent, explain
from fieldreport.intake.pages import handin, report, return_
from fieldreport.seal import Codename
from fieldreport.web.error_pages import Failure
from fieldreport.web.i18n import current_language
from fieldreport.web.request_body import current_request

_FOREIGN = "cross-site"


def error_page(failure: Failure) -> str:
    """The page for an error; its status is set by the caller."""
    request = current_request()
    if failure.code == "http-400" and transport.through_gateway(request):
        # Its host is not ours, so the request was refused before its transport was checked.
        failure = dataclasses.replace(failure, code="tor-to-web")
    if request.method == "POST" and request.endpoint in {"report.receive", "report.add"}:
        return _report_again(failure)
    if request.method == "POST" and request.blueprint == "return":
        return _return_again(failure)
    if request.method == "POST" and request.endpoint == "handin.receive":
        return handin.page(explanation=explain(failure, Sent.LETTER), is_foreign=failure.code == _FOREIGN)
    return flask.render_template("intake/error.html", explanation=explain(failure, Sent.NOTHING))


def written(typed: Mapping[str, str]) -> dict[str, str]:
    """The texts of a report out of all fields of a form: no codename and no invitation."""
    return {name: typed[name] for name in ("report", *SHORT_FIELDS) if name in typed}


def _report_again(failure: Failure) -> str:
    here = context.current()
    typed = current_request().typed()
    codename = Codename.from_exact(typed.get("codename", "")) if failure.code != _FOREIGN else None
    draft = _draft(failure, typed)
    if codename is None:
        draft = draft.with_new_form()  # the files were kept under the other one
    return report.page(
        here,
        codename or Codename.generate(current_language()),
        draft,
        explanation=explain(failure, Sent.LETTER),
        is_new=codename is None,
    )


def _return_again(failure: Failure) -> str:
    """The form to add more if the token opens, else the page that asks for the codename."""
    here = context.current()
    typed = current_request().typed()
    draft = _draft(failure, typed)
    adds = current_request().endpoint in {"return.add", "return.add_to_form"}
    explanation = explain(failure, Sent.ADDITION if adds else Sent.STEP)
    if failure.code == _FOREIGN:
        return return_.ask_page(draft, explanation=explanation)
    if adds:
        try:
            visit = form_token.open_visit(here, typed.get(form_token.FIELD, ""))
        except TokenExpired:
            pass  # somebody else may use this computer by now: ask for the codename
        except TokenError:
            pass  # the server has restarted, or the form was changed: ask for the codename
        else:
            return return_.add_page(here, visit, draft, explanation=explanation)
    untrusted_codename, form = typed.get("codename", ""), typed.get("form", "")
    return return_.ask_page(draft, form=form, untrusted_text=untrusted_codename, explanation=explanation)


def _draft(failure: Failure, typed: Mapping[str, str]) -> Draft:
    """What was typed; with a new form number if the old one is used up."""
    draft = Draft.of(typed)
    return draft.with_new_form() if failure.code == "form-used" else draft
