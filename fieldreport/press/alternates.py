"""The languages of an article on the site: how its pages lead to each other, and which of them lists show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fieldreport.press.article import Article
from fieldreport.press.languages import direction, own_name
from fieldreport.press.newsroom import Published

Entry = tuple[Published, Article]


@dataclass(frozen=True, slots=True)
class Language:
    """An article in one language, for links to it from its others."""

    tag: str
    slug: str

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return own_name(self.tag)

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return direction(self.tag)


@dataclass(frozen=True, slots=True)
class Languages:
    """All languages of one article, the original first; ``default``: for readers of a language that is not there."""

    all: tuple[Language, ...]
    default: Language

    def beside(self, language: str) -> tuple[Language, ...]:
        """The others."""
        return tuple(each for each in self.all if each.tag != language)


def languages_of(articles: Sequence[Entry], newsroom: str) -> dict[str, Languages]:
    """The languages of each article by the address of its original.

    The ``newsroom``'s language is the default where the article is there in it, otherwise the original's.
    """
    together: dict[str, list[Language]] = {}
    for entry, article in sorted(articles, key=lambda pair: (bool(pair[0].original), pair[1].language)):
        together.setdefault(entry.of, []).append(Language(article.language, entry.slug))
    return {
        slug: Languages(tuple(each), next((one for one in each if one.tag == newsroom), each[0]))
        for slug, each in together.items()
    }


def listed(articles: Sequence[Entry], languages: Mapping[str, Languages]) -> list[Entry]:
    """Each article once, in its default language and at the place of its original; the newest first."""
    first = {entry.slug: entry.published for entry, _ in articles}
    chosen = {each.default.slug for each in languages.values()}
    found = [
        (replace(entry, published=first.get(entry.of, entry.published)), article)
        for entry, article in articles
        if entry.slug in chosen
    ]
    return sorted(found, key=lambda pair: (pair[0].published, pair[0].of), reverse=True)
