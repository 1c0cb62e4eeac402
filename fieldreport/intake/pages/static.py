"""The pages without a form: front page, safety, help, and choosing a language.

Rules: a path without a language answers with a redirect to the one the browser asks for.
"""

from __future__ import annotations

import flask
from werkzeug.wrappers import Response

from fieldreport import limits
from fieldreport.errors import NotFound
from fieldreport.intake import context, transport
from fieldreport.intake.messages import why_not
from fieldreport.scrub.registry import FORMATS, Strong
from fieldreport.web.i18n import current_language

blueprint = flask.Blueprint("static", __name__)


@blueprint.get("/<language:language>/")
def index() -> str:
    """What this is, what happens to what is sent, where to go, and whether reports are taken now."""
    here = context.current()
    closed = why_not(here.check_ready)  # said here, so that nobody reads on, or writes on paper, for nothing
    open_web = transport.onion_location(flask.request, here.settings.intake) is not None
    return flask.render_template("intake/index.html", closed=closed, open_web=open_web)


@blueprint.get("/<language:language>/safety")
def safety() -> str:
    """How to be safer, and what we cannot protect a source from."""
    return flask.render_template("intake/safety.html")


@blueprint.get("/<language:language>/help")
def help_page() -> str:
    """How it works, step by step."""
    return flask.render_template("intake/help.html")


@blueprint.get("/logo")
def logo() -> Response:
    """The newsroom's logo, for the first page."""
    shown = context.current().logo
    if shown is None:
        raise NotFound("this letterbox has no logo")
    return Response(shown.data, mimetype=shown.media_type)


@blueprint.get("/", defaults={"page": ""})
@blueprint.get("/<any('report', 'return', 'safety', 'help', 'hand-in'):page>")
def choose_language(page: str) -> Response:
    """Redirect a path without a language to the one that the browser asks for."""
    return flask.redirect(f"/{current_language()}/{page}", 302)


def accepted_types(*, strong: bool) -> str:
    """The extensions of files that can be cleaned, or cleaned harder, for people: ``JPG, PDF, …``."""
    taken = (each for each in FORMATS if not strong or each.strong is not Strong.NONE)
    return ", ".join(sorted({each.extension for each in taken})).upper()


def megabytes(size: int) -> int:
    """Whole megabytes, rounded down."""
    return size // limits.MIB
