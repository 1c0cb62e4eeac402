"""A small server for the static site, for ``fieldreport press``; any web server may be used instead.

Rules: only files of the current build, only GET and HEAD; the security headers on every answer; a withdrawn address
answers 410; no time on any answer but those in the pages; nothing about visitors is logged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final  # noqa: TID251 - no such module at run time

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import FileWrapper

from fieldreport import limits
from fieldreport.press.site import POLICY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What a build holds; "gone/SLUG" has no extension and is not served.
_PATH: Final = re.compile(r"(?:archive/|articles/|media/[a-z0-9-]+/)?[a-z0-9-]+\.[a-z0-9]{1,5}")
_ARTICLE: Final = re.compile(r"articles/([a-z0-9-]+)\.html")
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "pdf": "application/pdf",
}
_FEEDS: Final = {"feed.xml": "application/atom+xml; charset=utf-8", "feed.json": "application/feed+json"}
_HEADERS: Final = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Feed readers on the web show the pictures of a feed.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), interest-cohort=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A withdrawn page must not come back from a cache: keep it, but ask each time.
    "Cache-Control": "no-cache",
}
_READ_WHOLE_BYTES: Final = 1 * limits.MIB
_NOTHING_YET: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Nothing yet</title>'
    "<p>Nothing has been published yet.</p></html>"
)


def create_app(site: Path) -> WSGIApplication:
    """The site below ``site`` (the directory that holds ``current``) as a WSGI application."""
    current = site / "current"

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        response = _answer(request, current)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        # Werkzeug dates conditional answers; when a page was read must not be recorded anywhere.
        response.headers.pop("Date", None)
        return response(environ, start_response)

    return application


def _answer(request: Request, current: Path) -> Response:
    if request.method not in {"GET", "HEAD"}:
        return Response("Only GET and HEAD.\n", 405, {"Allow": "GET, HEAD"}, mimetype="text/plain")
    path = request.path.removeprefix("/") or "index.html"
    if not current.exists():
        return Response(_NOTHING_YET, 200 if path == "index.html" else 404, mimetype="text/html")
    article = _ARTICLE.fullmatch(path)
    status = 410 if article and (current / "gone" / article[1]).exists() else 200
    try:
        if _PATH.fullmatch(path):
            return _file(request, current / path, status)
    except FileNotFoundError:
        # The build may be switched at any moment, so asking first would not help.
        return _file(request, current / "404.html", 404)
    return _file(request, current / "404.html", 404)


def _file(request: Request, path: Path, status: int) -> Response:
    size = path.stat().st_size
    response = Response(status=status, content_type=_content_type(path))
    if path.suffix == ".pdf":
        response.headers["Content-Disposition"] = "attachment"
    if size <= _READ_WHOLE_BYTES:
        content = path.read_bytes()
        response.set_data(content)
        response.set_etag(hashlib.sha256(content).hexdigest()[:32])
    else:
        stream = path.open("rb")
        response.call_on_close(stream.close)
        response.response = FileWrapper(stream, limits.READ_BYTES)
        response.direct_passthrough = True
        response.content_length = size
        # Only media are large: their names and contents change together with the article's slot.
        response.set_etag(f"{size:x}-{int(path.stat().st_mtime):x}")
    if status == HTTPStatus.OK:
        try:
            response.make_conditional(request, accept_ranges=True, complete_length=size)
        except RequestedRangeNotSatisfiable as unsatisfiable:
            response.close()
            return Response(status=416, headers=dict(unsatisfiable.get_headers(request.environ)))
    return response


def _content_type(path: Path) -> str:
    if path.name in _FEEDS:
        return _FEEDS[path.name]
    return _TYPES.get(path.suffix.removeprefix("."), "application/octet-stream")
