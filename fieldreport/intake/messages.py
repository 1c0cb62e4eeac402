"""What codes mean in plain words: errors, reasons for refusing a file, categories of what was removed.

Rules: every sentence is for a frightened person who does not know our terms: what happened, whether anything is lost,
what to do now. A code without a text of its own gets a general one. A sentence about what was stored must be true in
every state: the answer to an earlier try may have been lost, and a store that fails while it commits does not say how
it ended. tests/intake/test_what_was_stored.py lists these sentences and makes the states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from babel.lists import format_list
from flask_babel import LazyString, format_decimal, get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport.errors import CodenameError, FieldreportError
from fieldreport.intake.handin import NotTaken
from fieldreport.intake.kept_files import NotKept
from fieldreport.scrub import Refusal, is_note
from fieldreport.scrub.text.encodings import BY_CODE
from fieldreport.web.error_pages import Failure, failure_of

_KILOBYTES_BELOW: Final = 100_000  # from here on, megabytes with one decimal


class Sent(Enum):
    """What somebody was sending when an error came."""

    NOTHING = auto()  # a page was opened
    LETTER = auto()  # a report, or packed ones
    ADDITION = auto()  # one more letter under a codename
    STEP = auto()  # another button of the return pages


_NOTHING_STORED: Final = later("Nothing was stored this time.")  # an earlier try may have been
_MAY_HAVE_ARRIVED: Final = later(
    "What you sent may have arrived or not, but never half of it. Send the same again: we keep it only once."
)
_MAY_BE_DONE: Final = later("Your last step may have been done or not. It does no harm to do it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A heading and what to do.

    ``fate``: what became of what was sent. ``cut_short``: a part of the words may not have reached us.
    ``come_by_onion``: our onion address, where there is one, belongs below it. ``names_limits``: so does how much can
    be sent at once.
    """

    title: LazyString
    advice: LazyString
    fate: LazyString | None = _NOTHING_STORED
    cut_short: bool = False
    come_by_onion: bool = False
    names_limits: bool = False


_NO_SUCH_PAGE: Final = Explanation(
    title=later("There is no such page"),
    advice=later("The address may be mistyped. Use the links above."),
)
_TOO_LARGE: Final = later(
    "Send fewer files at once, or send them one after the other. Cut a long video into parts, or save it smaller."
)
_OPEN_AGAIN: Final = later("Please open the page again and use the form on it.")
_RESTARTED: Final = later("This page no longer matched our server, which may have restarted.")
_TOO_OLD: Final = later("The page was open for a very long time.")
_FULL: Final = later("Our mailbox is full")
_NOT_FOUND: Final = later("We found no report from this form.")

FORM_NOT_FOUND: Final = Explanation(
    title=later("Please press the button once more"), fate=_NOT_FOUND, advice=_RESTARTED
)
"""The form was sent, perhaps more than once, and nothing of it has arrived."""

FORM_USED: Final = Explanation(
    title=later("A report from this form has arrived"),
    fate=later("What is below was not stored this time."),
    advice=later("If you send it now, it will be one more report."),
)
"""The form was sent before, with these words or with others, and that has arrived."""

