"""The hand-in page, for files that come sealed: a packed report that somebody brings, or a file that its source sealed.

Rules: it asks only for the files and, if one is set, the invitation word, so there is little to keep; each
file has its own answer, and the page for all of them is an error only if one was not taken. A codename is shown only
when a file has arrived that its source sealed: who brings a packed report must not get one.
"""

from __future__ import annotations

from typing import Final

import flask
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from fieldreport import limits
from fieldreport.errors import TokenError
from fieldreport.intake import context, form_token
from fieldreport.intake.context import Service
from fieldreport.intake.form import new_nonce
from fieldreport.intake.form_token import Visit
from fieldreport.intake.handin import must_have_room, take_in
from fieldreport.intake.messages import Explanation
from fieldreport.seal import Codename, recipients_file
from fieldreport.web.forms import Problem
from fieldreport.web.i18n import current_language
from fieldreport.web.request_body import current_request

blueprint = flask.Blueprint("handin", __name__)

_COMMAND: Final = "age -R recipients.txt -o locked.age photo.jpg"


@blueprint.get("/<language:language>/hand-in")
def ask() -> str:
    """Where the files are chosen."""
    here = context.current()
    here.must_be_open(files=True)
    here.check_ready()  # fails early, so that nobody brings a file while we cannot take it
    must_have_room(here)
    return page()


@blueprint.post("/<language:language>/hand-in")
def receive() -> tuple[str, int] | str:
    """Check and deposit every file, and show each one's result."""
    here = context.current()
    here.must_be_open(files=True)
    uploads = current_request().uploads
    uninvited = here.uninvited(current_request().typed().get("invitation", ""))
    if uninvited:
        return page(problems=uninvited), 422
    if not uploads:
        return page(problems=[Problem(field="files", text=_("Choose the locked file."))]), 422
    if len(uploads) > limits.HAND_IN_FILES:
        text = _("These are more than %(most)d files. Nothing was stored this time.", most=limits.HAND_IN_FILES)
        return page(problems=[Problem(field="files", text=text)]), 422
    visit = _visit(here)
    handed = take_in(here, uploads, visit, language=current_language())
    taken = [each for each in handed if each.reason is None]
    shown = flask.render_template(
        "intake/handed-in.html",
        taken=taken,
        refused=[each for each in handed if each.reason is not None],
        packed=any(not each.by_source for each in taken),
        codename=visit.codename if any(each.by_source for each in taken) else None,
    )
    return (shown, 422) if any(each.reason for each in handed) else shown


@blueprint.get("/recipients.txt")
def recipients() -> Response:
    """The keys to seal to, as age reads them."""
    return Response(recipients_file(context.current().roster().recipients()), mimetype="text/plain")


def page(
    *, problems: list[Problem] | None = None, explanation: Explanation | None = None, is_foreign: bool = False
) -> str:
    """The hand-in page, with what was wrong. ``is_foreign``: the form came from elsewhere, and so may its codename."""
    here = context.current()
    site = here.settings.intake.site.rstrip("/")
    visit = _new_visit() if is_foreign else _visit(here)
    return flask.render_template(
        "intake/hand-in.html",
        problems=problems or [],
        explanation=explanation,
        most_hand_ins=limits.HAND_IN_FILES,
        token=form_token.seal_visit(here, visit, form_token.HAND_IN),
        command=_COMMAND,
        list_elsewhere=f"{site}/recipients.txt" if site else "",
    )


def _visit(here: Service) -> Visit:
    """What this page remembered; a new codename where it remembers nothing, or not any more."""
    try:
        return form_token.open_visit(here, current_request().typed().get(form_token.FIELD, ""), form_token.HAND_IN)
    except TokenError:
        return _new_visit()


def _new_visit() -> Visit:
    return Visit(codename=Codename.generate(current_language()), form=new_nonce())
