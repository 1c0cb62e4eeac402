"""The age payload: a nonce, then chunks of 64 KiB under ChaCha20-Poly1305 (C2SP age, section "Payload").

Rules: the reader authenticates the last chunk, and with it the length, before it returns anything; it returns no byte
of a chunk whose tag it has not checked. The writer never ends a payload by itself: only ``close`` writes the final
chunk, so every reader refuses what an interrupted writer has left.

Each chunk's nonce is its number in eleven bytes and one byte that is 1 for the final chunk, 0 for the others: chunks
cannot change places, and a payload cannot be cut at a chunk's end.
"""

from __future__ import annotations

import os
import threading
from typing import BinaryIO, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from typing_extensions import Buffer, override

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.seal.hybrid import FILE_KEY_BYTES
from fieldreport.seekable import SeekableReader

NONCE_BYTES: Final = 16
TAG_BYTES: Final = 16
_CHUNK: Final = limits.CHUNK_BYTES
_SEALED_CHUNK: Final = _CHUNK + TAG_BYTES
_BATCH: Final = 4  # chunks between two writes; 256 KiB measured fastest


def sealed_size(length: int) -> int:
    """Bytes of the payload that seals ``length`` bytes, the nonce among them."""
    return NONCE_BYTES + length + TAG_BYTES * max(1, -(-length // _CHUNK))


def plaintext_size(size: int) -> int:
    """Bytes that a payload of ``size`` bytes seals.

    Raises:
        SealError: (code ``payload``) no payload has this size: a chunk without a tag, or an empty chunk after others.
    """
    sealed = size - NONCE_BYTES
    chunks = max(1, -(-sealed // _SEALED_CHUNK))
    length = sealed - chunks * TAG_BYTES
    if length < 0 or sealed_size(length) != size:
        raise _refused("impossible size")
    return length


class PayloadWriter:
    """Seals what is written to it. Complete only after ``close``; after an error, discard it and the destination.

    Args:
        file_key: 16 bytes, drawn for this one payload.
        destination: takes the payload's bytes in order. Never closed here.
        length: how many bytes will come, if known; saves memory for small ones.
    """

    def __init__(self, file_key: bytes | bytearray, destination: BinaryIO, *, length: int | None = None) -> None:
        nonce = os.urandom(NONCE_BYTES)
        chunks = _BATCH if length is None else min(_BATCH, max(1, -(-length // _CHUNK)))
        self._cipher = _cipher(file_key, nonce)
        self._destination = destination
        self._counter = 0
        self._plain = bytearray(chunks * _CHUNK)
        self._sealed = bytearray(chunks * _SEALED_CHUNK)
        self._filled = 0
        self._closed = False
        _write_all(destination, nonce)

    def space(self) -> memoryview:
        """Return free space to put the next bytes into, never empty; ``advance`` says how many were put there.

        Ask only when at least one more byte will come: what is full is sealed here as not being the end.
        """
        if self._closed:
            raise ValueError("the payload is complete")
        if self._filled == len(self._plain):
            # Only now is it known that these are not the last chunks.
            self._seal(final=False)
        return memoryview(self._plain)[self._filled :]

    def advance(self, count: int) -> None:
        """Count the bytes that were put into ``space``."""
        if not 0 <= count <= len(self._plain) - self._filled:
            raise ValueError("more than there was space for")
        self._filled += count

    def write(self, data: Buffer, /) -> int:
        """Seal all of ``data``; returns its length."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            space = self.space()
            count = min(len(space), len(view) - done)
            space[:count] = view[done : done + count]
            self.advance(count)
            done += count
        return done

    def close(self) -> None:
        """Write the final chunk and wipe the buffer. A second call does nothing.

        Raises:
            ValueError: ``space`` was asked for and nothing came: there is no chunk left that could be the final one.
        """
        if not self._closed:
            if self._counter and not self._filled:
                raise ValueError("the last chunk was sealed as if another followed")
            self._seal(final=True)
            self._closed = True
            self.discard()

    def discard(self) -> None:
        """Wipe the buffered plaintext. Without an earlier ``close``, what was written stays incomplete."""
        self._closed = True
        self._plain[:] = bytes(len(self._plain))

    def _seal(self, *, final: bool) -> None:
        plain, sealed = memoryview(self._plain), memoryview(self._sealed)
        start = end = 0
        while start < self._filled or (final and self._counter == 0):
            length = min(_CHUNK, self._filled - start)
            last = final and start + length == self._filled
            target = sealed[end : end + length + TAG_BYTES]
            self._cipher.encrypt_into(_nonce(self._counter, last=last), plain[start : start + length], None, target)
            self._counter += 1
            start += length
            end += length + TAG_BYTES
        _write_all(self._destination, sealed[:end])
        self._filled = 0


class PayloadReader(SeekableReader):
    """Reads a payload at any position. Several threads may use ``readinto_at``; the file position is for one.

    Args:
        file_key: 16 bytes, from a header whose MAC was verified.
        source: seekable, positioned anywhere. Never closed here.
        size: bytes of the payload, which begins at ``offset`` in ``source``.

    Raises:
        SealError: (code ``payload``) here, if no payload has this size or the final chunk is not one; when reading, if
            a chunk was altered or is missing. A chunk that fails gives nothing.
    """

    def __init__(self, file_key: bytes | bytearray, source: BinaryIO, size: int, *, offset: int = 0) -> None:
        super().__init__()
        self._plain = bytearray()  # ``close`` wipes it, whatever comes in between
        self.size = plaintext_size(size)
        self._source = source
        self._first = offset + NONCE_BYTES
        self._last = max(0, self.size - 1) // _CHUNK
        self._lock = threading.Lock()
        self._held = -1  # number of the chunk that ``_plain`` holds
        self._plain = bytearray(min(_CHUNK, self.size))
        self._sealed = bytearray(min(_CHUNK, self.size) + TAG_BYTES)
        source.seek(offset)
        nonce = bytearray(NONCE_BYTES)
        if _read_full(source, memoryview(nonce)) < NONCE_BYTES:
            raise _refused("no nonce")
        self._cipher = _cipher(file_key, bytes(nonce))
        # The final chunk authenticates that nothing was cut off or appended: nothing is given out before that.
        self._open_chunk(self._last)

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        total = max(0, min(len(target), self.size - position))
        done = 0
        with self._lock:
            while done < total:
                number, start = divmod(position + done, _CHUNK)
                plain = self._open_chunk(number)
                length = min(len(plain) - start, total - done)
                target[done : done + length] = plain[start : start + length]
                done += length
        return total

    def verify(self) -> Literal[True]:
        """Authenticate every chunk; raises ``SealError`` at the first that was altered or is missing."""
        with self._lock:
            for number in range(self._last + 1):
                self._open_chunk(number)
        return True

    @override
    def close(self) -> None:
        if not self.closed:
            self._held = -1
            self._plain[:] = bytes(len(self._plain))
        super().close()

    def _open_chunk(self, number: int) -> memoryview:
        """Return the plaintext of a chunk; it lives in the one buffer, which holds authenticated bytes or none."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        length = min(_CHUNK, self.size - number * _CHUNK)
        plain = memoryview(self._plain)[:length]
        if number != self._held:
            self._held = -1
            sealed = memoryview(self._sealed)[: length + TAG_BYTES]
            self._source.seek(self._first + number * _SEALED_CHUNK)
            if _read_full(self._source, sealed) < len(sealed):
                raise _refused("cut short")
            try:
                self._cipher.decrypt_into(_nonce(number, last=number == self._last), sealed, None, plain)
            except InvalidTag:
                plain[:] = bytes(length)  # the cipher writes before it knows
                raise _refused("a chunk was altered, or is not where it was written") from None
            self._held = number
        return plain


def _cipher(file_key: bytes | bytearray, nonce: bytes) -> ChaCha20Poly1305:
    if len(file_key) != FILE_KEY_BYTES:
        raise SealError("a file key has 16 bytes", code="file-key")
    return ChaCha20Poly1305(HKDF(algorithm=SHA256(), length=32, salt=nonce, info=b"payload").derive(file_key))


def _nonce(counter: int, *, last: bool) -> bytes:
    return (counter << 8 | last).to_bytes(12, "big")


def _read_full(source: BinaryIO, target: memoryview) -> int:
    got = 0
    # typeshed knows readinto only of the classes in io; every file that we are given has it.
    while got < len(target) and (step := source.readinto(target[got:])):  # type: ignore[attr-defined]
        got += step
    return got


def _write_all(destination: BinaryIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        taken = destination.write(view)  # a raw file may take less than it was offered
        if not taken:
            raise SealError("the sealed object cannot be written", code="destination", detail="payload: nothing taken")
        view = view[taken:]


def _refused(detail: str) -> SealError:
    return SealError("this sealed object is damaged or incomplete", code="payload", detail=f"payload: {detail}")
