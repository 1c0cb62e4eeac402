"""Whether the letterbox takes reports: open, closed for files, closed, or only with an invitation word, and how many.

An operator under attack closes it, or lets fewer reports in an hour than the settings do. How it is switched are files
in the intake's own directory, written by ``fieldreport letterbox``, so that they hold at once, for every worker and
after a restart; where there are several machines, ``shared`` writes them on each. Coming back, reading answers and
withdrawing stay possible. Closed means closed to additions, too; an addition needs the word unless we see that its
source has written before, because everybody who opens the form gets a codename.

Rules: without a file it is open and asks for no word; a file that says anything we do not write closes it. The word is
compared in constant time and is stored with no report.
"""

from __future__ import annotations

import hmac
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, Protocol

from fieldreport import limits
from fieldreport.config import Intake
from fieldreport.errors import LetterboxClosed, StoreError, UsageError
from fieldreport.sentence import Sentence

_STATE: Final = "letterbox"
_STATE_BYTES: Final = 16  # the state, with spaces before it: always the same bytes of the same block of the disk
_INVITATION: Final = "invitation"
_LETTERS: Final = "letters-per-hour"
_UNTOLD: Final = "closed-untold"
_WHO: Final = "run it as the letterbox's user, or with the desk's settings"
SET_AGAIN: Final = "set them again, on the desk's page or with 'fieldreport letterbox --letters-per-hour 0'"
"""What to do where the reports an hour cannot be read."""


class LetterboxState(StrEnum):
    """``OPEN``: everything is taken. ``NO_FILES``: text only. ``CLOSED``: nothing new."""

    OPEN = "open"
    NO_FILES = "no-files"
    CLOSED = "closed"


MEANINGS: Final[Mapping[LetterboxState, str]] = {
    LetterboxState.OPEN: Sentence("The letterbox is open."),
    LetterboxState.NO_FILES: Sentence("The letterbox takes words, and no files."),
    LetterboxState.CLOSED: Sentence(
        "The letterbox is closed. Who has a codename can come back, read answers and withdraw."
    ),
}
"""What staff read of a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How a letterbox stands: its state, and whether a first report needs an invitation word.

    The bounds are the intake's: reports from forms an hour, and how many its settings allow at most; bytes of one
    post, bytes that stay free of its disk. An intake of an older release does not say them.
    """

    state: LetterboxState
    invitation: bool
    letters_per_hour: int | None = None
    most_letters_per_hour: int | None = None
    request_bytes: int | None = None
    free_bytes: int | None = None


class Switchboard(Protocol):
    """Where the letterbox is switched: ``LocalSwitchboard`` on its machine, ``LinkMailbox`` from the desk."""

    def letterbox(self) -> Switches:
        """How it stands. Raises ``StoreError``: nobody can tell."""

    def set_letterbox(
        self, *, state: LetterboxState | None = None, invitation: str | None = None, letters_per_hour: int | None = None
    ) -> Switches:
        """Set the state, the invitation word (an empty one: ask for none), or reports an hour; return how it stands.

        ``letters_per_hour``: 0 for as many as the settings allow; more than those is as many, too.

        Raises:
            UsageError: a word of nothing, or no number of reports. StoreError: it is away, or could not write.
        """

    def close(self) -> None:
        """Close every connection."""


class LocalSwitchboard:
    """The switches in the intake's own directory."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def letterbox(self) -> Switches:
        """How it stands; see ``Switchboard``."""
        must_see(self._intake.data)  # a state that cannot be read counts as closed, and may be open
        return switches(self._intake)

    def set_letterbox(
        self, *, state: LetterboxState | None = None, invitation: str | None = None, letters_per_hour: int | None = None
    ) -> Switches:
        """Set them; see ``Switchboard``."""
        return switch(self._intake, state=state, invitation=invitation, letters_per_hour=letters_per_hour)

    def follow(self) -> None:
        """Take over what other machines were told: there are none; see ``SharedLetterbox``."""

    def close(self) -> None:
        """Nothing is open; see ``Switchboard``."""


def switches(intake: Intake) -> Switches:
    """How the letterbox of these settings stands; what cannot be read counts as closed, as 0, as asking for a word."""
    try:
        letters = letters_per_hour(intake)
    except StoreError:
        letters = 0
    return Switches(
        state=letterbox_state(intake.data),
        invitation=asks_for_invitation(intake.data),
        letters_per_hour=letters,
        most_letters_per_hour=intake.letters_per_hour,
        request_bytes=intake.request_bytes,
        free_bytes=intake.free_bytes,
    )


def switch(
    intake: Intake, *, state: LetterboxState | None, invitation: str | None, letters_per_hour: int | None
) -> Switches:
    """Set what is given, of the letterbox of these settings; see ``Switchboard.set_letterbox``."""
    if state is not None:
        set_letterbox_state(intake.data, state)
    if invitation is not None:
        set_invitation(intake.data, invitation or None)
    if letters_per_hour is not None:
        _set_letters(intake.data, letters_per_hour)
    return switches(intake)


def letters_per_hour(intake: Intake) -> int:
    """How many reports from forms are taken in an hour: what was set, at most what the settings allow.

    Raises:
        StoreError: it cannot be read: nothing may be taken.
    """
    return min(chosen_letters(intake.data) or intake.letters_per_hour, intake.letters_per_hour)


def chosen_letters(data: Path) -> int:
    """How many reports an hour were set; 0 for as many as the settings allow.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        return must_be_letters(int((data / _LETTERS).read_text(encoding="ascii")))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, UsageError):
        raise StoreError(
            "the reports an hour cannot be read",
            detail=f"{data / _LETTERS} cannot be read; {SET_AGAIN}",
        ) from None


