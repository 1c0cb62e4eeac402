"""The language of the desk's pages: what one browser has chosen, a cookie there; else what the browser asks for.

Rules: a language changes what is shown, never what is stored, signed, logged or exported: those are codes, or English.
Catalogues are compiled in the package. A sentence that is made where no page is being answered, in a job or at the
start, is made ``later`` (``lazy_gettext``), and said in the language of the page that shows it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import flask
from flask_babel import Babel

from fieldreport.desk import context
from fieldreport.web import i18n

OFFERED: Final = ("en", "ko", "zh-Hans")
_CATALOGUES: Final = Path(__file__).parent / "translations"


def install(app: flask.Flask) -> None:
    """Give ``app`` its languages; its templates know ``language`` and ``languages``: code → its name for itself."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(_CATALOGUES)
    Babel(app, default_locale="en", locale_selector=lambda: current().replace("-", "_"))
    names = {code: i18n.NAMES[code] for code in OFFERED}
    app.context_processor(lambda: {"language": current(), "languages": names})


def current() -> str:
    """The code of the language in which to answer this request."""
    untrusted = flask.request.cookies.get(context.desk().language_cookie_name, "")
    return untrusted if untrusted in OFFERED else i18n.negotiate(flask.request.accept_languages.values(), OFFERED)
