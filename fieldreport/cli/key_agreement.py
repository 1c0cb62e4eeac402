"""The checks of TLS before letterbox and link: whether it agrees on keys that a quantum computer does not find.

It is asked with one message, so that this machine's own OpenSSL does not matter: a client hello (RFC 8446, 4.1.2) that
names X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem) as its only group and brings no key of it. A server that has the
group asks for the key, every other one refuses. Nothing secret is made or sent.
"""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Container, Iterator
from http.client import HTTPException  # noqa: TID251 - what a proxy on the way may answer
from typing import Final

from fieldreport import config
from fieldreport.checks.findings import Finding, Verdict
from fieldreport.errors import SettingsError
from fieldreport.mailbox.link_line import Address, dial

PROXY: Final = ("127.0.0.1", 443)  # `[intake] https` says that it ends TLS on this machine

HYBRID: Final = 0x11EC
_SECONDS: Final = 5.0
_HANDSHAKE: Final = 22
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446, 4.1.3
_ANSWER_BYTES: Final = 1024  # such an answer has about a hundred
_KEY_SHARE: Final = 51
_REMEDY: Final = "OpenSSL 3.5 can, which Debian 13 has"


def key_agreement_checks(settings: config.Settings, hidden: Container[str]) -> Iterator[Finding]:
    """What can be said of TLS before letterbox and link. ``hidden``: zones that this user may not look into."""
    if "intake" not in hidden and settings.intake.https:
        yield _before_the_letterbox(settings)
    if "desk" not in hidden and settings.desk.link.startswith("https://"):
        yield _of_the_link(settings)


def _before_the_letterbox(settings: config.Settings) -> Finding:
    hosts = (host for host in settings.intake.trusted_hosts if not host.endswith(".onion"))
    name = next((host for host in hosts if host.rpartition(".")[2].isalpha() and "." in host), "localhost")
    check = "key agreement"
    try:
        with socket.create_connection(PROXY, timeout=_SECONDS) as line:
            hybrid = offers_hybrid(line, name)
    except OSError:
        seen = f"nothing answers at {PROXY[0]}:{PROXY[1]}, where TLS of {name} is expected; where it ends, ask"
        seen += f" openssl s_client -brief -connect {name}:443"
        return Finding(check=check, verdict=Verdict.UNSEEN, seen=seen)
    if hybrid:
        return Finding(check=check, verdict=Verdict.HOLDS, seen=f"TLS of {name} offers X25519MLKEM768")
    seen = f"TLS of {name} does not offer X25519MLKEM768: what is recorded today may be read some day."
    return Finding(check=check, verdict=Verdict.WARNS, seen=f"{seen} {_REMEDY}")


def _of_the_link(settings: config.Settings) -> Finding:
    """Both ends must be able to. Letters are sealed anyway; answers to "which letters, when" and the token are not."""
    check = "key agreement of the link"
    try:
        address = Address.parse(settings.desk.link, proxy=settings.desk.link_proxy, base=settings.path.parent)
        with dial(address, _SECONDS) as line:
            line.settimeout(_SECONDS)
            hybrid = offers_hybrid(line, address.host)
    except (OSError, HTTPException, SettingsError, UnicodeError):
        seen = "the link's address does not answer; the check named link says why"
        return Finding(check=check, verdict=Verdict.UNSEEN, seen=seen)
    unable = [
        who
        for who, able in ((f"TLS of {address.host}", hybrid), (f"{ssl.OPENSSL_VERSION} here", _is_able_here()))
        if not able
    ]
    if not unable:
        return Finding(check=check, verdict=Verdict.HOLDS, seen=f"both ends have X25519MLKEM768 ({address.host})")
    seen = f"without X25519MLKEM768: {' and '.join(unable)}. Letters are sealed besides; the token is not. {_REMEDY}"
    return Finding(check=check, verdict=Verdict.WARNS, seen=seen)


def _is_able_here() -> bool:
    return ssl.OPENSSL_VERSION_INFO >= (3, 5)


def offers_hybrid(line: socket.socket, name: str) -> bool:
    """Whether the server at the other end, asked for ``name``, agrees on keys that a quantum computer does not find.

    Raises:
        OSError: nobody answers in the time that the socket has.
    """
    line.sendall(_hello(name))
    answer = line.recv(_ANSWER_BYTES)
    asked_for = _KEY_SHARE.to_bytes(2) + (2).to_bytes(2) + HYBRID.to_bytes(2)
    return answer[:1] == bytes([_HANDSHAKE]) and _RETRY in answer and asked_for in answer


def _hello(name: str) -> bytes:
    host = name.encode("idna")
    extensions = b"".join(
        kind.to_bytes(2) + _counted(body, 2)
        for kind, body in (
            (0, _counted(b"\x00" + _counted(host, 2), 2)),
            (10, _counted(HYBRID.to_bytes(2), 2)),
            (13, _counted(bytes.fromhex("040305030603080408050806080708080809"), 2)),
            (43, _counted(b"\x03\x04", 1)),
            (_KEY_SHARE, _counted(b"", 2)),
        )
    )
    suites = bytes.fromhex("130113021303")
    body = b"\x03\x03" + secrets.token_bytes(32) + _counted(secrets.token_bytes(32), 1) + _counted(suites, 2)
    hello = b"\x01" + _counted(body + b"\x01\x00" + _counted(extensions, 2), 3)
    return bytes([_HANDSHAKE]) + b"\x03\x01" + _counted(hello, 2)


def _counted(content: bytes, size: int) -> bytes:
    """The content behind its length in ``size`` bytes."""
    return len(content).to_bytes(size) + content
