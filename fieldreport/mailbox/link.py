"""The mailbox as the desk reaches it: over the link, which the desk dials and the intake answers.

Every question may be asked again without harm, so a line that breaks is dialled once more. Of a letter only what is
missing is asked for again, after pauses that grow; everything else is tried again by who asked, in the next round.

Rules: what the other end says is untrusted: it is bounded, checked, and never shown as it is. Its texts do not come
over the link, only the class and code of an error. Nothing of a letter is believed here but its length and its sum;
who wrote it, and whether it is whole, is found where it is opened.
"""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead  # noqa: TID251 - the one client there is
from typing import Any, Final, Literal

from fieldreport import limits
from fieldreport.config import Settings, link_token
from fieldreport.errors import (
    Conflict,
    FieldreportError,
    LetterboxClosed,
    LimitExceeded,
    NotAllowed,
    NotFound,
    RosterError,
    SettingsError,
    StoreError,
    UsageError,
)
from fieldreport.mailbox import link_format
from fieldreport.mailbox.interface import LetterHead, SealedLetter, SealedReply, Totals
from fieldreport.mailbox.letterbox import LetterboxState, Switchboard, Switches
from fieldreport.mailbox.link_letter import AWAY, ResumedLetter, read_letter
from fieldreport.mailbox.link_line import Address, Line
from fieldreport.mailbox.local import LocalMailbox, open_mailbox
from fieldreport.mailbox.shared import open_local_switchboard
from fieldreport.seal import RosterDirectory
from fieldreport.sentence import Sentence

_ERRORS: Final[dict[str, type[FieldreportError]]] = {
    error.__name__: error
    for error in (Conflict, LetterboxClosed, LimitExceeded, NotAllowed, NotFound, RosterError, StoreError, UsageError)
}
_CODE: Final = re.compile(r"[a-z0-9-]{1,40}")


def open_desk_mailbox(settings: Settings) -> LocalMailbox | LinkMailbox:
    """The mailbox as the desk's settings name it: over ``[desk] link``, or, without one, the intake's own directory.

    Raises:
        SettingsError: the link's address, proxy or token file is not as it must be; and as ``open_mailbox``.
    """
    return open_link(settings) if settings.desk.link else open_mailbox(settings)


def open_link(settings: Settings, *, in_a_hurry: bool = False) -> LinkMailbox:
    """The link that the desk's settings name; nothing is dialled yet. ``in_a_hurry``: for pages, which must not wait.

    Raises:
        SettingsError: there is none; its address, proxy or token file is not as it must be.
    """
    desk = settings.desk
    if not desk.link:
        raise SettingsError(f"{settings.path} has no [desk] link")
    address = Address.parse(desk.link, proxy=desk.link_proxy, base=settings.path.parent)
    token = "" if address.socket is not None else link_token(desk.link_token, where="[desk] link_token")
    return LinkMailbox(address, instance=settings.instance_id, token=token, in_a_hurry=in_a_hurry)


def open_switchboard(settings: Settings) -> Switchboard:
    """Where these settings switch the letterbox: over ``[desk] link``, or, without one, in the intake's own directory.

    Raises:
        SettingsError: as ``open_link``.
    """
    return open_link(settings, in_a_hurry=True) if settings.desk.link else open_local_switchboard(settings)


