"""What is written of a tree is a document of XML, whatever the format's own judge says of its values."""

from __future__ import annotations

import pytest
from lxml import etree

from fieldreport.scrub.documents.vocabularies import Value, Vocabulary
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.verdicts import Damaged

SPACE = "urn:example"
ANYTHING = Value("text", None)
ATTRIBUTES = dict.fromkeys(("k", f"{{{SPACE}}}k", "{http://www.w3.org/XML/1998/namespace}space"), ANYTHING)
VOCABULARY = Vocabulary(
    namespace=SPACE,
    prefix="e",
    elements={f"{{{SPACE}}}{name}": ATTRIBUTES for name in "ab"},
    text={f"{{{SPACE}}}{name}": ANYTHING for name in "ab"},
    unwrap=frozenset({f"{{{SPACE}}}u"}),
)


def rewritten(source: str, value: str | None = None) -> etree._Element:
    made = {"text": lambda _, __, kept: kept if value is None else value}
    rewriting = Rewriting({SPACE: VOCABULARY}, removed=set(), findings={}, made=made)
    return etree.fromstring(rewriting.rewrite(etree.fromstring(source)))


@pytest.mark.parametrize(
    "value", ["&", "<", ">", '"', "'", "]]>", "\t", "\n", "\r", "\x85", "\u2028", "\U0001f600", "&amp;"]
)
def test_every_character_of_a_value_and_of_a_text_comes_through(value: str) -> None:
    root = etree.Element(f"{{{SPACE}}}a", k=value)
    root.text = value
    etree.SubElement(root, f"{{{SPACE}}}u").tail = value
    made = rewritten(etree.tostring(root, encoding="unicode"))
    assert made.get("k") == value
    assert made.text == value * 2
    assert len(made) == 0


@pytest.mark.parametrize("value", ["\0", "\x0b", "\x1f", "\ufffe", "\ud800"])
def test_a_character_that_no_document_can_hold_is_not_written(value: str) -> None:
    with pytest.raises(Damaged):
        rewritten(f'<a xmlns="{SPACE}" k="x"/>', value)


def test_namespaces_keep_their_meaning_whatever_their_prefixes_were() -> None:
    made = rewritten(
        f'<x:a xmlns:x="{SPACE}" x:k="1" k="2" xml:space="preserve">'
        f'<y:b xmlns:y="{SPACE}" xmlns:e="urn:other" e:k="3"/>'
        '<e:b xmlns:e="urn:other">gone</e:b></x:a>'
    )
    assert made.items() == [
        (f"{{{SPACE}}}k", "1"),
        ("k", "2"),
        ("{http://www.w3.org/XML/1998/namespace}space", "preserve"),
    ]
    (inner,) = made
    assert (inner.tag, inner.items(), inner.tail) == (f"{{{SPACE}}}b", [], None)


def test_a_document_of_more_pieces_than_are_kept_apart_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldreport.scrub.documents.xml_rewrite._PIECES", 3)
    rows = "".join(f"<b>{number}<b/></b>" for number in range(50))
    made = rewritten(f'<a xmlns="{SPACE}">{rows}</a>')
    assert [each.text for each in made] == [str(number) for number in range(50)]
    assert all(len(each) == 1 for each in made)


@pytest.mark.parametrize(("value", "stays"), [("\ufeff", " "), ("\u2063•", "•"), ("목록", "목록")])
def test_a_value_holds_nothing_that_is_not_seen_and_is_not_empty(value: str, stays: str) -> None:
    """The sign of a list may be one that shows nothing; without it, a presentation is damaged."""
    assert rewritten(f'<a xmlns="{SPACE}" k="{value}"/>').get("k") == stays
