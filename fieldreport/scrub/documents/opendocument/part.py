"""One part of a document as a tree, of which it is known which of the elements that anybody looks for are in it.

A look for one kind goes over the whole tree, and most of those that are looked for are in few documents.
"""

from __future__ import annotations

from typing import Final

from fieldreport.scrub.documents import markup
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.opendocument.namespaces import (
    CHART,
    DRAW,
    FIELD,
    MATH,
    PRESENTATION,
    STYLE,
    TABLE,
    TEXT,
)

PERSON: Final = tuple(
    f"{TEXT}{name}"
    for name in (
        "author-initials", "author-name", "creator", "initial-creator", "printed-by", "sender-city", "sender-company",
        "sender-country", "sender-email", "sender-fax", "sender-firstname", "sender-initials", "sender-lastname",
        "sender-phone-private", "sender-phone-work", "sender-position", "sender-postal-code",
        "sender-state-or-province", "sender-street", "sender-title",
    )
)  # fmt: skip
"""Fields that name who wrote, printed or sent it: the program filled them in, and fills them in again."""
FILE: Final = (f"{TEXT}file-name", f"{TEXT}template-name")
PICTURED: Final = (
    f"{DRAW}image", f"{DRAW}fill-image", f"{STYLE}background-image", f"{TEXT}list-level-style-image",
    f"{CHART}symbol-image",
)  # fmt: skip
SHOWING: Final = tuple(f"{TEXT}{name}" for name in ("expression", "user-field-get", "variable-input", "variable-set"))
"""Fields that may show nothing."""

_LOOKED_FOR: Final = frozenset(
    {*PERSON, *FILE, *PICTURED, *SHOWING, f"{FIELD}param", f"{PRESENTATION}notes"}.union(
        f"{space}{name}"
        for space, names in {
            MATH: "annotation annotation-xml",
            STYLE: "default-style drawing-page-properties graphic-properties master-page paragraph-properties style "
            "table-cell-properties table-properties text-properties",
            TABLE: "covered-table-cell database-range named-expression named-range table",
            TEXT: "a bookmark bookmark-end bookmark-start hidden-paragraph hidden-text list section",
            DRAW: "a connector enhanced-geometry layer object page text-box",
        }.items()
        for name in names.split()
    )
)


class Part:
    """``root``: of ``content.xml`` or ``styles.xml``, to be changed by who looks at it.

    Raises:
        Refused: ``bomb`` or ``damaged``, as ``markup.parse`` does.
    """

    def __init__(self, untrusted: bytes) -> None:
        self.root = markup.parse(markup.without_doctype(untrusted))
        self._there = {element.tag for element in self.root.iter(*_LOOKED_FOR)}

    def each(self, *tags: str) -> list[Element]:
        """The elements of these kinds, in their order, now: they may be taken out.

        Raises:
            LookupError: one of the kinds is not among those that are looked for.
        """
        if not _LOOKED_FOR.issuperset(tags):
            raise LookupError
        there = self._there.intersection(tags)
        return list(self.root.iter(*there)) if there else []
