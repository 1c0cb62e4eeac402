"""age's ASCII armour: a sealed file as text, for those who send it through a program that spoils binary files.

Rules: only the strict form is read (C2SP age specification, "ASCII armor"): lines of 64 characters but for the last,
canonical base64, nothing before it and only white space after it; CR LF ends a line as LF does.
"""

from __future__ import annotations

import binascii
import io
from collections.abc import Iterator
from typing import Final

from fieldreport import limits
from fieldreport.errors import SealError

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END: Final = b"-----END AGE ENCRYPTED FILE-----"
_LINE: Final = 64


def dearmour(untrusted_file: io.RawIOBase, destination: io.RawIOBase) -> int:
    """Write the binary form of an armoured file; return its length in bytes. Memory does not grow with the file.

    Raises:
        SealError: (code ``armour``) not the strict form; what was written is worth nothing.
    """
    untrusted_file.seek(0)
    written, begun, last, ended = 0, False, False, False
    for some in _lines(untrusted_file):
        if not begun and some.pop(0) != BEGIN:
            raise _malformed("it begins otherwise")
        begun = True
        end = 0 if ended else some.index(_END) if _END in some else len(some)
        lines, after = some[:end], some[end:] if ended else some[end + 1 :]
        ended = ended or end < len(some)
        if any(line.strip() for line in after):
            raise _malformed("something follows it")
        if lines:
            if last or any(len(line) != _LINE for line in lines[:-1]) or not 0 < len(lines[-1]) <= _LINE:
                raise _malformed("lines of another length")
            last = len(lines[-1]) < _LINE or lines[-1].endswith(b"=")
            raw = _decode(b"".join(lines))
            destination.write(raw)
            written += len(raw)
    if not ended:
        raise _malformed("it does not end")
    return written


def _lines(untrusted_file: io.RawIOBase) -> Iterator[list[bytes]]:
    """All lines, some at a time, without what ends them."""
    begun = b""
    while data := untrusted_file.read(limits.READ_BYTES):
        *whole, begun = (begun + data).split(b"\n")
        if len(begun) > _LINE + 1:  # a CR that its LF has not followed yet
            raise _malformed("a line is too long")
        if whole:
            yield [line.removesuffix(b"\r") for line in whole]
    if begun:
        yield [begun.removesuffix(b"\r")]


def _decode(untrusted_text: bytes) -> bytes:
    try:
        raw = binascii.a2b_base64(untrusted_text)
    except binascii.Error:
        raise _malformed("not base64") from None
    if binascii.b2a_base64(raw, newline=False) != untrusted_text:
        raise _malformed("not canonical base64")
    return raw


def _malformed(detail: str) -> SealError:
    return SealError("this is not an armoured file in its strict form", code="armour", detail=f"armour: {detail}")
