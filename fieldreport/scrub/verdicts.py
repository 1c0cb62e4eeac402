"""The words scrubbing speaks: why a file was refused, what was taken out of it, how hard it is cleaned.

Rules: these are categories, never values. They cross the sandbox boundary, they are stored in manifests and they name
rows of the message catalogues, so a member's value never changes once a letter was sealed with it.
"""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why a file cannot be cleaned. Each has advice for the source in the intake's catalogue."""

    UNSUPPORTED = "unsupported"  # no family for it: say which types we take
    OLD_OFFICE = "old-office"  # OLE compound file (.doc, .xls, .ppt): save as .docx or PDF
    MAIL = "mail"  # a saved e-mail: full of addresses, and its attachments would pass as text
    ARCHIVE = "archive"  # packed in a way we do not read (7z, RAR, xz): unpack it, send what is in it
    MEMBER = "member"  # an archive with a file in it that cannot be cleaned: unpack it to learn which
    NOT_STRONG = "not-strong"  # clean it would be, but its pixels cannot be made anew, which was asked for
    LETTERS = "letters"  # a document without the shapes of its letters: its pages cannot be drawn here
    RAW_PHOTO = "raw-photo"  # the camera's raw file: export as JPEG
    ENCRYPTED = "encrypted"  # needs a password: send it without
    ACTIVE_CONTENT = "active-content"  # a program, or a document that makes no sense without its programs
    EMPTY = "empty"  # no bytes: the upload or the card failed
    DAMAGED = "damaged"  # not what its format says
    TOO_LARGE = "too-large"  # over a bound on bytes, input or output
    BOMB = "bomb"  # over a bound on pixels, frames, members, ratio, depth or decoded bytes
    RESIDUE = "residue"  # verify found something left: our defect, so nothing is stored
    TIMEOUT = "timeout"  # over the wall clock or processor time of one file
    MEMORY = "memory"  # over the memory of one file
    CRASHED = "crashed"  # the decoder died or broke the sandbox's rules
    BUSY = "busy"  # every place was taken for too long: try again


class Removed(StrEnum):
    """What was found and taken out, by category. The receipt says it in words a source understands."""

    LOCATION = "location"  # the place where it was taken: GPS, place names
    DEVICE = "device"  # make, model, lens, printer
    IDENTIFIERS = "identifiers"  # serial numbers, document and device ids
    AUTHOR = "author"  # names of people who made or changed it, companies, user names
    PEOPLE = "people"  # names of people shown in it
    TIME = "time"  # when it was taken, made, changed or printed
    SOFTWARE = "software"  # programs and their versions
    DESCRIPTION = "description"  # titles, captions, keywords, alternative texts
    COMMENTS = "comments"  # remarks in a document, comment fields of an image
    HISTORY = "history"  # tracked changes, earlier versions, revision ids, edit history
    THUMBNAIL = "thumbnail"  # a small second picture, often of the uncut original
    MOTION_VIDEO = "motion-video"  # the film that a phone hides behind a photo
    EMBEDDED_FILE = "embedded-file"  # another file inside it
    SCRIPT = "script"  # macros, JavaScript, actions
    LINKS = "links"  # references to things outside it
    FILE_NAMES = "file-names"  # names that files and folders had
    PATHS = "paths"  # names of folders, printers, templates, servers
    HIDDEN_CONTENT = "hidden-content"  # what its program does not show: hidden layers, sheets, tracks
    TRAILING_DATA = "trailing-data"  # bytes before the beginning or after the end
    COPY_MARKS = "copy-marks"  # invisible characters that tell one copy from another
    COLOUR_PROFILE = "colour-profile"  # a colour profile that names a device
    LAYOUT = "layout"  # how a document was laid out, its words and pictures being kept
    OTHER_METADATA = "other-metadata"  # anything else that was not needed to show it


class Mode(StrEnum):
    """How hard a file is cleaned."""

    LOSSLESS = "lossless"  # picture, sound and text stay as they were
    STRONG = "strong"  # pixels and samples made anew: images at quality 95, pages of pixels, sound and film coded again


class Elsewhere(Exception):
    """Raised inside a child whose warm parent has not loaded what this file needs. Says nothing about the file."""


class Refused(Exception):
    """Raised inside the child by sniff, a family or verify. Only ``refusal`` crosses the sandbox boundary."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class Residue(Refused):
    """``verify`` found something in an output that should not be there."""

    def __init__(self) -> None:
        super().__init__(Refusal.RESIDUE)


class Damaged(Refused):
    """The input is not what its format's specification says."""

    def __init__(self) -> None:
        super().__init__(Refusal.DAMAGED)


class Bomb(Refused):
    """Decoding the input would take more pixels, frames, members or bytes than ``limits`` allows."""

    def __init__(self) -> None:
        super().__init__(Refusal.BOMB)