class LinkMailbox:
    """See ``DeskMailbox``; for any number of threads.

    ``instance``: the newsroom's id. ``token``: what the other end knows us by, empty over a Unix socket.
    """

    def __init__(
        self,
        address: Address,
        *,
        instance: bytes,
        token: str = "",
        in_a_hurry: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self._headers = {
            link_format.GREETING: link_format.greeting(instance),
            "Accept-Encoding": "identity",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        self._greeting = link_format.greeting(instance)
        self._pause = pause
        self._in_a_hurry = in_a_hurry
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._small: dict[bytes, bytes] = {}  # letters that came with the last list

    def close(self) -> None:
        """Close every line; see ``DeskMailbox``."""
        with self._lock:
            lines, self._idle = self._idle, []
        for line in lines:
            line.close()

    # --- letters ---

    def waiting(self, limit: int) -> list[LetterHead]:
        """Return what waits; small letters come along and are kept until the next call; see ``DeskMailbox``."""
        answer = self._ask("GET", f"/letters?limit={limit}")
        heads, small = [], {}
        try:
            for each in answer["letters"]:
                letter_id = bytes.fromhex(each["id"])
                heads.append(LetterHead(id=letter_id, epoch=int(each["epoch"]), size=int(each["size"])))
                if "letter" in each:
                    small[letter_id] = base64.b64decode(each["letter"], validate=True)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise self._nonsense() from None
        if any(len(head.id) != limits.ID_BYTES or head.size < 0 for head in heads):
            raise self._nonsense()
        with self._lock:
            self._small = small
        return heads[:limit]

    def fetch(self, letter_id: bytes) -> SealedLetter:
        """Return one letter as it arrives; see ``DeskMailbox``. Reading raises ``StoreError`` when its sum differs."""
        with self._lock:
            small = self._small.pop(letter_id, None)
        source: io.RawIOBase | io.BytesIO
        if small is not None:
            source = io.BytesIO(small)
        else:
            path = f"/letters/{letter_id.hex()}"
            source = ResumedLetter(
                lambda start: self._open("GET", path, start=start), give_back=self._rest, pause=self._pause
            )
        try:
            return read_letter(letter_id, source)
        except BaseException:
            source.close()
            raise

    def acknowledge(self, letter_ids: Sequence[bytes]) -> None:
        """Have letters deleted; see ``DeskMailbox``."""
        self._ask("POST", "/acknowledge", {"ids": [each.hex() for each in letter_ids]})

    # --- replies, rosters, switches ---

    def post_reply(self, reply: SealedReply) -> None:
        """Post a reply; see ``DeskMailbox``."""
        if len(reply.header) + len(reply.payload) > limits.REPLY_BYTES:
            raise LimitExceeded("this reply is too long", detail="sealed reply over the bound", code="reply-size")
        document = {
            "index": reply.index.hex(),
            "hour": reply.hour,
            "header": _base64(reply.header),
            "payload": _base64(reply.payload),
        }
        self._ask("PUT", f"/replies/{reply.id.hex()}", document)

    def waiting_replies(self) -> frozenset[bytes]:
        """Return the ids of all replies that wait; see ``DeskMailbox``. An intake of an older release refuses."""
        untrusted = self._ask("GET", "/replies").get("ids")
        try:
            data = base64.b64decode(untrusted, validate=True)  # type: ignore[arg-type] # what is no text is caught
        except (TypeError, ValueError):
            raise self._nonsense() from None
        if len(data) % limits.ID_BYTES:
            raise self._nonsense()
        return frozenset(data[start : start + limits.ID_BYTES] for start in range(0, len(data), limits.ID_BYTES))

    def take_rosters(self, published: RosterDirectory) -> None:
        """Push every roster and hand-over that the intake lacks, in order; it verifies each. See ``DeskMailbox``."""
        newest = published.newest(at_least=0)
        known = self._ask("GET", "/state").get("roster")
        if not isinstance(known, dict) or type(known.get("epoch")) is not int:
            raise RosterError("the intake has no roster that it could verify", code="link-roster")
        if known["epoch"] == newest.epoch and known.get("sha256") != newest.sha256.hex():
            raise RosterError(f"the intake has another roster of epoch {newest.epoch}", code="roster-chain")
        for step in published.steps_after(known["epoch"]):
            hand_over = None if step.hand_over is None else [_base64(each) for each in step.hand_over]
            self._ask("POST", "/rosters", {"hand_over": hand_over, "roster": [_base64(each) for each in step.roster]})

    def letterbox(self) -> Switches:
        """How the letterbox stands; see ``Switchboard``."""
        return self._switches(self._ask("GET", "/state"))

    def set_letterbox(
        self, *, state: LetterboxState | None = None, invitation: str | None = None, letters_per_hour: int | None = None
    ) -> Switches:
        """Set the state, the invitation word, or reports an hour; see ``Switchboard``."""
        wanted = {"state": state, "invitation": invitation, "letters_per_hour": letters_per_hour}
        return self._switches(
            self._ask("PUT", "/letterbox", {name: each for name, each in wanted.items() if each is not None})
        )

    def _switches(self, answer: dict[str, Any]) -> Switches:
        try:
            return link_format.switches_in(answer)
        except ValueError:
            raise self._nonsense() from None

    # --- its state ---

    def erase_deleted(self) -> None:
        """Leave nothing of what was deleted on the intake's disk; see ``DeskMailbox``."""
        self._ask("POST", "/erase")

    def must_work(self) -> Literal[True]:
        """Have the intake store something, read it and delete it again; see ``DeskMailbox``."""
        self._ask("POST", "/check")
        return True

    def totals(self) -> Totals:
        """Return how much waits; see ``DeskMailbox``."""
        return Totals(letters=self._number("letters"), bytes=self._number("bytes"))

    def highest_epoch(self) -> int:
        """Return the highest epoch that the intake has seen; see ``DeskMailbox``."""
        return self._number("epoch")

    def _number(self, name: str) -> int:
        number = self._ask("GET", "/state").get(name)
        if type(number) is not int or number < 0:
            raise self._nonsense()
        return number

    # --- lines ---

    def _ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        line, response = self._open(method, path, document)
        answer = self._read(line, response)
        self._rest(line)
        return answer

    def _read(self, line: Line, response: HTTPResponse) -> dict[str, Any]:
        try:
            with line.bounded():
                content = response.read(limits.LINK_ANSWER_BYTES)
            if not response.isclosed():  # more is to come, or was
                raise IncompleteRead(b"") if len(content) < limits.LINK_ANSWER_BYTES else ValueError
            too_many = sum(map(content.count, (b"[", b"{", b","))) > limits.LINK_ANSWER_VALUES
            answer = None if too_many else json.loads(content)
        except (OSError, HTTPException) as error:
            line.drop(response)
            raise self._away(error) from None
        except (ValueError, RecursionError):
            line.drop(response)
            raise self._nonsense() from None
        if not isinstance(answer, dict):
            line.drop(response)
            raise self._nonsense()
        return answer

    def _open(
        self, method: str, path: str, document: dict[str, Any] | None = None, *, start: int = 0
    ) -> tuple[Line, HTTPResponse]:
        """Ask a question; the answer's body is not read yet.

        Raises:
            StoreError: (code ``link-away``) nobody answers; and whatever the other end answers instead.
        """
        body = None if document is None else json.dumps(document).encode("ascii")
        headers = {**self._headers, **({"Range": f"bytes={start}-"} if start else {})}
        while True:
            line, is_used = self._line()
            try:
                with line.bounded():
                    line.request(method, f"/v{link_format.VERSION}{path}", body=body, headers=headers)
                    response = line.getresponse()
            except (OSError, HTTPException, UnicodeError) as error:
                line.close()
                if is_used:  # the other end may have closed it since
                    continue
                raise self._away(error) from None
            self._must_be_an_answer(line, response, partial=start > 0)
            return line, response

    def _line(self) -> tuple[Line, bool]:
        oldest = time.monotonic() - limits.LINK_IDLE_SECONDS
        with self._lock:
            while self._idle:
                line = self._idle.pop()
                if line.idle_since > oldest:
                    return line, True
                line.close()
        return Line(self.address, in_a_hurry=self._in_a_hurry), False

    def _rest(self, line: Line) -> None:
        """Keep a line whose answer was read for the next question."""
        if line.sock is None:  # the other end closes after each answer
            return
        line.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(line)

    def _must_be_an_answer(self, line: Line, response: HTTPResponse, *, partial: bool) -> None:
        wanted = HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK
        said = response.getheader(link_format.GREETING, "")
        if said == self._greeting and response.status == wanted:
            return
        try:
            raise self._refused(line, response, said)
        finally:
            line.drop(response)

    def _refused(self, line: Line, response: HTTPResponse, said: str) -> FieldreportError:
        if not said:
            why = Sentence("what answers is no fieldreport link (status %(status)s)", status=response.status)
            return self._failure("link-stranger", why)
        if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return self._failure(
                "link-refused",
                Sentence(
                    "the intake does not know this desk: compare the files of [intake] and [desk] link_token, or, over"
                    " a Unix socket, [intake] link_users with the user that runs this"
                ),
            )
        version = said.partition(" ")[0]
        if version != str(link_format.VERSION):
            return self._failure(
                "link-version",
                Sentence(
                    "the intake speaks version %(there)s of the link, this desk %(here)s: upgrade the older of the two",
                    there=repr(version[:9]),
                    here=link_format.VERSION,
                ),
            )
        if said != self._greeting:
            return self._failure(
                "link-instance", Sentence("that intake belongs to another newsroom: compare [instance] id")
            )
        answer = self._read(line, response)
        code = str(answer.get("code"))
        known = _ERRORS.get(str(answer.get("error")), StoreError)
        if not _CODE.fullmatch(code):
            return self._nonsense()
        return known(f"the intake refuses: {code}", detail=f"{self.address} answers: {code}", code=code)

    def _away(self, error: Exception) -> StoreError:
        # What an HTTPException says is what the other end sent, and would reach a log and a terminal.
        said = (error.strerror or str(error)) if isinstance(error, OSError) else ""
        why = said or type(error).__name__
        return self._failure(AWAY, Sentence("the intake does not answer: %(why)s", why=why))

    def _nonsense(self) -> StoreError:
        return self._failure("link-answer", Sentence("the intake answers what this desk does not understand"))

    def _failure(self, code: str, why: Sentence) -> StoreError:
        detail = Sentence("link to %(address)s: %(why)s", address=self.address, why=why)
        return StoreError("the intake cannot be reached now", detail=detail, code=code)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
