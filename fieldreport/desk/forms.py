"""What several views read from a form: texts and ids, all of them untrusted."""

from __future__ import annotations

import flask

from fieldreport import limits


def typed_text(name: str = "text") -> str:
    """A text somebody typed, with plain line ends: browsers send CR LF."""
    return flask.request.form.get(name, "").replace("\r\n", "\n").strip()


def parsed_id(untrusted: str) -> bytes | None:
    """The sixteen bytes that 32 hexadecimal digits stand for; nothing for any other text."""
    try:
        parsed = bytes.fromhex(untrusted)
    except ValueError:
        return None
    return parsed if len(parsed) == limits.ID_BYTES else None
