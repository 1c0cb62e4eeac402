"""The register of due dates, as a sealed file."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue

from fieldreport.desk import access, context
from fieldreport.vault.cases import register

blueprint = flask.Blueprint("register", __name__)


@access.editor
@blueprint.get("/register")
def show() -> ResponseReturnValue:
    """What is in it, and the button."""
    return flask.render_template("register.html", days=context.desk().cases.due_days)


@access.editor
@blueprint.post("/register")
def export() -> ResponseReturnValue:
    """The register of the cases that this editor reads, sealed to their key."""
    desk = context.desk()
    content = register.sealed(context.seat(), desk.cases.due_days, keyfiles=desk.settings.desk.keyfiles)
    response = flask.Response(content, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = "attachment; filename=register.age"
    return response
