"""The link's server: the desk fetches letters here, and brings replies, rosters and the letterbox's switches.

A process of its own beside the letterbox, of the same user, on a listener that no source reaches: a flood at one does
not hold up the other, and only this one writes the intake's rosters.

Rules: nobody is answered before it is known who asks: over a Unix socket the kernel says which user, elsewhere a token
is compared in constant time. What the desk pushes is verified as if a stranger had brought it. Nothing here can open a
letter, and no error says more than its class and code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pwd
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final, Never

from werkzeug.datastructures import Range
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_range_header
from werkzeug.wrappers import Request, Response

from fieldreport import hardening, limits
from fieldreport.config import Settings, link_token
from fieldreport.errors import (
    FieldreportError,
    NotAllowed,
    NotFound,
    RosterError,
    SettingsError,
    StoreError,
    UsageError,
)
from fieldreport.mailbox import LocalMailbox, SealedReply, link_format, open_mailbox
from fieldreport.mailbox.letterbox import LetterboxState, LocalSwitchboard, must_be_letters
from fieldreport.mailbox.shared import SharedLetterbox, open_local_switchboard
from fieldreport.seal import RosterDirectory, RosterStep, open_rosters
from fieldreport.web.fault_log import log_fault
from fieldreport.web.serve import WsgiApplication
from fieldreport.web.serve import serve as serve_wsgi

_LETTER: Final = re.compile(r"/letters/([0-9a-f]{32})")
_REPLY: Final = re.compile(r"/replies/([0-9a-f]{32})")
_PEER: Final = struct.Struct("3i")  # struct ucred: process, user, group
_THREADS: Final = 8

Gate = Callable[[Request], bool]
"""Whether who asks is the desk."""


def serve(settings: Settings) -> Never:
    """Serve the mailbox on ``settings.intake.link`` until a signal stops it; never returns.

    Raises:
        SettingsError: no link is set, an unknown user, no token, or others can look into the directory of letters.
        UsageError: the address cannot be used.
        SystemExit: at the end; with an error's status when the mailbox could not be opened.

    """
    hardening.private_directory(settings.intake.data, to_group=False)
    gate = gate_of(settings)

    def build() -> WsgiApplication:
        board = open_local_switchboard(settings)
        return create_app(
            settings, mailbox=open_mailbox(settings), rosters=open_rosters(settings), gate=gate, board=board
        )

    serve_wsgi(build, listen=listen_of(settings), threads=_THREADS)


def listen_of(settings: Settings) -> str:
    """Where the link listens; a socket's path is whole then.

    Raises:
        SettingsError: no link is set.
    """
    link = settings.intake.link
    if not link:
        raise SettingsError("[intake] link says where the desk fetches letters; without it there is nothing to serve")
    if link.startswith("unix:"):
        return f"unix:{(settings.path.parent / link.removeprefix('unix:')).resolve()}"
    return link


def gate_of(settings: Settings) -> Gate:
    """Who may use the link, by its address: users of this machine over a socket, else who has the token.

    Raises:
        SettingsError: a user that this machine does not have; a token that is missing, too short or open to others.
    """
    if settings.intake.link.startswith("unix:"):
        return peer_gate({os.geteuid(), *(_user_id(name) for name in settings.intake.link_users)})
    return token_gate(link_token(settings.intake.link_token, where="[intake] link_token"))


def peer_gate(users: Iterable[int]) -> Gate:
    """Let in processes of these user ids, and of root, as the kernel names them (unix(7), SO_PEERCRED)."""
    known = {0, *users}

    def is_known(request: Request) -> bool:
        sock = request.environ["gunicorn.socket"]
        _, user, _ = _PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return user in known

    return is_known


def token_gate(token: str) -> Gate:
    """Let in who sends this bearer token (RFC 6750)."""
    wanted = hashlib.sha256(f"Bearer {token}".encode()).digest()

    def is_known(request: Request) -> bool:
        said = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(hashlib.sha256(said).digest(), wanted)

    return is_known


def _user_id(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise SettingsError(f"[intake] link_users: this machine has no user {name}") from None


def create_app(
    settings: Settings,
    *,
    mailbox: LocalMailbox,
    rosters: RosterDirectory,
    gate: Gate,
    board: LocalSwitchboard | SharedLetterbox,
) -> WsgiApplication:
    """The link as a WSGI application; see ``mailbox.link_format`` for what goes over it."""
    link = _Link(board, mailbox, rosters)
    greeting = link_format.greeting(settings.instance_id)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = _admitted(request, gate, greeting) or link.answer(request)
        except FieldreportError as error:
            response = _refusal(type(error).__name__, error.code, error.http_status)
        except HTTPException:  # a body that was cut or is too large
            response = _refusal("UsageError", "link-body", HTTPStatus.BAD_REQUEST)
        except Exception as error:  # noqa: BLE001 - whatever it is, the desk gets an answer and the worker lives
            log_fault(error)
            response = _refusal("StoreError", "internal", HTTPStatus.INTERNAL_SERVER_ERROR)
        response.headers[link_format.GREETING] = greeting
        return response(environ, start_response)

    return application


def _admitted(request: Request, gate: Gate, greeting: str) -> Response | None:
    if not gate(request):
        return _refusal("NotAllowed", "link-refused", HTTPStatus.UNAUTHORIZED)
    said = request.headers.get(link_format.GREETING, "")
    if said.partition(" ")[0] != str(link_format.VERSION):
        return _refusal("UsageError", "link-version", HTTPStatus.UPGRADE_REQUIRED)
    if said != greeting:
        return _refusal("UsageError", "link-instance", HTTPStatus.CONFLICT)
    return None


def _refusal(kind: str, code: str, status: int) -> Response:
    return _json({"error": kind, "code": code}, status)


def _json(document: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    return Response(json.dumps(document), status, mimetype="application/json")


class _Link:
    def __init__(
        self, board: LocalSwitchboard | SharedLetterbox, mailbox: LocalMailbox, rosters: RosterDirectory
    ) -> None:
        self._board = board
        self._mailbox = mailbox
        self._rosters = rosters

    def answer(self, request: Request) -> Response:
        """Do what is asked. Raises ``FieldreportError``."""
        path = request.path.removeprefix(f"/v{link_format.VERSION}")
        if request.method == "GET" and (letter := _LETTER.fullmatch(path)):
            return self._letter(bytes.fromhex(letter[1]), request.headers.get("Range"))
        if request.method == "PUT" and (reply := _REPLY.fullmatch(path)):
            return self._reply(bytes.fromhex(reply[1]), _document(request))
        match request.method, path:
            case "GET", "/letters":
                return self._waiting(request.args.get("limit", limits.COLLECT_LETTERS, type=int))
            case "GET", "/replies":
                ids = b"".join(sorted(self._mailbox.waiting_replies()))
                return _json({"ids": base64.b64encode(ids).decode("ascii")})
            case "GET", "/state":
                return self._state()
            case "POST", "/acknowledge":
                return self._acknowledge(_document(request))
            case "POST", "/rosters":
                return self._take_roster(_document(request))
            case "PUT", "/letterbox":
                return self._set_letterbox(_document(request))
            case "POST", "/erase":
                self._mailbox.erase_deleted()
                return _json({})
            case "POST", "/check":
                self._mailbox.must_work()
                return _json({})
            case _:
                raise NotAllowed("there is no such question", code="link-question")

    def _waiting(self, limit: int) -> Response:
        letters, left = [], limits.LINK_LISTING_BYTES
        for head in self._mailbox.waiting(max(0, min(limit, limits.LETTERS_WAITING))):
            entry: dict[str, Any] = {"id": head.id.hex(), "epoch": head.epoch, "size": head.size}
            if head.size <= min(limits.INLINE_PAYLOAD_BYTES, left):
                try:
                    letter = self._mailbox.fetch(head.id)
                    with letter.payload:
                        content = b"".join(link_format.pieces_of(letter))
                except FieldreportError:
                    pass  # who asks for it alone learns what is wrong with it
                else:
                    left -= len(content)
                    entry["letter"] = base64.b64encode(content).decode("ascii")
            letters.append(entry)
        return _json({"letters": letters})

    def _letter(self, letter_id: bytes, untrusted_range: str | None) -> Response:
        letter = self._mailbox.fetch(letter_id)
        length = link_format.length_of(letter)
        wanted = parse_range_header(untrusted_range)
        start = _start(wanted, length) if wanted is not None else 0
        response = Response(link_format.pieces_of(letter, start=start), mimetype="application/octet-stream")
        response.call_on_close(letter.payload.close)
        response.content_length = length - start
        if start:
            response.status_code = HTTPStatus.PARTIAL_CONTENT
            response.headers["Content-Range"] = f"bytes {start}-{length - 1}/{length}"
        return response

    def _acknowledge(self, document: dict[str, Any]) -> Response:
        with _as_usage():
            ids = [bytes.fromhex(each) for each in document["ids"]]
        self._mailbox.acknowledge(ids)
        return _json({})

    def _reply(self, reply_id: bytes, document: dict[str, Any]) -> Response:
        with _as_usage():
            reply = SealedReply(
                id=reply_id,
                index=bytes.fromhex(document["index"]),
                header=_bytes(document["header"]),
                payload=_bytes(document["payload"]),
                hour=int(document["hour"]),
            )
        self._mailbox.post_reply(reply)
        return _json({})

    def _take_roster(self, document: dict[str, Any]) -> Response:
        with _as_usage():
            raw, signatures = (_bytes(each) for each in document["roster"])
            given = document["hand_over"]
            hand_over = None if given is None else (_bytes(given[0]), _bytes(given[1]), _bytes(given[2]))
        roster = self._rosters.take(RosterStep(hand_over=hand_over, roster=(raw, signatures)))
        self._close_before(roster.epoch)
        return _json({"epoch": roster.epoch})

    def _close_before(self, epoch: int) -> None:
        self._board.follow()  # before the epoch closes: a machine that meets a closed one looks for this
        self._mailbox.saw_epoch(epoch)

    def _set_letterbox(self, document: dict[str, Any]) -> Response:
        state, word, letters = (document.get(name) for name in ("state", "invitation", "letters_per_hour"))
        if letters is not None:
            must_be_letters(letters)
        if word is not None and not isinstance(word, str):
            raise UsageError("an invitation is a word", code="link-body")
        if state is not None and state not in set(LetterboxState):
            raise UsageError("there is no such state of the letterbox", code="link-body")
        wanted = None if state is None else LetterboxState(state)
        # A machine alone asks no database: it must be closed, and be known to be, while one is away.
        now = self._board.set_letterbox(state=wanted, invitation=word, letters_per_hour=letters)
        return _json(link_format.of_switches(now))

    def _state(self) -> Response:
        totals, stands, epoch = self._mailbox.totals(), self._board.letterbox(), self._mailbox.highest_epoch()
        try:
            newest = self._rosters.newest(at_least=0)
            roster = {"epoch": newest.epoch, "sha256": newest.sha256.hex()}
        except RosterError:
            roster = None
        else:
            if epoch < newest.epoch:
                # Who took it ended before that was remembered, or nobody brought it here; no desk sends it again.
                with suppress(StoreError):  # on a full disk the rest is told all the same
                    self._close_before(newest.epoch)
                    epoch = newest.epoch
        return _json(
            {
                "epoch": epoch,
                "letters": totals.letters,
                "bytes": totals.bytes,
                "roster": roster,
                **link_format.of_switches(stands),
            }
        )


def _start(wanted: Range, length: int) -> int:
    bounds = wanted.range_for_length(length)
    if bounds is None or bounds[1] != length:
        raise NotFound("there is no such part of this letter", code="link-range")
    return bounds[0]


def _document(request: Request) -> dict[str, Any]:
    with _as_usage():
        document = json.loads(request.get_data())
        if not isinstance(document, dict):
            raise TypeError
    return document


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


@contextmanager
def _as_usage() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, RecursionError):
        raise UsageError("this document is not what the link sends", code="link-body") from None
