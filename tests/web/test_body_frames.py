"""Where a body ends: the same however it comes in pieces, and the same as gunicorn's own reader finds it."""

from __future__ import annotations

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader
from gunicorn.http.parser import RequestParser
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from fieldreport import limits
from fieldreport.web.body_frames import ChunkedFrames, CountedFrames, Frames

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\n"


def chunked() -> ChunkedFrames:
    def check(lines: bytes) -> None:
        if b":" not in lines:
            raise InvalidHeader("")

    return ChunkedFrames(check)


def in_pieces(frames: Frames, data: bytes, size: int) -> bytes:
    """The body, taken as the server takes it: not before so much has come as it needs at least."""
    body, waiting = b"", b""
    for start in range(0, len(data), size):
        waiting += data[start : start + size]
        if frames.least and len(waiting) >= frames.least:
            body += b"".join(frames.take(waiting))
            waiting = frames.rest
    assert frames.least == 0, "the end was there and was not seen"
    assert frames.rest + waiting[len(frames.rest) :] == NEXT
    return body


def as_gunicorn_reads_it(data: bytes) -> bytes:
    return bytes(next(RequestParser(Config(), [HEAD + data], ("127.0.0.1", 1))).body.read())


@given(
    contents=st.lists(st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n", b"0\r\n\r\n"]), max_size=5),
    extension=st.sampled_from([b"", b";a", b" ; a=b", b';a="\\" b"']),
    trailers=st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: b\r\nC: d\r\n"]),
    size=st.integers(1, 60),
)
def test_chunks_are_the_same_however_they_are_cut_up(
    contents: list[bytes], extension: bytes, trailers: bytes, size: int
) -> None:
    chunks = b"".join(f"{len(each):x}".encode() + extension + b"\r\n" + each + b"\r\n" for each in contents)
    data = chunks + b"0" + extension + b"\r\n" + trailers + b"\r\n"
    assert in_pieces(chunked(), data + NEXT, size) == b"".join(contents) == as_gunicorn_reads_it(data)


@given(content=st.binary(max_size=100), size=st.integers(1, 60))
def test_a_counted_body_ends_where_it_says(content: bytes, size: int) -> None:
    frames = CountedFrames(len(content))
    assert in_pieces(frames, content + NEXT, size) == content if content else frames.least == 0


@given(data=st.text(alphabet='0123aF;\r\n \t="x', max_size=20).map(str.encode))
@example(data=b"1\r\nab\r\n0\r\n\r\n")
@example(data=b"1\r\na\n0\r\n\r\n")
def test_what_is_taken_gunicorn_takes_as_well(data: bytes) -> None:
    frames = chunked()
    try:
        body = b"".join(frames.take(data))
    except BadRequest:
        return
    if frames.least == 0:
        assert as_gunicorn_reads_it(data) == body


@pytest.mark.parametrize(
    "data",
    [
        b"5" + b"0" * limits.CHUNK_LINE_BYTES,
        b"1;" + b"x" * limits.CHUNK_LINE_BYTES + b"\r\n",
        b"0\r\n" + b"X: y\r\n" * limits.CHUNK_LINE_BYTES,
        b"0\r\nnothing\r\n\r\n",
        b"f" * 17 + b"\r\n",
        b"-1\r\n",
        b"0x1\r\n",
        b"\r\n",
        b"1\r\nab",
    ],
    ids=lambda data: data[:12].decode(),
)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_what_cannot_be_chunks_is_refused_and_nothing_of_it_grows(data: bytes, size: int) -> None:
    frames = chunked()
    with pytest.raises(BadRequest):
        [list(frames.take(data[start : start + size])) for start in range(0, len(data), size)]
