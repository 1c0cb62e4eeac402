"""The second reading of a GIF, as a stream: every block by its expected shape, up to the very end."""

from __future__ import annotations

from typing import BinaryIO

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue


def verify(source: Source, media_type: str) -> None:
    """Read as a stream, every block by its expected shape, up to the very end."""
    del media_type
    with source.file() as file:
        if file.read(6) != b"GIF89a":
            raise Residue
        screen = file.read(7)
        if len(screen) != 7 or screen[6]:
            raise Residue
        if screen[4] & 0x80:
            file.read(6 << (screen[4] & 7))
        looped = False
        for _ in range(3 * limits.IMAGE_FRAMES):
            introducer = file.read(1)
            if introducer == b";":
                if file.read(1):
                    raise Residue
                return
            if introducer == b",":
                _verify_frame(file)
            elif introducer == b"!":
                looped |= _verify_extension(file, looped=looped)
            else:
                raise Residue
    raise Residue


def _verify_frame(file: BinaryIO) -> None:
    descriptor = file.read(9)
    if len(descriptor) != 9 or descriptor[8] & 0x38:
        raise Residue
    if descriptor[8] & 0x80:
        file.read(6 << (descriptor[8] & 7))
    file.read(1)
    while size := int.from_bytes(file.read(1), "big"):
        if len(file.read(size)) != size:
            raise Residue


def _verify_extension(file: BinaryIO, *, looped: bool) -> bool:
    """Whether it is the loop count, which may stand in a file once."""
    label = file.read(1)
    if label == b"\xf9":
        body = file.read(6)
        if len(body) != 6 or body[0] != 4 or body[1] & 0xE2 or body[5]:
            raise Residue
        return False
    body = file.read(17)
    if label != b"\xff" or looped or body[:14] != b"\x0bNETSCAPE2.0\x03\x01" or body[16:] != b"\0":
        raise Residue
    return True
