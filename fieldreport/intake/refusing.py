"""Every error as a page: on a form it is the same form again, with everything that was typed.

Rules: which page follows from the form that was posted, not from the error; what was typed is read even if the error
came before anybody looked at the body. From a form of another site the words are kept, never the codename.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import flask
from flask.globals import request_ctx

from fieldreport.errors import TokenError, TokenExpired
from fieldreport.intake import courier, report, returning, service, tokens, ways
from fieldreport.intake.drafts import Draft, new_nonce
from fieldreport.intake.texts import explain
from fieldreport.seal import Codename
from fieldreport.web.bodies import current_request
from fieldreport.web.errorpages import Failure
from fieldreport.web.i18n import current_language

_FOREIGN = "cross-site"


def page(failure: Failure) -> str:
    """The page for an error; its status is set by the caller."""
    request = current_request()
    if request_ctx.url_adapter is None:
        # The host is none of ours. Links between our pages name none.
        request_ctx.url_adapter = flask.current_app.url_map.bind("localhost")
    if failure.code == "http-400" and ways.through_gateway(request):
        # Its name is none of ours, so the request was refused before anybody looked by which way it came.
        failure = dataclasses.replace(failure, code="tor-to-web")
    if request.method == "POST" and request.endpoint == "report.receive":
        return _report_again(failure)
    if request.method == "POST" and request.blueprint == "returning":
        return _return_again(failure)
    if request.method == "POST" and request.endpoint == "courier.receive":
        return courier.page(explanation=explain(failure, on_form=True))
    return flask.render_template("intake/error.html", explanation=explain(failure, on_form=False))


def _report_again(failure: Failure) -> str:
    here = service.current()
    typed = current_request().typed()
    codename = Codename.written(typed.get("codename", "")) if failure.code != _FOREIGN else None
    draft = _draft(failure, typed)
    return report.page(
        here,
        codename or Codename.generate(current_language()),
        draft,
        explanation=explain(failure, on_form=True),
        is_new=codename is None,
    )


def _return_again(failure: Failure) -> str:
    """Back to the form to add more when it is known who is here, else to the codename."""
    here = service.current()
    typed = current_request().typed()
    draft = _draft(failure, typed)
    explanation = explain(failure, on_form=True)
    if failure.code == _FOREIGN:
        return returning.ask_page(draft, explanation=explanation)
    if current_request().endpoint == "returning.add":
        try:
            visit = tokens.open_visit(here, typed.get(tokens.FIELD, ""))
        except TokenExpired:
            pass  # somebody else may sit at this computer by now: ask who it is
        except TokenError:
            pass  # the server has restarted, or the form was changed: ask who it is
        else:
            return returning.add_page(here, visit, draft, explanation=explanation)
    return returning.ask_page(draft, untrusted_text=typed.get("codename", ""), explanation=explanation)


def _draft(failure: Failure, typed: Mapping[str, str]) -> Draft:
    """What was typed; on a form of its own when the one that it came on is used up."""
    draft = Draft.of(typed)
    return dataclasses.replace(draft, form=new_nonce()) if failure.code == "form-used" else draft
