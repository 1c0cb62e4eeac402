"""A published article as a draft in another system: WordPress by its REST API, Ghost by its Admin API.

Rules: only what readers have already; neutral names; the only time that is sent is the slot; the article's address is
its name there, too, so that sending it again changes the draft and makes no second one; what somebody there has
published is left alone. This module builds requests and judges answers; ``send`` carries them, over a proxy if need be.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC
from html import escape
from http import HTTPStatus
from pathlib import PurePath
from typing import Any, Final, Protocol
from urllib.parse import quote

from typing_extensions import override

from fieldreport.errors import Conflict, NotAllowed, Unavailable, UsageError
from fieldreport.press.article import Article, Media
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.render import body_html

# The route that answers whatever form a site's addresses have (developer.wordpress.org/rest-api/extending-the-rest-api,
# "Routes and Endpoints"); /wp-json/ does not where they are "plain", as in a fresh one.
_WORDPRESS: Final = "/?rest_route=/wp/v2/"
_DRAFT: Final = "draft"
_JSON: Final = {"Content-Type": "application/json"}
_NAME_DIGITS: Final = 12  # of an attachment's hash, so that another file never has the name of the one before
_ANOTHER: Final = re.compile(r'href="([a-z0-9-]{10,120}\.html)"')
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_EXCERPT: Final = 300  # characters of a custom excerpt that Ghost takes
_TOKEN_SECONDS: Final = 300  # that Ghost accepts a token for, at most


class Send(Protocol):
    """Carries one request, and returns the status and the body of the answer. Raises ``Unavailable``."""

    def __call__(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """``path``: below the system's address, with its query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What is there now. ``created``: whether it was not there before."""

    id: str
    created: bool


class Cms(ABC):
    """One system that takes drafts; ``read`` opens an attachment's content."""

    def __init__(self, send: Send, newsroom: Newsroom, read: Callable[[Media], bytes]) -> None:
        self._send = send
        self._newsroom = newsroom
        self._read = read

    def push(self, entry: Published, article: Article) -> Pushed:
        """Make the draft, or change it to what readers have now.

        Raises:
            Conflict: it is no draft there any more (code ``cms-published``). NotAllowed: the credentials are refused.
            Unavailable: the system does not answer, or not as it should.
        """
        found = self._find(article.slug)
        if found is not None and found.get("status") != _DRAFT:
            raise Conflict("there it is no draft any more: change it there", code="cms-published")
        addresses = {media.name: self._upload(media, article, found) for media in article.media}
        html = _ANOTHER.sub(
            rf'href="{self._newsroom.base_url}/articles/\1"', str(body_html(article, lambda name: addresses[name]))
        )
        if article.correction:
            html += f"\n<p><em>{escape(article.correction)}</em></p>"
        return Pushed(id=str(self._write(entry, article, html, found)["id"]), created=found is None)

    @abstractmethod
    def _find(self, slug: str) -> dict[str, Any] | None:
        """What is there under this address."""

    @abstractmethod
    def _upload(self, media: Media, article: Article, found: dict[str, Any] | None) -> str:
        """The address of an attachment there; one that is there already is not sent again."""

    @abstractmethod
    def _write(self, entry: Published, article: Article, html: str, found: dict[str, Any] | None) -> dict[str, Any]:
        """Make or change the draft."""

    def _ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        missing: bool = False,
        refused: AbstractSet[int] = _REFUSED,
    ) -> Any:
        """The JSON of an answer; nothing for "not found", where that may be. ``refused``: statuses for credentials."""
        status, answer = self._send(method, path, headers=headers, body=body)
        if status == HTTPStatus.NOT_FOUND and missing:
            return None
        if status in refused:
            raise NotAllowed("the other system refuses these credentials", code="cms-refused")
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise _not_understood(f"status {status}")
        try:
            return json.loads(answer)
        except ValueError:
            raise _not_understood("no JSON") from None


