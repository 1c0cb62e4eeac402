"""The hand-in page, for somebody who brings a packed report and cannot read it.

Rules: it asks only for the files and, if one is set, the invitation word, so there is little to keep; each
file has its own answer, and the page for all of them is an error only if one was not taken.
"""

from __future__ import annotations

import flask
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.intake import context
from fieldreport.intake.handin import take_in
from fieldreport.intake.messages import Explanation
from fieldreport.web.forms import Problem
from fieldreport.web.request_body import current_request

blueprint = flask.Blueprint("handin", __name__)


@blueprint.get("/<language:language>/hand-in")
def ask() -> str:
    """Where the files are chosen."""
    here = context.current()
    here.must_be_open(files=True)
    here.roster()  # fails early, so that nobody brings a file while we cannot take it
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
        return page(problems=[Problem(field="files", text=_("Choose the packed file."))]), 422
    if len(uploads) > limits.HAND_IN_FILES:
        text = _("These are more than %(most)d files. Nothing was stored this time.", most=limits.HAND_IN_FILES)
        return page(problems=[Problem(field="files", text=text)]), 422
    handed = take_in(here, uploads)
    shown = flask.render_template(
        "intake/handed-in.html",
        taken=[each for each in handed if each.reason is None],
        refused=[each for each in handed if each.reason is not None],
    )
    return (shown, 422) if any(each.reason for each in handed) else shown


def page(*, problems: list[Problem] | None = None, explanation: Explanation | None = None) -> str:
    """The hand-in page, with what was wrong."""
    return flask.render_template(
        "intake/hand-in.html", problems=problems or [], explanation=explanation, most_hand_ins=limits.HAND_IN_FILES
    )
