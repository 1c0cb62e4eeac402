"""Reading the lines of a card or a calendar, and writing those that it shows."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Mapping
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text import encoding, encodings, invisible, spelled_pictures
from fieldreport.scrub.text.cards.tables import (
    FORMS,
    PARAMETERS,
    PICTURE,
    PICTURE_TYPES,
    PLACE,
    VALUES,
    WORDS,
    Form,
)
from fieldreport.scrub.verdicts import Bomb, Damaged, Refused, Removed

_LINE: Final = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;(?:\"[^\"]*\"|[^\":;])*)*):(.*)", re.DOTALL)
_PARAMETER: Final = re.compile(r";([\w-]+)(?:=((?:\"[^\"]*\"|[^;])*))?")
_FOLD: Final = re.compile(r"\n[ \t]")
_QUOTED: Final = "QUOTED-PRINTABLE"
_DATA: Final = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)
_PLACE: Final = re.compile(r"(?:geo:)?([^,;]*)[,;]([^,;]*)(?:[,;].*)?", re.IGNORECASE | re.DOTALL)  # RFC 6350, RFC 2426
_SILENT: Final = frozenset({"CHARSET", "ENCODING", "LANGUAGE", "TZID", "VALUE"})  # parameters that nobody is shown


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same cards, or dates, without what nobody sees."""
    text = encoding.decode_for(cleaning, untrusted_source.whole(limits.TEXT_BYTES))
    if all(cleaning.options.reread):
        text = encodings.reread(text, *cleaning.options.reread)
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff \t\n")
    form = FORMS.get(text.partition("\n")[0].strip().upper().removeprefix("BEGIN:"))
    if form is None:
        raise Damaged
    written = "".join(f"{line}\r\n" for line in _Writer(form, cleaning).lines(text))
    sink.write(written.encode())
    return form.media_type


_SKIPPED: Final = {"VTIMEZONE": Removed.LOCATION, "VCARD": Removed.PEOPLE}


class _Writer:
    def __init__(self, form: Form, cleaning: Cleaning) -> None:
        self._form = form
        self._cleaning = cleaning
        self._open: list[str] = []
        self._numbers = 0

    def lines(self, text: str) -> Iterator[str]:
        """The lines that stay, each component closed."""
        skipped: list[str] = []
        for name, parameters, value in _properties(text):
            component = value.strip().upper()
            # Nor is one inside its like, as the assistant's card was in vCard 2.1.
            if name == "BEGIN" and (skipped or component not in self._form.components or component in self._open):
                skipped.append(component)
                self._cleaning.removed.add(_SKIPPED.get(component, Removed.OTHER_METADATA))
                if len(skipped) > limits.CARD_DEPTH:
                    raise Bomb
            elif name == "END" and skipped:
                skipped.pop()
            elif skipped:
                continue
            elif name == "BEGIN":
                yield from self._begin(component)
            elif name == "END":
                if not self._open or self._open.pop() != component:
                    raise Damaged
                yield f"END:{component}"
            elif not self._open:
                self._cleaning.removed.add(Removed.TRAILING_DATA)
            elif name != "VERSION" and (kept := self._kept(name, parameters, value)) is not None:
                yield kept
        for component in reversed(self._open):
            self._cleaning.removed.add(Removed.INCOMPLETE)
            yield f"END:{component}"

    def _begin(self, component: str) -> Iterator[str]:
        self._open.append(component)
        if len(self._open) > limits.CARD_DEPTH:
            raise Bomb
        self._numbers += 1
        yield f"BEGIN:{component}"
        yield from self._constant(component)

    def _constant(self, component: str) -> list[str]:
        """What the format asks for in a component, with the number of the one that was begun last."""
        return [line.format(self._numbers) for line in self._form.constant[component]]

    def _kept(self, name: str, parameters: Mapping[str, str], value: str) -> str | None:
        kind = self._form.kept.get(name)
        if "TZID" in parameters:
            self._cleaning.removed.add(Removed.LOCATION)
        if kind is None:
            line = f"{name}:{value}"
            if line not in self._constant(self._open[-1]):
                self._cleaning.removed.add(Removed(self._form.removed.get(name, Removed.OTHER_METADATA)))
            return None
        if kind == PICTURE:
            return self._picture(name, value)
        value, marked = invisible.unmark(value)
        if marked:
            self._cleaning.removed.add(Removed.COPY_MARKS)
        if kind == PLACE:
            value = _PLACE.sub(r"\1;\2", value, count=1)
        elif kind in WORDS:
            value = value if self._cleaning.rename is None else self._cleaning.rename(value)
            value = spelled_pictures.cleaned(value, self._cleaning)
        if VALUES[kind].fullmatch(value) is None:
            self._cleaning.removed.add(Removed.OTHER_METADATA)
            return None
        return f"{name}{self._written(parameters)}:{value}"

    def _written(self, parameters: Mapping[str, str]) -> str:
        """The parameters that stay, in the order of the specification's table; of several kinds those that it lists."""
        written = ""
        for name, pattern in PARAMETERS.items():
            values = [each for each in parameters.get(name, "").split(",") if pattern.fullmatch(each) is not None]
            written += f";{name}={','.join(values)}" if values and name != "ENCODING" else ""
        told = {name: value.count(",") for name, value in parameters.items() if name not in _SILENT and value}
        if any(f";{name}=" not in written for name in told) or sum(told.values()) > written.count(","):
            self._cleaning.removed.add(Removed.OTHER_METADATA)
        return written

    def _picture(self, name: str, value: str) -> str | None:
        """A picture, in base 64; one that is somewhere else is a link."""
        value = _DATA.sub("", value, count=1)
        if "://" in value[:20]:
            self._cleaning.removed.add(Removed.LINKS)
            return None
        try:
            data = base64.b64decode(re.sub(r"\s", "", value))
            cleaned = self._cleaning.embedded(data, accept=PICTURE_TYPES.values())
        except Bomb:
            raise
        except (Refused, binascii.Error, ValueError):
            self._cleaning.removed.add(Removed.EMBEDDED_FILE)
            return None
        called = next(name for name, media_type in PICTURE_TYPES.items() if media_type == cleaned.media_type)
        return f"{name};ENCODING=b;TYPE={called}:{base64.b64encode(cleaned.data).decode('ascii')}"


def _properties(text: str) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """Name, parameters and value of each line; the words of vCard 2.1 as later versions write them."""
    lines = iter(_FOLD.sub("", text).split("\n"))
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            if line.strip():
                yield "", {}, line
            continue
        parameters: dict[str, str] = {}
        for name, value in _PARAMETER.findall(found[2]):
            key = name.upper() if value else "TYPE"  # vCard 2.1: TEL;CELL
            chosen = (value or name).strip('"')
            parameters[key] = f"{parameters[key]},{chosen}" if key in parameters else chosen
        value = found[3]
        if _QUOTED in {parameters.get("ENCODING", "").upper(), *parameters.get("TYPE", "").upper().split(",")}:
            while value.endswith("="):
                value = value[:-1] + next(lines, "")
            parameters["TYPE"] = re.sub(rf"(?i),?\b{_QUOTED}\b", "", parameters.get("TYPE", "")).strip(",")
            value = _unquoted(value, parameters.get("CHARSET", "utf-8"))
        yield found[1].upper(), parameters, value


def _unquoted(value: str, charset: str) -> str:
    data = quopri.decodestring(value.encode("utf-8", "surrogateescape"))
    try:
        text = data.decode(charset)
    except (LookupError, ValueError):
        text = encoding.decode(data)
    return text.replace("\r\n", "\n").replace("\n", "\\n").replace("\r", "\\n")
