"""The walk where desk and intake are two machines, each in a root and a network of its own, as root in each.

``python -m tests.deploy.walk_apart intake`` runs the intake's zones until the walk is over, and then looks at them;
``python -m tests.deploy.walk_apart newsroom PRINTED BEGUN`` runs the desk's and walks, as ``walk_installed``. What the
two tell each other goes over one cable, in tor's place: the desk's SOCKS port and the services of the intake's machine.
The memory card is where they say how far they are.
"""

from __future__ import annotations

import shlex
import socket
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from fieldreport import config
from tests.deploy.handbook import commands
from tests.deploy.walk_installed import (
    PLACE,
    Told,
    add_editors,
    bringing,
    fieldreport,
    in_tors_place,
    run_zones,
    said,
    tell,
    walk_through,
)

_CARD: Final = Path("/media/card")
_INTAKE: Final = "10.77.0.2"
_LINK_PORT: Final = 81  # of the cable, where the link's onion service has 80
_PATIENCE_SECONDS: Final = 900


def _wait_for(name: str) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (_CARD / name).exists():
        assert time.monotonic() < deadline, f"the other machine did not say {name}"
        time.sleep(0.2)
    return (_CARD / name).read_text()


def _say(name: str, what: str) -> None:
    (_CARD / f"{name}.new").write_text(what)
    (_CARD / f"{name}.new").rename(_CARD / name)


def _socks(link: str, visitor: socket.socket) -> socket.socket:
    """Tor's side of SOCKS5, for one address (RFC 1928)."""
    assert visitor.recv(3) == b"\x05\x01\x00"
    visitor.sendall(b"\x05\x00")
    name = link.encode("ascii")
    assert visitor.recv(512) == b"\x05\x01\x00\x03" + bytes([len(name)]) + name + b"\x00\x50"
    other = socket.create_connection((_INTAKE, _LINK_PORT))
    visitor.sendall(b"\x05\x00\x00\x01" + bytes(6))
    return other


def intake() -> None:
    """Serve letterbox and link; when the walk is over, see what is there and what doctor says."""
    settings = config.load(PLACE / "intake.toml", {}).intake
    assert sorted(path.name for path in PLACE.iterdir()) == ["intake", "intake.toml"], "of other zones there is nothing"
    assert settings.onion in settings.trusted_hosts
    assert settings.proxy_protocol
    service = Path("/var/lib/tor/fieldreport-link")
    assert (service / "authorized_clients" / "desk.auth").read_text().startswith("descriptor:x25519:")
    with ExitStack() as stack:
        run_zones(stack, {"intake": "intake", "link": "intake"})
        stack.enter_context(in_tors_place(_INTAKE))
        link = bringing(_INTAKE, _LINK_PORT, lambda _visitor: socket.create_connection(("127.0.0.1", 8010)))
        stack.enter_context(link)
        _say("served", settings.onion)
        _wait_for("walked")
        with suppress(OSError):  # nothing of the desk is to be reached from here
            socket.create_connection(("10.77.0.1", 8001), timeout=5).close()
            raise AssertionError("the desk answers the intake's machine")
        said(fieldreport("intake", "doctor"))
        _say("looked", "")


def newsroom(printed: Path, begun: int) -> None:
    """Serve the desk, and walk; the link's private key and address are where ``install.sh`` put them."""
    assert sorted(path.name for path in PLACE.iterdir()) == ["desk", "desk.toml", "press.toml", "site"]
    (key,) = Path("/var/lib/tor/onion-auth").iterdir()
    link = f"{key.read_text().partition(':')[0]}.onion"
    assert config.load(PLACE / "desk.toml", {}).desk.link == f"http://{link}"
    people, told = add_editors(printed), Told(begun)
    onion = _wait_for("served")
    with Path("/etc/hosts").open("a", encoding="ascii") as hosts:
        hosts.write(f"{_INTAKE} {onion}\n")
    with ExitStack() as stack:
        stack.enter_context(bringing("127.0.0.1", 9050, lambda visitor: _socks(link, visitor)))
        run_zones(stack, {"desk": "desk", "press": "press"})
        collect, doctor, _there = (shlex.split(line) for line in commands("look"))
        said(collect)
        there = SimpleNamespace(data=Path("/media/intake"))  # the other machine's disk, to look for words in it
        assert any(there.data.iterdir())
        walk_through(printed, people, there, onion, told)
        said(doctor)
        said(fieldreport("press", "doctor"))
        _say("walked", "")
        _wait_for("looked")
        sys.stdout.write("doctor finds nothing that fails, on either machine\n")
    steps = ("apart, newsroom", "apart, intake", "apart, way", "apart, let in")
    tell(told, *steps, "editor", "editor", "look", machines=2)


if __name__ == "__main__":
    if sys.argv[1] == "intake":
        intake()
    else:
        newsroom(Path(sys.argv[2]), int(sys.argv[3]))
