"""A form as it arrives: typed text into bounded memory, files straight into encrypted scratch files, nothing elsewhere.

Rules: no plaintext reaches a disk and memory stays flat whatever the size; bytes, parts and text are counted as they
arrive and never trusted from a header; a refused body is still taken to its end within bounds, because a browser shows
no page if the connection is reset while it sends; what was typed before the refusal is kept, so that the error page can
give it back. Nothing here waits: the server pushes what has come.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType

from fieldreport import limits
from fieldreport.errors import LimitExceeded, StoreError
from fieldreport.scratch import Scratch

_PERCENT_ENCODED: Final = 3  # bytes of a body for one byte of text, at worst
_SCRATCH_MEMORY: Final = 192 * limits.KIB  # of an open scratch file: its slot and two chunks
_NO_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_HAND_WRITTEN_BYTES: Final = 64 * limits.KIB
_HALF_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file of a form. ``part`` is the form's field; the name comes from the sender and can be anything."""

    part: str
    untrusted_name: str = field(repr=False)
    source: Scratch = field(repr=False)
    length: int
    sha256: bytes = field(repr=False)


class FormReader:
    """Takes one body. ``fields`` holds what was typed also of one that is refused.

    Args:
        content_type: the untrusted header.
        content_length: as announced, ``None`` for a chunked body; only used to notice that a body was cut off.
        open_scratch: makes the file for one upload; ``None`` discards every upload.
        request_bytes: bound of the whole body.

    """

    is_refused = False
    """Whether the answer does not depend on the body."""

    def __init__(
        self,
        *,
        content_type: str,
        content_length: int | None,
        open_scratch: Callable[[], Scratch] | None,
        request_bytes: int,
    ) -> None:
        self._content_length = content_length
        self._request_bytes = request_bytes
        self._received = 0
        self._refusal: Exception | None = None
        self._discard_until = 0.0
        self._is_over = False
        self._parts = _Parts(open_scratch=open_scratch, refuse=self._refuse)
        self._parser = self._choose_parser(content_type)
        if content_length is not None and content_length > request_bytes:
            self._refuse(_too_large())

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The text fields, in the order in which they came."""
        return self._parts.fields

    @property
    def uploads(self) -> list[Upload]:
        """The files, in the order in which they came; none of a refused form."""
        return self._parts.uploads

    def _choose_parser(self, content_type: str) -> _Parser:
        kind, options = parse_options_header(content_type)
        if kind == "application/x-www-form-urlencoded":
            return _UrlencodedParser(self._parts, self._refuse)
        if kind == "multipart/form-data":
            try:
                return _MultipartParser(self._parts, options.get("boundary", ""), self._refuse)
            except MultipartError:
                self._refuse(BadRequest())
        elif content_type or self._content_length:
            self._refuse(UnsupportedMediaType())
        return _NoParser()

    @property
    def memory(self) -> int:
        """Bytes that it holds in memory, about."""
        return self._parser.held + self._parts.text_bytes + _SCRATCH_MEMORY * self._parts.files

    @property
    def stored(self) -> int:
        """Bytes that it holds in scratch files."""
        return self._parts.file_bytes

    @property
    def is_enough(self) -> bool:
        """Whether a refused body was read on for long enough."""
        return self._refusal is not None and (
            self._received > self._request_bytes + limits.DISCARD_BYTES or time.monotonic() > self._discard_until
        )

    def discard(self, error: Exception) -> None:
        """Keep only what is typed: the request is refused, whatever it brings."""
        self.is_refused = True
        self._refuse(error)

    def feed(self, data: bytes) -> None:
        """Take the next piece; what is wrong with it is told at the end."""
        self._received += len(data)
        if self._received > self._request_bytes:
            self._refuse(_too_large())
        self._parser.feed(data)

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes; ``error``: because the body was cut."""
        if self._is_over:
            return
        self._is_over = True
        if error is not None:
            self._refuse(error)
        elif self._content_length is not None and self._received < self._content_length:
            self._refuse(BadRequest())
        self._parser.end()

    def check(self) -> None:
        """See that the body came whole and is a form within the bounds.

        Raises:
            LimitExceeded: code ``request-bytes``, ``request-text`` or ``request-parts``.
            UnsupportedMediaType: neither kind of form.
            BadRequest: broken or cut off. Or whatever ``end`` was told.
            StoreError: a file could not be kept.

        """
        if self._refusal is not None:
            raise self._refusal

    def take_all(self, stream: BinaryIO) -> None:
        """Take a body from a stream that ends where the body ends."""
        error = None
        try:
            while not self.is_enough and (piece := stream.read(limits.READ_BYTES)):
                self.feed(piece)
        except HTTPException as cut:
            error = cut
        self.end(error)

    def close(self) -> None:
        """Discard the uploads; their scratch files are gone with their keys."""
        self._parts.discard_files()

    def _refuse(self, error: Exception) -> None:
        # The first reason is the one to report; after it files are only read, not kept.
        if self._refusal is None:
            self._refusal = error
            self._discard_until = time.monotonic() + limits.DISCARD_SECONDS
            self._parts.discard_files()


