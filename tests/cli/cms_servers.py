"""What WordPress and Ghost do with the requests of an export, as their documentation says.

Of WordPress ``throwaway_wordpress`` has the real one, too; Ghost is in no distribution. Each checks what the real one
checks (credentials, tokens, slugs, collisions), refuses what it would refuse, and remembers what it was sent.
"""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

Answer = tuple[int, Any]


@dataclass(kw_only=True)
class Site:
    """One system. ``posts`` and ``files`` are what is there; ``seen``: every request's method, path and head."""

    posts: dict[Any, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def answer(self, method: str, path: str, query: dict[str, list[str]], head: dict[str, str], body: bytes) -> Answer:
        raise NotImplementedError


@dataclass(kw_only=True)
class WordPressSite(Site):
    """The routes of wp/v2 that take posts and media (developer.wordpress.org/rest-api/reference)."""

    credentials: str = "desk:abcd efgh ijkl"

    @override
    def answer(self, method: str, path: str, query: dict[str, list[str]], head: dict[str, str], body: bytes) -> Answer:
        given = base64.b64decode(head.get("authorization", "").removeprefix("Basic ")).decode()
        if given != self.credentials:
            return (400, {"code": "rest_invalid_param"}) if "status" in query else (401, {"code": "rest_not_logged_in"})
        assert path == "/blog/"
        kind, _, number = query["rest_route"][0].removeprefix("/wp/v2/").partition("/")
        table: dict[Any, dict[str, Any]] = {"posts": self.posts, "media": self.files}[kind]
        if method == "GET":
            wanted = [each for each in table.values() if each["slug"] == query["slug"][0]]
            if kind == "posts" and query.get("status") != ["any"]:
                wanted = [each for each in wanted if each["status"] == "publish"]
            return 200, wanted
        if number:
            table[int(number)] |= json.loads(body)
            return 200, table[int(number)]
        fresh = len(self.posts) + len(self.files) + 1
        if kind == "posts":
            table[fresh] = {"status": "draft", **json.loads(body), "id": fresh}
            return 201, table[fresh]
        name = head["content-disposition"].partition("filename=")[2].strip('"')
        url = f"{self.address}/wp-content/uploads/{name}"
        slug = name.rpartition(".")[0]
        table[fresh] = {"id": fresh, "slug": slug, "source_url": url, "bytes": body, "type": head["content-type"]}
        return 201, {key: value for key, value in table[fresh].items() if key != "bytes"}


@dataclass(kw_only=True)
class GhostSite(Site):
    """Posts and uploads of the Admin API (docs.ghost.org/admin-api)."""

    key: str = "0123456789abcdef01234567:" + "ab" * 32

    @override
    def answer(self, method: str, path: str, query: dict[str, list[str]], head: dict[str, str], body: bytes) -> Answer:
        if not self._knows(head.get("authorization", "").removeprefix("Ghost ")) or "accept-version" not in head:
            return 401, {"errors": [{"code": "INVALID_JWT"}]}
        path = path.removeprefix("/ghost/api/admin/")
        if path.endswith("/upload/"):
            return 201, self._upload(path.partition("/")[0], head, body)
        if method == "GET":
            slug = path.split("/")[2]
            found = [each for each in self.posts.values() if each["slug"] == slug]
            return (200, {"posts": found}) if found else (404, {"errors": [{"type": "NotFoundError"}]})
        (post,) = json.loads(body)["posts"]
        assert query == {"source": ["html"]}
        if method == "POST":
            own = f"{len(self.posts):024x}"
            self.posts[own] = {**post, "id": own, "updated_at": "1"}
            return 201, {"posts": [self.posts[own]]}
        there = self.posts[path.split("/")[1]]
        if post.pop("updated_at", None) != there["updated_at"]:
            return 409, {"errors": [{"code": "UPDATE_COLLISION"}]}
        there |= {**post, "updated_at": str(int(there["updated_at"]) + 1)}
        return 200, {"posts": [there]}

    def _knows(self, token: str) -> bool:
        own, secret = self.key.split(":")
        try:
            signed, _, signature = token.rpartition(".")
            head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        except ValueError:
            return False
        expected = hmac.digest(bytes.fromhex(secret), signed.encode(), "sha256")
        now = time.time()
        lives = claims["iat"] - 5 <= now < claims["exp"] <= claims["iat"] + 300
        sound = head == {"alg": "HS256", "kid": own, "typ": "JWT"} and claims["aud"] == "/admin/"
        return lives and sound and hmac.compare_digest(_decoded(signature), expected)

    def _upload(self, group: str, head: dict[str, str], body: bytes) -> Any:
        boundary = head["content-type"].partition("boundary=")[2]
        (part,) = body.split(f"--{boundary}".encode())[1:-1]
        about, _, content = part.partition(b"\r\n\r\n")
        name = about.partition(b'filename="')[2].partition(b'"')[0].decode()
        url = f"{self.address}/content/{group}/2026/11/{name}"
        self.files[name] = {"bytes": content.removesuffix(b"\r\n")}
        return {group: [{"url": url, "ref": None}]}


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def served(site: Site) -> Iterator[str]:
    """Serve it on this machine; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def _all(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            head = {name.lower(): value for name, value in self.headers.items()}
            parts = urlsplit(self.path)
            site.seen.append((self.command, self.path, head))
            status, value = site.answer(self.command, parts.path, parse_qs(parts.query), head, body)
            content = json.dumps(value, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _all  # noqa: N815 - the names that the server looks for

        @override
        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site.address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
