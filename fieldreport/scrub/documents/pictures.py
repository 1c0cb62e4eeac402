"""Pictures inside documents: cleaned like any other picture, in one way for every format of documents."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from fieldreport.scrub.documents.embedded_jpeg import as_drawn
from fieldreport.scrub.documents.metafiles import picture_in
from fieldreport.scrub.format import Cleaning, Embedded
from fieldreport.scrub.verdicts import Bomb, Noted, Refused, Removed

EXTENSIONS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}
"""Pictures that every office program and every reader of books draws."""
_DATA: Final = re.compile(r"\s*data:(?:[\w.+-]+/[\w.+-]+)?(;[\w=.-]+)*?(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL)


def clean_picture(untrusted: bytes, cleaning: Cleaning, accept: Collection[str] = EXTENSIONS.keys()) -> Embedded | None:
    """A picture in a document; None when it goes and the document stays.

    ``accept``: the types that it may have then. Of a metafile the bitmap that it shows is taken, where it shows one.

    Raises:
        Bomb: it is one.
    """
    shown = picture_in(untrusted)
    try:
        picture = as_drawn(untrusted if shown is None else shown.picture, cleaning, profile=True)
        cleaned = cleaning.embedded(picture, accept=accept)
    except Bomb:
        raise
    except Refused:  # drawings, SVG pictures, and what no format reads
        cleaning.removed.add(Removed.DRAWINGS)
        return None
    if shown is not None and shown.draws_more:
        cleaning.removed.add(Removed.DRAWINGS)
    if shown is not None and shown.is_cropped:
        cleaning.noted.add(Noted.CROPPED)
    return cleaned


class PictureCopies:
    """The pictures of one package: each of them is cleaned once, and called after the order of use.

    ``name``: of the new pictures, with places for number and extension. ``add`` takes a new name and what is to be
    called so. ``extensions``: of the types of pictures that the package may hold.
    """

    def __init__(
        self,
        old: Mapping[str, bytes],
        cleaning: Cleaning,
        *,
        name: str,
        add: Callable[[str, Embedded], None],
        extensions: Mapping[str, str] = EXTENSIONS,
    ) -> None:
        self._extensions = extensions
        self._old = old
        self._cleaning = cleaning
        self._name = name
        self._add = add
        self._new_names: dict[str, str | None] = {}
        self._count = 0

    def copy(self, path: str) -> str | None:
        """The new name of an old picture; None when there is none, or it cannot be cleaned.

        Raises:
            Bomb: it is one.
        """
        if path not in self._new_names and path in self._old:
            self._new_names[path] = self.add(self._old[path])
        return self._new_names.get(path)

    def add(self, untrusted: bytes) -> str | None:
        """The name of a picture that no part of the package holds; None when it cannot be cleaned.

        Raises:
            Bomb: it is one.
        """
        picture = clean_picture(untrusted, self._cleaning, self._extensions)
        if picture is None:
            return None
        self._count += 1
        name = self._name.format(self._count, self._extensions[picture.media_type])
        self._add(name, picture)
        return name


def content_of(untrusted_address: str) -> bytes | None:
    """What a ``data:`` address holds; None when it is none."""
    match = _DATA.fullmatch(untrusted_address)
    if match is None:
        return None
    raw = unquote_to_bytes(match["data"])
    try:
        return base64.b64decode(raw) if match["base64"] else raw
    except binascii.Error:
        return None


def clean_address(untrusted_address: str, cleaning: Cleaning, *, accept: Collection[str]) -> str | None:
    """The ``data:`` address of a cleaned picture; None when it holds none, or leads elsewhere.

    Raises:
        Bomb: it is one.
    """
    untrusted = content_of(untrusted_address)
    if untrusted is None:
        cleaning.removed.add(Removed.LINKS)
        return None
    try:
        picture = cleaning.embedded(untrusted, accept=accept)
    except Bomb:
        raise
    except Refused:
        cleaning.removed.add(Removed.DRAWINGS)
        return None
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode('ascii')}"
