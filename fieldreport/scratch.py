"""The encrypted temporary file: uploads and cleaned files lie here while they are worked on, never in the clear.

Rules: the file has no name, its key is in memory only, and both go when it is closed. Chunks of 64 KiB under
AES-256-GCM, each bound to its index, each written under a nonce that is never used again: libraries seek back and
rewrite, which is why a plain stream cipher would give two texts under one keystream. There is no ``fileno``, so nothing
can reach around the cipher. What is read was authenticated.

One slot of the file: nonce (12 bytes), ciphertext (65,536), tag (16). The chunk index is the associated data. The last
chunk is filled with zeros, so the size is known to the owner, not to the disk.

A process that was given the descriptor over a socket and the key adopts the file. It is for two processes to take
turns: what one wrote, the other sees when it adopts the file anew. Their nonces differ by a random prefix.
"""

from __future__ import annotations

import errno
import io
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import Buffer, override

from fieldreport import limits
from fieldreport.errors import LimitExceeded, StoreError

_CHUNK: Final = 64 * limits.KIB
_NONCE: Final = 12
_PREFIX: Final = 7  # random part of the nonce, drawn by each writer; the other five bytes count its writes
_SLOT: Final = _NONCE + _CHUNK + 16
_CACHED: Final = 2  # what is being written and what is being read
_ZEROS: Final = bytes(_CHUNK)

_forks = 0


def _forked() -> None:
    global _forks  # noqa: PLW0603 - the one fact about the process that every writer must notice
    _forks += 1


