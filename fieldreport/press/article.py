"""What an article is: every field of it is public once it is published, and one hash covers them all.

Rules: nothing private is ever added here (reasons, authors and cases are kept outside the article); an article in
memory is always well formed, because it cannot be built otherwise; the canonical JSON is what is sealed, hashed, signed
and kept as the snapshot of what was published.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from unidecode import unidecode

from fieldreport import limits
from fieldreport.errors import LimitExceeded, UsageError

_FORMAT: Final = 1
_HASH_LABEL: Final = b"fieldreport/article/v1\0"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_SLUG = re.compile(r"(?:[a-z0-9]+-)*[a-z0-9]{10}")
_MEDIA_NAME = re.compile(r"[a-z]{2,20}-[1-9][0-9]{0,3}\.[a-z0-9]{1,5}")
_MEDIA_TYPE = re.compile(r"(?:image|audio|video|text|application)/[a-z0-9.+-]{1,100}")
# What neither UTF-8 nor XML can carry.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Without vowels, so that no words appear by chance, and without signs that look alike, so that it can be read aloud.
_SLUG_ALPHABET: Final = "bcdfghjkmnpqrstvwxz23456789"
_SLUG_RANDOM: Final = 10  # 27**10 is 47 bits: an address that is not linked yet cannot be guessed
_SLUG_WORDS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A picture, recording or document of an article.

    ``name`` is neutral (``photo-1.jpg``) and unique in its article; the body refers to it as a Markdown image.
    ``sha256`` is the hexadecimal hash of the rendition that is published, ``length`` its size in bytes.
    """

    name: str
    media_type: str
    sha256: str
    length: int
    alternative: str = field(default="", repr=False)
    caption: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        well_formed = (
            _MEDIA_NAME.fullmatch(self.name)
            and _MEDIA_TYPE.fullmatch(self.media_type)
            and _SHA256.fullmatch(self.sha256)
            and self.length >= 0
        )
        if not well_formed:
            raise UsageError("an attachment of the article is not well formed", code="article-media")
        object.__setattr__(self, "alternative", _unix_line_ends(self.alternative))
        object.__setattr__(self, "caption", _unix_line_ends(self.caption))
        _check_text(self.alternative, limits.ARTICLE_CAPTION_CHARACTERS)
        _check_text(self.caption, limits.ARTICLE_CAPTION_CHARACTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article in one language. ``body`` is Markdown; ``correction`` is the public note under a corrected one.

    Raises:
        UsageError: a malformed language tag (BCP 47: ``ko``, ``zh-Hans``, ``pt-BR``), slug or attachment, or text that
            UTF-8 cannot carry.
        LimitExceeded: code ``article-too-long``.
    """

    language: str
    slug: str
    title: str = field(default="", repr=False)
    standfirst: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    correction: str = field(default="", repr=False)
    media: tuple[Media, ...] = ()

    def __post_init__(self) -> None:
        if not _LANGUAGE.fullmatch(self.language):
            raise UsageError(
                "the article's language is not a language tag like 'ko' or 'zh-Hans'", code="article-language"
            )
        if not _SLUG.fullmatch(self.slug) or len(self.slug) > limits.SLUG_CHARACTERS:
            raise UsageError("the article's address must be small letters, digits and hyphens", code="article-slug")
        for name in _TEXT_FIELDS:
            # Browsers end the lines of a form with CR LF; here with LF only.
            object.__setattr__(self, name, _unix_line_ends(getattr(self, name)))
        _check_text(self.title, limits.ARTICLE_TITLE_CHARACTERS)
        _check_text(self.standfirst, limits.ARTICLE_STANDFIRST_CHARACTERS)
        _check_text(self.body, limits.ARTICLE_BODY_CHARACTERS)
        _check_text(self.correction, limits.ARTICLE_CAPTION_CHARACTERS)
        if len(self.media) > limits.ARTICLE_MEDIA:
            raise LimitExceeded(f"an article holds at most {limits.ARTICLE_MEDIA} attachments", code="article-too-long")
        if len({media.name for media in self.media}) != len(self.media):
            raise UsageError("two attachments of the article have the same name", code="article-media")

    def public_fields(self) -> Mapping[str, str]:
        """Every text a reader will see, by name, in reading order: what the leak check reads.

        Names are ``title``, ``standfirst``, ``body``, ``correction``, ``slug`` and, for each attachment,
        ``media.NAME.caption`` and ``media.NAME.alternative``.
        """
        fields = {"title": self.title, "standfirst": self.standfirst, "body": self.body, "correction": self.correction}
        for media in self.media:
            fields[f"media.{media.name}.caption"] = media.caption
            fields[f"media.{media.name}.alternative"] = media.alternative
        fields["slug"] = self.slug
        return fields

    def media_named(self, name: str) -> Media | None:
        """The attachment of that name, or nothing."""
        return next((media for media in self.media if media.name == name), None)

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8, every field present."""
        document = {
            "format": _FORMAT,
            "language": self.language,
            "slug": self.slug,
            "title": self.title,
            "standfirst": self.standfirst,
            "body": self.body,
            "correction": self.correction,
            "media": [{name: getattr(media, name) for name in _MEDIA_FIELDS} for media in self.media],
        }
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, untrusted_document: bytes) -> Article:
        """Read what ``to_json`` wrote, and nothing else.

        Raises:
            UsageError: code ``article-json``: not JSON, another format, a missing or unknown key or a wrong type; or as
                for the constructor.
            LimitExceeded: longer than ``limits.ARTICLE_JSON_BYTES``.
        """
        if len(untrusted_document) > limits.ARTICLE_JSON_BYTES:
            raise LimitExceeded("the article is too long", code="article-too-long")
        try:
            untrusted = json.loads(untrusted_document)
        except (ValueError, RecursionError):
            raise _not_an_article() from None
        return cls.from_document(untrusted)

    @classmethod
    def from_document(cls, untrusted: object) -> Article:
        """Read what JSON has been decoded from. Raises ``UsageError`` as ``from_json``."""
        values = _typed(untrusted, {"format": int, "media": list, **dict.fromkeys(_TEXT_FIELDS, str)})
        if values.pop("format") != _FORMAT:
            raise _not_an_article()
        media = tuple(Media(**_typed(entry, _MEDIA_FIELDS)) for entry in values.pop("media"))
        return cls(**values, media=media)

    def content_hash(self) -> bytes:
        """SHA-256 over everything public, the hashes of the attachments included: 32 bytes, what a sign-off signs.

        The random part of the slug is in it, so the hash alone does not confirm a guess at a draft's text.
        """
        return hashlib.sha256(_HASH_LABEL + self.to_json()).digest()


