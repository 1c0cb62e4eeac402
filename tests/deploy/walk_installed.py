"""The walk through what ``deploy/install.sh`` made, as root in its root: three zones under their users.

``python -m tests.deploy.walk_installed PRINTED BEGUN``: what the script printed, where `init` shows the admin's
passphrase, and the second in which it began. Editors are added, and everything is looked at, with the handbook's
commands. Tor is not there: what stands in its place writes the PROXY line that tor writes, and the letterbox's onion
host is a name of this machine.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from fieldreport import config
from fieldreport.cli.demo_newsroom import Demo, Person
from fieldreport.cli.walkthrough import walk
from fieldreport.seal import Role
from tests.deploy.handbook import commands

PLACE: Final = Path("/srv/fieldreport")
SERVICES: Final = {"intake": "intake", "link": "intake", "desk": "desk", "press": "press"}
MAY_READ: Final = {
    "intake": {"intake.toml", "intake", "link"},
    "desk": {"desk.toml", "desk", "link", "site"},
    "press": {"press.toml", "site"},
}
_UMASKS: Final = {"intake": 0o077, "link": 0o077, "desk": 0o027, "press": 0o077}  # as in the units
_PORTS: Final = {"intake": 8000, "desk": 8001, "press": 8002}
_START_SECONDS: Final = 60
_MOST_COMMANDS: Final = 15
_MOST_SECONDS: Final = 600
_TLS: Final = "letters.example.org"
# An article waits for days, and two others clear it; a visitor that is no browser sends no secure cookie in the clear.
_AT_ONCE: Final = '[press]\nminimum_age_hours = 0\nrandom_delay_hours = 0\ndaily_slot = ""\nsign_offs = 1\n'
_PLAIN: Final = "[desk]\nsecure_cookie = false\n"


def as_user(zone: str, *command: str) -> list[str]:
    return ["runuser", "-u", f"fieldreport-{zone}", "--", *command]


def fieldreport(zone: str, *command: str) -> list[str]:
    return as_user(zone, "fieldreport", "--settings", str(PLACE / f"{zone}.toml"), *command)


def said(command: Sequence[str], *, given: str = "", status: int = 0) -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def person(printed: str, handle: str, role: Role) -> Person:
    """Somebody as `init` or `staff add` shows them, once."""
    found = re.search(rf"{handle} \({role}\)\n  passphrase +(.+)\n  second factor +(\S+)\n", printed)
    assert found is not None, printed
    (secret,) = parse_qs(urlsplit(found[2]).query)["secret"]
    seed = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return Person(handle=handle, role=role, passphrase=found[1], totp=seed)


@contextmanager
def in_tors_place(host: str = "127.0.0.1") -> Iterator[None]:
    """Bring every connection of port 80 to the letterbox, with the line by which tor names its circuit."""
    circuits = itertools.count(1)

    def dial(_visitor: socket.socket) -> socket.socket:
        letterbox = socket.create_connection(("127.0.0.1", 8000))
        letterbox.sendall(f"PROXY TCP6 fc00:dead:beef:4dad::0:{next(circuits):x} ::1 65535 80\r\n".encode())
        return letterbox

    with bringing(host, 80, dial):
        yield


@contextmanager
def bringing(host: str, port: int, dial: Callable[[socket.socket], socket.socket]) -> Iterator[None]:
    """Listen, and join each connection with the one that ``dial`` makes for it."""
    with socket.create_server((host, port)) as server:
        threading.Thread(target=_accept, args=(server, dial), daemon=True).start()
        yield


def _accept(server: socket.socket, dial: Callable[[socket.socket], socket.socket]) -> None:
    with suppress(OSError):
        while True:
            visitor, _ = server.accept()
            try:
                other = dial(visitor)
            except OSError:
                visitor.close()
                continue
            for one, two in ((visitor, other), (other, visitor)):
                threading.Thread(target=_pass_on, args=(one, two), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while got := one.recv(65536):
            other.sendall(got)
        other.shutdown(socket.SHUT_WR)


def run_zones(stack: ExitStack, services: Mapping[str, str] = SERVICES) -> None:
    """Start each service as its user, and wait until it answers."""
    for service, zone in services.items():
        process = subprocess.Popen(fieldreport(zone, service), umask=_UMASKS[service], cwd="/", stdout=sys.stderr)
        stack.callback(process.wait)
        stack.callback(process.terminate)
    deadline = time.monotonic() + _START_SECONDS
    for port in (_PORTS[service] for service in services if service in _PORTS):
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < deadline, f"nothing answers on port {port}"
            time.sleep(0.1)


def look_at_who_reads_what() -> None:
    """Each zone's user sees its own files, and what it is meant to share."""
    for zone, allowed in MAY_READ.items():
        command = as_user(zone, "find", str(PLACE), "-mindepth", "2", "-readable")
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
        files = [str(path) for path in PLACE.glob("*.toml")]
        found += [
            path for path in files if subprocess.run(as_user(zone, "test", "-r", path), check=False).returncode == 0
        ]
        seen = {Path(path).relative_to(PLACE).parts[0] for path in found}
        assert f"{zone}.toml" in seen, f"{zone} cannot read its own settings"
        assert seen <= allowed, f"{zone} reads {seen - allowed}"
    sys.stdout.write("no zone's user reads what is another's\n")