class WordPress(Cms):
    """WordPress with the REST API of its core, version 2, and an application password (``user:password``)."""

    def __init__(self, send: Send, newsroom: Newsroom, read: Callable[[Media], bytes], *, credentials: str) -> None:
        super().__init__(send, newsroom, read)
        if ":" not in credentials:
            raise UsageError("the credentials of WordPress are USER:APPLICATION PASSWORD")
        self._headers = {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}

    @override
    def _find(self, slug: str) -> dict[str, Any] | None:
        return self._one("posts", slug, "status=any&")

    @override
    def _upload(self, media: Media, article: Article, found: dict[str, Any] | None) -> str:
        name = _neutral(media, article)
        there = self._one("media", name.stem, "")
        if there is None:
            there = self._ask(
                "POST",
                f"{_WORDPRESS}media",
                headers={
                    **self._headers,
                    "Content-Type": media.media_type,
                    "Content-Disposition": f'attachment; filename="{name}"',
                },
                body=self._read(media),
            )
        described = {"title": name.stem, "alt_text": media.alternative, "caption": media.caption}
        self._post(f"media/{_number(there)}", described)
        return _address(there.get("source_url"))

    @override
    def _write(self, entry: Published, article: Article, html: str, found: dict[str, Any] | None) -> dict[str, Any]:
        post = {
            "title": article.title,
            "content": html,
            "excerpt": article.standfirst,
            "slug": article.slug,
            "status": _DRAFT,
            "date_gmt": entry.published.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        return self._post("posts" if found is None else f"posts/{_number(found)}", post)

    def _one(self, kind: str, slug: str, more: str) -> dict[str, Any] | None:
        path = f"{_WORDPRESS}{kind}&{more}context=edit&slug={quote(slug)}"
        # To somebody it does not know, "any" is no status that may be asked for: 400.
        found = self._ask("GET", path, headers=self._headers, refused={*_REFUSED, HTTPStatus.BAD_REQUEST})
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise _not_understood("no list")
        return found[0] if found else None

    def _post(self, path: str, value: Mapping[str, str]) -> dict[str, Any]:
        body = json.dumps(value).encode()
        answer = self._ask("POST", f"{_WORDPRESS}{path}", headers={**self._headers, **_JSON}, body=body)
        return {"id": _number(answer)}


@dataclass(frozen=True, slots=True)
class GhostKey:
    """The key of a custom integration, as Ghost shows it: ``ID:SECRET``, both hexadecimal."""

    id: str
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> GhostKey:
        """Raises ``UsageError``."""
        match = re.fullmatch(r"([0-9a-f]{24}):((?:[0-9a-f]{2}){16,64})", text)
        if match is None:
            raise UsageError("the credentials of Ghost are the Admin API key of an integration, ID:SECRET")
        return cls(match[1], bytes.fromhex(match[2]))

    def token(self, now: float) -> str:
        """A JSON Web Token (RFC 7519, HS256) for five minutes from ``now``, in seconds since the Unix epoch."""
        head = {"alg": "HS256", "kid": self.id, "typ": "JWT"}
        claims = {"aud": "/admin/", "exp": int(now) + _TOKEN_SECONDS, "iat": int(now)}
        signed = b".".join(_base64url(json.dumps(each, separators=(",", ":")).encode()) for each in (head, claims))
        return (signed + b"." + _base64url(hmac.digest(self.secret, signed, "sha256"))).decode()


class Ghost(Cms):
    """Ghost 5 and 6 with the Admin API; ``clock``: seconds since the Unix epoch, for its tokens."""

    def __init__(
        self,
        send: Send,
        newsroom: Newsroom,
        read: Callable[[Media], bytes],
        *,
        credentials: str,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(send, newsroom, read)
        self._key, self._clock = GhostKey.parse(credentials), clock

    @override
    def _find(self, slug: str) -> dict[str, Any] | None:
        path = f"/ghost/api/admin/posts/slug/{quote(slug)}/?formats=html"
        answer = self._ask("GET", path, headers=self._headers(), missing=True)
        return None if answer is None else _first(answer, "posts")

    @override
    def _upload(self, media: Media, article: Article, found: dict[str, Any] | None) -> str:
        name = _neutral(media, article)
        # Ghost lists no files: one that was sent before is found in the draft.
        there = re.search(rf"https?://[^\"'\s<>]+/{re.escape(name.stem)}[^\"'\s<>/]*", str((found or {}).get("html")))
        if there is not None:
            return there[0]
        kind = media.media_type.partition("/")[0]
        group = {"image": "images", "audio": "media", "video": "media"}.get(kind, "files")
        boundary = secrets.token_hex(16)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {media.media_type}\r\n\r\n"
        )
        body = head.encode() + self._read(media) + f"\r\n--{boundary}--\r\n".encode()
        headers = {**self._headers(), "Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = self._ask("POST", f"/ghost/api/admin/{group}/upload/", headers=headers, body=body)
        return _address(_first(answer, group).get("url"))

    @override
    def _write(self, entry: Published, article: Article, html: str, found: dict[str, Any] | None) -> dict[str, Any]:
        post: dict[str, Any] = {
            "title": article.title,
            # One card of HTML: Ghost would convert anything else, and lose tables and captions.
            "html": f"<!--kg-card-begin: html-->\n{html}\n<!--kg-card-end: html-->",
            "custom_excerpt": article.standfirst[:_EXCERPT] or None,
            "slug": article.slug,
            "status": _DRAFT,
            "published_at": entry.published.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        method, path = "POST", "/ghost/api/admin/posts/?source=html"
        if found is not None:
            post["updated_at"] = found.get("updated_at")
            method, path = "PUT", f"/ghost/api/admin/posts/{quote(str(found.get('id')), safe='')}/?source=html"
        body = json.dumps({"posts": [post]}).encode()
        answer = self._ask(method, path, headers={**self._headers(), **_JSON}, body=body)
        return _first(answer, "posts")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Ghost {self._key.token(self._clock())}", "Accept-Version": "v5.0"}


def _neutral(media: Media, article: Article) -> PurePath:
    """The name of an attachment there: the article's address and the attachment's hash."""
    return PurePath(f"{article.slug}-{media.sha256[:_NAME_DIGITS]}{PurePath(media.name).suffix}")


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _number(answer: object) -> int:
    if not isinstance(answer, dict) or type(answer.get("id")) is not int:
        raise _not_understood("no id")
    return int(answer["id"])


def _first(answer: object, name: str) -> dict[str, Any]:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        raise _not_understood(f"no {name}")
    return found[0]


def _address(untrusted: object) -> str:
    if not isinstance(untrusted, str) or not re.fullmatch(r"https?://[^\"'\s<>]{1,2000}", untrusted):
        raise _not_understood("no address of a file")
    return untrusted


def _not_understood(detail: str) -> Unavailable:
    return Unavailable("the other system does not answer as it should", detail=f"push: {detail}", code="cms")
