"""One error tree for the whole product.

Every error carries four things: a ``code`` (stable, for tests and message catalogues), a ``text`` for the person in
front of the screen, a ``detail`` for the operator's log, and an ``exit_status`` for the command line. ``text`` and
``detail`` never hold a word of a report, a file name, a codename, a passphrase or an address: they are written from
constants and from numbers.

    FieldreportError            70  something in the program itself
    ├── UsageError              64  the operator asked for what cannot be done
    ├── SettingsError           78  the settings file or the environment is wrong
    ├── RosterError             77  no roster that can be trusted; the intake closes with 503
    ├── KeyFileDamaged          65  a key file that is not what was written
    ├── UnlockRefused           77  handle, passphrase or code: never says which
    ├── SealError               65  a sealed object is refused whole
    │   └── NotARecipient       77  well formed, but sealed to other keys
    ├── CodenameError           65  not a codename: a typo, or a word that is in no list
    ├── TokenError              65  a form token that was altered, or whose key is gone
    │   └── TokenExpired        65  genuine but old: what was typed is kept
    ├── ScrubRefused            65  a file that cannot be cleaned, with the reason
    ├── LimitExceeded           65  over a bound of ``limits``
    ├── StoreError              74  the store refused or is away
    │   ├── NotFound            66  no such case, item, article, letter
    │   ├── Conflict            75  somebody changed it first; read again
    │   └── StaleRoster         75  a letter sealed to an epoch that is closed: seal it again
    ├── NotAllowed              77  the rule for this act says no
    └── PlatformError           69  this machine lacks what safety needs (ML-KEM, a sandbox)

Exit statuses are those of BSD ``sysexits.h``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class FieldreportError(Exception):
    """The root. ``str(error)`` is the text for the visitor; ``error.detail`` is for the operator."""

    code: str = "internal"
    exit_status: ClassVar[int] = 70

    def __init__(self, text: str, *, detail: str = "", code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.detail = detail or text
        if code is not None:
            self.code = code


class UsageError(FieldreportError):
    """The operator asked for something that cannot be done: a port in use, a directory that is not empty."""

    code = "usage"
    exit_status = 64


class SettingsError(FieldreportError):
    """The settings file or an environment variable is missing, malformed or contradictory."""

    code = "settings"
    exit_status = 78


class RosterError(FieldreportError):
    """No roster that can be trusted now: missing, expired, rolled back, or wrongly signed. Fail closed."""

    code = "roster"
    exit_status = 77


class KeyFileDamaged(FieldreportError):
    """A key file that is not what was written: truncated, altered, or with parameters out of bounds."""

    code = "key-file-damaged"
    exit_status = 65


class UnlockRefused(FieldreportError):
    """Handle, passphrase or one-time code did not match. Never says which of them."""

    code = "unlock-refused"
    exit_status = 77


class SealError(FieldreportError):
    """A sealed object that is refused whole: malformed, altered, truncated, or not what the opener expected."""

    code = "sealed-object-refused"
    exit_status = 65


class NotARecipient(SealError):
    """A well-formed sealed object that none of the given identities opens."""

    code = "not-a-recipient"
    exit_status = 77


class CodenameError(FieldreportError):
    """What was typed is not a codename: the wrong number of words, a word in no list, or a failed checksum."""

    code = "codename"
    exit_status = 65

    def __init__(self, text: str, *, code: str | None = None, positions: tuple[int, ...] = ()) -> None:
        super().__init__(text, code=code)
        self.positions = positions  # which words, counted from 1, are in no list; never the words themselves


class TokenError(FieldreportError):
    """A form token that was altered or whose key is gone (the server was restarted)."""

    code = "token"
    exit_status = 65


class TokenExpired(TokenError):
    """A genuine form token that is older than it may be. ``state`` was sealed in it, so that nothing is lost."""

    code = "token-expired"

    def __init__(self, text: str, *, state: Mapping[str, str]) -> None:
        super().__init__(text)
        self.state = state


class ScrubRefused(FieldreportError):
    """A file that cannot be cleaned. ``code`` is one of ``fieldreport.scrub.Refusal``."""

    code = "scrub-refused"
    exit_status = 65


class LimitExceeded(FieldreportError):
    """Something is larger, longer or more numerous than ``limits`` allows."""

    code = "limit"
    exit_status = 65


class StoreError(FieldreportError):
    """The database or the blob store refused, is damaged, or is away."""

    code = "store"
    exit_status = 74


class NotFound(StoreError):
    """No such letter, case, item or article."""

    code = "not-found"
    exit_status = 66


class Conflict(StoreError):
    """Somebody else changed the same thing first; nothing was written."""

    code = "conflict"
    exit_status = 75


class StaleRoster(StoreError):
    """A letter sealed to a roster epoch that has been closed. The sender seals it again to the current roster."""

    code = "stale-roster"
    exit_status = 75


class NotAllowed(FieldreportError):
    """The rule for this act says no: a writer clearing their own article, an admin opening a letter."""

    code = "not-allowed"
    exit_status = 77


class PlatformError(FieldreportError):
    """This machine lacks what safety needs: ML-KEM in ``cryptography``, Landlock or seccomp in the kernel."""

    code = "platform"
    exit_status = 69