_ERRORS: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "request-bytes": Explanation(
            title=later("What you sent is too large"), advice=_TOO_LARGE, cut_short=True, names_limits=True
        ),
        "request-text": Explanation(
            title=later("The text is too long"), advice=later("Send a long text as a text file."), cut_short=True
        ),
        "request-parts": Explanation(
            title=later("There are too many files"), advice=_TOO_LARGE, cut_short=True, names_limits=True
        ),
        "http-400": Explanation(
            title=later("Your report arrived incomplete"),
            advice=later("The connection may have dropped. Please send it again."),
            cut_short=True,
        ),
        "http-408": Explanation(
            title=later("Your report did not arrive in time"),
            advice=later("The line was too slow. Send it again with fewer or smaller files."),
            cut_short=True,
        ),
        "http-415": Explanation(title=later("This server could not read the form"), advice=_OPEN_AGAIN, cut_short=True),
        "cross-site": Explanation(title=later("This did not work"), advice=_OPEN_AGAIN),
        "http-429": Explanation(
            title=later("Too much was sent in a short time"),
            advice=later("Wait an hour, then send it again."),
            cut_short=True,
        ),
        "token": FORM_NOT_FOUND,
        "token-expired": replace(FORM_NOT_FOUND, advice=_TOO_OLD),
        "form-used": FORM_USED,
        "roster": Explanation(
            title=later("We cannot take reports right now"),
            advice=later(
                "Without valid keys of our editors we could not lock your report, so we take none. Please come back "
                "tomorrow."
            ),
        ),
        "mailbox-full": Explanation(
            title=_FULL,
            advice=later("Please come back in a few hours and send it again."),
        ),
        "letterbox-closed": Explanation(
            title=later("We take no reports at the moment"),
            advice=later(
                "We had to close for a while; it is not your fault. Please come back in a few days. With a codename "
                "you can still read our answers."
            ),
        ),
        "closed-for-files": Explanation(
            title=later("We take no files at the moment"),
            advice=later(
                "We had to close for files for a while; it is not your fault. Send your text without files, and keep "
                "the files in a safe place until later."
            ),
        ),
        "http-404": _NO_SUCH_PAGE,
        "not-found": _NO_SUCH_PAGE,
        "tor-to-web": Explanation(
            title=later("This way in is not safe"),
            advice=later(
                "You came through a website that fetches onion pages for ordinary browsers. The people who run it can "
                "read all that you write and can see where you are. Write nothing here. Use Tor Browser instead."
            ),
            come_by_onion=True,
        ),
        "unencrypted": Explanation(
            title=later("This way in is not safe"),
            advice=later(
                "This connection is not encrypted. Everybody between you and us can read it. Write nothing here. Use "
                "Tor Browser, or an address that begins with https://."
            ),
            come_by_onion=True,
        ),
        "http-405": Explanation(
            title=later("This page cannot be opened directly"),
            advice=later("Please start again from the links above."),
        ),
    }
)
_BROKEN: Final = Explanation(
    title=later("Something broke on our side"),
    fate=_MAY_HAVE_ARRIVED,
    advice=later("It was not your fault. Wait a little and try again."),
)
_NOT_UNDERSTOOD: Final = Explanation(
    title=later("This did not work"),
    advice=later("Please start again from the links above."),
)


_PAGE_ERRORS: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "http-400": _NOT_UNDERSTOOD,
        "mailbox-full": Explanation(title=_FULL, advice=later("Please come back in a few hours.")),
        "http-429": Explanation(
            title=later("Too many pages in a short time"),
            advice=later("Many people may share your connection. Wait an hour, then open the page again."),
        ),
    }
)
_CODENAME_AGAIN: Final = later("Please type your codename again")
_RETURN_ERRORS: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "token": Explanation(title=_CODENAME_AGAIN, fate=_MAY_BE_DONE, advice=_RESTARTED),
        "token-expired": Explanation(title=_CODENAME_AGAIN, fate=_MAY_BE_DONE, advice=_TOO_OLD),
    }
)
_ERRORS_OF: Final[Mapping[Sent, Mapping[str, Explanation]]] = MappingProxyType(
    {Sent.NOTHING: _PAGE_ERRORS, Sent.LETTER: {}, Sent.ADDITION: _RETURN_ERRORS, Sent.STEP: _RETURN_ERRORS}
)


def explain(failure: Failure, sent: Sent) -> Explanation:
    """The words for an error, true whatever was stored before it."""
    general = _BROKEN if failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR else _NOT_UNDERSTOOD
    tables = (_ERRORS_OF[sent], _ERRORS)
    found = (table[code] for code in (failure.code, failure.kind) for table in tables if code in table)
    explanation = next(found, general)
    if sent is Sent.NOTHING:
        return replace(explanation, fate=None)
    if sent is Sent.STEP and explanation.fate is _MAY_HAVE_ARRIVED:
        return replace(explanation, fate=_MAY_BE_DONE)
    return explanation


def why_not(check: Callable[[], object]) -> Explanation | None:
    """Why nothing can be taken now, as its page says it; nothing where ``check`` raises no error of ours."""
    try:
        check()
    except FieldreportError as error:
        return explain(failure_of(error), Sent.NOTHING)
    return None


