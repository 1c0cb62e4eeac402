"""Small files of ours, cleaned in the warm parent once and in every child for as long as it waits for its own.

The first time loads whatever libraries load late. After that, a child that has been forked shares its parent's memory
until it touches it, and the first touch of every page is slow (two microseconds, hundreds of times for a file); a child
that warms up while nobody waits has already paid for that. One file of each format that takes a path of its own, as
quick to clean as can be. All of it is in memory only.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Final

from fastcrc import crc8, crc16
from PIL import Image

from fieldreport.scratch import Scratch, ScratchShare
from fieldreport.scrub.images import codecs
from fieldreport.scrub.sandbox import child, wire
from fieldreport.scrub.sandbox.wire import Cleaned, Order
from fieldreport.scrub.verdicts import Options

_OUTPUT_BYTES: Final = 64 * 1024
_ROOM_BYTES: Final = 1024 * 1024
_PIECE_BYTES: Final = 400  # small enough for the interpreter's own allocator
_TEXT: Final = "At night, caf\u00e9.\n".encode()
_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns"


class WarmUp:
    """The files and where their clean copies go. What one child writes there no other believes."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._inputs = [self._kept(data) for data in (_photo(), _TEXT, *_recordings(), _text_document(), _book())]
        self._output = os.memfd_create("warm-up")
        self._keeps_memory: object = None

    def perform(self, until: Callable[[], bool]) -> None:
        """Clean one after the other until there is something better to do.

        Raises:
            AssertionError: one of them is refused, so that nothing would be made ready by it.
        """
        for number, (descriptor, size) in enumerate(self._inputs):
            if until():
                return
            if number == 1:
                self._keeps_memory = _touch_memory()  # after the photo, which most files are
            order = Order(
                options=Options(),
                input_key=self._key,
                input_size=size,
                output_key=self._key,
                output_limit=_OUTPUT_BYTES,
            )
            answer = child.perform(Order.decode(order.encode()), os.dup(descriptor), os.dup(self._output))
            assert isinstance(wire.parse(wire.encode(answer)), Cleaned), answer  # noqa: S101 - a file of ours

    def _kept(self, data: bytes) -> tuple[int, int]:
        descriptor = os.memfd_create("warm-up")
        with Scratch.adopt(ScratchShare(fd=os.dup(descriptor), key=self._key, size=0), writable=True) as written:
            written.write(data)
        return descriptor, len(data)


def _touch_memory() -> object:
    """Take what a file of the usual size needs and give it back: both allocators keep it (see ``warmparent``).

    The interpreter's does as long as something is left in it: the answer.
    """
    large, small = b"1" * _ROOM_BYTES, [bytes(_PIECE_BYTES) for _ in range(_ROOM_BYTES // _PIECE_BYTES // 2)]
    del large
    return small[-1]


def _photo() -> bytes:
    return codecs.encode_jpeg(Image.new("RGB", (16, 16), "gray"))


def _recordings() -> tuple[bytes, ...]:
    """Silence as MP3, FLAC and Opus."""
    frame = b"\xff\xfb\x90\xc0".ljust(417, b"\0")
    information = frame[:21] + b"Info" + frame[25:]
    mp3 = b"ID3\x04\0\0\0\0\0\x0b" + b"TSSE\0\0\0\x01\0\0\0" + information + frame * 3
    description = struct.pack(">HH3s3sQ16x", 192, 192, b"", b"", 44_100 << 44 | 15 << 36)
    flac = b"fLaC\x80\0\0\x22" + description + b"".join(_silence(number) for number in range(3))
    pages = ((2, b"OpusHead\1\1" + bytes(9)), (0, b"OpusTags" + bytes(8)), (0, b"\xf8\xff\xfe"), (4, b"\xf8\xff\xfe"))
    opus = b"".join(
        struct.pack("<4sBBqIII2B", b"OggS", 0, flags, number, 1, number, 0, 1, len(body)) + body
        for number, (flags, body) in enumerate(pages)
    )
    return mp3, flac, opus


def _silence(number: int) -> bytes:
    """A frame of FLAC: 192 samples of nothing, one channel of 16 bits (RFC 9639, section 9)."""
    header = b"\xff\xf8\x19\x08" + bytes((number,))
    body = header + bytes((crc8.smbus(header),)) + bytes(3)
    return body + crc16.umts(body).to_bytes(2, "big")


def _text_document() -> bytes:
    kind = "application/vnd.oasis.opendocument.text"
    manifest = f'<m:manifest xmlns:m="{_OASIS}:manifest:1.0"><m:file-entry m:full-path="/"/></m:manifest>'
    content = (
        f'<office:document-content xmlns:office="{_OASIS}:office:1.0" xmlns:text="{_OASIS}:text:1.0"><office:body>'
        '<office:text><text:p text:style-name="Standard">a<text:span>b</text:span></text:p></office:text></office:body>'
        "</office:document-content>"
    )
    return _packed({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content, "meta.xml": "<m/>"})


def _book() -> bytes:
    """Of one page, with a style and a drawing: what most of the code for books, pages, drawings and styles reads."""
    container = (
        f'<container xmlns="{_OASIS}:container"><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="a" href="a.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>a</title><style>.a{color:red;font-family:Arial}</style>'
        '</head><body><p class="a" id="b">a<br/><a href="#b">b</a></p><svg xmlns="http://www.w3.org/2000/svg" '
        'viewBox="0 0 9 9"><path id="c" d="M0 0h9" style="fill:red"/></svg></body></html>'
    )
    kind = "application/epub+zip"
    return _packed({"mimetype": kind, "META-INF/container.xml": container, "p.opf": package, "a.xhtml": page})


def _packed(parts: Mapping[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()
