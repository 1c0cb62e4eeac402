"""What was removed, in a few words for editors, at the desk and the terminal. Sources read fuller ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fieldreport.scrub.verdicts import Removed

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Removed.LOCATION: "place",
        Removed.DEVICE: "device",
        Removed.IDENTIFIERS: "serial numbers and ids",
        Removed.AUTHOR: "author names",
        Removed.PEOPLE: "names of people shown",
        Removed.TIME: "times",
        Removed.SOFTWARE: "software",
        Removed.DESCRIPTION: "titles and captions",
        Removed.COMMENTS: "comments",
        Removed.HISTORY: "changes and earlier versions",
        Removed.THUMBNAIL: "hidden thumbnail",
        Removed.MOTION_VIDEO: "hidden video",
        Removed.EMBEDDED_FILE: "embedded files",
        Removed.SCRIPT: "scripts",
        Removed.LINKS: "links",
        Removed.PATHS: "paths",
        Removed.HIDDEN_CONTENT: "hidden content",
        Removed.TRAILING_DATA: "trailing data",
        Removed.COPY_MARKS: "invisible copy marks",
        Removed.FILE_NAMES: "names of files and folders",
        Removed.COLOUR_PROFILE: "colour profile",
        Removed.LAYOUT: "the document's layout",
        Removed.OTHER_METADATA: "other metadata",
    }
)


def in_words(code: str) -> str:
    """A category of ``Removed``; one that this version does not know is shown by its code."""
    return _WORDS.get(code, code)