def codename_problem(error: CodenameError) -> str:
    """What is wrong with a codename that was typed, found without asking any store."""
    if error.code == "codename-unknown-word" and error.positions:
        return str(
            ngettext(
                "Word %(numbers)s is not one of ours. Check how it is spelled.",
                "Words %(numbers)s are not ours. Check how they are spelled.",
                len(error.positions),
                numbers=numbers_in_words(error.positions),
            )
        )
    if error.code == "codename-checksum" and error.positions:
        first, second = error.positions
        return str(
            _(
                "Words %(first)s and %(second)s seem to have changed places. Compare with your paper.",
                first=first,
                second=second,
            )
        )
    if error.code == "codename-checksum":
        return str(_("One word is not the one we gave you, or two have changed places. Compare with your note."))
    needed = str(_("A codename has nine words. Type all nine, in the order in which you wrote them down."))
    typed = ngettext("You typed %(num)s word.", "You typed %(num)s words.", error.count) if error.count else ""
    return f"{typed} {needed}".strip()


def numbers_in_words(places: Sequence[int]) -> str:
    """Places of words, for people: ``4``, ``4 and 5``."""
    return format_list([str(place) for place in places], locale=get_locale())


REFUSALS: Final[Mapping[Refusal, LazyString]] = MappingProxyType(
    {
        Refusal.UNSUPPORTED: later(
            "We cannot clean this type of file. A photo or screenshot of it, or a PDF, may work instead."
        ),
        Refusal.DRAWING: later(
            "This is a drawing or picture that only special programs open. Export it there as PDF or JPEG and choose "
            "that file."
        ),
        Refusal.SOUND_OR_FILM: later(
            "We cannot clean this kind of sound or film. Save a sound as M4A or MP3, a film as MP4, and choose that "
            "file."
        ),
        Refusal.OLD_OFFICE: later(
            "This is an old Office format. Save it as DOCX, XLSX, PPTX or PDF and choose that file."
        ),
        Refusal.HANGUL: later("This is a Hangul document. In Hangul, save it as PDF and choose that file."),
        Refusal.IWORK: later(
            "This is a Pages, Numbers or Keynote document. Export it there as PDF and choose that file."
        ),
        Refusal.MAIL: later(
            "This is mail in a form that only Outlook opens. Open it there, save or print it as PDF or save it as EML, "
            "and choose that file."
        ),
        Refusal.ARCHIVE: later("We cannot unpack this kind of archive. Unpack it and choose the files in it."),
        Refusal.MEMBER: later("Files inside it cannot be cleaned. You can send it without them."),
        Refusal.NOT_STRONG: later(
            "You asked us to remove more. We cannot do that with this type of file. Save a document as PDF and choose"
            " that."
        ),
        Refusal.LETTERS: later(
            "The shapes of its letters are not inside the file, so we cannot rebuild its pages. Make photos or "
            "screenshots of the pages and choose those."
        ),
        Refusal.FORM: later(
            "It is a form that only Adobe Reader shows. Print it there as a PDF, or make screenshots of it, and choose "
            "those."
        ),
        Refusal.TRACK: later(
            "It was written by a sports watch or a navigation device. Export it as GPX and choose that file."
        ),
        Refusal.RAW_PHOTO: later("This is a camera's raw file. Export it as JPEG and choose that file."),
        Refusal.ENCRYPTED: later("It is locked with a password. Save a copy without the password."),
        Refusal.SEALED: later(
            "It is locked already. Send such files on a page of their own: open “Read our answers”, then the link at "
            "its end."
        ),
        Refusal.ACTIVE_CONTENT: later("It is a program or cannot be shown without one. Make a photo or a PDF of it."),
        Refusal.EMPTY: later("It is empty. Copying it may have failed. Choose it again."),
        Refusal.DAMAGED: later("It is damaged or not what it seems to be. Open it, save a new copy, try that."),
        Refusal.TOO_LARGE: later("It is too large to clean. Send a shorter or smaller version."),
        Refusal.PIXELS: later("The picture has too many pixels. Save it smaller, or cut it into parts."),
        Refusal.BOMB: later("It unpacks to far more than its size. Send its contents one by one."),
        Refusal.RESIDUE: later("We could not remove everything hidden in it. A screenshot or a PDF of it may work."),
        Refusal.TIMEOUT: later("Cleaning it took too long. Send a shorter or smaller version."),
        Refusal.MEMORY: later("It is too heavy for our server. Send a smaller version."),
        Refusal.CRASHED: later("Cleaning it failed. Open it, save a new copy, and try that."),
        Refusal.BUSY: later("We are cleaning too many files at the moment. Wait a few minutes and try again."),
    }
)
"""Why a file was not taken, with what may help."""

