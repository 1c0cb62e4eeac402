"""Pictures for the screen: everything that arrived sealed is re-encoded in the sandbox before a browser sees it.

Rules: a compromised intake could seal anything as a photo, so the desk trusts no byte of it; what cannot be
cleaned is not shown. The copy in between is an encrypted scratch file.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask

from fieldreport import limits
from fieldreport.desk.item_view import IMAGES
from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Scrubbed, Scrubber
from fieldreport.sentence import Sentence
from fieldreport.web import headers


@contextmanager
def copied(source: io.RawIOBase, directory: Path) -> Iterator[Scratch]:
    """An encrypted scratch copy of ``source``, at its beginning; it is deleted at the end of the block."""
    with Scratch(directory) as copy:
        shutil.copyfileobj(source, copy, limits.READ_BYTES)
        copy.seek(0)
        yield copy


def picture_for_screen(source: io.RawIOBase, *, scrubber: Scrubber, scratch: Path) -> tuple[str, bytes]:
    """Return (media type, bytes) of a picture that is safe to show.

    Raises:
        ScrubRefused: it is not a picture that can be cleaned.
    """
    with copied(source, scratch) as copy:
        cleaned = scrubber.clean(copy, mode=Mode.STRONG)
    with cleaned.output as output:
        if cleaned.media_type not in IMAGES:
            raise ScrubRefused(Sentence("This is not a picture."), code="unsupported")
        output.seek(0)
        return cleaned.media_type, output.read(cleaned.length) or b""


def clean_copy(source: io.RawIOBase, language: str, *, mode: Mode, scrubber: Scrubber, scratch: Path) -> Scrubbed:
    """A clean copy of a file that nobody has cleaned before; ``language``: of the page on which it was handed in.

    Raises:
        ScrubRefused: it cannot be cleaned.
    """
    with copied(source, scratch) as copy:
        return scrubber.clean(copy, mode=mode, language=language, without_refused=True)


def reread_text(source: io.RawIOBase, codecs: tuple[str, str], *, scrubber: Scrubber, scratch: Path) -> bytes:
    """A clean text that was decoded as the first of ``codecs``, from the same bytes decoded as the second.

    Raises:
        ScrubRefused: it is no text in that encoding either.
    """
    with copied(source, scratch) as copy:
        cleaned = scrubber.clean(copy, reread=codecs)
    with cleaned.output as output:
        output.seek(0)
        return output.read(cleaned.length) or b""


def confined(response: flask.Response) -> flask.Response:
    """Give an answer with untrusted bytes a policy under which nothing in it can run."""
    return headers.own_policy(response, {"sandbox": ""})
