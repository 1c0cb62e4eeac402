"""Request bodies: typed text into bounded memory, files straight into encrypted scratch files, nothing anywhere else.

Rules: no plaintext reaches a disk and memory stays flat whatever the size; bytes, parts and text are counted as they
arrive and never trusted from a header; a refused body is still read to its end within bounds, because a browser shows
no page if the connection is reset while it sends; what was typed before the refusal is kept, so that the error page can
give it back.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import parse_qsl

import flask
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header
from typing_extensions import override
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.wsgi import get_input_stream

from fieldreport import limits
from fieldreport.errors import LimitExceeded
from fieldreport.scratch import Scratch

_PERCENT_ENCODED: Final = 3  # bytes of a body for one byte of text, at worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file of a form. ``part`` is the form's field; the name comes from the sender and can be anything."""

    part: str
    untrusted_name: str = field(repr=False)
    source: Scratch = field(repr=False)
    length: int
    sha256: bytes = field(repr=False)


class FormReader:
    """Reads one body. ``fields`` and ``uploads`` hold what has arrived, also after ``read`` has raised.

    Args:
        stream: ends where the body ends.
        content_type: the untrusted header.
        content_length: as announced, ``None`` for a chunked body; only used to notice that a body was cut off.
        open_scratch: makes the file for one upload; ``None`` discards every upload.
        request_bytes: bound of the whole body.

    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        content_type: str,
        content_length: int | None,
        open_scratch: Callable[[], Scratch] | None,
        request_bytes: int,
    ) -> None:
        self.fields: list[tuple[str, str]] = []
        self.uploads: list[Upload] = []
        self._stream = stream
        self._content_type = content_type
        self._content_length = content_length
        self._open_scratch = open_scratch
        self._request_bytes = request_bytes
        self._received = 0
        self._text_left = limits.FORM_TEXT_BYTES
        self._refusal: Exception | None = None
        self._part: _TextPart | _FilePart | None = None
        self._discard_until = 0.0

    def read(self) -> None:
        """Read the body to its end.

        Raises:
            LimitExceeded: code ``request-bytes``, ``request-text`` or ``request-parts``.
            UnsupportedMediaType: neither kind of form.
            BadRequest: broken or cut off. Whatever ``stream`` raises passes through.

        """
        kind, options = parse_options_header(self._content_type)
        if self._content_length is not None and self._content_length > self._request_bytes:
            self._refuse(_too_large())
        if kind == "multipart/form-data":
            self._read_multipart(options.get("boundary", ""))
        elif kind == "application/x-www-form-urlencoded":
            self._read_urlencoded()
        elif self._content_type or self._content_length:
            self._refuse(UnsupportedMediaType())
            for _ in self._chunks():
                pass
        if self._refusal is None and self._content_length is not None and self._received < self._content_length:
            self._refuse(BadRequest())
        if self._refusal is not None:
            self.close()
            raise self._refusal

    def close(self) -> None:
        """Discard the uploads; their scratch files are gone with their keys."""
        if isinstance(self._part, _FilePart):
            self._part.close()
            self._part = None
        for upload in self.uploads:
            upload.source.close()
        self.uploads.clear()

    def _refuse(self, error: Exception) -> None:
        # The first reason is the one to report; after it uploads are only read, not kept.
        if self._refusal is None:
            self._refusal = error
            self._open_scratch = None
            self._discard_until = time.monotonic() + limits.DISCARD_SECONDS

    def _chunks(self) -> _Chunks:
        """The body in pieces; a refused body is read on for a while, so that its sender gets the answer."""
        return _Chunks(self._next_chunk)

    def _next_chunk(self) -> bytes:
        if self._refusal is not None and (
            self._received > self._request_bytes + limits.DISCARD_BYTES or time.monotonic() > self._discard_until
        ):
            return b""
        chunk = self._stream.read(limits.READ_BYTES)
        self._received += len(chunk)
        if self._received > self._request_bytes:
            self._refuse(_too_large())
        return chunk

    def _read_multipart(self, boundary: str) -> None:
        try:
            # Not strict: strict refuses a line end after the last boundary when it arrives in a read of its own.
            parser = PushMultipartParser(boundary, max_segment_count=limits.FORM_PARTS)
        except MultipartError:
            self._refuse(BadRequest())
            for _ in self._chunks():
                pass
            return
        broken = False
        for chunk in self._chunks():
            if broken:
                continue
            try:
                for event in parser.parse(chunk):
                    self._handle(event)
            except ParserLimitReached:
                self._refuse(LimitExceeded("The form has too many parts.", code="request-parts"))
                broken = True
            except MultipartError:
                self._refuse(BadRequest())
                broken = True
        if not broken:
            try:
                parser.close()
            except MultipartError:
                self._refuse(BadRequest())
        self._finish_part()

    def _handle(self, event: MultipartSegment | bytes | None) -> None:
        if event is None:
            self._finish_part()
        elif isinstance(event, MultipartSegment):
            if event.filename is None:
                self._part = _TextPart(event.name)
            else:
                scratch = self._open_scratch() if self._open_scratch is not None else None
                self._part = _FilePart(event.name, event.filename, scratch)
        elif isinstance(self._part, _TextPart):
            if len(event) > self._text_left:
                self._refuse(_too_much_text())
                event = event[: self._text_left]
            self._text_left -= len(event)
            self._part.text += event
        elif self._part is not None:
            self._part.write(event, keep=self._open_scratch is not None)

    def _finish_part(self) -> None:
        part, self._part = self._part, None
        if isinstance(part, _TextPart):
            self.fields.append((part.name, part.text.decode("utf-8", "replace")))
        elif part is not None:
            upload = part.finish()
            if upload is not None:
                self.uploads.append(upload)

    def _read_urlencoded(self) -> None:
        body = bytearray()
        for chunk in self._chunks():
            if len(body) + len(chunk) > limits.FORM_TEXT_BYTES * _PERCENT_ENCODED:
                self._refuse(_too_much_text())
                continue
            body += chunk
        try:
            pairs = parse_qsl(
                body.decode("utf-8", "replace"),
                keep_blank_values=True,
                errors="replace",
                max_num_fields=limits.FORM_PARTS,
            )
        except ValueError:
            self._refuse(LimitExceeded("The form has too many parts.", code="request-parts"))
            return
        for name, text in pairs:
            size = len(text.encode())
            if size > self._text_left:
                self._refuse(_too_much_text())
                return
            self._text_left -= size
            self.fields.append((name, text))


class _Chunks:
    """Iterates ``next_chunk`` until it is empty."""

    def __init__(self, next_chunk: Callable[[], bytes]) -> None:
        self._next_chunk = next_chunk

    def __iter__(self) -> _Chunks:
        return self

    def __next__(self) -> bytes:
        chunk = self._next_chunk()
        if not chunk:
            raise StopIteration
        return chunk


class _TextPart:
    def __init__(self, name: str) -> None:
        self.name = name
        self.text = bytearray()


class _FilePart:
    def __init__(self, name: str, filename: str, scratch: Scratch | None) -> None:
        self._name = name
        self._filename = filename
        self._scratch = scratch
        self._digest = hashlib.sha256()
        self._length = 0

    def write(self, data: bytes, *, keep: bool) -> None:
        if not keep and self._scratch is not None:
            self.close()
        if self._scratch is not None:
            self._scratch.write(data)
            self._digest.update(data)
            self._length += len(data)

    def finish(self) -> Upload | None:
        # A browser sends an empty, nameless part for a file field in which nothing was chosen.
        if self._scratch is None or not (self._filename or self._length):
            self.close()
            return None
        self._scratch.seek(0)
        return Upload(
            part=self._name,
            untrusted_name=self._filename,
            source=self._scratch,
            length=self._length,
            sha256=self._digest.digest(),
        )

    def close(self) -> None:
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None


class ScratchRequest(flask.Request):
    """Flask's request with ``form`` and ``uploads`` read by ``FormReader``; ``files`` stays empty.

    Uses ``SCRATCH_DIRECTORY`` (a ``Path``; without it uploads are discarded) and ``REQUEST_BYTES`` of the application's
    configuration.
    """

    _reader: FormReader | None = None
    _failure: Exception | None = None
    _discard = False

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files of the form, in its order. They are closed when the request ends."""
        self._load_form_data()
        return tuple(self._reader.uploads) if self._reader is not None else ()

    def typed(self) -> dict[str, str]:
        """The text fields as far as they could be read; the first of a name counts. Never raises.

        A body that was not read yet is read now, without keeping files, so that a refusal that came first (a budget, an
        expired roster) still gives back what was typed.
        """
        if self._reader is None:
            self._discard = True
            try:
                self._load_form_data()
            except Exception as error:  # noqa: BLE001 - the caller is already answering another error
                self._failure = error
        typed: dict[str, str] = {}
        for name, text in self._reader.fields if self._reader is not None else ():
            typed.setdefault(name, text)
        return typed

    @override
    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        if self._failure is not None:
            raise self._failure
        config = flask.current_app.config
        directory: Path | None = None if self._discard else config.get("SCRATCH_DIRECTORY")
        self._reader = reader = FormReader(
            get_input_stream(self.environ),  # type: ignore[arg-type]  # the stub calls a readable stream IO[bytes]
            content_type=self.environ.get("CONTENT_TYPE", ""),
            content_length=self.content_length,
            open_scratch=(lambda: Scratch(directory)) if directory is not None else None,
            request_bytes=config.get("REQUEST_BYTES", limits.REQUEST_BYTES),
        )
        if self.method in {"POST", "PUT", "PATCH"}:
            try:
                reader.read()
            except Exception as error:
                self._failure = error
                raise
        self.__dict__.update(
            form=ImmutableMultiDict(reader.fields), files=ImmutableMultiDict(), stream=io.BytesIO(), data=b""
        )

    @override
    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


def current_request() -> ScratchRequest:
    """The request that is being answered, as the class it is.

    Raises:
        TypeError: outside an ``Application``.

    """
    # The proxy's object: ``flask.request`` itself is only declared as Flask's own class.
    request = flask.request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it
    if not isinstance(request, ScratchRequest):
        raise TypeError("this application has another request class")
    return request


def _too_large() -> LimitExceeded:
    return LimitExceeded("The form is larger than this server takes.", code="request-bytes")


def _too_much_text() -> LimitExceeded:
    return LimitExceeded("The text is longer than this server takes.", code="request-text")
