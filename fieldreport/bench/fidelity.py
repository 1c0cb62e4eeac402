"""Whether a cleaned file still has its content, as the libraries of other programs read it.

Pixels of every picture, turned as a viewer turns it; every frame of a film and every sample of a recording, with its
time; the text of documents. Of kinds that no library here reads (drawings, archives, rich text) nothing is said.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

import av
import pillow_heif
import pypdfium2
from lxml import etree, html
from PIL import Image, ImageOps, ImageSequence

from fieldreport.bench.recordings import recorded

_PICTURES: Final = frozenset({"jpg", "png", "gif", "webp", "tiff", "bmp", "heic", "avif"})
# The parts that are read, and the elements in them whose own text is, without their namespaces.
_SAID_IN: Final = {
    "docx": (re.compile(r"word/document\.xml"), frozenset({"t"})),
    "pptx": (re.compile(r"ppt/slides/slide\d+\.xml"), frozenset({"t"})),
    "xlsx": (re.compile(r"xl/(worksheets/sheet\d+|sharedStrings)\.xml"), frozenset({"t", "v"})),
    "odt": (re.compile(r"content\.xml"), frozenset({"p", "h", "span"})),
    "epub": (re.compile(r".*\.xhtml"), frozenset({"p", "a"})),
}


def content_of(kind: str, data: bytes) -> bytes | None:
    """A digest of what a file of this kind (its usual extension) shows or plays; None if nothing here reads it."""
    if kind in _PICTURES:
        pieces = _pixels(data)
    elif kind in recorded():
        pieces = _played(data)
    elif kind == "pdf":
        pieces = _pages(data)
    elif kind in _SAID_IN:
        pieces = iter(sorted(_said(data, *_SAID_IN[kind])))  # parts may come in another order
    elif kind == "html":
        (body,) = html.fromstring(data).iter("body")
        pieces = iter(" ".join(map(str, body.itertext())).encode().split())
    elif kind == "txt":
        pieces = iter(data.splitlines())
    else:
        return None
    summed = hashlib.sha256()
    for number, piece in enumerate(pieces):
        summed.update(b"%d %d " % (number, len(piece)))
        summed.update(piece)
    return summed.digest()


def _pixels(data: bytes) -> Iterator[bytes]:
    pillow_heif.register_heif_opener()
    with Image.open(io.BytesIO(data)) as picture:
        for frame in ImageSequence.Iterator(picture):
            turned = ImageOps.exif_transpose(frame).convert("RGBA")
            yield repr(turned.size).encode()
            yield turned.tobytes()


def _played(data: bytes) -> Iterator[bytes]:
    with av.open(io.BytesIO(data), "r") as file:
        streams = [stream for stream in file.streams if isinstance(stream, (av.VideoStream, av.AudioStream))]
        for frame in file.decode(*streams):
            if isinstance(frame, av.VideoFrame):
                yield f"picture at {round(1000 * (frame.time or 0))} ms".encode()
                yield from map(_lines, frame.planes)
            elif isinstance(frame, av.AudioFrame):
                yield f"sound at {round(1000 * (frame.time or 0))} ms".encode()
                channels = 1 if frame.format.is_planar else len(frame.layout.channels)
                heard = frame.samples * frame.format.bytes * channels
                yield from (bytes(plane)[:heard] for plane in frame.planes)


def _lines(plane: av.video.plane.VideoPlane) -> bytes:
    """A plane without the padding of its lines, which has no fixed content."""
    data = bytes(plane)
    return b"".join(data[line * plane.line_size :][: plane.width] for line in range(plane.height))


def _pages(data: bytes) -> Iterator[bytes]:
    document = pypdfium2.PdfDocument(data)
    for page in document:
        yield page.get_textpage().get_text_bounded().encode()


def _said(data: bytes, parts: re.Pattern[str], elements: frozenset[str]) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            if parts.fullmatch(name) is None:
                continue
            for element in etree.fromstring(package.read(name)).iter():
                if etree.QName(element).localname in elements and (element.text or "").strip():
                    yield (element.text or "").encode()
