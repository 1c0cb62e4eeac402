"""Decoding the pages of a TIFF and writing them in our form, which knows twelve tags."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from PIL import Image

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import codecs, icc, icc_profiles, metadata, paper
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed

_SUBFILE, _XMP, _IPTC, _PHOTOSHOP, _PROFILE, _CREDENTIALS = 254, 700, 33723, 34377, 34675, 52545
_REDUCED_OR_MASK: Final = 0b101
_STRIP_BYTES: Final = 1 << 20  # of pixels in one compressed strip

# Pillow mode → bits of each sample, photometric interpretation, extra samples
_MODES: Final = {
    "1": ((1,), 1, ()),
    "L": ((8,), 1, ()),
    "I;16": ((16,), 1, ()),
    "RGB": ((8, 8, 8), 2, ()),
    "RGBA": ((8, 8, 8, 8), 2, (2,)),  # unassociated alpha
    "CMYK": ((8, 8, 8, 8), 5, ()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One page to be written; ``profile`` is one of ours or None."""

    image: Image.Image
    profile: bytes | None


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same pages."""
    head = untrusted_source.read_at(0, limits.SCRUB_WHOLE_BYTES)
    cleaning.removed |= metadata.in_exif(head).removed - {Removed.THUMBNAIL}  # what follows the first page are pages
    del head
    sink.write(b"II*\0\0\0\0\0")
    link, pages = 4, 0
    for page in _pages(untrusted_source, cleaning):
        directory = _write(sink, page)
        sink.seek(link)
        sink.write(struct.pack("<I", directory))
        link = sink.size - 4
        sink.seek(sink.size)
        pages += 1
    if not pages:
        raise Damaged
    return "image/tiff"


def _pages(source: Source, cleaning: Cleaning) -> Iterator[_Page]:
    file = codecs.open_tiff(source.file())
    for number in range(limits.IMAGE_FRAMES + 1):
        try:
            if not codecs.turn_to(file, number):
                return
        except Damaged:  # a mask may be of a kind that no page is; its tags have been read by then
            if number and file.tell() == number and _is_small_or_mask(codecs.tiff_blocks(file)):
                cleaning.removed.add(Removed.THUMBNAIL)
                continue
            raise
        check_image(*file.size, frames=number + 1)
        codecs.check_decoded(*file.size)
        blocks = codecs.tiff_blocks(file)
        cleaning.removed |= _categories(blocks)
        if number and _is_small_or_mask(blocks):
            cleaning.removed.add(Removed.THUMBNAIL)
            continue
        width, height = file.size
        cleaning.spend(width * height * 8)
        yield _page(codecs.decoded(file), blocks.get(_PROFILE, b""), cleaning)
    raise Bomb


def _is_small_or_mask(blocks: Mapping[int, bytes]) -> bool:
    """Of another page. In either byte order, since only the lowest bits are ever set."""
    return any(byte & _REDUCED_OR_MASK for byte in blocks.get(_SUBFILE, b""))


def _categories(blocks: Mapping[int, bytes]) -> frozenset[Removed]:
    found: frozenset[Removed] = frozenset()
    for tag, read in (
        (_XMP, metadata.in_xmp),
        (_IPTC, metadata.in_photoshop),
        (_PHOTOSHOP, metadata.in_photoshop),
        (_CREDENTIALS, metadata.in_credentials),
    ):
        if tag in blocks:
            found |= read(blocks[tag])
    return found


def _page(image: Image.Image, profile: bytes, cleaning: Cleaning) -> _Page:
    known = icc.identify(profile) if profile else icc_profiles.Known.SRGB
    if profile and profile not in icc_profiles.OURS:
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    if profile and (known is None or image.mode == "CMYK"):
        image, known = codecs.to_srgb(image, profile), icc_profiles.Known.SRGB
    if image.mode not in _MODES:
        image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    image = codecs.without_unseen(paper.page(image, cleaning))
    coloured = image.mode in {"RGB", "RGBA"}
    return _Page(image=image, profile=icc_profiles.profile_for(known) if known is not None and coloured else None)


def _write(sink: Sink, page: _Page) -> int:
    """Append the page's strips and its directory; answers where the directory lies. Its last four bytes link on."""
    width, height = page.image.size
    bits, photometric, extra = _MODES[page.image.mode]
    row = (width * sum(bits) + 7) // 8
    rows = max(1, min(height, _STRIP_BYTES // row))
    offsets, counts = [], []
    for top in range(0, height, rows):
        # A strip at a time: all pixels at once would be there twice.
        raw = page.image.crop((0, top, width, min(top + rows, height))).tobytes()
        strip = zlib.compress(raw, 6)
        offsets.append(sink.size)
        counts.append(len(strip))
        sink.write(strip)
    entries: list[tuple[int, int, tuple[int, ...] | bytes]] = [
        (256, 4, (width,)),
        (257, 4, (height,)),
        (258, 3, bits),
        (259, 3, (8,)),  # Deflate
        (262, 3, (photometric,)),
        (273, 4, tuple(offsets)),
        (277, 3, (len(bits),)),
        (278, 4, (rows,)),
        (279, 4, tuple(counts)),
        (284, 3, (1,)),  # samples of a pixel side by side
    ]
    if extra:
        entries.append((338, 3, extra))
    if page.profile is not None:
        entries.append((_PROFILE, 7, page.profile))
    return _write_directory(sink, entries)


def _write_directory(sink: Sink, entries: list[tuple[int, int, tuple[int, ...] | bytes]]) -> int:
    table = []
    for tag, kind, values in entries:
        packed = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{'HI'[kind == 4]}", *values)
        if len(packed) > 4:
            sink.write(bytes(sink.size % 2))  # values begin at even places
            place = struct.pack("<I", sink.size)
            sink.write(packed)
        else:
            place = packed.ljust(4, b"\0")
        table.append(struct.pack("<HHI", tag, kind, len(values)) + place)
    sink.write(bytes(sink.size % 2))
    directory = sink.size
    sink.write(struct.pack("<H", len(table)) + b"".join(table) + bytes(4))
    return directory


def warm() -> None:
    """Load the decoder."""
    codecs.warm_tiff()
