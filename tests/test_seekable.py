"""What every seekable reader does alike."""

from __future__ import annotations

import errno
import io

import pytest
from typing_extensions import override

from fieldreport.seekable import SeekableReader

CONTENT = bytes(range(100))


class Reader(SeekableReader):
    size = len(CONTENT)

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        piece = CONTENT[position : position + len(target)]
        target[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(
    ("offset", "whence", "position"), [(7, io.SEEK_SET, 7), (-3, io.SEEK_END, 97), (5, io.SEEK_CUR, 15)]
)
def test_it_seeks_from_every_origin(offset: int, whence: int, position: int) -> None:
    reader = Reader()
    reader.seek(10)
    assert reader.seek(offset, whence) == reader.tell() == position
    assert reader.read(2) == CONTENT[position : position + 2]


@pytest.mark.parametrize(("offset", "whence"), [(-1, io.SEEK_SET), (-11, io.SEEK_CUR), (-101, io.SEEK_END), (0, 9)])
def test_it_refuses_a_position_before_the_beginning(offset: int, whence: int) -> None:
    reader = Reader()
    reader.seek(10)
    with pytest.raises(OSError, match="invalid seek") as caught:
        reader.seek(offset, whence)
    assert caught.value.errno == errno.EINVAL
    assert reader.tell() == 10


def test_it_reads_nothing_after_the_end() -> None:
    reader = Reader()
    assert reader.seek(1000) == 1000
    assert reader.read() == reader.read(5) == b""
    assert reader.readinto(bytearray(5)) == 0


def test_it_reads_whole() -> None:
    reader = Reader()
    assert reader.read(30) + reader.read(-1) == CONTENT
    reader.seek(0)
    assert io.BufferedReader(reader).read() == CONTENT


def test_it_answers_nothing_once_closed() -> None:
    reader = Reader()
    reader.close()
    for act in (reader.readable, reader.seekable, reader.tell, reader.read, lambda: reader.seek(0)):
        with pytest.raises(ValueError, match="closed file"):
            act()
