"""The check of the proxy before the letterbox: whether TLS agrees on keys that a quantum computer does not find.

It is asked with one message, so that this machine's own OpenSSL does not matter: a client hello (RFC 8446, 4.1.2) that
names X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem) as its only group and brings no key of it. A server that has the
group asks for the key, every other one refuses. Nothing secret is made or sent.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Container, Iterator
from typing import Final

from fieldreport import config
from fieldreport.checks.findings import Finding, Verdict

PROXY: Final = ("127.0.0.1", 443)  # `[intake] https` says that it ends TLS on this machine

HYBRID: Final = 0x11EC
_SECONDS: Final = 5.0
_HANDSHAKE: Final = 22
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446, 4.1.3
_ANSWER_BYTES: Final = 1024  # such an answer has about a hundred
_KEY_SHARE: Final = 51


def key_agreement_checks(settings: config.Settings, hidden: Container[str]) -> Iterator[Finding]:
    """What can be said of TLS before the letterbox. ``hidden``: zones that this user may not look into."""
    if "intake" in hidden or not settings.intake.https:
        return
    hosts = (host for host in settings.intake.trusted_hosts if not host.endswith(".onion"))
    name = next((host for host in hosts if host.rpartition(".")[2].isalpha() and "." in host), "localhost")
    check = "key agreement"
    try:
        hybrid = offers_hybrid(PROXY, name)
    except OSError:
        seen = f"nothing answers at {PROXY[0]}:{PROXY[1]}, where TLS of {name} is expected; where it ends, ask"
        seen += f" openssl s_client -brief -connect {name}:443"
        yield Finding(check=check, verdict=Verdict.UNSEEN, seen=seen)
        return
    if hybrid:
        yield Finding(check=check, verdict=Verdict.HOLDS, seen=f"TLS of {name} offers X25519MLKEM768")
        return
    seen = f"TLS of {name} does not offer X25519MLKEM768: what is recorded today may be read some day."
    yield Finding(check=check, verdict=Verdict.WARNS, seen=f"{seen} OpenSSL 3.5 can, which Debian 13 has")


def offers_hybrid(address: tuple[str, int], name: str) -> bool:
    """Whether the server at ``address``, asked for ``name``, agrees on keys that a quantum computer does not find.

    Raises:
        OSError: nobody answers there within five seconds.
    """
    with socket.create_connection(address, timeout=_SECONDS) as line:
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
