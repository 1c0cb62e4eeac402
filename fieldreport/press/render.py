"""Markdown to HTML: the only place where ``Markup`` is made from text.

Rules: raw HTML in an article is text; pictures come only from the article's own attachments, by their neutral names;
the output of markdown-it goes through an allowlist as well, so that a mistake in one of the two is not enough; the
result loads nothing from elsewhere, and a link leads to a full URL or to another article.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from itertools import pairwise
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin

from fieldreport.press.article import Article, Media

_TAGS: Final = frozenset(
    {
        "p",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "em",
        "strong",
        "s",
        "a",
        "hr",
        "br",
        "code",
        "pre",
    }
    | {"table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img", "audio", "video"}
    | {"sup", "section"}
)
_ATTRIBUTES: Final = {
    "a": {"href", "id"},
    "li": {"id"},
    "img": {"src", "alt"},
    "audio": {"src", "controls", "preload", "aria-label"},
    "video": {"src", "controls", "preload", "aria-label"},
    "ol": {"start"},
}
_SCHEMES: Final = frozenset({"http", "https"})
LINK: Final = re.compile(r"https?://[^/].*|[a-z0-9-]{10,120}\.html", re.DOTALL)
"""Where a link of an article may lead: a whole web address, or another article."""
_FOOTNOTE: Final = re.compile(r"#?fn(?:ref)?[1-9][0-9]{0,4}(?::[0-9]{1,4})?")

# Characters for private use, which the body is rid of first: they pass through Markdown and the allowlist as letters.
_SIGNS: Final = 0xF0000
_SIGN_COUNT: Final = 0xFFF0
_END: Final = chr(_SIGNS + _SIGN_COUNT)
_NO_SIGNS: Final = dict.fromkeys(range(_SIGNS, _SIGNS + _SIGN_COUNT + 1), " ")
_SIGN: Final = re.compile("([\U000f0000-\U000ffff0])")
_TAG: Final = re.compile(r"(<[^>]*>)")
_LINE: Final = re.compile(r"[^\n]+")
_WORD: Final = re.compile(r"[^\W_]+")
_ADDRESS: Final = re.compile(r"\]\([^)\n]*\)?|<https?://[^>\n]*>?|^[ >]*\[(?!\^)[^\]\n]+\]:.*", re.MULTILINE)

MediaUrl = Callable[[str], str]


def body_html(article: Article, media_url: MediaUrl | None = None) -> Markup:
    """The article's body with its attachments as figures, those it does not mention after the text.

    ``media_url`` gives the address of an attachment by its name; by default the name itself, relative.
    """
    url = media_url or _relative
    html, shown = _render(article, url)
    rest = "".join(_figure(media, url) for media in article.media if media.name not in shown)
    # markdown-it ran without raw HTML, the figures are escaped below, and nh3 keeps only the allowlist of both.
    return Markup(_clean(html + rest, {url(media.name) for media in article.media}))  # noqa: S704


def marked_html(article: Article, spans: Sequence[tuple[int, int, str]], media_url: MediaUrl) -> Markup:
    """The body as readers get it, with places of its text marked; ``spans``: where one begins and ends, and its link.

    A place inside an address is not marked, because nobody sees it; where several overlap, the first has the link.
    """
    body = article.body.translate(_NO_SIGNS)
    places = [(*place, target) for start, end, target in sorted(spans) for place in _lines_of(body, start, end)]
    marks = {chr(_SIGNS + number): target for number, (_, _, target) in enumerate(places[:_SIGN_COUNT])}
    # Where one ends before another begins, the end comes first.
    signs = [(begin, 1, sign) for sign, (begin, _, _) in zip(marks, places, strict=False)]
    signs += [(finish, 0, _END) for _, finish, _ in places[:_SIGN_COUNT]]
    cuts = sorted(signs)
    edges = [0, *(at for at, _, _ in cuts), len(body)]
    pieces = [body[begin:end] for begin, end in pairwise(edges)]
    body = "".join(text + sign for text, sign in zip(pieces, [*(sign for _, _, sign in cuts), ""], strict=True))
    html = str(body_html(replace(article, body=body), media_url))
    return Markup("".join(_marked(html, marks)))  # noqa: S704 - clean, and what is added is escaped


def _lines_of(body: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The words of a place, without the signs of Markdown around them, line by line."""
    hidden = [(match.start(), match.end()) for match in _ADDRESS.finditer(body)]
    for line in _LINE.finditer(body, start, end):
        begin, finish = line.start(), line.end()
        words = list(_WORD.finditer(body, begin, finish))
        if words and not any(first < finish and begin < last for first, last in hidden):
            yield words[0].start(), words[-1].end()


