"""Names that authors give inside a Word document: styles and bookmarks.

Styles that come with Word keep their names, as programs know them by these. All others are numbered in the order in
which they are met. Bookmarks stay only where a link leads to them; Word's own ``_GoBack`` says where the author's
cursor stood last.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Final

from lxml import etree

from fieldreport.scrub.documents.fields import WORD
from fieldreport.scrub.documents.markup import Element, remove
from fieldreport.scrub.documents.vocabularies import listed

_W: Final = f"{{{WORD}}}"
_USES: Final = frozenset(
    f"{_W}{name}" for name in ("pStyle", "rStyle", "tblStyle", "basedOn", "next", "link", "numStyleLink", "styleLink")
)
_ON: Final = frozenset({"1", "true", "on"})
_UNUSED: Final = "{unused}style"


def neutral_styles(root: Element, names: MutableMapping[str, str]) -> None:
    """Rename styles where they are defined and where they are used. ``names`` is shared by the parts of a document.

    The identifier of a style says nothing if it is made from a name that says nothing; programs derive it from the name
    in the language of the author, so every identifier is numbered.
    """
    for element in root.iter(*_USES):
        value = str(element.get(f"{_W}val", ""))
        element.set(f"{_W}val", _identifier(value, names))
    for style in root.iter(f"{_W}style"):
        identifier = _identifier(str(style.get(f"{_W}styleId", "")), names)
        style.set(f"{_W}styleId", identifier)
        name = style.find(f"{_W}name")
        if name is None:
            continue
        name.set(f"{_W}val", listed("style-name", str(name.get(f"{_W}val", ""))) or f"Style {identifier[1:]}")


def drop_unused_styles(root: Element, names: Mapping[str, str]) -> None:
    """Keep the styles that the parts cleaned so far use, what these are based on, and the defaults."""
    used = _used_styles(root, names)
    for style in root.iter(f"{_W}style"):
        if str(style.get(f"{_W}styleId", "")) not in used:
            style.tag = _UNUSED
    # All at once, and when nobody holds them any more: one by one takes three times as long.
    etree.strip_elements(root, _UNUSED, with_tail=False)


def _used_styles(root: Element, names: Mapping[str, str]) -> set[str]:
    styles = {str(style.get(f"{_W}styleId", "")): style for style in root.iter(f"{_W}style")}
    used = set(names) | {key for key, style in styles.items() if style.get(f"{_W}default") in _ON}
    pending = list(used)
    while pending:
        style = styles.get(pending.pop())
        for use in () if style is None else style.iter(*_USES):
            identifier = str(use.get(f"{_W}val", ""))
            if identifier not in used:
                used.add(identifier)
                pending.append(identifier)
    return used


def _identifier(old: str, names: MutableMapping[str, str]) -> str:
    return names.setdefault(old, f"S{len(names) + 1}")


def neutral_bookmarks(root: Element) -> None:
    """Number the bookmarks that links lead to, and drop the others."""
    wanted: dict[str, str] = {}
    for link in root.iter(f"{_W}hyperlink"):
        anchor = link.get(f"{_W}anchor")
        if anchor:
            link.set(f"{_W}anchor", wanted.setdefault(str(anchor), f"b{len(wanted) + 1}"))
    kept: set[str] = set()
    for start in list(root.iter(f"{_W}bookmarkStart")):
        name = str(start.get(f"{_W}name", ""))
        if name in wanted and not name.startswith("_GoBack"):
            start.set(f"{_W}name", wanted[name])
            kept.add(str(start.get(f"{_W}id", "")))
        else:
            remove(start)
    for end in list(root.iter(f"{_W}bookmarkEnd")):
        if str(end.get(f"{_W}id", "")) not in kept:
            remove(end)
