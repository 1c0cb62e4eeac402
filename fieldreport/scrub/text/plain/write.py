"""Decoding a text and writing it as UTF-8 without copy marks.

A picture that is spelled out in it in Base64, as in Markdown, exports of chats and tables, is cleaned like any other.
Signatures go, and an editor is told of what says who wrote it.
"""

from __future__ import annotations

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text import encoding, encodings, invisible, people, spelled_pictures
from fieldreport.scrub.verdicts import Noted, Removed


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Text in, UTF-8 out."""
    text = encoding.decode_for(cleaning, untrusted_source.whole(limits.TEXT_BYTES))
    if all(cleaning.options.reread):
        text = encodings.reread(text, *cleaning.options.reread)
    text, marked = invisible.unmark(text)
    signed = text
    text = people.unsigned(text)
    if text != signed:
        cleaning.removed.add(Removed.IDENTIFIERS)
    text = spelled_pictures.cleaned(text, cleaning)
    if people.names_people(text):
        cleaning.noted.add(Noted.WORDS)
    if cleaning.rename is not None:
        text, _ = invisible.unmark(cleaning.rename(text))
    if marked:
        cleaning.removed.add(Removed.COPY_MARKS)
    # A file of nothing but marks is still an answer: one empty line.
    sink.write((text or "\n").encode("utf-8"))
    return "text/plain"


def warm() -> None:
    """Load every codec."""
    encoding.warm()
