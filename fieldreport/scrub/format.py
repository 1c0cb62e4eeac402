"""What a format is, and what it works with: ``Source``, ``Sink``, ``Cleaning``.

A format is a package, named in ``registry.FORMATS``, with the modules

    write.py    def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str
                def warm() -> None      (where its libraries load something on first use)
    verify.py   def verify(source: Source, media_type: str) -> int | None
    parse.py    where hostile bytes are read into a model before anything is written

Rules for every format:

- It runs in the locked child (``lockdown``): no file is opened, nothing is imported late. ``warm`` is called once,
  before any child exists.
- ``clean`` checks bounds from declared sizes *before* anything is decoded, keeps what an allowlist names, adds to
  ``cleaning.removed`` what it drops and to ``cleaning.noted`` what stays and has to be said, writes the result to
  ``sink`` and returns the output's media type (one of ``registry.OUTPUTS``; usually the input's own).
- ``verify`` reads the output as a stranger would, and raises ``Residue`` for anything outside the allowlist. Where the
  format has frames, it answers how many are seen or heard, and ``clean`` leaves in ``cleaning.counted`` how many the
  original has; the pipeline compares. It imports
  no ``parse`` and no ``write``, not even indirectly: the two readings share the specification, never code. The pipeline
  calls it after every ``clean``, embedded files included.
- Each side has its own cursor for the same reason. Those of the parsers (``isobmff.Fields``, ``bits.Bits``) raise
  ``Damaged``, because a stranger's file is wrong; the verifiers' (``cursor.Tape``) raises ``Residue``, because ours is.
- Cleaning twice gives what cleaning once gave, byte for byte: the result does not depend on a clock or on chance.
- ``cleaning.mode`` may be ``STRONG``: nothing of the file itself is kept. What happens then is in the format's row.
  There, once and twice differ: pixels that are encoded again change a little.
- What is wrong raises ``Refused`` or one of its children. Any other exception counts as ``Refusal.DAMAGED``; its
  message never leaves the child, for it may quote content.
- A file inside a file is cleaned by ``cleaning.embedded``, which goes through the registry again.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from typing_extensions import Buffer, override

from fieldreport import limits
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Options, Refusal, Refused, Removed
from fieldreport.seekable import SeekableReader


class RandomAccess(Protocol):
    """A file that can be read at any position: ``io.BytesIO``, or the scratch file in the child."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As ``io.RawIOBase``."""

    def read(self, size: int = -1, /) -> bytes | None:
        """As ``io.RawIOBase``: may be shorter than asked, empty only at the end."""


class Rewritable(RandomAccess, Protocol):
    """The same, to be written too."""

    def write(self, data: Buffer, /) -> int | None:
        """As ``io.RawIOBase``: may be shorter than asked."""

    def truncate(self, size: int | None = None, /) -> int:
        """As ``io.RawIOBase``."""


class Source:
    """Untrusted bytes of a known size, read by position. Holds no position of its own."""

    def __init__(self, file: RandomAccess, size: int) -> None:
        self._file = file
        self.size = size

    @classmethod
    def of(cls, data: bytes) -> Source:
        """A source over bytes in memory: a part of a container, a test's sample."""
        return cls(io.BytesIO(data), len(data))

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; shorter only at the end, empty beyond it."""
        if offset < 0 or length < 0:
            raise Damaged  # an offset computed from the file's own numbers
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        self._file.seek(offset)
        pieces: list[bytes] = []
        while length > 0:
            piece = self._file.read(length)
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def whole(self, limit: int = limits.SCRUB_WHOLE_BYTES) -> bytes:
        """Everything at once, for formats whose files are small.

        Raises:
            Refused: ``too-large`` when the source is longer than ``limit``.
        """
        if self.size > limit:
            raise Refused(Refusal.TOO_LARGE)
        return self.read_at(0, self.size)

    def file(self) -> io.BufferedReader | io.BytesIO:
        """A seekable binary file with a position of its own, for libraries that want one; a small one in memory."""
        if self.size <= limits.SCRUB_SMALL_BYTES:
            return io.BytesIO(self.read_at(0, self.size))
        return io.BufferedReader(_SourceFile(self), limits.SCRUB_COPY_BYTES)


class _SourceFile(SeekableReader):
    def __init__(self, source: Source) -> None:
        super().__init__()
        self.size = source.size
        self._source = source

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        data = self._source.read_at(position, len(target))
        target[: len(data)] = data
        return len(data)


class Sink(SeekableReader):
    """Where a format writes its result: a bounded, seekable, rewritable binary file.

    Writing beyond ``limit`` raises ``Refused`` (``too-large``): no format can be made to fill the disk.
    """

    def __init__(self, file: Rewritable | None = None, *, limit: int = limits.SCRUB_OUTPUT_BYTES) -> None:
        super().__init__()
        self.size = 0
        self._file: Rewritable = io.BytesIO() if file is None else file
        self._limit = limit

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Buffer, /) -> int:
        view = memoryview(data).cast("B")
        if self._position + len(view) > self._limit:
            raise Refused(Refusal.TOO_LARGE)
        if self._position > self.size:
            raise OSError(22, "a sink has no holes")
        self._file.seek(self._position)
        done = 0
        while done < len(view):
            done += self._file.write(view[done:]) or 0
        self._position += done
        self.size = max(self.size, self._position)
        return done

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        data = self.source().read_at(position, len(target))
        target[: len(data)] = data
        return len(data)

    @override
    def truncate(self, size: int | None = None, /) -> int:
        end = self._position if size is None else size
        if end > self.size:
            raise OSError(22, "a sink has no holes")
        self._file.truncate(end)
        self.size = end
        return end

    def copy(self, source: Source, offset: int = 0, length: int | None = None) -> None:
        """Append a range of a source unchanged, a piece at a time."""
        end = source.size if length is None else offset + length
        while offset < end:
            piece = source.read_at(offset, min(limits.SCRUB_COPY_BYTES, end - offset))
            if not piece:
                raise Damaged
            self.write(piece)
            offset += len(piece)

    def source(self) -> Source:
        """What has been written so far, to be read: by ``verify``, or by the container it is embedded in."""
        return Source(self._file, self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A cleaned file from inside another one. ``counted``: as in ``Cleaning``."""

    media_type: str
    data: bytes
    counted: int | None


