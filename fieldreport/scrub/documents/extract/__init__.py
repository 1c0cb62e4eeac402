"""Words and pictures of a document, without its layout: the strong way to clean one.

Nothing here can draw a page of Word or a sheet as its program would, and nobody would notice that a drawing lacks a
line. So the words of a cleaned and verified document are taken in their order, and its pictures, whose pixels the
caller re-encodes. What the structure of a document can hide is not taken.

Rule: these modules read what our own cleaner wrote, in the form it writes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

from fieldreport import limits
from fieldreport.scrub.documents.extract import html, packages, rtf
from fieldreport.scrub.verdicts import Bomb


def lines_and_pictures(cleaned: bytes, media_type: str) -> tuple[Iterator[str], list[bytes]]:
    """The lines of a cleaned document (``Strong.EXTRACT`` in ``registry``), those of ``Heading`` too, and its pictures.

    Raises:
        Refused: ``not-strong`` when an older encoding leaves its words uncertain.
    """
    match media_type:
        case "text/html":
            return html.lines_and_pictures(cleaned)
        case "application/rtf":
            return rtf.lines_and_pictures(cleaned)
        case _:
            return packages.lines_and_pictures(cleaned, media_type)


def other_lines(cleaned: bytes, media_type: str) -> Iterator[str]:
    """What else stands in a cleaned document, outside the flow of its text."""
    return iter(()) if media_type in {"text/html", "application/rtf"} else packages.other_lines(cleaned)


def words_and_pictures(cleaned: bytes, media_type: str) -> tuple[str, list[bytes]]:
    """The words of a cleaned document, and its pictures as they stand in it.

    Raises:
        Refused: ``bomb`` when repeated cells make it longer than ``limits.DOCUMENT_TEXT_CHARACTERS``; ``not-strong``
            when an older encoding leaves its words uncertain.
    """
    lines, pictures = lines_and_pictures(cleaned, media_type)
    words: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > limits.DOCUMENT_TEXT_CHARACTERS:
            raise Bomb
        if line.strip() or (words and words[-1]):
            words.append(line.rstrip())
    return "\n".join(words).strip("\n") + "\n", pictures


def packed(text: bytes, pictures: Iterable[bytes]) -> bytes:
    """An archive of a text and of pictures, still to be cleaned."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("text.txt", text)
        for number, picture in enumerate(pictures, start=1):
            package.writestr(f"picture-{number}", picture)
    return file.getvalue()


def warm() -> None:
    """Load what the libraries load late."""
    rtf.warm()
