"""The files that pages name: the style sheet, the icon and the scripts. They are anybody's to read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, context

blueprint = flask.Blueprint("static", __name__)

_FOLDER: Final = Path(__file__).parent.parent / "static"
_STYLE: Final = (_FOLDER / "desk.css").read_bytes()
_FILES: Final = {
    path.name: (path.read_bytes(), media_type)
    for ending, media_type in (("js", "text/javascript"), ("svg", "image/svg+xml"))
    for path in _FOLDER.glob(f"*.{ending}")
}


@access.public
@blueprint.get("/desk.css")
def style() -> ResponseReturnValue:
    """The style sheet, with the seconds until a page warns of the auto-lock and until it is over."""
    idle = context.desk().settings.desk.idle_seconds
    times = f":root {{ --soon: {idle - min(limits.DESK_WARN_SECONDS, idle // 2)}s; --over: {idle + 1}s; }}\n"
    return flask.Response(times.encode() + _STYLE, mimetype="text/css")


@access.public
def file(name: str) -> ResponseReturnValue:
    """A script, or the icon in the browser's tab."""
    content, media_type = _FILES[name]
    return flask.Response(content, mimetype=media_type)


for _name in sorted(_FILES):
    blueprint.add_url_rule(f"/{_name}", view_func=file, defaults={"name": _name})