_SHOW: Final = later(
    "If your device cannot do that, open it, make screenshots or photos of what it shows, and choose those."
)
_ELSE: Final[Mapping[str, LazyString]] = MappingProxyType(
    {
        Refusal.SOUND_OR_FILM: later(
            "If no app on your device can do that, play it and record it with another device, and choose that "
            "recording."
        ),
        Refusal.ARCHIVE: later(
            "On a phone, the app for files may unpack it when you tap it; on a computer, 7-Zip does."
        ),
        **dict.fromkeys(
            (
                *(Refusal.DRAWING, Refusal.OLD_OFFICE, Refusal.HANGUL, Refusal.IWORK, Refusal.MAIL, Refusal.TRACK),
                *(Refusal.RAW_PHOTO, Refusal.ENCRYPTED, Refusal.DAMAGED, Refusal.CRASHED, Refusal.MEMORY),
            ),
            _SHOW,
        ),
    }
)
"""What else may help, where the first needs a program that not everybody has."""

NOT_KEPT: Final[Mapping[NotKept, LazyString]] = MappingProxyType(
    {
        NotKept.TOO_MUCH: later("There is no more room in this report. Send it later, with your codename."),
        NotKept.NO_ROOM: later(
            "We could clean it, but have no room to keep it at the moment. Choose all files at once and send "
            "everything in one go."
        ),
        NotKept.GONE: later(
            "We do not keep it any more: its hour is over, or it was taken out. To send it, choose it again."
        ),
    }
)
"""Why a file that can be cleaned does not wait for its form."""
_WHY: Final = {str(code): words for table in (REFUSALS, NOT_KEPT) for code, words in table.items()}

NOT_TAKEN: Final[Mapping[NotTaken, LazyString]] = MappingProxyType(
    {
        NotTaken.NOT_PACKED: later(
            "This is not a locked file, or it was damaged on its way. Copy it again from where you have it."
        ),
        NotTaken.OTHER_READERS: later(
            "It was not packed for our editors. Ask the person who gave it to you whether this is the right address."
        ),
        NotTaken.OLD_KEYS: later(
            "It was packed with keys that we do not use any more; our editors could not open it. It is nobody's fault. "
            "The person who packed it has to pack it again, with the keys that we publish now."
        ),
        NotTaken.UNKNOWN_KEYS: later(
            "It was packed with newer keys than this server has. Keep it and hand it in tomorrow."
        ),
        NotTaken.FULL: later("Our mailbox has no room for it at the moment. Keep it and try again in a few hours."),
        NotTaken.LOCKED_OTHERWISE: later(
            "It is locked in another way than we ask for. Lock the file again with the command on the page."
        ),
        NotTaken.OTHER_LIST: later(
            "It is not locked with exactly the keys on our list. They may have changed: save the list again, and lock "
            "the file again."
        ),
        NotTaken.TOO_LARGE: later(
            "It is larger than we can clean. Cut it into parts or save it smaller, and lock those."
        ),
    }
)
"""Why a file that came locked was not taken, with what to do."""

