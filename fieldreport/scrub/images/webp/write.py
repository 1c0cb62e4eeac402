"""Writing a WebP of the chunks that are kept, or of its pixels."""

from __future__ import annotations

import struct

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import animation, codecs, icc, icc_profiles, paper
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.images.webp.parse import Bitstream, Picture, parse
from fieldreport.scrub.verdicts import Mode, Removed

_PROFILE_FLAG, _ALPHA_FLAG, _ANIMATION_FLAG = 0x20, 0x10, 0x02


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same pixels, or the picture turned upright."""
    picture = parse(untrusted_source.whole(), cleaning.removed)
    profile = picture.profile
    known = icc.identify(profile) if profile else icc_profiles.Known.SRGB
    if profile and (known is None or profile not in icc_profiles.OURS):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    ours = icc_profiles.profile_for(known) if known is not None else None
    still = picture.still
    if picture.animation is not None and cleaning.mode is Mode.STRONG:
        made = animation.frames_as_png(
            _assemble(picture, None),
            "image/webp",
            size=picture.canvas,
            frames=len(picture.frames),
            profile=ours,
            cleaning=cleaning,
        )
        return write_png.clean(Source.of(made), sink, cleaning.lossless())
    # An animation stays as it is: turning or converting it frame by frame would change how its frames fit together.
    again = picture.orientation != 1 or (profile and known is None) or cleaning.mode is Mode.STRONG
    if still is not None and again:
        cleaning.spend(still.width * still.height * 8)
        decoded = codecs.upright(
            codecs.decode(_assemble(picture, None), "image/webp", cleaning.noted), picture.orientation
        )
        if profile and (known is None or cleaning.mode is Mode.STRONG):
            decoded, ours = codecs.to_srgb(decoded, profile), None
        decoded = paper.page(decoded, cleaning)
        lossless = still.lossless and cleaning.mode is Mode.LOSSLESS
        picture = parse(codecs.encode_webp(decoded, lossless=lossless), set())
    sink.write(_assemble(picture, ours))
    return "image/webp"


def _assemble(picture: Picture, profile: bytes | None) -> bytes:
    flags = _PROFILE_FLAG if profile is not None else 0
    bitstreams = [bitstream for _, bitstream in picture.frames] + ([picture.still] if picture.still else [])
    flags |= _ALPHA_FLAG if any(bitstream.alpha for bitstream in bitstreams) else 0
    flags |= _ANIMATION_FLAG if picture.animation is not None else 0
    pieces = []
    # A lossless picture says itself whether it is transparent; only it may do without the extended header then.
    if flags & ~_ALPHA_FLAG or (flags and picture.still is not None and not picture.still.lossless):
        width, height = (side - 1 for side in picture.canvas)
        body = bytes((flags, 0, 0, 0)) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
        pieces.append(_chunk(b"VP8X", body))
    if profile is not None:
        pieces.append(_chunk(b"ICCP", profile))
    if picture.animation is not None:
        pieces.append(_chunk(b"ANIM", picture.animation))
    pieces += [_chunk(b"ANMF", place + _joined(bitstream)) for place, bitstream in picture.frames]
    if picture.still is not None:
        pieces.append(_joined(picture.still))
    body = b"WEBP" + b"".join(pieces)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _joined(bitstream: Bitstream) -> bytes:
    return b"".join(_chunk(kind, body) for kind, body in bitstream.chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + (b"\0" if len(body) & 1 else b"")


def warm() -> None:
    """Load the codec."""
    codecs.warm_webp()
