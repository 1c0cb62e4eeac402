"""The language of a page: from its path, else from what the browser asks for; never from a cookie.

Rules: codes in paths are BCP 47 (``zh-Hans``), directories of catalogues are CLDR (``zh_Hans``). A language that is not
offered is not found. Catalogues are compiled in the package, so that installing builds nothing; a test compares them
with their sources and with the strings of the program. How to change a string: .github/CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import flask
from flask_babel import Babel
from typing_extensions import override
from werkzeug.routing import BaseConverter, Map

# The language's own name for itself, as a visitor looks for it.
NAMES: Final = {
    "en": "English",
    "ko": "한국어",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
    "ja": "日本語",
    "ru": "Русский",
    "ar": "العربية",
    "fa": "فارسی",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "tr": "Türkçe",
}
_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa"})
_TRADITIONAL: Final = frozenset({"tw", "hk", "mo", "hant"})


class _LanguageConverter(BaseConverter):
    """Matches exactly the offered codes."""

    part_isolating = True

    def __init__(self, url_map: Map, *codes: str) -> None:
        super().__init__(url_map)
        self.regex = "|".join(sorted(codes, key=len, reverse=True))


def install(app: flask.Flask, *, languages: Sequence[str], catalogues: Sequence[Path]) -> None:
    """Give ``app`` its languages; the first is the default.

    Afterwards a route may hold ``<language:language>`` (views do not get it as an argument, ``url_for`` fills it in
    when it is left out), and templates know ``language``, ``direction`` (ltr or rtl), ``languages``: code → the
    language's own name, and ``language_links``: code → this page in it; empty on the answer to a form.

    Raises:
        ValueError: a language this module has no name for.

    """
    offered = tuple(languages)
    unknown = set(offered) - set(NAMES)
    if unknown or not offered:
        raise ValueError(f"no such language: {', '.join(sorted(unknown)) or '(none given)'}")

    class OfferedConverter(_LanguageConverter):
        @override
        def __init__(self, url_map: Map) -> None:
            super().__init__(url_map, *offered)

    app.url_map.converters["language"] = OfferedConverter
    app.extensions["fieldreport-languages"] = offered
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(str(path) for path in catalogues)
    Babel(app, default_locale="en", locale_selector=lambda: current_language().replace("-", "_"))

    def drop_language(_: str | None, values: dict[str, object] | None) -> None:
        if values is not None:
            values.pop("language", None)

    def add_language(endpoint: str, values: dict[str, object]) -> None:
        if "language" not in values and app.url_map.is_endpoint_expecting(endpoint, "language"):
            values["language"] = current_language()

    def template_values() -> dict[str, object]:
        language = current_language()
        return {
            "language": language,
            "direction": direction(language),
            "languages": {code: NAMES[code] for code in offered},
            # The answer to a form has no address of its own, so it cannot be fetched in another language.
            "language_links": {code: _same_page(code) for code in offered} if flask.request.method == "GET" else {},
        }

    app.url_value_preprocessors.setdefault(None, []).append(drop_language)
    app.url_default_functions.setdefault(None, []).append(add_language)
    app.context_processor(template_values)


def direction(language: str) -> str:
    """How a language is written: ``rtl`` or ``ltr``."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def _same_page(code: str) -> str:
    request = flask.request
    if request.url_rule is None or request.endpoint is None or "language" not in request.url_rule.arguments:
        return f"/{code}/"
    return flask.url_for(request.endpoint, language=code, **(request.view_args or {}))


def current_language() -> str:
    """The code of the language to answer in: of the path, also when nothing is found there, else negotiated."""
    offered: tuple[str, ...] = flask.current_app.extensions["fieldreport-languages"]
    first = flask.request.path.split("/", 2)[1] if flask.request.path.startswith("/") else ""
    return first if first in offered else negotiate(flask.request.accept_languages.values(), offered)


def negotiate(wishes: Iterable[str], offered: Sequence[str]) -> str:
    """The best of ``offered`` for the browser's wishes (BCP 47, best first); the first offered when none fits.

    For Chinese the script decides, or the region where no script is given; one script is offered for the other if it
    is the only one.
    """
    for wish in wishes:
        for candidate in _candidates(wish):
            if candidate in offered:
                return candidate
    return offered[0]


def _candidates(wish: str) -> tuple[str, ...]:
    parts = wish.replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        traditional = bool(_TRADITIONAL & set(parts[1:])) and "hans" not in parts
        return ("zh-Hant", "zh-Hans") if traditional else ("zh-Hans", "zh-Hant")
    return (parts[0],)