REMOVED: Final[Mapping[str, LazyString]] = MappingProxyType(
    {
        "location": later("the place where it was made"),
        "device": later("the device that made it"),
        "identifiers": later("serial numbers and identifiers"),
        "correspondents": later("who sent it and who received it"),
        "author": later("names of people who made or changed it"),
        "people": later("names of people shown in it"),
        "time": later("dates and times"),
        "software": later("programs that were used"),
        "description": later("titles, captions and keywords"),
        "read-aloud": later("marks that help programs to read it aloud or to copy its words"),
        "comments": later("comments"),
        "history": later("earlier versions and tracked changes"),
        "thumbnail": later("a small preview picture"),
        "pictures": later("other pictures in the same file"),
        "drawings": later("drawings or pictures in a form that we cannot clean"),
        "motion-video": later("a short video hidden in the photo"),
        "embedded-file": later("other files inside it"),
        "script": later("programs inside it"),
        "links": later("links to things outside it"),
        "litter": later("small files that a computer or phone had added"),
        "file-names": later("the names that files and folders had"),
        "paths": later("names of folders, printers and servers"),
        "hidden-content": later("content that is not shown"),
        "trailing-data": later("extra data before or after the content"),
        "copy-marks": later("invisible marks that tell copies apart"),
        "colour-profile": later("a colour profile that names a device"),
        "layout": later("the layout of the document; its words and pictures were kept"),
        "pale-marks": later("pale marks on the paper, such as the yellow dots of printers"),
        "incomplete": later("broken or missing parts; what could be read was kept"),
        "coding": later("the original coding; sound and pictures were encoded again and may be a little less clear"),
        "credentials": later("signed data about where it comes from (Content Credentials)"),
        "credentials-fit": later("a signature that fits the file (nobody checked whose it is)"),
        "credentials-changed": later("a signature that does not fit the file: one of the two was changed afterwards"),
        "credentials-unchecked": later("a signature that could not be checked"),
        "says-camera": later("a note that a camera took it"),
        "says-ai": later("a note that it was made or changed with AI"),
        "other-metadata": later("other hidden data"),
    }
)
"""Categories of what was removed from a file or a text."""

NOTED: Final[Mapping[str, LazyString]] = MappingProxyType(
    {
        "kept-words": later(
            "Its words were kept. Names and addresses in them stay: in greetings, signatures and quoted mails, for "
            "example."
        ),
        "kept-places": later(
            "The places in it were kept. Must nobody learn of them? Then come back with your codename and tell us, or "
            "withdraw."
        ),
        "left-out": later("Files inside it that could not be cleaned were left out."),
        "printer-dots": later(
            "The paper seems to carry tiny yellow dots, which tell whose printer it was, and when. Our editors see "
            "this warning. To have the dots removed, send the file once more and choose “Remove more: rebuild these "
            "files”."
        ),
        "preview-only": later(
            "Only the preview inside it was kept, often just the first page. To send all of it, open it in Pages, "
            "Numbers or Keynote, export it as PDF, and send that, too."
        ),
        "watermarks": later(
            "Invisible marks may still be in the picture or sound itself. Programs that sign files or make them with "
            "AI often put them there."
        ),
        "made-smaller": later("It had more pixels than we can handle, so the picture was made smaller."),
        "hidden-words": later(
            "It may hide words: some are very small, have the colour of what is behind them, or lie under or outside "
            "of what is shown. They were kept."
        ),
        "cropped-picture": later(
            "Only a part of a picture in it was shown, but all of the picture was kept. If nobody must see the rest, "
            "crop the picture itself before you put it into the document."
        ),
        "trimmed-film": later(
            "Some of what was cut off this film had to be kept, unseen, because the rest does not play without it. To "
            "have it removed, send the film once more and choose “Remove more: rebuild these files”."
        ),
    }
)
"""What a source has to know of a clean copy: what stayed in it, what is missing."""


def why_in_words(untrusted_code: str) -> str:
    """Why a file is not there: refused, or not kept. A code that is none has no words."""
    return " ".join(str(table[untrusted_code]) for table in (_WHY, _ELSE) if untrusted_code in table)


def size_in_words(size: int) -> str:
    """A file's size in bytes, for people."""
    if size < _KILOBYTES_BELOW:
        return str(_("%(size)s KB", size=format_decimal(max(1, size // 1000))))
    return str(_("%(size)s MB", size=format_decimal(size / 1_000_000, "#,##0.0")))


def removed_in_words(codes: tuple[str, ...]) -> list[str]:
    """The categories of what is gone in plain words, each once."""
    gone = (code for code in codes if not is_note(code))
    return list(dict.fromkeys(str(REMOVED.get(code, REMOVED["other-metadata"])) for code in gone))


def noted_in_words(codes: tuple[str, ...]) -> list[str]:
    """The sentences about what stayed."""
    return [_read_as(BY_CODE[code].name) if code in BY_CODE else str(NOTED[code]) for code in codes if is_note(code)]


def _read_as(encoding: str) -> str:
    return str(
        _(
            "It does not say in which encoding its text is. We read it as %(encoding)s. Our editors can try another "
            "reading.",
            encoding=encoding,
        )
    )