Clean = Callable[[Source, Sink, "Cleaning"], str]
"""``clean`` of a format, and of the pipeline: write the clean copy and answer its media type."""

Verify = Callable[[Source, str], int | None]
"""``verify`` of a format, of a source and its media type: raise ``Residue`` unless every byte is on the allowlist."""


@dataclass(slots=True, kw_only=True)
class Cleaning:
    """One file's way through the child: the order, what was found so far, and the budget that bombs run into.

    ``rename``: what puts the new names of an archive's files into the texts in it.
    """

    dispatch: Clean
    options: Options = field(default_factory=Options)
    depth: int = 0
    removed: set[Removed] = field(default_factory=set)
    noted: set[str] = field(default_factory=set)
    rename: Callable[[str], str] | None = None
    decoded_bytes_left: int = limits.SCRUB_DECODED_BYTES
    counted: int | None = None  # frames of the original that are seen or heard, where its format counts them

    @property
    def mode(self) -> Mode:
        """How hard it is cleaned."""
        return self.options.mode

    def spend(self, decoded_bytes: int) -> None:
        """Take from the budget of decoded bytes, shared by a file and everything inside it, before decoding them.

        Raises:
            Bomb: the budget is used up.
        """
        self.decoded_bytes_left -= decoded_bytes
        if self.decoded_bytes_left < 0:
            raise Bomb

    def lossless(self) -> Cleaning:
        """The same in lossless mode, for what we encoded and only needs our form. Shares what is removed."""
        return dataclasses.replace(self, options=dataclasses.replace(self.options, mode=Mode.LOSSLESS))

    def embedded(self, untrusted_data: bytes, *, accept: Collection[str] | None = None) -> Embedded:
        """Clean a file found inside this one: an image in a document, a member of an archive.

        ``accept``, when given, is the set of output media types the container can hold. What was removed inside counts
        as removed from the whole.

        Raises:
            Refused: it cannot be cleaned, is nested deeper than ``limits.ARCHIVE_DEPTH``, or comes out as a type that
                is not accepted. The container decides whether it makes sense without the part.
        """
        if self.depth >= limits.ARCHIVE_DEPTH:
            raise Bomb
        self.spend(len(untrusted_data))
        inner = dataclasses.replace(self, depth=self.depth + 1, removed=set(), noted=set(), counted=None)
        sink = Sink()
        try:
            media_type = self.dispatch(Source.of(untrusted_data), sink, inner)
        finally:
            self.decoded_bytes_left = inner.decoded_bytes_left
        if accept is not None and media_type not in accept:
            raise Refused(Refusal.UNSUPPORTED)
        self.removed |= inner.removed
        self.noted |= inner.noted
        data = sink.source().whole(limits.SCRUB_OUTPUT_BYTES)
        return Embedded(media_type=media_type, data=data, counted=inner.counted)

    def hand_out(self, embedded: Embedded, sink: Sink) -> str:
        """Write a cleaned file from inside this one in the place of the whole; returns its media type."""
        self.counted = embedded.counted
        sink.write(embedded.data)
        return embedded.media_type


def check_image(width: int, height: int, *, frames: int = 1, pixels: int = limits.IMAGE_PIXELS) -> None:
    """Bounds of an image from the numbers in its header, before anything is decoded or passed on.

    ``pixels``: the most that one frame may have. Its sides are not bounded: a scrolled screenshot is one strip.

    Raises:
        Refused: ``damaged`` for an empty image, ``pixels`` for one with too many, ``bomb`` for too many frames.
    """
    if width < 1 or height < 1 or frames < 1:
        raise Damaged
    if width * height > pixels:
        raise Bomb(Refusal.PIXELS)
    if frames > limits.IMAGE_FRAMES or width * height * frames > limits.IMAGE_FRAME_PIXELS:
        raise Bomb