def must_be_letters(untrusted: object) -> int:
    """A number of reports an hour, or 0. Raises ``UsageError``: it is none."""
    if type(untrusted) is not int or not 0 <= untrusted <= limits.LETTERS_HOUR_MOST:
        raise UsageError("reports an hour are a whole number", code="link-body")
    return untrusted


def _set_letters(data: Path, number: int) -> None:
    """Take so many reports an hour, 0 for as many as the settings allow. Raises as ``set_invitation``."""
    if must_be_letters(number):
        write_private(data / _LETTERS, f"{number}\n")
        return
    try:
        (data / _LETTERS).unlink(missing_ok=True)
    except OSError as error:
        raise _cannot("remove", data / _LETTERS, error) from None


def letterbox_state(data: Path) -> LetterboxState:
    """The letterbox's state now; ``data`` is the intake's directory."""
    try:
        return LetterboxState((data / _STATE).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return LetterboxState.OPEN
    except (OSError, ValueError):
        return LetterboxState.CLOSED


def must_see(data: Path) -> Literal[True]:
    """Check that the state is known to this user, for those who say it to an operator.

    Raises:
        StoreError: this user may not look.
    """
    for name in (_STATE, _INVITATION, _LETTERS):
        try:
            (data / name).read_bytes()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _cannot("look at", data / name, error) from None
    return True


def set_letterbox_state(data: Path, state: LetterboxState) -> None:
    """Open or close it, from the next request on.

    Raises:
        StoreError: it could not be written; nothing has changed.
    """
    _write_state(data, state)


def close_untold(data: Path) -> None:
    """Close it on this machine, and remember that the others of this letterbox do not know. Raises as above."""
    _write_state(data, _UNTOLD)


def is_untold(data: Path) -> bool:
    """Whether it was closed on this machine and the others do not know."""
    try:
        return (data / _STATE).read_text(encoding="ascii").strip() == _UNTOLD
    except (OSError, ValueError):
        return False


def _write_state(data: Path, said: str) -> None:
    content = f"{said}\n".rjust(_STATE_BYTES)
    try:
        # In place, where it was written before: a full disk has no room for another file, and closing must work.
        with (data / _STATE).open("r+b", buffering=0) as file:
            file.write(content.encode("ascii"))
            file.truncate()
            os.fsync(file.fileno())
    except (FileNotFoundError, PermissionError):  # another user's file in our directory gives way to one of ours
        write_private(data / _STATE, content)
    except OSError as error:
        raise _cannot("write", data / _STATE, error) from None


def keep_state(data: Path) -> None:
    """Let the file of the state be there, so that it can be written in place on a full disk.

    Raises:
        StoreError: it is not there and cannot be written.
    """
    if not (data / _STATE).exists():
        set_letterbox_state(data, LetterboxState.OPEN)


def must_be_open(data: Path, *, files: bool) -> Literal[True]:
    """Check that something new is taken, with files or without.

    Raises:
        LetterboxClosed: to everything, or (code "closed-for-files") to files.
    """
    state = letterbox_state(data)
    if state is LetterboxState.CLOSED:
        raise LetterboxClosed("the letterbox is closed")
    if files and state is LetterboxState.NO_FILES:
        raise LetterboxClosed("the letterbox is closed for files", code="closed-for-files")
    return True


def asks_for_invitation(data: Path) -> bool:
    """Whether a first report needs a word that the newsroom gave out; who may not look, must take it that it does."""
    try:
        return (data / _INVITATION).exists()
    except OSError:
        return True


def invitation_word(data: Path) -> str:
    """The word that is asked for now; an empty one: none.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        return (data / _INVITATION).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise StoreError("the invitation word cannot be read", detail=f"cannot read {data / _INVITATION}") from None


def is_invited(data: Path, untrusted_word: str) -> bool:
    """Whether this is the word, or none is asked for; case, spaces around it and Unicode form do not matter."""
    try:
        wanted = (data / _INVITATION).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False
    return hmac.compare_digest(plain_word(untrusted_word).encode(), wanted.encode()) and bool(wanted)


def set_invitation(data: Path, word: str | None) -> None:
    """Ask for a word from the next request on, or stop asking.

    Raises:
        UsageError: a word of nothing. StoreError: it could not be written; nothing has changed.
    """
    if word is None:
        try:
            (data / _INVITATION).unlink(missing_ok=True)
        except OSError as error:
            raise _cannot("remove", data / _INVITATION, error) from None
        return
    if not plain_word(word):
        raise UsageError("an invitation word has at least one letter")
    write_private(data / _INVITATION, f"{plain_word(word)}\n")


def plain_word(text: str) -> str:
    """An invitation word as it is compared: case, spaces around it and Unicode form do not matter."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def write_private(path: Path, content: str) -> None:
    """Write a file that the intake's user alone can read; a cut leaves the old one or the new one.

    Raises:
        StoreError: it could not be written; nothing has changed.
    """
    unfinished = path.with_name(f".{path.name}.new")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            if os.geteuid() == 0:  # the intake must be able to read it, and is somebody else
                owner = path.parent.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise _cannot("write", path, error) from None


def _cannot(do: str, path: Path, error: OSError) -> StoreError:
    who = f"; {_WHO}" if isinstance(error, PermissionError) else ""
    return StoreError(f"cannot {do} {path}: {error.strerror}{who}")
