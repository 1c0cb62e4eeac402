"""Fields of a Word document: the few that have to stay fields do, all others become the text they show.

A field's instruction is not seen and tells much: the author's name, paths of the file and of linked pictures, columns
of a mail merge, citation databases with user ids. What stays: page numbers, check boxes, equations, links to public
pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.markup import Element, remove, unwrap
from fieldreport.scrub.verdicts import Removed

WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_W: Final = f"{{{WORD}}}"
_KEYWORD: Final = re.compile(r"\s*(=|[A-Za-z]+)")
_COUNTING: Final = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION", "FORMCHECKBOX", "FORMDROPDOWN"})
_KEPT: Final = re.compile(tables.load("kinds")["field"])
_SWITCHES: Final = re.compile(r'(\\[*#])\s*("[^"\\]{1,20}"|[^\s"\\]{1,20})')
_DRAWN: Final = frozenset({"EQ", "SYMBOL"})
_ADDRESS: Final = re.compile(r'\s*HYPERLINK\s+"([^"]*)"', re.IGNORECASE)
_SILENT: Final = frozenset(
    {"TOC", "PAGEREF", "REF", "SEQ", "HYPERLINK", "FORMTEXT", "STYLEREF", "NOTEREF", "DATE", "TIME"}
)


@dataclass(slots=True)
class _Field:
    begin: Element
    instructions: list[Element] = field(default_factory=list)
    separate: Element | None = None
    end: Element | None = None


def settle(root: Element, removed: set[Removed]) -> None:
    """Settle every field of a part, simple and complex."""
    for simple in list(root.iter(f"{_W}fldSimple")):
        kept = kept_instruction(str(simple.get(f"{_W}instr", "")), removed)
        if kept is None:
            unwrap(simple)
        else:
            simple.set(f"{_W}instr", kept)
    for found in _complex(root):
        text = "".join(instruction.text or "" for instruction in found.instructions)
        kept = kept_instruction(text, removed) if found.end is not None else None
        if kept is None:
            for element in (found.begin, found.separate, found.end, *found.instructions):
                if element is not None:
                    remove(element)
            continue
        for number, instruction in enumerate(found.instructions):
            if number == 0:
                instruction.text = kept
            else:
                remove(instruction)


def _complex(root: Element) -> list[_Field]:
    """Fields written as begin, instruction, separate, result, end, anywhere in the part, nested or not."""
    fields: list[_Field] = []
    open_fields: list[_Field] = []
    for element in root.iter(f"{_W}fldChar", f"{_W}instrText"):
        if element.tag == f"{_W}instrText":
            if open_fields:
                open_fields[-1].instructions.append(element)
            continue
        match element.get(f"{_W}fldCharType"):
            case "begin":
                open_fields.append(_Field(element))
                fields.append(open_fields[-1])
            case "separate" if open_fields:
                open_fields[-1].separate = element
            case "end" if open_fields:
                open_fields.pop().end = element
            case _:
                continue
    return fields


def kept_instruction(untrusted: str, removed: set[Removed]) -> str | None:
    """The instruction a field keeps, or None if it becomes its result."""
    match = _KEYWORD.match(untrusted)
    keyword = match[1].upper() if match is not None else ""
    if keyword in _COUNTING:
        switches = (f"{switch} {said}" for switch, said in _SWITCHES.findall(untrusted))
        return " ".join([keyword, *(each for each in switches if _KEPT.fullmatch(f"PAGE {each}"))])
    if keyword in _DRAWN:
        return untrusted if _KEPT.fullmatch(untrusted) else None
    if keyword == "HYPERLINK":
        found = _ADDRESS.match(untrusted)
        address = clean_link(found[1]) if found is not None else None
        if found is not None and address != found[1]:
            removed.add(Removed.LINKS)
        return None if address is None else f'HYPERLINK "{address}"'
    if keyword not in _SILENT:
        removed.add(Removed.OTHER_METADATA)
    return None
