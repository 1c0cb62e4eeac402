"""Exported chats as their messages: WhatsApp, KakaoTalk, Line, Signal and others write one a line, with time and name.

A text is a conversation when most of its lines begin like messages; a line that does not goes on with the one before.
"""

from __future__ import annotations

import re
from typing import Final

_NOON: Final = r"(?:[ap]\.?\s?m\.?|[AP]\.?\s?M\.?|\u4e0a\u5348|\u4e0b\u5348|\uc624\uc804|\uc624\ud6c4)"
_TIME: Final = rf"(?:{_NOON}\s?)?\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:\s?{_NOON})?"
_DAY: Final = r"(?:\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{1,4}\.?|\d{4}\ub144 \d{1,2}\uc6d4 \d{1,2}\uc77c)"
_WHO: Final = r"(?P<who>[^:\n\[\]]{1,60})"
_SHAPES: Final = tuple(
    re.compile(shape)
    for shape in (
        rf"\u200e?\[(?P<when>{_DAY},?\s{_TIME})\]\s{_WHO}: ?(?P<what>.*)",  # WhatsApp on iPhones
        rf"(?P<when>{_DAY},?\s{_TIME})\s[-\u2013]\s{_WHO}: ?(?P<what>.*)",  # WhatsApp on Android
        rf"(?P<when>{_DAY},?\s{_TIME}),\s{_WHO} : ?(?P<what>.*)",  # KakaoTalk on phones
        rf"\[(?P<who>[^\]\n]{{1,60}})\]\s\[(?P<when>{_TIME})\]\s?(?P<what>.*)",  # KakaoTalk on computers
        rf"(?P<when>{_TIME})\t(?P<who>[^\t\n]{{1,60}})\t(?P<what>.*)",  # Line
        rf"(?P<who>[^\t\n:]{{1,60}}?)\s{{1,4}}(?P<when>{_DAY},?\s{_TIME})(?P<what>)$",  # WeChat: words follow
    )
)
_FEWEST: Final = 3
_LOOKED_AT: Final = 60  # lines
_HEAD: Final = 20_000  # characters
_HOUR: Final = re.compile(r"\d:\d\d")


def is_conversation(text: str) -> bool:
    """Whether a text is an exported chat, by its first lines."""
    return _shape(text) is not None


def messages(text: str) -> list[tuple[str, str, str]] | None:
    """When, who and what of each message, in order; None for a text that is no conversation."""
    shape = _shape(text)
    return None if shape is None else _messages([line.rstrip("\r") for line in text.split("\n")], shape)


def _shape(text: str) -> re.Pattern[str] | None:
    head = text[:_HEAD]
    if ":" not in head or _HOUR.search(head) is None:
        return None
    lines = [line.rstrip("\r") for line in head.split("\n") if line.strip()][:_LOOKED_AT]
    for shape in _SHAPES:
        found = sum(shape.match(line) is not None for line in lines)
        if found >= _FEWEST and found * 2 >= len(lines):
            return shape
    return None


def _messages(lines: list[str], shape: re.Pattern[str]) -> list[tuple[str, str, str]]:
    said: list[tuple[str, str, list[str]]] = []
    for line in lines:
        match = shape.match(line)
        if match is not None:
            said.append((match["when"], match["who"].strip(), [match["what"]]))
        elif said:
            said[-1][2].append(line)
        elif line.strip():
            said.append(("", "", [line]))
    return [(when, who, "\n".join(what).strip("\n")) for when, who, what in said]
