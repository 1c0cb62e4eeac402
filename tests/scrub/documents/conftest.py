"""Documents with a marker in every place where metadata can be, and ways to look for what is left of them."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
from PIL import Image

from fieldreport.scrub import pipeline
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.verdicts import Mode, Removed

MARKER = "PLANTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    media_type: str
    data: bytes
    removed: set[Removed]


class Marks:
    """Hands out unique markers and remembers for which place."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        marker = f"{MARKER}{len(self.places):03d}x"
        self.places[marker] = place
        return marker

    def left_in(self, pieces: Iterable[bytes]) -> list[str]:
        """The places whose markers are found, in UTF-8 or UTF-16, in any of the pieces."""
        found = set()
        for piece in pieces:
            for marker, place in self.places.items():
                if (
                    marker.encode() in piece
                    or marker.encode("utf-16-be") in piece
                    or marker.encode("utf-16-le") in piece
                ):
                    found.add(place)
        return sorted(found)


@pytest.fixture
def marks() -> Marks:
    return Marks()


def _clean(data: bytes, mode: Mode = Mode.LOSSLESS) -> Cleaned:
    """The way a file takes in the child: sniffed, cleaned, verified."""
    cleaning = pipeline.new_cleaning(mode)
    sink = Sink()
    media_type = pipeline.clean(Source.of(data), sink, cleaning)
    return Cleaned(media_type=media_type, data=sink.source().whole(), removed=cleaning.removed)


@pytest.fixture(scope="session")
def clean() -> Callable[[bytes], Cleaned]:
    return _clean


@pytest.fixture(scope="session")
def strongly() -> Callable[[bytes], Cleaned]:
    """The strong way."""
    return lambda data: _clean(data, Mode.STRONG)


@pytest.fixture(scope="session")
def unpacked() -> Callable[[bytes], list[bytes]]:
    return _unpacked


def _unpacked(data: bytes) -> list[bytes]:
    """The file, and everything in it that can be unpacked: members of archives, Flate streams of PDFs."""
    pieces = [data]
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                pieces += [name.encode(), *_unpacked(archive.read(name))]
    if data.startswith(b"%PDF"):
        position = 0
        while (position := data.find(b"stream", position) + 1) > 0:
            start = position + len(b"stream")
            try:
                pieces.append(zlib.decompressobj().decompress(data[start:].lstrip(b"\r\n")))
            except zlib.error:
                continue
    return pieces


def _phone_photo() -> bytes:
    """A JPEG with a maker, a place, an orientation, a comment and a trailer."""
    image = Image.new("RGB", (64, 48), (180, 60, 20))
    for x in range(32):
        image.putpixel((x, 10), (x * 8, 255 - x * 8, 90))
    exif = Image.Exif()
    exif[0x010F] = f"{MARKER}-make"
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[29] = "2026:01:01"
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, comment=f"{MARKER}-comment".encode())
    return file.getvalue() + f"{MARKER}-trailer".encode()


@pytest.fixture(scope="session")
def phone_photo() -> bytes:
    return _phone_photo()