class _Parts:
    """The parts of a form that have arrived, and the one that is arriving. ``refuse`` gets what is wrong with them."""

    def __init__(self, *, open_scratch: Callable[[], Scratch] | None, refuse: Callable[[Exception], None]) -> None:
        self.fields: list[tuple[str, str]] = []
        self.uploads: list[Upload] = []
        self.text_bytes = 0
        self.files = 0
        self.file_bytes = 0
        self._open_scratch = open_scratch
        self._refuse = refuse
        self._part: _TextPart | _FilePart | None = None

    def begin(self, segment: MultipartSegment) -> None:
        if segment.filename is None:
            self._part = _TextPart(segment.name)
            return
        self._part = part = _FilePart(segment.name, segment.filename)
        if self._open_scratch is not None:
            try:
                part.scratch = self._open_scratch()
                self.files += 1
            except StoreError as error:
                self._refuse(error)

    def add(self, data: bytes) -> None:
        if isinstance(self._part, _TextPart):
            self._part.text += self._within_bounds(data)
        elif self._part is not None:
            try:
                self.file_bytes += self._part.write(data)
            except (StoreError, LimitExceeded) as error:
                self._refuse(error)

    def finish(self) -> None:
        part, self._part = self._part, None
        if isinstance(part, _TextPart):
            self.fields.append((part.name, part.text.decode("utf-8", "replace")))
        elif part is not None and (upload := part.finish()) is not None:
            self.uploads.append(upload)

    def add_field(self, name: str, text: str) -> None:
        self.fields.append((name, self._within_bounds(text.encode()).decode("utf-8", "ignore")))

    def _within_bounds(self, text: bytes) -> bytes:
        left = limits.FORM_TEXT_BYTES - self.text_bytes
        if len(text) > left:
            self._refuse(_too_much_text())
        self.text_bytes += min(left, len(text))
        return text[:left]

    def discard_files(self) -> None:
        self._open_scratch = None
        if isinstance(self._part, _FilePart):
            self._part.close()
        for upload in self.uploads:
            upload.source.close()
        self.uploads.clear()
        self.files = self.file_bytes = 0


class _TextPart:
    def __init__(self, name: str) -> None:
        self.name = name
        self.text = bytearray()


class _FilePart:
    def __init__(self, name: str, filename: str) -> None:
        self.scratch: Scratch | None = None
        self._name = name
        self._filename = filename
        self._digest = hashlib.sha256()
        self._length = 0

    def write(self, data: bytes) -> int:
        """Keep a piece, if there is a place for it; how much was kept."""
        if self.scratch is None:
            return 0
        self.scratch.write(data)
        self._digest.update(data)
        self._length += len(data)
        return len(data)

    def finish(self) -> Upload | None:
        # A browser sends an empty, nameless part for a file field in which nothing was chosen.
        if self.scratch is None or not (self._filename or self._length):
            self.close()
            return None
        self.scratch.seek(0)
        return Upload(
            part=self._name,
            untrusted_name=self._filename,
            source=self.scratch,
            length=self._length,
            sha256=self._digest.digest(),
        )

    def close(self) -> None:
        if self.scratch is not None:
            self.scratch.close()
            self.scratch = None


class _Parser(Protocol):
    @property
    def held(self) -> int:
        """Bytes of the body in memory that are not parts yet."""

    def feed(self, data: bytes) -> None: ...
    def end(self) -> None: ...


class _NoParser:
    held = 0

    def feed(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        pass


class _MultipartParser:
    held = 0  # a few lines

    def __init__(self, parts: _Parts, boundary: str, refuse: Callable[[Exception], None]) -> None:
        # Not strict: strict refuses a line end after the last boundary when it arrives in a read of its own.
        self._parser = PushMultipartParser(boundary, max_segment_count=limits.FORM_PARTS)
        self._parts = parts
        self._refuse = refuse

    def feed(self, data: bytes) -> None:
        if self._parser.error is not None:
            return
        try:
            for event in self._parser.parse(data):
                if event is None:
                    self._parts.finish()
                elif isinstance(event, MultipartSegment):
                    self._parts.begin(event)
                else:
                    self._parts.add(event)
        except ParserLimitReached:
            self._refuse(_too_many_parts())
        except MultipartError:
            self._refuse(BadRequest())

    def end(self) -> None:
        if self._parser.error is None:
            try:
                self._parser.close()
            except MultipartError:
                self._refuse(BadRequest())
        self._parts.finish()


class _UrlencodedParser:
    """Decodes at the end, in a few passes that hostile bytes do not slow down: the standard library's takes seconds."""

    def __init__(self, parts: _Parts, refuse: Callable[[Exception], None]) -> None:
        self._body = bytearray()
        self._parts = parts
        self._refuse = refuse

    @property
    def held(self) -> int:
        return len(self._body)

    def feed(self, data: bytes) -> None:
        left = limits.FORM_TEXT_BYTES * _PERCENT_ENCODED - len(self._body)
        if len(data) > left:
            self._refuse(_too_much_text())
        self._body += data[:left]

    def end(self) -> None:
        body = bytes(self._body).replace(b"+", b" ")
        self._body.clear()
        if body.count(b"&") >= limits.FORM_PARTS:
            self._refuse(_too_many_parts())
            return
        body = _HALF_ESCAPE.sub(b"", body)  # of a body that was cut
        if _NO_ESCAPE.search(body):
            if len(body) > _HAND_WRITTEN_BYTES:
                self._refuse(BadRequest())  # no browser sends it
                return
            body = _NO_ESCAPE.sub(b"%25", body)
        for pair in body.split(b"&"):
            if pair:
                name, _, text = pair.partition(b"=")
                self._parts.add_field(_unescaped(name), _unescaped(text))


def _unescaped(text: bytes) -> str:
    # Python's own escapes are decoded in C, and "%41" is one of them but for its first character.
    escaped = text.replace(b"\\", b"\\\\").replace(b"%", b"\\x")
    return escaped.decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")


def _too_large() -> LimitExceeded:
    return LimitExceeded("The form is larger than this server takes.", code="request-bytes")


def _too_many_parts() -> LimitExceeded:
    return LimitExceeded("The form has too many parts.", code="request-parts")


def _too_much_text() -> LimitExceeded:
    return LimitExceeded("The text is longer than this server takes.", code="request-text")