def look_at_tls() -> None:
    """What nginx agrees on with a client that offers everything, and whether the letterbox is behind it."""
    numbers = re.match(r"OpenSSL (\d+)\.(\d+)", said(["openssl", "version"]))
    assert numbers is not None
    group = "X25519MLKEM768" if (int(numbers[1]), int(numbers[2])) >= (3, 5) else "X25519"
    client = ["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", _TLS, "-quiet"]
    client += ["-verify_return_error", "-CAfile", "/etc/nginx/fieldreport.crt", "-ign_eof"]
    request = f"GET /en/report HTTP/1.1\r\nHost: {_TLS}\r\nConnection: close\r\n\r\n"
    done = subprocess.run(client, input=request, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith("HTTP/1.1 200"), done.stdout[:200] + done.stderr
    assert 'name="report"' in done.stdout
    brief = subprocess.run([*client[:4], "-brief"], input="", capture_output=True, text=True, check=False, timeout=60)
    assert re.search(rf": {group}\b", brief.stderr), brief.stderr
    sys.stdout.write(f"TLS to the letterbox agreed on {group}\n")
    found = json.loads(said(fieldreport("intake", "doctor", "--json")))
    verdict = {each["check"]: each["verdict"] for each in found}["key agreement"]
    assert verdict == ("holds" if group.endswith("MLKEM768") else "warns")


class Told:
    """Prints what the walk tells, and knows how long the first report took, from the bare machine on."""

    def __init__(self, begun: int) -> None:
        self._begun = begun
        self.seconds = 0.0

    def __call__(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        if "read the report" in line and not self.seconds:
            self.seconds = time.time() - self._begun


def add_editors(printed: Path) -> dict[str, Person]:
    """The admin whom `init` printed, and two editors, added with the handbook's command."""
    settings_file = PLACE / "desk.toml"
    settings_file.write_text(settings_file.read_text().replace("[press]\n", _AT_ONCE).replace("[desk]\n", _PLAIN))
    people = {"lena": person(printed.read_text(), "lena", Role.ADMIN)}
    for handle in ("amira", "jonas"):
        (add,) = commands("editor")
        words = [*shlex.split(add.replace("amira", handle)), "--admin", "lena"]
        shown = said(words, given=people["lena"].passphrase + "\n")
        people[handle] = person(shown[shown.index(f"{handle} (") :], handle, Role.EDITOR)
    return people


def walk_through(printed: Path, people: Mapping[str, Person], intake: object, onion: str, told: Told) -> None:
    """The demo's walk: a source who comes to ``onion``, and the desk and the press of this machine."""
    desk = config.load(PLACE / "desk.toml", {})
    addresses = {"intake": f"http://{onion}", "desk": "http://127.0.0.1:8001", "press": "http://127.0.0.1:8002"}
    settings = SimpleNamespace(intake=intake, desk=desk.desk, press=desk.press)
    made: Any = SimpleNamespace(directory=printed.parent, settings=settings, people=people, url=addresses.__getitem__)
    walk(cast("Demo", made), told)


def tell(told: Told, *blocks: str, machines: int = 1) -> None:
    """Say how many of the handbook's commands were typed and how long it took, and hold both against the bounds.

    ``machines``: how many were installed, one after the other, each with its downloads.
    """
    typed = sum(len(commands(block)) for block in blocks)
    sys.stdout.write(f"{typed} commands and {told.seconds:.0f} seconds, downloads included, to the first report read\n")
    assert typed <= _MOST_COMMANDS
    assert 0 < told.seconds < _MOST_SECONDS * machines


def main(printed: Path, begun: int) -> None:
    intake = config.load(PLACE / "intake.toml", {}).intake
    assert re.fullmatch(r"[a-z2-7]{56}\.onion", intake.onion)
    assert intake.proxy_protocol
    assert {intake.onion, _TLS} <= set(intake.trusted_hosts)
    with Path("/etc/hosts").open("a", encoding="ascii") as hosts:
        hosts.write(f"127.0.0.1 {intake.onion}\n")
    people, told = add_editors(printed), Told(begun)
    with ExitStack() as stack:
        run_zones(stack)
        stack.enter_context(in_tors_place())
        collect, *doctors = (shlex.split(line) for line in commands("look"))
        said(collect)  # brings the roster with the editors to the letterbox
        walk_through(printed, people, intake, intake.onion, told)
        look_at_who_reads_what()
        look_at_tls()
        for doctor in (*doctors, fieldreport("press", "doctor")):
            said(doctor)
        sys.stdout.write("doctor finds nothing that fails\n")
    tell(told, "install", "editor", "editor", "look")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
