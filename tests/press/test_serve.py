"""The little server: only the build's files, the security headers on every answer, and no clock."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client, TestResponse

from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.article import Media
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.serve import create_app
from tests import connections

MediaSources = dict[str, MediaSource]


@pytest.fixture
def client(archive: Archive, newsroom: Newsroom, published: Published, media: MediaSources, slot: datetime) -> Client:
    archive.put(published, media)
    archive.rebuild(newsroom, slot=slot)
    return Client(create_app(archive.directory))


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/articles/bcdfghjk22.html", "text/html; charset=utf-8"),
        ("/media/bcdfghjk22/photo-1.jpg", "image/jpeg"),
        ("/feed.xml", "application/atom+xml; charset=utf-8"),
        ("/sitemap.xml", "application/xml; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/robots.txt", "text/plain; charset=utf-8"),
    ],
)
def test_it_serves_what_was_built(client: Client, path: str, media_type: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type
    assert answer.data
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/articles/",
        "/articles/none.html",
        "/gone/bcdfghjk22",
        "/../snapshots/bcdfghjk22.json",
        "/%2e%2e/snapshots/bcdfghjk22.json",
        "/articles/..%2findex.html",
        "/articles//etc/passwd",
        "//etc/passwd",
        "/.lock",
        "/index.html%00.jpg",
        "/articles/bcdfghjk22.html/x",
    ],
)
def test_it_serves_nothing_else(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def every_answer(client: Client) -> list[TestResponse]:
    return [
        client.get("/"),
        client.get("/nothing"),
        client.post("/"),
        client.head("/"),
        client.get("/media/bcdfghjk22/photo-1.jpg", headers={"Range": "bytes=0-3"}),
        client.get("/media/bcdfghjk22/photo-1.jpg", headers={"Range": "bytes=999-"}),
        client.get("/", headers={"If-None-Match": client.get("/").headers["ETag"]}),
    ]


def test_every_answer_has_the_headers_and_no_clock(client: Client) -> None:
    answers = every_answer(client)
    assert [answer.status_code for answer in answers] == [200, 404, 405, 200, 206, 416, 304]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        for telling in ("Date", "Last-Modified", "Server", "Set-Cookie"):
            assert telling not in answer.headers


def test_a_withdrawn_address_answers_410(client: Client, archive: Archive, newsroom: Newsroom, slot: datetime) -> None:
    archive.withdraw("bcdfghjk22", slot + timedelta(days=1))
    archive.rebuild(newsroom, slot=slot)
    answer = client.get("/articles/bcdfghjk22.html")
    assert answer.status_code == 410
    assert "no longer available" in answer.text
    assert client.get("/media/bcdfghjk22/photo-1.jpg").status_code == 404


def test_a_large_file_is_streamed_and_served_in_ranges(
    archive: Archive, newsroom: Newsroom, published: Published, slot: datetime
) -> None:
    content = bytes(range(256)) * 8192
    sha256 = hashlib.sha256(content).hexdigest()
    film = Media(name="video-1.mp4", media_type="video/mp4", sha256=sha256, length=len(content))
    assert published.article is not None
    archive.put(
        replace(published, article=replace(published.article, media=(film,))), {sha256: lambda: io.BytesIO(content)}
    )
    archive.rebuild(newsroom, slot=slot)
    client = Client(create_app(archive.directory))
    with client.get("/media/bcdfghjk22/video-1.mp4") as whole:
        assert (whole.status_code, whole.headers["Content-Type"], whole.data == content) == (200, "video/mp4", True)
    with client.get("/media/bcdfghjk22/video-1.mp4", headers={"Range": "bytes=1000001-1000004"}) as part:
        assert (part.status_code, part.data) == (206, content[1000001:1000005])
        assert part.headers["Content-Range"] == f"bytes 1000001-1000004/{len(content)}"
    with client.get("/media/bcdfghjk22/video-1.mp4", headers={"Range": f"bytes={len(content)}-"}) as beyond:
        assert beyond.status_code == 416
    with client.get("/media/bcdfghjk22/video-1.mp4", headers={"If-None-Match": whole.headers["ETag"]}) as known:
        assert known.status_code == 304


def test_before_anything_is_built_it_says_so(tmp_path: Path) -> None:
    client = Client(create_app(tmp_path))
    assert client.get("/").status_code == 200
    assert "Nothing has been published yet" in client.get("/").text
    assert client.get("/articles/bcdfghjk22.html").status_code == 404
    assert "Content-Security-Policy" in client.get("/").headers


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + bytes(5_000_000),
    ],
    ids=["size", "end", "trailer", "cut off", "large"],
)
def test_a_form_is_refused_once_whatever_its_body_is(tmp_path: Path, request_bytes: bytes) -> None:
    received = connections.answer(create_app(tmp_path), request_bytes)
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.startswith(b"HTTP/1.1 405")
