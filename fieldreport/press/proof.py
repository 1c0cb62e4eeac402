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

from fieldreport.press.article import Article
from fieldreport.press.render import LINK

_UNSPACED: Final = frozenset({"zh", "ja"})
_WORD: Final = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_FOOTNOTE: Final = re.compile(r"\[\^([^\]\s]{1,80})\]")
_DEFINED: Final = re.compile(r"^[ >]*\[\^([^\]\s]{1,80})\]:", re.MULTILINE)
_SHOWN: Final = 60  # characters of a link or a tag: enough to find it
_PARSER: Final = MarkdownIt("js-default", {"html": True, "maxNesting": 20}).use(footnote_plugin)
setattr(_PARSER, "validateLink", lambda _url: True)  # otherwise a link like javascript: stays letters  # noqa: B010


def undescribed(article: Article) -> tuple[str, ...]:
    """What each attachment lacks before it may be reviewed or published, in order; empty where nothing is missing.

    In every language that will be published. A description is for those who cannot see or hear it (WCAG 2.2, 1.1.1); a
    caption says what it is and what not.
    """
    missing = []
    for each in article.for_readers().each_language():
        named = "" if each.language == article.language else f" in {each.language}"
        for media in each.media:
            texts = (("description", media.alternative), ("caption", media.caption))
            lacks = [what for what, text in texts if not text.strip()]
            if lacks:
                missing.append(f"{media.name} has no {' and no '.join(lacks)}{named}")
    return tuple(missing)


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
    return tuple(f"Line {line}: {words}" for line, words in sorted(dict.fromkeys(found)))


def length(article: Article) -> str:
    """How long the text is, title and standfirst included: in words, or in characters where words are not spaced."""
    texts = [article.title, article.standfirst]
    for token in _PARSER.parse(article.body):
        texts += [child.content for child in token.children or () if child.type in {"text", "code_inline"}]
        texts += [token.content] if token.type in {"code_block", "fence"} else []
    found = [match for text in texts for match in _WORD.findall(text)]
    if article.language.partition("-")[0] in _UNSPACED:
        return _counted(sum(map(len, found)), "character")
    return _counted(len(found), "word")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _from_tokens(article: Article) -> Iterator[tuple[int, str]]:
    for token in _PARSER.parse(article.body):
        line = token.map[0] + 1 if token.map else 1
        if token.type == "html_block":
            yield line, f"HTML is shown as letters: {_short(token.content)}"
        for child in token.children or ():
            if child.type in {"softbreak", "hardbreak"}:
                line += 1
            elif child.type == "html_inline":
                if not child.content.startswith("</"):  # its beginning is named
                    yield line, f"HTML is shown as letters: {_short(child.content)}"
                line += child.content.count("\n")
            elif child.type == "link_open" and not _leads_somewhere(article, _attribute(child, "href")):
                yield line, f"this link is no web address and leads nowhere: {_short(_attribute(child, 'href'))}"
            elif child.type == "image" and article.media_named(_attribute(child, "src")) is None:
                yield line, _no_picture(_attribute(child, "src"))


def _attribute(token: Token, name: str) -> str:
    value: Any = token.attrs.get(name, "")
    return str(value)


def _leads_somewhere(article: Article, address: str) -> bool:
    return LINK.fullmatch(address) is not None or article.media_named(address) is not None


def _no_picture(source: str) -> str:
    if ":" in source or source.startswith("//"):
        return f"a picture from elsewhere is left out, because its site would learn who reads: {_short(source)}"
    return f"the article has no attachment of this name, so only the words are shown: {_short(source)}"


def _footnotes(body: str) -> Iterator[tuple[int, str]]:
    defined = {match[1]: body.count("\n", 0, match.start()) + 1 for match in _DEFINED.finditer(body)}
    used = {
        match[1]: body.count("\n", 0, match.start()) + 1
        for match in _FOOTNOTE.finditer(body)
        if not body.startswith(":", match.end())
    }
    for label in used.keys() - defined.keys():
        yield used[label], f"footnote {_short(label)} has no text"
    for label in defined.keys() - used.keys():
        yield defined[label], f"no place in the text refers to footnote {_short(label)}, so it is left out"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
