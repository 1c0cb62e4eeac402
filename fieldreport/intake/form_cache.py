"""Pages that are alike every time but for a few values: rendered once, cut at the values, and filled in.

Rules: a stencil holds no value of any visitor, it is cut from a rendering with random marks in their place; what is
filled in is escaped here, as the template would. A page that cannot be cut without becoming another page (a template
that counts or changes a value) is rendered each time: never wrong, only slow.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from typing import Final

import flask
from markupsafe import escape

from fieldreport import limits
from fieldreport.web.i18n import current_language

_MARK_BYTES: Final = 16  # no page holds one by chance

Render = Callable[[Mapping[str, str]], str]


class Stencils:
    """The stencils of one process."""

    def __init__(self) -> None:
        self._cut: dict[Hashable, _Stencil | None] = {}

    def page(self, key: Hashable, values: Mapping[str, str], render: Render) -> str:
        """The page that ``render(values)`` gives.

        Args:
            key: everything else that the page depends on: equal keys, equal pages but for the values.
            values: name → text, every one of which the page shows somewhere. The names are the same for one key.
            render: makes the page from values; called for the first page of a key.

        """
        try:
            stencil = self._cut[key]
        except KeyError:
            if len(self._cut) >= limits.STENCILS:  # a key may hold a word of the visitor's, such as a port
                self._cut.clear()
            stencil = self._cut[key] = _cut(values, render)
        return render(values) if stencil is None else stencil.fill(values)


class _Stencil:
    """``pieces``: text and the names of values by turns, beginning and ending with text."""

    def __init__(self, pieces: list[str]) -> None:
        self._texts = pieces[::2]
        self._names = pieces[1::2]

    def fill(self, values: Mapping[str, str]) -> str:
        escaped = {name: str(escape(value)) for name, value in values.items()}
        filled = [self._texts[0]]
        for name, text in zip(self._names, self._texts[1:], strict=True):
            filled += (escaped[name], text)
        return "".join(filled)


def _cut(values: Mapping[str, str], render: Render) -> _Stencil | None:
    """The stencil of a page, or nothing if filling it does not give the page."""
    marks = {f"m{secrets.token_hex(_MARK_BYTES)}": name for name in values}
    text = render({name: mark for mark, name in marks.items()})
    pieces = re.split(f"({'|'.join(marks)})", text) if marks else [text]
    stencil = _Stencil([marks.get(piece, piece) if place % 2 else piece for place, piece in enumerate(pieces)])
    return stencil if stencil.fill(values) == render(values) else None


def circumstances(request: flask.Request) -> Hashable:
    """All that our templates look at of a request. A template that looks at more needs it here, too."""
    return (request.endpoint, request.method, current_language(), request.scheme, request.host)
