"""What the tags of a recording tell, as categories of ``Removed``.

Rules: reads, never writes; the tags themselves are dropped whole by the formats. Every loop is bounded. The names and
their sources stand in ``tags.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from typing import Final

from fieldreport.scrub.format import Source
from fieldreport.scrub.images import metadata
from fieldreport.scrub.verdicts import Removed

_LOOKED_AT: Final = 1024 * 1024  # of one tag; a cover picture may make it longer
_TAGS_IN_A_ROW: Final = 64

_TABLES: Final = tomllib.loads(files(__package__).joinpath("tags.toml").read_text("utf-8"))
_ID3: Final = tuple((tuple(names), Removed(category)) for category, names in _TABLES["id3"].items())
_COMMENTS: Final = {name: Removed(category) for category, names in _TABLES["vorbis"].items() for name in names}
_NAMES: Final = _COMMENTS | {name: Removed(category) for category, names in _TABLES["ffmpeg"].items() for name in names}
_INFO: Final = {name.encode(): Removed(category) for category, names in _TABLES["riff"].items() for name in names}


def after_id3(source: Source, removed: set[Removed]) -> int:
    """Where the sound may begin: after the ID3v2 tags at the front, whose categories are added to ``removed``."""
    position = 0
    for _ in range(_TAGS_IN_A_ROW):
        head = source.read_at(position, 10)
        if len(head) < 10 or head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        removed |= in_id3(source.read_at(position, min(10 + size, _LOOKED_AT)))
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    return min(position, source.size)


def in_id3(untrusted_tag: bytes) -> frozenset[Removed]:
    """The categories of an ID3v2 tag's frames."""
    pattern = rb"[A-Z][A-Z0-9]{2}" if untrusted_tag[3:4] == b"\x02" else rb"[A-Z][A-Z0-9]{3}"
    length, found, position = len(pattern) and (3 if untrusted_tag[3:4] == b"\x02" else 4), set(), 10
    while position + length <= len(untrusted_tag):
        name = untrusted_tag[position : position + length]
        if re.fullmatch(pattern, name) is None:
            break
        text = name.decode("ascii")
        found.add(next((what for names, what in _ID3 if text.startswith(names)), Removed.OTHER_METADATA))
        if text.startswith("GEO"):
            found |= metadata.in_credentials(untrusted_tag[position:]) - {Removed.OTHER_METADATA}
        if text.startswith(("TXX", "TXXX")) and b"LOCATION" in untrusted_tag[position : position + 200].upper():
            found.add(Removed.LOCATION)
        if length == 3:
            size = int.from_bytes(untrusted_tag[position + 3 : position + 6], "big")
            position += 6 + size
        else:
            raw = untrusted_tag[position + 4 : position + 8]
            synchsafe = untrusted_tag[3:4] == b"\x04"
            size = sum(byte << shift for byte, shift in zip(raw, (21, 14, 7, 0), strict=False)) if synchsafe else 0
            position += 10 + (size if synchsafe else int.from_bytes(raw, "big"))
    return frozenset(found or {Removed.OTHER_METADATA})


def in_comments(untrusted_block: bytes) -> frozenset[Removed]:
    """The categories of a Vorbis comment block: vendor, then ``NAME=value`` pairs, each after its length."""
    found: set[Removed] = set()
    vendor = int.from_bytes(untrusted_block[:4], "little")
    if vendor:
        found.add(Removed.SOFTWARE)
    position = 4 + vendor
    count = int.from_bytes(untrusted_block[position : position + 4], "little")
    position += 4
    for _ in range(min(count, 10_000)):
        if position + 4 > len(untrusted_block):
            break
        length = int.from_bytes(untrusted_block[position : position + 4], "little")
        name = untrusted_block[position + 4 : position + 4 + min(length, 64)].partition(b"=")[0]
        found.add(_COMMENTS.get(name.decode("ascii", "replace").upper(), Removed.OTHER_METADATA))
        position += 4 + length
    return frozenset(found)


def in_names(untrusted_names: Iterable[str]) -> set[Removed]:
    """The categories of names as FFmpeg calls what it finds in a file."""
    return {_NAMES.get(name.upper(), Removed.OTHER_METADATA) for name in untrusted_names}


def in_info(untrusted_list: bytes) -> frozenset[Removed]:
    """The categories of a RIFF ``LIST`` of the type INFO."""
    found, position = set(), 4
    while position + 8 <= len(untrusted_list):
        name = untrusted_list[position : position + 4]
        size = int.from_bytes(untrusted_list[position + 4 : position + 8], "little")
        found.add(_INFO.get(name, Removed.OTHER_METADATA))
        position += 8 + size + size % 2
    return frozenset(found or {Removed.OTHER_METADATA})
