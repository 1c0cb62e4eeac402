"""Makes OLE compound files ([MS-CFB]) and Hangul documents in them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

_SECTOR: Final = 512
_SMALL: Final = 4096  # streams below lie in a stream of their own
_END, _FREE, _FAT = 0xFFFF_FFFE, 0xFFFF_FFFF, 0xFFFF_FFFD


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """Streams by their paths, of one storage at most; each as long as those that lie in sectors of the file."""
    streams = {name: data.ljust(_SMALL, b"\0") for name, data in streams.items()}
    storages = sorted({name.partition("/")[0] for name in streams if "/" in name})
    names = ["Root Entry", *storages, *streams]
    children = {storage: [i for i, name in enumerate(names) if name.startswith(f"{storage}/")] for storage in storages}
    children["Root Entry"] = [i for i, name in enumerate(names[1:], 1) if "/" not in name]
    sectors: list[bytes] = []
    chains: list[int] = []
    starts: dict[str, int] = {}

    def add(data: bytes) -> int:
        start = len(sectors)
        pieces = [data[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(data), _SECTOR)]
        sectors.extend(pieces)
        chains.extend([*range(start + 1, start + len(pieces)), _END])
        return start if pieces else _END

    for name, data in streams.items():
        starts[name] = add(data)
    following = {i: group[place + 1] for group in children.values() for place, i in enumerate(group[:-1])}
    entries = b"".join(
        _entry(
            name.rpartition("/")[2],
            5 if i == 0 else 1 if name in children else 2,
            (following.get(i, _FREE), (children.get(name) or [_FREE])[0]),
            starts.get(name, _END),
            len(streams.get(name, b"")),
        )
        for i, name in enumerate(names)
    )
    directory = add(entries)
    fat_at = len(sectors)
    chains.append(_FAT)
    assert len(chains) <= 128
    fat = struct.pack("<128I", *(chains + [_FREE] * 128)[:128])
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, directory, 0, _SMALL, _END, 0, _END, 0, fat_at,
    )  # fmt: skip
    return head.ljust(_SECTOR, b"\xff") + b"".join(sectors) + fat


def _entry(name: str, kind: int, links: tuple[int, int], start: int, size: int) -> bytes:
    """Of the directory. ``links``: to the next in the same storage, and to the first inside."""
    encoded = f"{name}\0".encode("utf-16-le")
    following, first = links
    return struct.pack(
        "<64sHBBIII36xIQ", encoded, len(encoded), kind, 1, _FREE, following, first, start if kind == 2 else 0, size
    )


def record(tag: int, level: int, body: bytes) -> bytes:
    """Of a section; a length beyond twelve bits stands in four bytes of its own."""
    if len(body) < 0xFFF:
        return struct.pack("<I", tag | level << 10 | len(body) << 20) + body
    return struct.pack("<II", tag | level << 10 | 0xFFF << 20, len(body)) + body


def paragraph(words: str, level: int = 1) -> bytes:
    """Words in a record, with the control at their end."""
    return record(67, level, f"{words}\r".encode("utf-16-le"))


def hangul(
    lines: Sequence[str], *, pictures: Sequence[bytes] = (), told: str = "", flags: int = 1, extra: bytes = b""
) -> bytes:
    """A document of HWP 5. ``told``: what its summary says; ``flags``: 1 compressed, 2 locked, 4 for distribution."""

    def packed(data: bytes) -> bytes:
        return zlib.compress(data)[2:-4] if flags & 1 else data

    section = b"".join(map(paragraph, lines)) + extra
    header = b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x0500_0107, flags)
    streams = {
        "FileHeader": header.ljust(256, b"\0"),
        "\5HwpSummaryInformation": told.encode("utf-16-le"),
        "BodyText/Section0": packed(section),
    }
    streams |= {f"BinData/BIN000{number}.jpg": packed(data) for number, data in enumerate(pictures, 1)}
    return compound_file(streams)
