"""Words and pictures of a Hangul document, as a text or an archive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents.extract import packed
from fieldreport.scrub.documents.hangul import owpml
from fieldreport.scrub.documents.hangul.parse import Document, parse
from fieldreport.scrub.documents.pictures import clean_picture
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.sniff import as_text
from fieldreport.scrub.verdicts import Bomb, Refusal, Refused, Removed

_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/tiff", "image/webp"})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A text; an archive of it and of the pictures, where there are any.

    Raises:
        Refused: what ``parse`` and ``owpml.read`` raise; ``hangul`` when there is neither a word nor a picture.
    """
    is_package = untrusted_source.read_at(0, 2) == b"PK"
    document = (owpml.read if is_package else parse)(untrusted_source, cleaning)
    words = "\n".join(document.lines).strip()
    if len(words) > limits.DOCUMENT_TEXT_CHARACTERS:
        raise Bomb
    pictures = list(_pictures(document, cleaning))
    if not words and not pictures:
        raise Refused(Refusal.HANGUL)
    cleaning.removed.add(Removed.LAYOUT)
    text = as_text(f"{words}\n").encode()
    return cleaning.hand_out(cleaning.embedded(packed(text, pictures) if pictures else text), sink)


def _pictures(document: Document, cleaning: Cleaning) -> Iterator[bytes]:
    for picture in document.pictures:
        cleaned = clean_picture(picture, cleaning, _PICTURES)
        if cleaned is not None:
            yield cleaned.data
