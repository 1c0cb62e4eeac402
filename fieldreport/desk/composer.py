"""What is typed on the page of a case: every button brings it along, and it is kept before anything is done.

Rules: a form that names itself in ``FIELD`` is kept for its author by ``keep_typed``, which runs before every view;
so no button, refusal or lock loses it. The view that sends it drops what was kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import flask

from fieldreport.desk import context
from fieldreport.desk.forms import parsed_id
from fieldreport.errors import FieldreportError
from fieldreport.seal import Role
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases import unsent

FIELD: Final = "unsent"
"""The hidden field: the case, the form, and the edition of what was kept when the page was made."""
WORD: Final = "word"
_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "reply": ("text", "item", "sender", "name", "answered"),
    "note": ("text", "item", "to", "about", "corrects"),
    "facts": ("facts", "protected", "base"),
}
_NAMED: Final = re.compile(r"([0-9a-f]{32})\.([a-z]+)\.([0-9a-f]{32})?")


def is_form(name: str) -> bool:
    """Whether this is the name of a form of the page."""
    return name in _FORMS


def keep_typed() -> None:
    """Keep what this request brings, whatever its button does. Raises as ``unsent.keep``.

    The button that locks is never held up: what could not be kept then goes to the browser, sealed.
    """
    session = context.session_or_none()
    if session is None or session.role is not Role.EDITOR or flask.request.method != "POST":
        return
    try:
        _keep_word(session.seat)
        if (named := _named()) is not None:
            case_id, form, seen = named
            unsent.keep(session.seat, case_id, form, _typed(form), seen=seen)
            flask.g.desk_kept_at = page_of(case_id, form)
    except FieldreportError:
        if flask.request.endpoint != "sign_in.lock":
            raise
        flask.g.desk_not_kept = True


def _keep_word(seat: Seat) -> None:
    """The word with which a case is handed over stands beside every form; the last one typed is kept."""
    case_id, word = parsed_id(flask.request.form.get("case", "")), flask.request.form.get(WORD, "").strip()
    if case_id is not None and word:
        fields = {"text": word}
        unsent.keep(seat, case_id, WORD, fields, seen=unsent.edition(unsent.kept(seat, case_id).get(WORD, {})))


def rewrite(case_id: bytes, form: str, fields: Mapping[str, str]) -> None:
    """Keep other fields of a form than this request brought."""
    seat = context.seat()
    seen = unsent.edition(unsent.kept(seat, case_id).get(form, {}))
    unsent.keep(seat, case_id, form, {**_typed(form), **fields}, seen=seen)


def page_of(case_id: bytes, form: str) -> str:
    """The address of a case's page with one of its forms open."""
    return flask.url_for("cases.show", case_id=case_id, write=form)


def keeping_path() -> str:
    """Where the form of this request can be sent to be kept and nothing else; empty if it is not one of a case."""
    named = _named()
    return "" if named is None else flask.url_for("compose.keep", case_id=named[0], write=named[1])


def _named() -> tuple[bytes, str, str] | None:
    found = _NAMED.fullmatch(flask.request.form.get(FIELD, "")) if flask.request.method == "POST" else None
    if found is None or not is_form(found[2]):
        return None
    return bytes.fromhex(found[1]), found[2], found[3] or ""


def _typed(form: str) -> dict[str, str]:
    """What stands in the form; nothing where no words do."""
    sent = flask.request.form
    fields = {name: sent[name].replace("\r\n", "\n") for name in _FORMS[form] if name in sent}
    words = {name: text.strip() for name, text in fields.items() if name in unsent.WRITTEN}
    if unsent.edition(words) == fields.get("base"):
        return {}  # as it is stored
    return fields if any(fields.get(name, "").strip() for name in unsent.WRITTEN) else {}
