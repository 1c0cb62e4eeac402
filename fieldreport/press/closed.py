"""A page of a newsroom's own look is as closed as ours: our policy in its head, nothing that runs or loads elsewhere.

Rules: every page that a theme makes is looked at, not only samples: a template may do one thing with those and another
with the real articles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from lxml import etree, html

from fieldreport.errors import SettingsError

_ELSEWHERE: Final = re.compile(r"[\s\x00]*(?:[a-z][a-z0-9+.-]*:|[/\\][\s]*[/\\])", re.IGNORECASE)
_RUNS: Final = frozenset({"script", "iframe", "object", "embed", "applet", "frame", "form", "base"})
_TOLD: Final = frozenset({"canonical", "alternate"})  # links that nothing follows by itself


def must_be_closed(name: str, page: str, policy: str) -> Literal[True]:
    """Check one page. ``policy``: the Content-Security-Policy that it must have, before anything that it governs.

    Raises:
        SettingsError: it is not closed, and why.
    """
    try:
        document = html.document_fromstring(page.encode(), parser=html.HTMLParser(encoding="utf-8"))
    except etree.ParserError:
        raise SettingsError(f"[press] theme: {name} is empty") from None
    for problem in _open(document, policy):
        raise SettingsError(f"[press] theme: {name} {problem}")
    return True


def _open(document: etree._Element, policy: str) -> Iterator[str]:
    """What is not closed in a page."""
    head = document.find("head")
    first = [] if head is None else [each for each in head.iter(etree.Element) if each is not head]
    if first and first[0].tag == "meta" and first[0].get("charset"):
        del first[0]
    # Another policy, or one that says more, may permit more; what stands before it is not governed by it.
    if not first or first[0].get("http-equiv") != "Content-Security-Policy" or first[0].get("content") != policy:
        yield "lacks the policy at the beginning of its head: keep the meta element of the shipped page"
    for element in document.iter(etree.Element):
        if element.tag in _RUNS:
            yield f"has an element {element.tag}"
        if element.tag == "meta" and str(element.get("http-equiv", "")).lower() == "refresh":
            yield "loads another page by itself"
        for name, value in ((str(name), str(value)) for name, value in element.attrib.items()):
            if name.lower().startswith("on"):
                yield f"has an attribute {name}"
            loads = name in {"src", "srcset", "poster", "data"} or (
                element.tag == "link" and name == "href" and element.get("rel") not in _TOLD
            )
            if loads and _ELSEWHERE.match(value):
                yield f"loads {value} from elsewhere"