def _marked(html: str, marks: Mapping[str, str]) -> Iterator[str]:
    """The HTML with every text between a sign and its end in a link and a mark of its own, never around a tag."""
    open_signs: list[str] = []
    linked = False
    for piece in _TAG.split(html):
        if piece.startswith("<"):
            linked = piece.startswith("<a ") or (linked and piece != "</a>")
            yield piece
            continue
        for text in _SIGN.split(piece):
            if text in marks:
                open_signs.append(text)
            elif text == _END:
                del open_signs[-1:]
            elif text and open_signs:
                marked = f"<mark>{text}</mark>"
                yield marked if linked else f'<a href="#{escape(marks[open_signs[0]])}">{marked}</a>'
            else:
                yield text


def _relative(name: str) -> str:
    return name


def _markdown() -> MarkdownIt:
    # "js-default" is the preset that the library recommends for text that is not trusted: no raw HTML.
    return MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": 20}).use(
        footnote_plugin
    )


_MARKDOWN: Final = _markdown()


def _render(article: Article, url: MediaUrl) -> tuple[str, set[str]]:
    shown: set[str] = set()
    tokens = _MARKDOWN.parse(article.body)
    # The title is the only first-level heading; the highest level in the text becomes the second, without a gap.
    highest = min((int(token.tag[1]) for token in tokens if token.type == "heading_open"), default=1)
    for index, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) - highest + 2)}"
        if token.type == "inline":
            children = token.children or []
            # In a footnote the way back follows: there it is no figure.
            alone = len(children) == 1 and children[0].type == "image" and tokens[index + 1].type.endswith("_close")
            token.children = [_resolve_image(child, article, url, shown, alone=alone) for child in children]
            if alone:
                # A figure must not stand inside a paragraph.
                tokens[index - 1].hidden = tokens[index + 1].hidden = tokens[index - 1].type == "paragraph_open"
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}), shown


def _resolve_image(token: Token, article: Article, url: MediaUrl, shown: set[str], *, alone: bool) -> Token:
    """A Markdown image as one of the article's attachments, or as its text where there is none of that name."""
    if token.type != "image":
        return token
    media = article.media_named(str(token.attrs.get("src", "")))
    if media is None:
        return Token("text", "", 0, content=_text(token.children or ()))
    shown.add(media.name)
    return Token("html_inline", "", 0, content=_figure(media, url) if alone else _element(media, url))


def _figure(media: Media, url: MediaUrl) -> str:
    caption = f"<figcaption>{escape(media.caption)}</figcaption>" if media.caption else ""
    return f"<figure>{_element(media, url)}{caption}</figure>\n"


def _element(media: Media, url: MediaUrl) -> str:
    source, alternative = escape(url(media.name)), escape(media.alternative)
    kind = media.media_type.partition("/")[0]
    if kind == "image":
        return f'<img src="{source}" alt="{alternative}">'
    if kind in {"audio", "video"}:
        return (
            f'<{kind} src="{source}" controls preload="none" aria-label="{alternative or escape(media.name)}"></{kind}>'
        )
    return f'<a href="{source}">{alternative or escape(media.name)}</a>'


def _text(tokens: Sequence[Token]) -> str:
    pieces = []
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            pieces.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            pieces.append(" ")
    return "".join(pieces)


def _clean(html: str, own: set[str]) -> str:
    def allowed(_tag: str, attribute: str, value: str) -> str | None:
        if attribute == "id":
            return value if _FOOTNOTE.fullmatch(value) else None
        if attribute == "href" and value not in own and not (LINK.fullmatch(value) or _FOOTNOTE.fullmatch(value)):
            return None
        return value if attribute != "src" or value in own else None

    options: dict[str, Any] = {
        "tags": set(_TAGS),
        "attributes": {tag: set(names) for tag, names in _ATTRIBUTES.items()},
        "attribute_filter": allowed,
        "url_schemes": set(_SCHEMES),
        "clean_content_tags": {"script", "style"},
        "link_rel": "noopener noreferrer nofollow",
        "strip_comments": True,
    }
    return nh3.clean(html, **options)
