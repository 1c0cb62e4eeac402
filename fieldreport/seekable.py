"""The reading half of a binary file that is read at any position: what scratch, sealed and stored files share."""

from __future__ import annotations

import errno
import io
import os
from abc import ABC, abstractmethod
from typing import BinaryIO

from typing_extensions import Buffer, override


class SeekableReader(io.RawIOBase, ABC):
    """A file of ``size`` bytes with a position of its own, over ``readinto_at``. For one thread at a time.

    Reads are whole: ``readinto`` fills the buffer and ``read`` returns as much as was asked for, unless the end is
    reached. The position may lie after the end, where reads are empty.

    Raises:
        OSError: (``EINVAL``) a seek before the beginning, or from an origin that does not exist.
        ValueError: the file is closed.
    """

    size: int
    _position = 0

    @abstractmethod
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        """Fill ``target`` with the bytes from ``position`` on and answer how many; fewer only at the end.

        ``position`` may lie after the end. Called while the file is open.
        """

    @override
    def readable(self) -> bool:
        self._check_open()
        return True

    @override
    def seekable(self) -> bool:
        self._check_open()
        return True

    @override
    def tell(self) -> int:
        self._check_open()
        return self._position

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._check_open()
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}.get(whence)
        if origin is None or origin + offset < 0:
            raise OSError(errno.EINVAL, "invalid seek")
        self._position = origin + offset
        return self._position

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        self._check_open()
        count = self.readinto_at(self._position, memoryview(buffer).cast("B"))
        self._position += count
        return count

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        self._check_open()
        left = max(0, self.size - self._position)
        target = bytearray(left if size is None or size < 0 else min(size, left))
        return bytes(memoryview(target)[: self.readinto(target)])

    @override
    def readall(self) -> bytes:
        return self.read()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


class Joined(SeekableReader):
    """Bytes, and after them a whole seekable file: a sealed object whose header and payload lie apart, as one file.

    Closing it closes the file.
    """

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head, self._rest = head, rest
        self.size = len(head) + rest.seek(0, os.SEEK_END)

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        head = self._head[position : position + len(target)]
        target[: len(head)] = head
        self._rest.seek(max(0, position - len(self._head)))
        rest = self._rest.read(len(target) - len(head))
        target[len(head) : len(head) + len(rest)] = rest
        return len(head) + len(rest)

    @override
    def close(self) -> None:
        self._rest.close()
        super().close()
