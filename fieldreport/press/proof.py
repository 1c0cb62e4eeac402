"""What an editor should know of an article before it is read: what readers will not get, what is missing, its length.

Rules: nothing here changes a text. What ``render`` leaves out is read by a second parser that leaves nothing out, so
that each thing is named with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from fieldreport.press.article import Article, Media
from fieldreport.press.render import LINK
from fieldreport.sentence import Sentence

_UNSPACED: Final = frozenset({"zh", "ja"})
_WORD: Final = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_FOOTNOTE: Final = re.compile(r"\[\^([^\]\s]{1,80})\]")
_DEFINED: Final = re.compile(r"^[ >]*\[\^([^\]\s]{1,80})\]:", re.MULTILINE)
_SHOWN: Final = 60  # characters of a link or a tag: enough to find it
_PARSER: Final = MarkdownIt("js-default", {"html": True, "maxNesting": 20}).use(footnote_plugin)
setattr(_PARSER, "validateLink", lambda _url: True)  # noqa: B010 - mypy takes no assignment to a method; otherwise a link like javascript: stays letters


def undescribed(article: Article) -> tuple[str, ...]:
    """What each attachment lacks before it may be reviewed or published, in order; empty where nothing is missing.

    In every language that will be published. A description is for those who cannot see or hear it (WCAG 2.2, 1.1.1); a
    caption says what it is and what not.
    """
    missing = []
    for each in article.for_readers().each_language():
        for media in each.media:
            lack = _lack(media)
            if lack is not None:
                own = each.language == article.language
                missing.append(lack if own else Sentence("%(lack)s in %(code)s", lack=lack, code=each.language))
    return tuple(missing)


def _lack(media: Media) -> Sentence | None:
    described, captioned = media.alternative.strip(), media.caption.strip()
    if not described and not captioned:
        return Sentence("%(file)s has no description and no caption", file=media.name)
    if not described:
        return Sentence("%(file)s has no description", file=media.name)
    return None if captioned else Sentence("%(file)s has no caption", file=media.name)


def empty(article: Article) -> tuple[str, ...]:
    """The languages that will be published and have no title or no text yet."""
    return tuple(
        each.language
        for each in article.for_readers().each_language()
        if not each.title.strip() or not each.body.strip()
    )


def left_out(article: Article) -> tuple[str, ...]:
    """What stands in the body and does not reach readers as it was meant, each with its line, in order."""
    found = [*_from_tokens(article), *_footnotes(article.body)]
    return tuple(
        Sentence("Line %(line)s: %(words)s", line=line, words=words) for line, words in sorted(dict.fromkeys(found))
    )


def length(article: Article) -> str:
    """How long the text is, title and standfirst included: in words, or in characters where words are not spaced."""
    texts = [article.title, article.standfirst]
    for token in _PARSER.parse(article.body):
        texts += [child.content for child in token.children or () if child.type in {"text", "code_inline"}]
        texts += [token.content] if token.type in {"code_block", "fence"} else []
    found = [match for text in texts for match in _WORD.findall(text)]
    if article.language.partition("-")[0] in _UNSPACED:
        characters = sum(map(len, found))
        return Sentence.counted(
            "%(number)s character", "%(number)s characters", characters, number=format(characters, ",")
        )
    return Sentence.counted("%(number)s word", "%(number)s words", len(found), number=format(len(found), ","))


def _from_tokens(article: Article) -> Iterator[tuple[int, str]]:
    for token in _PARSER.parse(article.body):
        line = token.map[0] + 1 if token.map else 1
        if token.type == "html_block":
            yield line, Sentence("HTML is shown as letters: %(html)s", html=_short(token.content))
        for child in token.children or ():
            if child.type in {"softbreak", "hardbreak"}:
                line += 1
            elif child.type == "html_inline":
                if not child.content.startswith("</"):  # its beginning is named
                    yield line, Sentence("HTML is shown as letters: %(html)s", html=_short(child.content))
                line += child.content.count("\n")
            elif child.type == "link_open" and not _leads_somewhere(article, _attribute(child, "href")):
                address = _short(_attribute(child, "href"))
                yield line, Sentence("this link is no web address and leads nowhere: %(address)s", address=address)
            elif child.type == "image" and article.media_named(_attribute(child, "src")) is None:
                yield line, _no_picture(_attribute(child, "src"))


def _attribute(token: Token, name: str) -> str:
    value: Any = token.attrs.get(name, "")
    return str(value)


def _leads_somewhere(article: Article, address: str) -> bool:
    return LINK.fullmatch(address) is not None or article.media_named(address) is not None


def _no_picture(source: str) -> str:
    if ":" in source or source.startswith("//"):
        return Sentence(
            "a picture from elsewhere is left out, because its site would learn who reads: %(address)s",
            address=_short(source),
        )
    return Sentence(
        "the article has no attachment of this name, so only the words are shown: %(name)s", name=_short(source)
    )


def _footnotes(body: str) -> Iterator[tuple[int, str]]:
    defined = {match[1]: body.count("\n", 0, match.start()) + 1 for match in _DEFINED.finditer(body)}
    used = {
        match[1]: body.count("\n", 0, match.start()) + 1
        for match in _FOOTNOTE.finditer(body)
        if not body.startswith(":", match.end())
    }
    for label in used.keys() - defined.keys():
        yield used[label], Sentence("footnote %(name)s has no text", name=_short(label))
    for label in defined.keys() - used.keys():
        yield (
            defined[label],
            Sentence("no place in the text refers to footnote %(name)s, so it is left out", name=_short(label)),
        )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
