"""The encrypted temporary file: uploads and cleaned files are kept here while they are worked on, never in the clear.

Rules: the file has no name and its key is only in memory; both are gone when it is closed. Chunks of 64 KiB are sealed
with AES-256-GCM, each bound to its index and each under a nonce that is never used again: libraries seek back and
rewrite, which under a plain stream cipher would give two texts under one keystream. There is no ``fileno``, so nothing
can bypass the cipher. Only authenticated bytes are returned.

One slot of the file: nonce (12 bytes), ciphertext (65,536), tag (16). The chunk index is the associated data. The last
chunk is filled with zeros, so the owner knows the size and the disk does not.

Another process can adopt the file: it gets the descriptor over a socket, and the key. The two must take turns: one sees
what the other wrote once it adopts the file again. Their nonces differ by a random prefix.
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
from fieldreport.seekable import SeekableReader

_CHUNK: Final = 64 * limits.KIB
_NONCE: Final = 12
_PREFIX: Final = 7  # random part of the nonce, drawn by each writer; the other five bytes count its writes
_SLOT: Final = _NONCE + _CHUNK + 16
_CACHED: Final = 2  # what is being written and what is being read
_ZEROS: Final = bytes(_CHUNK)

_forks = 0


def _forked() -> None:
    global _forks  # noqa: PLW0603 - every writer must notice a fork
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


class Scratch(SeekableReader):
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

        With ``writable`` it must be called before a sandbox forbids drawing random bytes. A wrong ``share.size`` is
        found when reading: a chunk that is missing, or not sealed under this key at this place, is refused.

        Raises:
            StoreError: a size below zero or over the bound; the descriptor stays the caller's.
        """
        if not 0 <= share.size <= limits.SCRATCH_BYTES:
            raise _damaged("impossible size")
        adopted = cls.__new__(cls)
        SeekableReader.__init__(adopted)
        cls._start(adopted, share.fd, share.key, size=share.size, writable=writable, shared=True)
        return adopted

    def share(self) -> ScratchShare:
        """Write what is still in memory and return what adopting takes. The descriptor stays ours."""
        self._check_open()
        self.flush()
        self._shared = True
        return ScratchShare(fd=self._fd, key=self._key, size=self.size)

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
        self.size = size
        self._cache: list[_Cached] = []  # least recently used first
        self._slot = bytearray(_SLOT)

    @override
    def writable(self) -> bool:
        self._check_open()
        return self._writable

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        total = max(0, min(len(target), self.size - position))
        done = 0
        while done < total:
            index, start = divmod(position + done, _CHUNK)
            length = min(_CHUNK - start, total - done)
            piece = target[done : done + length]
            cached = self._find(index)
            if cached is None and length == _CHUNK:
                self._load(index, piece)
            else:
                piece[:] = memoryview((cached or self._bring(index)).chunk)[start : start + length]
            done += length
        return total

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
            self.size = max(self.size, self._position)
        return done

    @override
    def truncate(self, size: int | None = None, /) -> int:
        self._check_writable()
        size = self._position if size is None else size
        if size < 0:
            raise OSError(errno.EINVAL, "invalid size")
        self._grow(size)
        if size < self.size:
            kept, rest = divmod(size, _CHUNK)
            if rest:
                cached = self._find(kept) or self._bring(kept)
                cached.chunk[rest:] = _ZEROS[rest:]
                cached.dirty = True
                kept += 1
            for cached in [cached for cached in self._cache if cached.index >= kept]:
                self._drop(cached)
            self.size = size
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
                self.flush()  # another process may still read it
        finally:
            for cached in self._cache[:]:
                self._drop(cached)
            self._key = b""
            os.close(self._fd)
            super().close()

    def _check_writable(self) -> None:
        self._check_open()
        if not self._writable:
            raise io.UnsupportedOperation("not writable")

    def _grow(self, size: int) -> None:
        """Fill with zeros up to ``size``; a hole would look like a chunk that was wiped on the disk."""
        if size > limits.SCRATCH_BYTES:
            raise _too_large()
        while self.size < size:
            index, start = divmod(self.size, _CHUNK)
            # The rest of a started chunk is already zero.
            if not start:
                self._store(index, _ZEROS)
            self.size = min(size, (index + 1) * _CHUNK)

    def _find(self, index: int) -> _Cached | None:
        for cached in self._cache:
            if cached.index == index:
                self._cache.remove(cached)
                self._cache.append(cached)
                return cached
        return None

    def _bring(self, index: int) -> _Cached:
        """Load a missing chunk into the cache: from the file, or zeros after its end."""
        if len(self._cache) < _CACHED:
            cached = _Cached(index, bytearray(_CHUNK))
        else:
            self._save(self._cache[0])
            cached = self._cache.pop(0)
            cached.index = index
        if index * _CHUNK < self.size:
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
            # The parent continues to count from the same number, so two chunks would share a nonce.
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
