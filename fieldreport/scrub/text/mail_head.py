"""Whether a file begins as a saved mail does, and what stands at its top.

Rules: a text is taken for a mail only when nothing but fields comes first, because of a mail everything there goes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from fieldreport.scrub.verdicts import Removed

_TABLE: Final = tomllib.loads(files(__package__).joinpath("mail_head.toml").read_text(encoding="utf-8"))
_TELLING: Final = frozenset(_TABLE["telling"])
_REMOVED: Final[Mapping[str, Removed | None]] = {
    name: Removed(called) if called else None for name, called in _TABLE["removed"].items()
}
WRITTEN: Final[Mapping[str, str]] = _TABLE["written"]
"""What mail programs call a field where they write it as words, in small letters → the field that is meant."""
_WRITTEN_FIELDS: Final = 3  # fields that a mail as text has at least: from whom, about what, and one more

MAILBOX_LINE: Final = re.compile(r">?From \S+.*\b\d{2}:\d{2}\b.*\b\d{4}\b")
# As Thunderbird and what hands out Gmail's mailboxes write it: fields of a mail must follow.
_UNDATED_LINE: Final = re.compile(r"From (?:-|\S+@\S+)[ \t]*")
_FOLLOW_IT: Final = frozenset({"from", "message-id", "mime-version", "received", "return-path", "x-mozilla-status"})
# As mail programs write it, alone above a message that has no fields: from whom, weekday, month, day, time, year.
_DATED_LINE: Final = re.compile(
    r"From (\S+) +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}(?::\d{2})?(?: \S{1,6})? \d{4}\s*"
)
_LENGTH_LINE: Final = re.compile(r"[0-9]{1,12}[ \t]*")  # Apple Mail: how many bytes the message has
_FIELD: Final = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_WRITTEN_FIELD: Final = re.compile(r"[ \t*]*([^\W\d_][^:\t\uff1a]{0,30}?)[ \t*]*[:\uff1a](.*)", re.DOTALL)
_RELAY: Final = re.compile(r"(from|by|\()\b.*;.*\d", re.DOTALL)
_PARTS: Final = re.compile(r"multipart/.*\bboundary=", re.DOTALL | re.IGNORECASE)
_ENCODED_WORDS: Final = re.compile(r"[ \t]*(?:=\?[^?\s]+\?[BQbq]\?[^?\s]*\?=[ \t]*)+")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Head:
    """The fields of a message and where its body begins, in characters.

    ``is_text``: a mail program wrote them as words, in any language; what follows is no MIME.
    """

    fields: tuple[tuple[str, str], ...]
    body: int
    is_text: bool = False

    @property
    def removed(self) -> set[Removed]:
        """What goes with them."""
        found = {_REMOVED.get(name, Removed.OTHER_METADATA) for name, _ in self.fields}
        return {each for each in found if each is not None}


def may_begin(untrusted_start: str) -> bool:
    """Whether the first line is one that a mail in MIME begins with: the rest need not be read where it is not."""
    first, _ = next(_lines(untrusted_start.lstrip("\ufeff \t\r\n"), 0))
    return any(pattern.fullmatch(first) for pattern in (MAILBOX_LINE, _UNDATED_LINE, _LENGTH_LINE, _FIELD))


def head_of(untrusted_start: str) -> Head | None:
    """The head of a mail, or none where a text is no mail. ``untrusted_start``: as much of it as there is of a head."""
    start = len(untrusted_start) - len(untrusted_start.lstrip("\ufeff \t\r\n"))
    head, is_mailbox = _read(untrusted_start, _FIELD, start)
    if head.fields and (is_mailbox or _is_telling(head)):
        return _with_rest(untrusted_start, head)
    first, after = next(_lines(untrusted_start, start))
    dated = _DATED_LINE.fullmatch(first)
    if dated is not None:
        return Head(fields=(("from", dated[1]),), body=max(head.body, after))
    written, _ = _read(untrusted_start, _WRITTEN_FIELD, start)
    meant = tuple((WRITTEN.get(name, ""), value) for name, value in written.fields)
    names = {name for name, _ in meant}
    # Somebody's own list of "Date: …" and "Place: …" is no mail.
    is_certain = "" not in names or any("@" in value for name, value in meant if name in {"from", "to"})
    addressed = {name for name, value in meant if "@" in value} >= {"from", "to"}  # and then a line that is damaged
    is_about = len(names - {""}) >= _WRITTEN_FIELDS and {"from", "subject"} <= names and is_certain
    if not addressed and not is_about:
        return None
    return Head(fields=meant, body=written.body, is_text=written.body != head.body)


def _is_telling(head: Head) -> bool:
    names = {name for name, _ in head.fields}
    if any(name == "received" and _RELAY.match(value) for name, value in head.fields) or "mime-version" in names:
        return True
    if any(name == "content-type" and _PARTS.match(value) for name, value in head.fields):
        return True
    if "content-type" in names and any(name == "from" and "@" in value for name, value in head.fields):
        return True
    return len(names) > 1 and not _TELLING.isdisjoint(names)


def _with_rest(text: str, head: Head) -> Head:
    """A head with an empty line in its middle, as some programs leave in a long subject.

    It had yet to say of what kind the body is, and what follows says it.
    """
    if any(name == "content-type" for name, _ in head.fields):
        return head
    position, words = head.body, list[str]()
    for line, after in _lines(text, head.body):
        if _ENCODED_WORDS.fullmatch(line) is None:
            break
        position = after
        words.append(line.strip())
    rest, _ = _read(text, _FIELD, position)
    if not any(name in {"content-type", "mime-version"} for name, _ in rest.fields):
        return head
    *before, (name, value) = head.fields
    return Head(fields=(*before, (name, " ".join((value, *words))), *rest.fields), body=rest.body)


def _lines(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Each line without its end, and where the next one begins."""
    for end in _LINE_END.finditer(text, start):
        yield text[start : end.start()], end.end()
        start = end.end()
    yield text[start:], len(text)


def _read(text: str, field: re.Pattern[str], body: int) -> tuple[Head, bool]:
    """The fields up to the first line that is none, and whether a line of a mailbox came before them."""
    fields: list[tuple[str, str]] = []
    is_mailbox = is_undated = False
    for number, (line, after) in enumerate(_lines(text, body)):
        if not fields and (MAILBOX_LINE.fullmatch(line) or (number == 0 and _LENGTH_LINE.fullmatch(line))):
            is_mailbox = is_mailbox or not line[0].isdigit()
        elif number == 0 and _UNDATED_LINE.fullmatch(line):
            is_undated = True
        elif line[:1] in {" ", "\t"} and fields and line.strip():
            fields[-1] = fields[-1][0], f"{fields[-1][1]} {line.strip()}"
        elif (found := field.fullmatch(line)) is not None:
            fields.append((found[1].casefold(), found[2].strip()))
        else:
            body = after if not line.strip() else body
            break
        body = after
    is_mailbox = is_mailbox or (is_undated and any(name in _FOLLOW_IT for name, _ in fields))
    return Head(fields=tuple(fields), body=body), is_mailbox
