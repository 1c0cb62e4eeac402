"""What systems and programs leave beside files: told by its name, and only where it is nothing to look at."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from importlib.resources import files
from typing import Final

from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Refused

# AppleDouble (RFC 1740) and the Finder's .DS_Store, whatever they are called.
_CONTENTS: Final = (b"\x00\x05\x16\x07", b"\x00\x00\x00\x01Bud1")
_TABLE: Final = tomllib.loads(files(__package__).joinpath("litter.toml").read_text(encoding="utf-8"))
_FOLDERS: Final = frozenset(_TABLE["folders"])
_NAMES: Final = re.compile("|".join(map(fnmatch.translate, _TABLE["names"])))
_WORDS: Final = frozenset({"text/plain", "text/html"})


def is_litter(untrusted_name: str, untrusted_content: bytes) -> bool:
    """Whether a member of an archive is nothing that somebody put there to be read."""
    if untrusted_content.startswith(_CONTENTS):
        return True
    *folders, name = untrusted_name.lower().split("/")
    if _FOLDERS.isdisjoint(folders) and not _NAMES.fullmatch(name):
        return False
    try:
        media_type = sniff(Source.of(untrusted_content))
    except Refused:
        return True
    return media_type in _WORDS or media_type not in registry.BY_TYPE
