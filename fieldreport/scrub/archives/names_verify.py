"""The second reading of an archive's cleaned texts: none of them says what a file of it was called.

Another way than ``renames``: every spelling in the whole text is read first, and then all names are looked for at once.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

import ahocorasick

from fieldreport.scrub import registry
from fieldreport.scrub.verdicts import Residue

_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_ENDING: Final = re.compile(r".\.[a-z0-9]{1,10}\Z")
_ADDRESS: Final = re.compile(r"https?://[^\s\"'<>]*", re.IGNORECASE)
_CODE: Final = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+")


class OldNames:
    """What the files of an archive were called, to be looked for."""

    def __init__(self, untrusted_names: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        for name in untrusted_names:
            last = _plain(name.replace("\\", "/").rpartition("/")[2])
            if _ENDING.search(last) and not registry.named_type(last):
                self._automaton.add_word(last, last)
        self._automaton.make_automaton()

    def verify(self, text: str) -> None:
        """Read a cleaned text.

        Raises:
            Residue: it names a file as it was called.
        """
        if not len(self._automaton):
            return
        for reading in _readings(_ADDRESS.sub(" ", text)):
            plain = _plain(reading)
            for end, name in self._automaton.iter(plain):
                start = end - len(name) + 1
                if plain[end + 1 : end + 2] not in _WORD and (start == 0 or plain[start - 1] not in _WORD):
                    raise Residue


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _readings(text: str) -> Iterator[str]:
    yield text
    if "&" in text:
        yield html.unescape(text)
    if "%" in text:
        yield unquote(text)
    if "\\" in text:
        yield _CODE.sub(lambda code: str(json.loads(f'"{code[0]}"')), text).replace("\\/", "/")
