"""Choosing the language of the desk's pages, on the sign-in page or beside one's key."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, context, language, presentation
from fieldreport.errors import UsageError
from fieldreport.sentence import Sentence

blueprint = flask.Blueprint("language", __name__)


@access.public
@blueprint.post("/language")
def choose() -> ResponseReturnValue:
    """Show pages in another language, in this browser."""
    form = flask.request.form
    code = form.get("language", "")
    if code not in language.OFFERED:
        raise UsageError(Sentence("There is no such language."))
    response = flask.make_response(flask.redirect(presentation.own_path(form.get("next", "/")), code=303))
    name = context.desk().language_cookie_name
    presentation.keep_cookie(response, name, code, seconds=limits.DEVICE_DAYS * 24 * 3600)
    return response
