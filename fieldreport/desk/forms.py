"""What several views read from a form: texts and ids, all of them untrusted."""

from __future__ import annotations

import unicodedata

import flask

from fieldreport import limits
from fieldreport.errors import UsageError
from fieldreport.sentence import Sentence


def incomplete() -> UsageError:
    """What to raise for a form that lacks what every page of ours sends with it."""
    return UsageError(Sentence("This form is not complete. Open the page again."))


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


def typed_labels() -> frozenset[str]:
    """The labels in the field ``label``, separated by commas.

    Raises:
        UsageError: there is none, or a label that is too long.
    """
    labels = {
        " ".join(unicodedata.normalize("NFC", each).split()) for each in flask.request.form.get("label", "").split(",")
    } - {""}
    if not labels:
        raise UsageError(Sentence("Type a label first."))
    if any(len(label) > limits.LABEL_CHARACTERS or not label.isprintable() for label in labels):
        raise UsageError(Sentence("A label has at most %(most)s characters.", most=limits.LABEL_CHARACTERS))
    return frozenset(labels)
