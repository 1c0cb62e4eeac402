"""The second reading of a card or a calendar: every line by the table, from the first to the last."""

from __future__ import annotations

import base64
import binascii

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.cards.tables import FORMS, PARAMETERS, PICTURE, PICTURE_TYPES, VALUES, WORDS, Form
from fieldreport.scrub.text.plain.verify import verify_characters, verify_pictures
from fieldreport.scrub.verdicts import Residue


def verify(source: Source, media_type: str) -> None:
    """Look at each line's name, parameters and value, and at each character of it."""
    lines = source.whole(limits.SCRUB_OUTPUT_BYTES).split(b"\r\n")
    forms = [form for form in FORMS.values() if form.media_type == media_type]
    if not forms or lines.pop() or any(b"\r" in line or b"\n" in line for line in lines):
        raise Residue
    verify_characters(Source.of(b"\n".join(lines)))
    form, depth, numbers = forms[0], 0, 0
    expected: list[str] = []
    for line in lines:
        text = line.decode()
        if expected:
            if text != expected.pop(0):
                raise Residue
            continue
        name, _, value = text.partition(":")
        if name in {"BEGIN", "END"}:
            depth += 1 if name == "BEGIN" else -1
            if value not in form.components or depth < 0:
                raise Residue
            if name == "BEGIN":
                numbers += 1
                expected = [constant.format(numbers) for constant in form.constant[value]]
        elif depth:
            _verify_property(form, text)
        else:
            raise Residue
    if depth or expected:
        raise Residue


def _verify_property(form: Form, line: str) -> None:
    head, _, value = line.partition(":")
    name, *parameters = head.split(";")
    given = dict(each.partition("=")[::2] for each in parameters)
    if any(name not in PARAMETERS or PARAMETERS[name].fullmatch(chosen) is None for name, chosen in given.items()):
        raise Residue
    kind = form.kept.get(name, "")
    if kind == PICTURE:
        _verify_picture(given.get("TYPE", ""), value)
    elif kind not in VALUES or VALUES[kind].fullmatch(value) is None or "ENCODING" in given:
        raise Residue
    elif kind in WORDS:
        verify_pictures(value)


def _verify_picture(called: str, value: str) -> None:
    try:
        data = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise Residue from None
    registry.verify(Source.of(data), PICTURE_TYPES.get(called, ""))
