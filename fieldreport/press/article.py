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
from dataclasses import dataclass, field, replace
from typing import Any, Final

from unidecode import unidecode

from fieldreport import limits
from fieldreport.errors import LimitExceeded, UsageError
from fieldreport.sentence import Sentence

_FORMAT: Final = 1
_FORMAT_TRANSLATED: Final = 2  # with its translations; without any it is written as the first, and has the same hash
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
class Translation:
    """An article in one more language. ``ready``: it is published with the article; otherwise it is a draft still."""

    article: Article
    ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article: the original in one language, and its ``translations``.

    ``body`` is Markdown; ``correction`` is the public note under a corrected one. A translation has the attachments of
    the original, under the same names and with its own descriptions and captions: what is attached to the original, or
    taken from it, is so in every language.

    Raises:
        UsageError: a malformed language tag (BCP 47: ``ko``, ``zh-Hans``, ``pt-BR``), slug or attachment, text that
            UTF-8 cannot carry, or a language or an address that two of its languages share.
        LimitExceeded: code ``article-too-long``.
    """

    language: str
    slug: str
    title: str = field(default="", repr=False)
    standfirst: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    correction: str = field(default="", repr=False)
    media: tuple[Media, ...] = ()
    translations: tuple[Translation, ...] = ()

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
        self._check_translations()

    def _check_translations(self) -> None:
        if len(self.translations) > limits.ARTICLE_TRANSLATIONS:
            most = Sentence("An article has at most %(number)s translations.", number=limits.ARTICLE_TRANSLATIONS)
            raise LimitExceeded(most, code="article-too-long")
        others = [translation.article for translation in self.translations]
        if any(other.translations for other in others):
            raise UsageError("a translation has no translations", code="article-language")
        if len({self.language, *(other.language for other in others)}) <= len(others):
            raise UsageError(Sentence("An article is there once in each language."), code="article-language")
        if len({self.slug, *(other.slug for other in others)}) <= len(others):
            raise UsageError("each language of an article has its own address", code="article-slug")
        same_files = tuple(
            replace(each, article=replace(each.article, media=tuple(map(each.article.described, self.media))))
            for each in self.translations
        )
        object.__setattr__(self, "translations", same_files)

    def described(self, media: Media) -> Media:
        """A file of another language of this article with what this one says of it; with nothing where it is new."""
        own = self.media_named(media.name)
        return replace(media, alternative=own.alternative if own else "", caption=own.caption if own else "")

    def alone(self) -> Article:
        """The original without its translations."""
        return replace(self, translations=()) if self.translations else self

    def each_language(self) -> tuple[Article, ...]:
        """The original and every translation, each as an article of its own."""
        return self.alone(), *(translation.article for translation in self.translations)

    def for_readers(self) -> Article:
        """The article with those translations alone that are ready: what is checked, signed and published."""
        if all(translation.ready for translation in self.translations):
            return self
        return replace(self, translations=tuple(each for each in self.translations if each.ready))

    def all_ready(self) -> Article:
        """The article as if every translation were ready."""
        return replace(self, translations=tuple(replace(each, ready=True) for each in self.translations))

    def translation(self, language: str) -> Translation | None:
        """Its translation into a language, or nothing."""
        return next((each for each in self.translations if each.article.language == language), None)

    def with_translation(self, translation: Translation) -> Article:
        """The article with this translation, in the place of the one into the same language if there is one."""
        others = [each for each in self.translations if each.article.language != translation.article.language]
        place = next((at for at, each in enumerate(self.translations) if each not in others), len(others))
        return replace(self, translations=(*others[:place], translation, *others[place:]))

    def without_translation(self, language: str) -> Article:
        """The article without its translation into a language."""
        kept = tuple(each for each in self.translations if each.article.language != language)
        return replace(self, translations=kept)

    def with_slugs_of(self, newer: Article) -> Article:
        """This version of an article, at the addresses that it has now."""
        slugs = {each.article.language: each.article.slug for each in newer.translations}
        translations = tuple(
            replace(each, article=replace(each.article, slug=slugs.get(each.article.language, each.article.slug)))
            for each in self.translations
        )
        return replace(self, slug=newer.slug, translations=translations)

    def public_fields(self) -> Mapping[str, str]:
        """Every text a reader will see, by name, in reading order: what the leak check reads.

        Names are ``title``, ``standfirst``, ``body``, ``correction``, ``slug`` and, for each attachment,
        ``media.NAME.caption`` and ``media.NAME.alternative``; those of a translation follow, as ``ko:title``.
        """
        fields = {"title": self.title, "standfirst": self.standfirst, "body": self.body, "correction": self.correction}
        for media in self.media:
            fields[f"media.{media.name}.caption"] = media.caption
            fields[f"media.{media.name}.alternative"] = media.alternative
        fields["slug"] = self.slug
        for translation in self.translations:
            language = translation.article.language
            fields |= {f"{language}:{name}": text for name, text in translation.article.public_fields().items()}
        return fields

    def media_named(self, name: str) -> Media | None:
        """The attachment of that name, or nothing."""
        return next((media for media in self.media if media.name == name), None)

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8, every field present."""
        return json.dumps(self._document(), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    def _document(self) -> dict[str, object]:
        document: dict[str, object] = {
            "format": _FORMAT,
            "language": self.language,
            "slug": self.slug,
            "title": self.title,
            "standfirst": self.standfirst,
            "body": self.body,
            "correction": self.correction,
            "media": [{name: getattr(media, name) for name in _MEDIA_FIELDS} for media in self.media],
        }
        if self.translations:
            document["format"] = _FORMAT_TRANSLATED
            document["translations"] = [
                {"article": each.article._document(), "ready": each.ready}  # noqa: SLF001 - of this class
                for each in self.translations
            ]
        return document

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
        translated = isinstance(untrusted, dict) and "translations" in untrusted
        kinds = _TRANSLATED_FIELDS if translated else _FIELDS
        values = _typed(untrusted, kinds)
        if values.pop("format") != (_FORMAT_TRANSLATED if translated else _FORMAT):
            raise _not_an_article()
        media = tuple(Media(**_typed(entry, _MEDIA_FIELDS)) for entry in values.pop("media"))
        translations = tuple(_translation(entry) for entry in values.pop("translations", ()))
        if translated and not translations:
            raise _not_an_article()
        return cls(**values, media=media, translations=translations)

    def content_hash(self) -> bytes:
        """SHA-256 over everything public, in every language that will be published: 32 bytes, what a sign-off signs.

        The hashes of the attachments are in it, and the random part of the slug, so that the hash alone does not
        confirm a guess at a draft's text.
        """
        return self.for_readers().revision_hash()

    def revision_hash(self) -> bytes:
        """SHA-256 as ``content_hash``, over the translations that are drafts still as well: what its author signs."""
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
_FIELDS: Final[Mapping[str, type]] = {"format": int, "media": list, **dict.fromkeys(_TEXT_FIELDS, str)}
_TRANSLATED_FIELDS: Final[Mapping[str, type]] = {**_FIELDS, "translations": list}


def _translation(untrusted: object) -> Translation:
    values = _typed(untrusted, {"article": dict, "ready": bool})
    if "translations" in values["article"]:  # also bounds how deep this goes
        raise _not_an_article()
    return Translation(article=Article.from_document(values["article"]), ready=values["ready"])


def new_slug(words: str = "", *, language: str = "") -> str:
    """A new address: random, with a readable prefix of at most six words only where an editor asks for one.

    It is never derived from the title: a title may have to be changed because it said too much, and the address stays.
    That of a translation begins with its ``language``.
    """
    readable = re.findall(r"[a-z0-9]+", unidecode(words).lower())[: _SLUG_WORDS - bool(language)]
    random_part = "".join(secrets.choice(_SLUG_ALPHABET) for _ in range(_SLUG_RANDOM))
    return "-".join(filter(None, [language.lower(), *(word[:16] for word in readable), random_part]))


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
