"""age's ASCII armour: the strict form is read, whatever the length, and nothing else."""

from __future__ import annotations

import base64
import io
import os

import pytest

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.seal import dearmour

BEGIN, END = b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"-----END AGE ENCRYPTED FILE-----\n"
LINE = base64.b64encode(bytes(range(48))) + b"\n"


def armour(content: bytes) -> bytes:
    text = base64.b64encode(content)
    return BEGIN + b"".join(text[place : place + 64] + b"\n" for place in range(0, len(text), 64)) + END


def read(file: bytes) -> bytes:
    written = io.BytesIO()
    length = dearmour(io.BytesIO(file), written)  # type: ignore[arg-type]  # whole reads and writes, as of a scratch file
    assert length == len(written.getvalue())
    return written.getvalue()


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96, 48 * 2000, limits.READ_BYTES, 3 * limits.READ_BYTES + 5])
def test_every_length_comes_back_with_either_end_of_a_line(size: int) -> None:
    content = os.urandom(size)
    assert read(armour(content)) == content
    assert read(armour(content).replace(b"\n", b"\r\n")) == content
    assert read(armour(content).rstrip(b"\n")) == content
    assert read(armour(content) + b"  \t\r\n\n") == content


@pytest.mark.parametrize(
    "file",
    [
        b"",
        BEGIN,
        BEGIN + LINE,
        END,
        b"\n" + BEGIN + LINE + END,
        b" " + BEGIN + LINE + END,
        BEGIN.replace(b"AGE", b"age") + LINE + END,
        BEGIN + LINE + END + b"more",
        BEGIN + LINE + END + LINE,
        BEGIN + LINE + END + BEGIN + LINE + END,
        BEGIN + b"\n" + LINE + END,
        BEGIN + LINE + b"\n" + END,
        BEGIN + LINE[:4] + b"\n" + LINE + END,
        BEGIN + LINE[:32] + b"\n" + LINE[32:64] + b"\n" + END,
        BEGIN + LINE[:64] + LINE + END,
        BEGIN + b"AA==\n" + LINE + END,
        BEGIN + LINE[:60] + b"AA==\n" + LINE + END,
        BEGIN + b"AB==\n" + END,
        BEGIN + b"AA\n" + END,
        BEGIN + b"A===\n" + END,
        BEGIN + b"AA-_\n" + END,
        BEGIN + b"AA A\n" + END,
        BEGIN + b"AAAA \n" + END,
        BEGIN + b"Comment: x\n\n" + LINE + END,
        BEGIN + LINE.replace(b"\n", b"\r") + END,
        BEGIN + b"A" * 300_000,
    ],
)
def test_anything_else_is_refused(file: bytes) -> None:
    with pytest.raises(SealError) as raised:
        read(file)
    assert raised.value.code == "armour"