os.register_at_fork(after_in_child=_forked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchShare:
    """What another process needs: the descriptor, the 32-byte key, the plaintext's size in bytes."""

    fd: int
    key: bytes = field(repr=False)
    size: int


@dataclass(slots=True)
class _Cached:
    index: int
    chunk: bytearray = field(repr=False)
    dirty: bool = False


class Scratch(io.RawIOBase):
    """A seekable, rewritable file of bytes, encrypted on the way to ``directory``. For one thread at a time.

    Reads and writes are whole: ``readinto`` fills the buffer unless the end is reached, ``write`` takes everything.

    Raises:
        StoreError: the directory cannot be written, the disk is full, or what is read is not what was written.
        LimitExceeded: the file would grow over ``limits.SCRATCH_BYTES``.
    """

    _fd = -1  # until there is one: a failed open leaves something that can be closed

    def __init__(self, directory: Path) -> None:
        super().__init__()
        try:
            descriptor = _open_nameless(directory)
        except OSError as error:
            raise _refused(error) from None
        self._start(descriptor, os.urandom(32), size=0, writable=True, shared=False)

    @classmethod
    def adopt(cls, share: ScratchShare, *, writable: bool = False) -> Self:
        """Take over the descriptor, which is closed with the result; reads and writes leave its file offset alone.

        To write it must be called before a sandbox forbids to draw random bytes. A size that the other process made up
        is found out when reading: a chunk that is not there, or not under this key at this place, is refused.

        Raises:
            StoreError: a size below zero or over the bound; the descriptor stays the caller's.
        """
        if not 0 <= share.size <= limits.SCRATCH_BYTES:
            raise _damaged("impossible size")
        adopted = cls.__new__(cls)
        io.RawIOBase.__init__(adopted)
        cls._start(adopted, share.fd, share.key, size=share.size, writable=writable, shared=True)
        return adopted

    def share(self) -> ScratchShare:
        """Write what is still in memory and tell another process how to adopt the file. The descriptor stays ours."""
        self._check_open()
        self.flush()
        self._shared = True
        return ScratchShare(fd=self._fd, key=self._key, size=self._size)

    def _start(self, descriptor: int, key: bytes, *, size: int, writable: bool, shared: bool) -> None:
        self._fd = descriptor
        self._key = key
        self._cipher = AESGCM(key)
        self._writable = writable
        self._shared = shared
        self._forks = _forks
        self._prefix = os.urandom(_PREFIX) if writable else b""
        self._writes = 0
        self._position = 0
        self._size = size
        self._cache: list[_Cached] = []  # the one used last is last
        self._slot = bytearray(_SLOT)

    @property
    def size(self) -> int:
        """Bytes of plaintext."""
        return self._size

    @override
    def readable(self) -> bool:
        self._check_open()
        return True

    @override
    def writable(self) -> bool:
        self._check_open()
        return self._writable

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
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}.get(whence)
        if origin is None or origin + offset < 0:
            raise OSError(errno.EINVAL, "invalid seek")
        self._position = origin + offset
        return self._position

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        self._check_open()
        view = memoryview(buffer).cast("B")
        total = max(0, min(len(view), self._size - self._position))
        done = 0
        while done < total:
            index, start = divmod(self._position + done, _CHUNK)
            length = min(_CHUNK - start, total - done)
            target = view[done : done + length]
            cached = self._find(index)
            if cached is None and length == _CHUNK:
                self._load(index, target)
            else:
                target[:] = memoryview((cached or self._bring(index)).chunk)[start : start + length]
            done += length
        self._position += total
        return total

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        self._check_open()
        left = max(0, self._size - self._position)
        target = bytearray(left if size is None or size < 0 else min(size, left))
        self.readinto(target)
        return bytes(target)

    @override
    def readall(self) -> bytes:
        return self.read()

    @override
    def write(self, data: Buffer, /) -> int:
        self._check_writable()
        view = memoryview(data).cast("B")
        if not len(view):
            return 0
        if self._position + len(view) > limits.SCRATCH_BYTES:
            raise _too_large()
        self._grow(self._position)
        done = 0
        while done < len(view):
            index, start = divmod(self._position, _CHUNK)
            length = min(_CHUNK - start, len(view) - done)
            piece = view[done : done + length]
            cached = self._find(index)
            if cached is None and length == _CHUNK:
                self._store(index, piece)
            else:
                cached = cached or self._bring(index)
                cached.chunk[start : start + length] = piece
                cached.dirty = True
            done += length
            self._position += length
            self._size = max(self._size, self._position)
        return done

    @override
    def truncate(self, size: int | None = None, /) -> int:
        self._check_writable()
        size = self._position if size is None else size
        if size < 0:
            raise OSError(errno.EINVAL, "invalid size")
        self._grow(size)
        if size < self._size:
            kept, rest = divmod(size, _CHUNK)
            if rest:
                cached = self._find(kept) or self._bring(kept)
                cached.chunk[rest:] = _ZEROS[rest:]
                cached.dirty = True
                kept += 1
            for cached in [cached for cached in self._cache if cached.index >= kept]:
                self._drop(cached)
            self._size = size
            try:
                os.ftruncate(self._fd, kept * _SLOT)
            except OSError as error:
                raise _refused(error) from None
        return size

    @override
    def flush(self) -> None:
        if not self.closed:
            for cached in self._cache:
                self._save(cached)

    @override
    def close(self) -> None:
        if self.closed or self._fd < 0:
            super().close()
            return
        try:
            if self._shared:
                self.flush()  # another process may still read; nobody else ever will
        finally:
            for cached in self._cache[:]:
                self._drop(cached)
            self._key = b""
            os.close(self._fd)
            super().close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _check_writable(self) -> None:
        self._check_open()
        if not self._writable:
            raise io.UnsupportedOperation("not writable")

    def _grow(self, size: int) -> None:
        """Fill with zeros up to ``size``; a hole could not be told from a chunk that was wiped on the disk."""
        if size > limits.SCRATCH_BYTES:
            raise _too_large()
        while self._size < size:
            index, start = divmod(self._size, _CHUNK)
            # The rest of a chunk that is begun is zero already.
            if not start:
                self._store(index, _ZEROS)
            self._size = min(size, (index + 1) * _CHUNK)

    def _find(self, index: int) -> _Cached | None:
        for cached in self._cache:
            if cached.index == index:
                self._cache.remove(cached)
                self._cache.append(cached)
                return cached
        return None

    def _bring(self, index: int) -> _Cached:
        """Put a chunk into the cache that is not there: read, or zeros where the file ends."""
        if len(self._cache) < _CACHED:
            cached = _Cached(index, bytearray(_CHUNK))
        else:
            self._save(self._cache[0])
            cached = self._cache.pop(0)
            cached.index = index
        if index * _CHUNK < self._size:
            self._load(index, memoryview(cached.chunk))
        else:
            cached.chunk[:] = _ZEROS
        self._cache.append(cached)
        return cached

    def _save(self, cached: _Cached) -> None:
        if cached.dirty:
            self._store(cached.index, cached.chunk)
            cached.dirty = False

    def _drop(self, cached: _Cached) -> None:
        cached.chunk[:] = _ZEROS
        self._cache.remove(cached)

    def _store(self, index: int, chunk: bytes | bytearray | memoryview) -> None:
        if self._forks != _forks:
            # The parent would count on from the same number: one nonce, two chunks.
            raise _damaged("written by a forked child")
        self._writes += 1
        slot = memoryview(self._slot)
        slot[:_NONCE] = self._prefix + self._writes.to_bytes(_NONCE - _PREFIX, "big")
        self._cipher.encrypt_into(slot[:_NONCE], chunk, index.to_bytes(8, "big"), slot[_NONCE:])
        try:
            written = 0
            while written < _SLOT:
                written += os.pwrite(self._fd, slot[written:], index * _SLOT + written)
        except OSError as error:
            raise _refused(error) from None

    def _load(self, index: int, target: memoryview) -> None:
        slot = memoryview(self._slot)
        try:
            got = 0
            while got < _SLOT and (step := os.preadv(self._fd, [slot[got:]], index * _SLOT + got)):
                got += step
        except OSError as error:
            raise _refused(error) from None
        if got < _SLOT:
            raise _damaged("chunk is cut short")
        try:
            self._cipher.decrypt_into(slot[:_NONCE], slot[_NONCE:], index.to_bytes(8, "big"), target)
        except InvalidTag:
            target[:] = bytes(len(target))  # the cipher writes before it knows
            raise _damaged("chunk is not what was written") from None


def _open_nameless(directory: Path) -> int:
    try:
        return os.open(directory, os.O_TMPFILE | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        # File systems without O_TMPFILE (network mounts, old overlays) answer one of these.
        if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT} or not directory.is_dir():
            raise
    descriptor, name = tempfile.mkstemp(dir=directory)
    os.unlink(name)  # noqa: PTH108 - as mkstemp named it
    return descriptor


def _refused(error: OSError) -> StoreError:
    return StoreError(
        "a temporary file cannot be written or read",
        code="scratch",
        detail=f"scratch: {errno.errorcode.get(error.errno or 0, 'unknown error')}",
    )


def _damaged(detail: str) -> StoreError:
    return StoreError("a temporary file is damaged", code="scratch", detail=f"scratch: {detail}")


def _too_large() -> LimitExceeded:
    return LimitExceeded("a temporary file is too large", code="scratch", detail="scratch: over SCRATCH_BYTES")