_TEXT_FIELDS: Final = ("language", "slug", "title", "standfirst", "body", "correction")
_MEDIA_FIELDS: Final[Mapping[str, type]] = {
    "name": str,
    "media_type": str,
    "sha256": str,
    "length": int,
    "alternative": str,
    "caption": str,
}


def new_slug(words: str = "") -> str:
    """A new address: random, with a readable prefix of at most six words only where an editor asks for one.

    It is never derived from the title: a title may have to be changed because it said too much, and the address stays.
    """
    readable = re.findall(r"[a-z0-9]+", unidecode(words).lower())[:_SLUG_WORDS]
    random_part = "".join(secrets.choice(_SLUG_ALPHABET) for _ in range(_SLUG_RANDOM))
    return "-".join([*(word[:16] for word in readable), random_part])


def _typed(untrusted: object, kinds: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(untrusted, dict) or untrusted.keys() != kinds.keys():
        raise _not_an_article()
    for name, kind in kinds.items():
        if type(untrusted[name]) is not kind:
            raise _not_an_article()
    return untrusted


def _not_an_article() -> UsageError:
    return UsageError("this is not an article of this program", code="article-json")


def _unix_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_text(text: str, characters: int) -> None:
    if len(text) > characters:
        raise LimitExceeded(f"a text of the article is longer than {characters} characters", code="article-too-long")
    if _UNPRINTABLE.search(text):
        raise UsageError("a text of the article holds characters that cannot be published", code="article-text")
