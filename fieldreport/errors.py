"""One error tree for the whole product.

Every error carries a ``code`` (stable, for tests and for the tables of messages), a ``text`` for the person in front of
the screen and a ``detail`` for the operator's log; its class says the ``exit_status`` of a command and the
``http_status`` of an answer. ``text`` and ``detail`` never hold a word of a report, a file name, a codename, a
passphrase or an address: they are written from constants and from numbers.

                               exit HTTP
    FieldreportError             70  500  a fault in the program itself
    ├── UsageError               64  422  what was asked for cannot be done
    ├── SettingsError            78  500  the settings file or the environment is wrong
    ├── PlatformError            69  500  this machine lacks what safety needs (ML-KEM, a sandbox)
    ├── KeyFileDamaged           65  500  a key file that is not what was written
    ├── SealError                65  500  a sealed object is refused whole
    │   └── NotARecipient        77  500  well formed, but sealed to other keys
    ├── UnlockRefused            77  403  handle, passphrase or code is wrong: never says which
    ├── NotAllowed               77  403  the rule for this act says no
    ├── CodenameError            65  422  not a codename: a typo, or a word that is in no list
    ├── TokenError               65  400  a form token that was altered, or whose key is gone
    │   └── TokenExpired         65  400  genuine but old: what was typed is kept
    ├── ScrubRefused             65  422  a file that cannot be cleaned, with the reason
    ├── LimitExceeded            65  413  over a bound of ``limits``
    ├── NotFound                 66  404  there is no such case, item, article, letter
    ├── Conflict                 75  409  it was changed meanwhile; read again
    └── Unavailable              75  503  needed, and cannot be used now; the same request may succeed later
        ├── StoreError           74  503  the database or the payload store refused, is damaged or is away
        │   └── StoreAway        74  503  the same, and the log has said it, once
        ├── RosterError          77  503  no roster that can be trusted; the intake closes
        ├── StaleRoster          75  503  sealed to an epoch that is closed: seal it again
        └── LetterboxClosed      75  503  the operator has closed the letterbox, or has closed it for files
            └── MailboxFull      75  503  as many letters wait as may

``except Unavailable`` and its children catch an outage and nothing else. ``except NotFound`` means that the store has
answered and the thing is not there.

Exit statuses are those of BSD ``sysexits.h``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class FieldreportError(Exception):
    """The root. ``str(error)`` is the text for the visitor; ``error.detail`` is for the operator."""

    code: str = "internal"
    exit_status: ClassVar[int] = 70
    http_status: ClassVar[int] = 500

    def __init__(self, text: str, *, detail: str = "", code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.detail = detail or text
        if code is not None:
            self.code = code


class UsageError(FieldreportError):
    """What was asked for cannot be done: a port in use, a directory that is not empty, a form without a reason."""

    code = "usage"
    exit_status = 64
    http_status = 422


class SettingsError(FieldreportError):
    """The settings file or an environment variable is missing, malformed or contradictory."""

    code = "settings"
    exit_status = 78


class KeyFileDamaged(FieldreportError):
    """A key file that is not what was written: truncated, altered, or with parameters out of bounds."""

    code = "key-file-damaged"
    exit_status = 65


class UnlockRefused(FieldreportError):
    """Handle, passphrase or one-time code did not match. Never says which of them."""

    code = "unlock-refused"
    exit_status = 77
    http_status = 403


class SealError(FieldreportError):
    """A sealed object that is refused whole: malformed, altered, truncated, or not what the opener expected."""

    code = "sealed-object-refused"
    exit_status = 65


class NotARecipient(SealError):
    """A well-formed sealed object that none of the given identities opens."""

    code = "not-a-recipient"
    exit_status = 77


class CodenameError(FieldreportError):
    """What was typed is not a codename: the wrong number of words, a word in no list, or a failed checksum.

    ``positions``: which words it is about, counted from 1; never the words themselves. ``count``: how many words were
    typed, 0 where that cannot be told. ``may_be_older``: it has an older codename's checksum, and may be right.
    """

    code = "codename"
    exit_status = 65
    http_status = 422

    def __init__(
        self,
        text: str,
        *,
        code: str | None = None,
        positions: tuple[int, ...] = (),
        count: int = 0,
        may_be_older: bool = False,
    ) -> None:
        super().__init__(text, code=code)
        self.positions = positions
        self.count = count
        self.may_be_older = may_be_older


class TokenError(FieldreportError):
    """A form token that was altered or whose key is gone (the server was restarted)."""

    code = "token"
    exit_status = 65
    http_status = 400


class TokenExpired(TokenError):
    """A genuine form token that is older than it may be. ``state`` was sealed in it, so that nothing is lost."""

    code = "token-expired"

    def __init__(self, text: str, *, state: Mapping[str, str]) -> None:
        super().__init__(text)
        self.state = state


class ScrubRefused(FieldreportError):
    """A file that cannot be cleaned. ``code`` is one of ``fieldreport.scrub.Refusal``.

    ``members``: of an archive, the files in it that are to blame, by their place and a code.
    """

    code = "scrub-refused"
    exit_status = 65
    http_status = 422

    def __init__(
        self, text: str, *, detail: str = "", code: str | None = None, members: tuple[tuple[int, str], ...] = ()
    ) -> None:
        super().__init__(text, detail=detail, code=code)
        self.members = members


class LimitExceeded(FieldreportError):
    """Something is larger, longer or more numerous than ``limits`` allows."""

    code = "limit"
    exit_status = 65
    http_status = 413


class NotFound(FieldreportError):
    """There is no such letter, case, item or article. The store has answered: it is not there."""

    code = "not-found"
    exit_status = 66
    http_status = 404


class Conflict(FieldreportError):
    """The same thing was changed meanwhile; nothing was written."""

    code = "conflict"
    exit_status = 75
    http_status = 409


class Unavailable(FieldreportError):
    """Something that is needed cannot be used now. Nothing is missing, and the same request may succeed later."""

    code = "unavailable"
    exit_status = 75
    http_status = 503


class StoreError(Unavailable):
    """The database or the payload store refused, is damaged, or is away."""

    code = "store"
    exit_status = 74


class StoreAway(StoreError):
    """A store that does not answer, has no room or cannot be reached. What noticed it has logged it, once."""


class RosterError(Unavailable):
    """No roster that can be trusted now: missing, expired, rolled back, or wrongly signed. Fail closed."""

    code = "roster"
    exit_status = 77


class StaleRoster(Unavailable):
    """A letter sealed to a roster epoch that has been closed. The sender seals it again to the current roster."""

    code = "stale-roster"


class LetterboxClosed(Unavailable):
    """The operator has closed the letterbox (code "closed-for-files": for files only). Expected, so never logged."""

    code = "letterbox-closed"


class MailboxFull(LetterboxClosed):
    """As many letters or bytes wait in the mailbox as may."""

    code = "mailbox-full"


class NotAllowed(FieldreportError):
    """The rule for this act says no: a writer clearing their own article, an admin opening a letter."""

    code = "not-allowed"
    exit_status = 77
    http_status = 403


class PlatformError(FieldreportError):
    """This machine lacks what safety needs: ML-KEM in ``cryptography``, Landlock or seccomp in the kernel."""

    code = "platform"
    exit_status = 69
