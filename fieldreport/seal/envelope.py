"""Seals and opens objects: inner header, manifest, parts and zero padding inside one age payload. See FORMAT.md.

Rules: memory stays flat whatever the size. The opener says what it expects and gets an error, not data, when anything
differs: kind, place, roster, lengths, padding size. Every chunk is authenticated before it is read; ``verify`` reads
all of them once, and checks every part's hash and that the padding is zero.
"""

from __future__ import annotations

import hmac
import io
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Final, Literal, Self

from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import LimitExceeded, NotFound, SealError
from fieldreport.seal.authorship import Author, author_of, sign_manifest
from fieldreport.seal.digest import ThreadedSha256
from fieldreport.seal.header import Header, build_header, open_header, read_header
from fieldreport.seal.hybrid import FILE_KEY_BYTES, HybridIdentity, HybridRecipient
from fieldreport.seal.inner_header import INNER_BYTES, Binding, Expected, ExpectedOffline, InnerHeader
from fieldreport.seal.manifest import Manifest, Part
from fieldreport.seal.padding import padded_size
from fieldreport.seal.stanza import HYBRID
from fieldreport.seal.stream import PayloadReader, PayloadWriter, plaintext_size
from fieldreport.seekable import SeekableReader

_READ: Final = 8 * limits.CHUNK_BYTES  # large enough that hashing on a second core pays
_ZEROS: Final = bytes(limits.CHUNK_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSource:
    """One part to be sealed: ``source``, seekable, holds exactly ``length`` bytes from its beginning.

    ``sha256`` (32 bytes): pass it where it is known already, because computing it takes as long as sealing. It is taken
    as given: a wrong one is found by ``OpenEnvelope.verify`` and ``read_part``.
    """

    name: str
    media_type: str
    source: BinaryIO = field(repr=False)
    length: int
    sha256: bytes | None = None
    removed: tuple[str, ...] = ()


def seal_envelope(
    binding: Binding,
    *,
    hour: int,
    fields: Mapping[str, str],
    parts: Sequence[PartSource],
    recipients: Sequence[HybridRecipient],
    payload_to: BinaryIO,
    author: Author | None = None,
    decoys: Collection[HybridRecipient] = (),
) -> bytes:
    """Seal to all recipients: write the payload to ``payload_to``, return the header's bytes.

    ``decoys``: those of them who only seem to be, see ``build_header``. ``author`` signs it, and every kind that staff
    write has one. After an error the destination holds at most a payload that no reader accepts; discard it.

    Raises:
        SealError: (code ``manifest``, ``recipients``) names or recipients out of their form; (code ``part-source``) a
            source that is longer or shorter than was said.
        LimitExceeded: (code ``manifest``) more than one object holds.
    """
    sealed_parts = tuple(
        Part(
            name=part.name,
            media_type=part.media_type,
            length=part.length,
            sha256=part.sha256 if part.sha256 is not None else _hash(part),
            removed=tuple(part.removed),
        )
        for part in parts
    )
    described = Manifest(hour=hour, fields=fields, parts=sealed_parts)
    manifest = (described if author is None else sign_manifest(binding, described, author)).encode()
    content_length = len(manifest) + sum(part.length for part in sealed_parts)
    inner = InnerHeader(binding=binding, content_length=content_length, manifest_length=len(manifest))
    size = padded_size(INNER_BYTES + content_length)
    file_key = bytearray(os.urandom(FILE_KEY_BYTES))
    try:
        header = build_header(file_key, recipients, decoys=decoys)
        writer = PayloadWriter(file_key, payload_to, length=size)
    finally:
        file_key[:] = bytes(FILE_KEY_BYTES)
    try:
        writer.write(inner.encode())
        writer.write(manifest)
        for part in parts:
            write_part(part, writer)
        write_zeros(writer, size - INNER_BYTES - content_length)
        writer.close()
    finally:
        writer.discard()
    return header


def open_envelope(
    untrusted_header: bytes,
    untrusted_payload: BinaryIO,
    *,
    identities: Sequence[HybridIdentity],
    expected: Expected,
) -> OpenEnvelope:
    """Open a sealed object of which header and payload (seekable, nothing else in it) are stored apart.

    Raises:
        NotARecipient: well formed, but sealed to other keys.
        SealError: (code ``header-malformed``, ``header-mac``, ``payload``, ``inner-header``, ``binding``,
            ``manifest``) anything that is not exactly what is expected.
        LimitExceeded: (code ``manifest``) more parts or fields than allowed.
    """
    return _open(open_header(untrusted_header, identities), untrusted_payload, expected, offset=0)


def open_sealed_file(
    untrusted_file: BinaryIO, *, identities: Sequence[HybridIdentity], expected: Expected | ExpectedOffline
) -> OpenEnvelope:
    """Open a sealed object as it travels: header and payload in one file, from its position to its end.

    Raises:
        NotARecipient, SealError, LimitExceeded: as ``open_envelope``.
    """
    file_key = open_header(read_header(untrusted_file), identities)
    return _open(file_key, untrusted_file, expected, offset=untrusted_file.tell())


def open_with_file_key(
    untrusted_file: BinaryIO, file_key: bytes, *, expected: Expected | ExpectedOffline
) -> OpenEnvelope:
    """As ``open_sealed_file``, with the 16-byte key of this one object; the header must be one that its MAC fits.

    Raises:
        SealError, LimitExceeded: as ``open_envelope``; a key of another object is code ``header-mac``.
    """
    Header.parse(header := read_header(untrusted_file)).verify(file_key)
    return _open(file_key, untrusted_file, expected, offset=len(header))


def check_sealed_form(untrusted_file: BinaryIO) -> int:
    """Check all that can be checked of a sealed object without a key, and return how many keys it is for.

    Raises:
        SealError: (code ``header-malformed``, ``payload``) it is not an age file in our strict form.
    """
    header = Header.parse(raw := read_header(untrusted_file))
    length = plaintext_size(untrusted_file.seek(0, os.SEEK_END) - len(raw))
    if any(stanza.type != HYBRID for stanza in header.stanzas) or padded_size(length) != length:
        raise SealError("this is not a sealed object", code="payload", detail="sealed form: a stanza or the padding")
    return len(header.stanzas)


def _open(
    file_key: bytes, untrusted_payload: BinaryIO, expected: Expected | ExpectedOffline, *, offset: int
) -> OpenEnvelope:
    size = untrusted_payload.seek(0, os.SEEK_END) - offset
    reader = PayloadReader(file_key, untrusted_payload, size, offset=offset)
    try:
        return OpenEnvelope(reader, expected)
    except BaseException:
        reader.close()
        raise


class OpenEnvelope:
    """An open sealed object whose binding is what was expected. ``close`` it to wipe what it holds of the plaintext.

    Attributes:
        binding: kind, roster and place.
        manifest: time, fields and parts.
    """

    binding: Final[Binding]
    manifest: Final[Manifest]

    def __init__(self, reader: PayloadReader, expected: Expected | ExpectedOffline) -> None:
        inner = InnerHeader.parse(_read(reader, 0, INNER_BYTES))
        expected.check(inner.binding)
        if padded_size(INNER_BYTES + inner.content_length) != reader.size:
            raise _inconsistent("size is not the padded one")
        manifest = Manifest.parse(_read(reader, INNER_BYTES, inner.manifest_length))
        begin = INNER_BYTES + inner.manifest_length
        starts = [begin]
        for part in manifest.parts:
            starts.append(starts[-1] + part.length)
        if starts[-1] != INNER_BYTES + inner.content_length:
            raise _inconsistent("parts do not fill the content")
        self.binding = inner.binding
        self.manifest = manifest
        self._reader = reader
        self._starts = starts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def author(self, signers: Mapping[str, Collection[bytes]]) -> str:
        """Return who wrote it; ``signers`` and errors as ``authorship.author_of``."""
        return author_of(self.binding, self.manifest, signers)

    def open_part(self, number: int) -> io.RawIOBase:
        """Open part ``number`` at any position. What is read is authenticated; the part's hash is not checked here.

        Raises:
            NotFound: there is no such part.
        """
        part = self._part(number)
        return PartReader(self._reader, self._starts[number], part.length)

    def read_part(self, number: int, limit: int) -> bytes:
        """Return part ``number`` whole, its hash checked.

        Raises:
            NotFound: there is no such part.
            LimitExceeded: (code ``part``) it is longer than ``limit`` bytes.
            SealError: (code ``payload``, ``part``) a chunk was altered, or the hash differs.
        """
        part = self._part(number)
        if part.length > limit:
            raise LimitExceeded("this part is too large to show", code="part", detail="part: over the reader's limit")
        with ThreadedSha256(part.length) as digest:
            content = _read(self._reader, self._starts[number], part.length)
            digest.update(memoryview(content))
            _check_hash(digest, part)
        return content

    def verify(self) -> Literal[True]:
        """Read everything once: every chunk, every part's hash, every byte of the padding.

        Raises:
            SealError: (code ``payload``, ``part``, ``padding``) anything is not what was sealed.
        """
        size = min(_READ, self._reader.size)
        buffers = [memoryview(bytearray(size)), memoryview(bytearray(size))]
        end = self._starts[-1]
        try:
            for _ in self._pieces(0, self._starts[0], buffers):
                pass  # reading authenticates; inner header and manifest were compared when they were opened
            for part, start in zip(self.manifest.parts, self._starts[:-1], strict=True):
                with ThreadedSha256(part.length) as digest:
                    for piece in self._pieces(start, part.length, buffers):
                        digest.update(piece)
                    _check_hash(digest, part)
            for piece in self._pieces(end, self._reader.size - end, buffers):
                if bytes(piece).count(0) < len(piece):
                    raise SealError("this sealed object is damaged", code="padding", detail="padding: not zero")
        finally:
            for buffer in buffers:
                buffer[:] = bytes(size)
        return True

    def close(self) -> None:
        """Wipe the buffers; open parts cannot be read any more. Closing the payload file is up to the caller."""
        self._reader.close()

    def _part(self, number: int) -> Part:
        if not 0 <= number < len(self.manifest.parts):
            raise NotFound("there is no such part")
        return self.manifest.parts[number]

    def _pieces(self, start: int, length: int, buffers: list[memoryview]) -> Iterator[memoryview]:
        """Read ``length`` bytes into two buffers in turn: a piece is valid until the one after the next is read."""
        position, end = start, start + length
        while position < end:
            count = self._reader.readinto_at(position, buffers[0][: end - position])
            yield buffers[0][:count]
            buffers.reverse()
            position += count


class PartReader(SeekableReader):
    """One part as a file of its own: nothing before and nothing after it can be reached."""

    def __init__(self, reader: PayloadReader, start: int, length: int) -> None:
        super().__init__()
        self._reader = reader
        self._start = start
        self.size = length

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        return self._reader.readinto_at(self._start + position, target[: max(0, self.size - position)])


def _hash(part: PartSource) -> bytes:
    part.source.seek(0)
    buffers = [memoryview(bytearray(min(_READ, max(1, part.length)))) for _ in range(2)]
    with ThreadedSha256(part.length) as digest:
        while count := part.source.readinto(buffers[0]):  # type: ignore[attr-defined]  # typeshed: only io's classes
            digest.update(buffers[0][:count])
            buffers.reverse()
        return digest.digest()


def write_part(part: PartSource, writer: PayloadWriter) -> None:
    """Seal a part's bytes. Raises ``SealError`` (code ``part-source``): longer or shorter than was said."""
    part.source.seek(0)
    left = part.length
    while left:
        space = writer.space()[:left]
        count = part.source.readinto(space)  # type: ignore[attr-defined]  # typeshed: only in io's classes
        if not count:
            raise _other_source("shorter")
        writer.advance(count)
        left -= count
    # Otherwise a part that lost its end would look like a whole document.
    if part.source.read(1):
        raise _other_source("longer")


def write_zeros(writer: PayloadWriter, count: int) -> None:
    """Seal so many zero bytes."""
    while count:
        count -= writer.write(_ZEROS[: min(count, len(_ZEROS))])


def _read(reader: PayloadReader, position: int, length: int) -> bytes:
    # The length is untrusted: never allocate more than there is.
    target = bytearray(min(length, max(0, reader.size - position)))
    if reader.readinto_at(position, memoryview(target)) < length:
        raise _inconsistent("shorter than it says")
    return bytes(target)


def _check_hash(digest: ThreadedSha256, part: Part) -> None:
    if not hmac.compare_digest(digest.digest(), part.sha256):
        raise SealError("this sealed object is damaged", code="part", detail="part: hash differs")


def _inconsistent(detail: str) -> SealError:
    return SealError("this sealed object is damaged", code="inner-header", detail=f"inner header: {detail}")


def _other_source(detail: str) -> SealError:
    return SealError("a file changed while it was sealed", code="part-source", detail=f"part: source is {detail}")
