"""Who publishes, and what was published: the two values from which the site is built."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.errors import SettingsError
from fieldreport.press.article import Article
from fieldreport.press.languages import WORDS, direction
from fieldreport.press.theme import Theme


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """Who publishes: one name and one byline for everything. ``base_url`` has no slash at its end.

    ``letterbox``: the onion host where sources write, named on every page, or nothing. It is no link: a browser and its
    network would remember who followed it. ``recipients``: the list of keys to which sources seal files themselves, or
    nothing. ``about``: who that is and how to reach them, in Markdown, or nothing.
    """

    name: str
    base_url: str
    byline: str
    language: str = "en"
    demo: bool = False
    letterbox: str = ""
    recipients: str = ""
    about: str = field(default="", repr=False)
    theme: Theme = field(default_factory=Theme)

    @classmethod
    def from_settings(cls, settings: Settings) -> Newsroom:
        """The newsroom of an installation.

        Raises:
            SettingsError: the site does not speak its language, its page about itself cannot be read or is too long, or
                its theme is refused.
        """
        if settings.press.language not in WORDS:
            raise SettingsError(f"[press] language must be one of {', '.join(sorted(WORDS))}")
        return cls(
            name=settings.instance.name,
            base_url=settings.press.base_url.rstrip("/"),
            byline=settings.press.byline,
            language=settings.press.language,
            demo=settings.is_demo,
            letterbox=settings.press.letterbox,
            about=_about(settings.press.about),
            theme=Theme.load(settings.press.theme),
        )

    @property
    def direction(self) -> str:
        """The direction of the newsroom's own language."""
        return direction(self.language)


def _about(path: Path) -> str:
    if path == Path():
        return ""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"[press] about: cannot read {path}: {error}") from None
    if len(text) > limits.ARTICLE_BODY_CHARACTERS:
        raise SettingsError(f"[press] about: {path} is longer than {limits.ARTICLE_BODY_CHARACTERS} characters")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One address of the site. ``published`` and ``updated`` are slots; no article means it was withdrawn then.

    ``original``: of a translation, the address of the article that it is of.
    """

    slug: str
    language: str
    published: datetime
    updated: datetime
    article: Article | None
    original: str = ""

    @property
    def of(self) -> str:
        """The address of the original, which all languages of an article share."""
        return self.original or self.slug

    @property
    def identity(self) -> str:
        """The entry's permanent identifier (RFC 4287, section 4.2.6); it survives a move to another domain."""
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, 'fieldreport:' + self.slug)}"
