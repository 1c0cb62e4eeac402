"""The words of scrubbing: why a file was refused, what was taken out of it, how hard it is cleaned.

Rules: these are categories, never values. They cross the sandbox boundary, they are stored in manifests and they name
rows of the message catalogues, so a member's value never changes once a letter was sealed with it. The text next to it
is for the command line and the desk and may change; sources read fuller ones, from the intake's catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from fieldreport import limits
from fieldreport.sentence import Sentence


class _WithText(StrEnum):
    """A code, and a few words for editors."""

    text: str

    def __new__(cls, code: str, text: str = "") -> Self:  # the default is for type checkers: ``Removed(code)``
        member = str.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member


class Refusal(_WithText):
    """Why a file cannot be cleaned."""

    UNSUPPORTED = "unsupported", Sentence("this type of file cannot be cleaned")
    SOUND_OR_FILM = "sound-or-film", Sentence("this sound or film cannot be cleaned; save it as M4A, MP3 or MP4")
    # PSD, XCF, DWG, PostScript, DjVu, EMF, WMF
    DRAWING = "drawing", Sentence("a drawing or picture for special programs; export it there as PDF or JPEG")
    HANGUL = "hangul", Sentence("a document of Hangul (HWP); save it there as PDF")
    IWORK = "iwork", Sentence("a document of Pages, Numbers or Keynote; export it there as PDF")
    # OLE compound file: .doc, .xls, .ppt; and .xlsb
    OLD_OFFICE = "old-office", Sentence("an old Office file cannot be cleaned; save it as .docx, .xlsx, .pptx or PDF")
    # .msg, .pst
    MAIL = "mail", Sentence("mail in Outlook's own form cannot be cleaned; save it as EML or PDF")
    # 7z, RAR, xz and others that we do not read
    ARCHIVE = (
        "archive",
        Sentence("this kind of archive cannot be unpacked here; unpack it and give the files, or a ZIP"),
    )
    MEMBER = "member", Sentence("files inside the archive cannot be cleaned")
    NOT_STRONG = "not-strong", Sentence("this file has no strong cleaning; save it as PDF, or clean it losslessly")
    LETTERS = (
        "letters",
        Sentence("the shapes of its letters are not inside, so its pages cannot be drawn; give pictures of them"),
    )
    # XFA
    FORM = "form", Sentence("a form that only Adobe Reader shows; print it there to a PDF")
    # .fit
    TRACK = "track", Sentence("the file of a sports watch cannot be cleaned; export it as GPX")
    RAW_PHOTO = "raw-photo", Sentence("a camera's raw file cannot be cleaned; export it as JPEG")
    ENCRYPTED = "encrypted", Sentence("the file is locked with a password; send it without")
    SEALED = "sealed", Sentence("the file is sealed with age; it can be cleaned only after it was opened")
    # or a document that makes no sense without its programs
    ACTIVE_CONTENT = "active-content", Sentence("the file is a program")
    # the upload or the card failed
    EMPTY = "empty", Sentence("the file is empty")
    # not what its format says
    DAMAGED = "damaged", Sentence("the file is damaged")
    # over a bound on bytes, input or output
    TOO_LARGE = "too-large", Sentence("the file is too large")
    PIXELS = "pixels", Sentence("the picture has too many pixels; save it smaller")
    # over a bound on frames, members, ratio, depth or decoded bytes
    BOMB = "bomb", Sentence("the file unpacks to more than can be handled")
    # verify found something left: our defect, so nothing is stored
    RESIDUE = "residue", Sentence("the file could not be cleaned completely")
    # over the wall clock or processor time of one file
    TIMEOUT = "timeout", Sentence("cleaning the file took too long")
    MEMORY = "memory", Sentence("cleaning the file took too much memory")
    # the decoder died or broke the sandbox's rules
    CRASHED = "crashed", Sentence("the file made the cleaner fail")
    BUSY = "busy", Sentence("too many files are being cleaned; try again")


class Removed(_WithText):
    """What was found and taken out, by category, in the order that matters to a source."""

    LOCATION = "location", Sentence("place")  # GPS, place names
    DEVICE = "device", Sentence("device")  # make, model, lens, printer
    IDENTIFIERS = "identifiers", Sentence("serial numbers and ids")  # of devices and documents
    CORRESPONDENTS = "correspondents", Sentence("sender and receivers")  # of mail
    AUTHOR = "author", Sentence("author names")  # of people who made or changed it, companies, user names
    PEOPLE = "people", Sentence("names of people shown")
    TIME = "time", Sentence("times")  # when it was taken, made, changed or printed
    SOFTWARE = "software", Sentence("software")  # programs and their versions
    DESCRIPTION = "description", Sentence("titles and captions")  # keywords and alternative texts, too
    # structure, replacement and alternative texts of a PDF
    READ_ALOUD = "read-aloud", Sentence("marks for reading aloud and for copying words")
    COMMENTS = "comments", Sentence("comments")  # remarks in a document, comment fields of an image
    HISTORY = "history", Sentence("changes and earlier versions")  # revision ids, too
    THUMBNAIL = "thumbnail", Sentence("hidden thumbnail")  # a small second picture, often of the uncut original
    PICTURES = "pictures", Sentence("other pictures in the same file")  # of a burst, or for the other eye
    DRAWINGS = (
        "drawings",
        Sentence("drawings or pictures in a form that cannot be cleaned"),
    )  # EMF, WMF, ink: they were shown
    MOTION_VIDEO = "motion-video", Sentence("hidden video")  # the film that a phone puts after a photo
    EMBEDDED_FILE = "embedded-file", Sentence("embedded files")
    SCRIPT = "script", Sentence("scripts")  # macros, JavaScript, actions
    LINKS = "links", Sentence("links")  # references to things outside it
    LITTER = "litter", Sentence("files that systems add to folders")
    FILE_NAMES = "file-names", Sentence("names of files and folders")
    PATHS = "paths", Sentence("paths")  # names of folders, printers, templates, servers
    HIDDEN_CONTENT = "hidden-content", Sentence("hidden content")  # hidden layers, sheets, tracks
    TRAILING_DATA = "trailing-data", Sentence("trailing data")  # bytes before the beginning or after the end
    COPY_MARKS = "copy-marks", Sentence("invisible copy marks")  # characters that tell one copy from another
    COLOUR_PROFILE = "colour-profile", Sentence("colour profile")  # of a device
    LAYOUT = "layout", Sentence("the document's layout")  # its words and pictures are kept
    PALE_MARKS = "pale-marks", Sentence("pale marks on the paper, such as the yellow dots of printers")
    INCOMPLETE = (
        "incomplete",
        Sentence("broken or missing parts; what could be read is kept"),
    )  # cut off on its way to us
    CODING = "coding", Sentence("the original coding; sound and pictures were encoded again")
    CREDENTIALS = "credentials", Sentence("signed data about its origin (Content Credentials)")
    # of their signature; a list of trusted signers is asked nowhere
    FITS = (
        "credentials-fit",
        Sentence("a signature that fits the file (nobody checked whose it is)"),
    )
    CHANGED = (
        "credentials-changed",
        Sentence("a signature that does not fit the file: one of the two was changed afterwards"),
    )
    UNCHECKED = "credentials-unchecked", Sentence("a signature that could not be checked")
    SAYS_CAMERA = "says-camera", Sentence("a statement that a camera took it")
    SAYS_AI = "says-ai", Sentence("a statement that AI made or changed it")
    OTHER_METADATA = "other-metadata", Sentence("other metadata")  # anything else that was not needed to show it


class Noted(_WithText):
    """What stays in a clean copy and has to be said to its source and to editors. In a manifest, among ``Removed``."""

    WORDS = "kept-words", Sentence("its words may name people, as greetings, signatures and quoted mails do")
    PLACES = "kept-places", Sentence("it shows places")
    LEFT_OUT = "left-out", Sentence("files in it that could not be cleaned were left out")
    PRINTER_DOTS = (
        "printer-dots",
        Sentence("it seems to show yellow dots that tell the printer; do not publish it as it is"),
    )
    PREVIEW = "preview-only", Sentence("only the preview that was in it was kept, often just its first page")
    WATERMARKS = "watermarks", Sentence("invisible watermarks may remain in its picture or sound")
    SMALLER = "made-smaller", Sentence("it had too many pixels and was made smaller")
    # tiny, in the colour of what is behind them, under something, or outside of what is shown
    HIDDEN_WORDS = "hidden-words", Sentence("it may hide words that nobody sees")
    CROPPED = "cropped-picture", Sentence("of a picture in it only a part was shown; all of it is in the clean copy")
    TRIMMED = (
        "trimmed-film",
        Sentence("some of what was cut off the film is still in it, unseen; do not publish it as it is"),
    )


READ_AS: Final = "read-as-"
"""What the code of a note begins with that says in which encoding a text was read; see ``text.encodings``."""

_TEXTS = {found.value: found.text for kind in (Removed, Noted) for found in kind}


def is_note(code: str) -> bool:
    """Whether a code of a manifest says that something stayed, and not that something is gone."""
    return code in set(Noted) or code.startswith(READ_AS)


def codes_told(codes: Sequence[str], *, nothing: str) -> str:
    """Codes of a manifest for a terminal: what is gone, or ``nothing``, and after that what stayed."""
    gone = ", ".join(code for code in codes if not is_note(code)) or nothing
    stayed = ", ".join(filter(is_note, codes))
    return f"{gone}; to know: {stayed}" if stayed else gone


def found_text(code: str) -> str:
    """The text of a code of ``Removed`` or ``Noted``; one that this version does not know is shown as it is."""
    return _TEXTS.get(code, code.replace("-", " ") if code.startswith(READ_AS) else code)


class Mode(StrEnum):
    """How hard a file is cleaned."""

    LOSSLESS = "lossless"  # picture, sound and text stay as they were
    STRONG = "strong"  # nothing of the file itself: images at quality 95, pages as pixels, sound and film encoded again


class View(StrEnum):
    """What is to be made of one file."""

    COPY = "copy"  # a clean copy
    WORDS = "words"  # a reading of it, see ``views.document``
    PICTURE = "picture"  # how a place in it looks, see ``views.places``
    LIKENESS = "likeness"  # by what a picture is known again, see ``views.likeness``
    FACES = "faces"  # where faces seem to be on a page, see ``views.faces``
    REDACTED = "redacted"  # pixels of it with areas filled, see ``views.redacted``


@dataclass(frozen=True, slots=True, order=True)
class Area:
    """A rectangle of a page, counted from 1. The rest is in ten-thousandths of the page's *width*, from its top left.

    Raises:
        ValueError: it is empty or upside down, or a number is out of its bounds.
    """

    page: int
    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        across, down = 0 <= self.left < self.right <= WIDTH, 0 <= self.top < self.bottom <= HIGHEST
        if not (across and down and 1 <= self.page <= limits.IMAGE_FRAMES):
            raise ValueError("this is no area of a page")


WIDTH: Final = 10_000
"""Of a page, in the units of ``Area``: finer than a pixel of what is looked at."""
HIGHEST: Final = 100 * WIDTH
"""The lowest edge of an area: a strip may be very long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """What is to be filled, which pages, counted from 1, are to be left out, and whether a film loses its sound.

    Raises:
        ValueError: more than ``limits.REDACTION_AREAS`` of either.
    """

    areas: tuple[Area, ...] = ()
    left_out: tuple[int, ...] = ()
    silent: bool = False

    def __post_init__(self) -> None:
        if max(len(self.areas), len(self.left_out)) > limits.REDACTION_AREAS:
            raise ValueError("too many areas")
        if not all(1 <= page <= limits.IMAGE_FRAMES for page in self.left_out):
            raise ValueError("this is no page")

    def __bool__(self) -> bool:
        return bool(self.areas or self.left_out or self.silent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is to be made of one file, and how it is to be cleaned.

    ``language``: of the page that it was sent from, BCP 47, or none; what a text in an old encoding is probably in.
    ``without_refused``: of an archive, what cannot be cleaned is to be left out. ``reread``: two codecs of
    ``text.encodings``: a clean text that was decoded as the first is to be decoded as the second. ``place``, of a
    picture: up to ``limits.ARCHIVE_DEPTH`` members and a page, each below 65,536; ``side``: its pixels across.
    ``redaction``: what to fill, and which pages to leave out, when pages are drawn in strong mode.
    """

    mode: Mode = Mode.LOSSLESS
    language: str = ""
    without_refused: bool = False
    reread: tuple[str, str] = ("", "")
    view: View = View.COPY
    place: tuple[int, ...] = (1,)
    side: int = 0
    redaction: Redaction = Redaction()


@dataclass(frozen=True, slots=True, order=True)
class RefusedMember:
    """A file in an archive that cannot be cleaned: its place among the files there, counted from 1, and why."""

    place: int
    refusal: Refusal


class Elsewhere(Exception):
    """Raised inside a child whose warm parent has not loaded what this file needs. Says nothing about the file."""


class Refused(Exception):
    """Raised inside the child by sniff, a format or verify. Only its two values cross the sandbox boundary."""

    def __init__(self, refusal: Refusal, members: tuple[RefusedMember, ...] = ()) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.members = members


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

    def __init__(self, refusal: Refusal = Refusal.BOMB) -> None:
        super().__init__(refusal)
