"""The demo's newsroom: an ordinary installation with an admin and two editors, in one directory, joined by the link.

What a demonstration may do and a newsroom must not: it writes passphrases and second factors to ``demo.json`` (mode
0600) and publishes without delay. Its instance id marks it, so that every page says so and no setting takes that away.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fieldreport import config, installation
from fieldreport.cli import zones
from fieldreport.errors import UsageError
from fieldreport.seal import Role
from fieldreport.unseal import key_file, totp

NEWSROOM: Final = "The Border Post"
EDITORS: Final = ("amira", "jonas")
ADMIN: Final = "lena"
FACTS_NAME: Final = "demo.json"
_LOCK_NAME: Final = "demo.pid"
_LINK: Final = "link/socket"
_LONGEST_SOCKET: Final = 107  # bytes of its path; unix(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One of the demo's staff, with everything needed to sign in."""

    handle: str
    role: Role
    passphrase: str = field(repr=False)
    totp: bytes = field(repr=False)

    def code(self, now: float) -> str:
        """The one-time code at ``now``, seconds since the epoch."""
        return totp.current_code(self.totp, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demo's directory: its settings and its people by handle."""

    directory: Path
    settings: config.Settings
    people: Mapping[str, Person]

    def url(self, zone: str) -> str:
        """Where a zone answers."""
        return f"http://{getattr(self.settings, zone).listen}"


def open_demo(directory: Path, *, port: int) -> Demo:
    """Open the demo in ``directory``; make it first if there is none. Its zones move to ``port`` and the two after it.

    Raises:
        UsageError: the directory holds something that is not a demo, cannot be written, has too long a path for the
            link's socket, or its settings have only one end of the link.

    """
    _must_hold_a_socket(directory)
    facts = directory / FACTS_NAME
    if not facts.exists():
        make_demo(directory, port=port)
    try:
        document = json.loads(facts.read_text(encoding="utf-8"))
        people = {
            handle: Person(
                handle=handle,
                role=Role(person["role"]),
                passphrase=person["passphrase"],
                totp=base64.b32decode(person["totp"]),
            )
            for handle, person in document["people"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{facts} is damaged; remove {directory} to start again") from None
    settings = _linked(_at_port(config.load(directory.resolve() / installation.SETTINGS_NAME, {}), port))
    if document.get("urls") != (urls := _urls(settings)):
        _write_whole(facts, json.dumps(document | {"urls": urls}, indent=2))
    return Demo(directory=directory, settings=settings, people=people)


def _must_hold_a_socket(directory: Path) -> None:
    """See that the link's socket has room in ``directory``, before anything is made there. Raises ``UsageError``."""
    if len(os.fsencode(directory.resolve() / _LINK)) > _LONGEST_SOCKET:
        raise UsageError(
            f"{directory.resolve()} has too long a path for a socket in it: choose a shorter one with --dir; a demo"
            " that is there already can be moved"
        )


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keep every other demo out of ``directory`` while the block runs.

    Raises:
        UsageError: another demo runs there; the text says which process it is and what to do.

    """
    with (directory / _LOCK_NAME).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip()
            raise UsageError(
                f"a demo already runs in {directory} (process {pid}): stop it with Ctrl-C or 'kill {pid}',"
                " or start this one with another --dir and --port"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}")
        file.flush()
        yield


def make_demo(directory: Path, *, port: int) -> None:
    """Make the installation, its people and ``demo.json``.

    Raises:
        UsageError: the directory is not empty, cannot be written, or has too long a path for the link's socket.

    """
    _must_hold_a_socket(directory)
    made = installation.make(directory, name=NEWSROOM, admin=ADMIN, port=port, demo=True)
    admin_key = key_file.unlock(made.settings.desk.keyfiles / f"{ADMIN}.key", made.admin.passphrase)
    members = [
        made.admin,
        *(
            installation.add_member(made.settings, handle=handle, role=Role.EDITOR, admin_key=admin_key)
            for handle in EDITORS
        ),
    ]
    document = {
        "urls": _urls(made.settings),
        "people": {
            member.handle: {
                "role": member.role,
                "passphrase": member.passphrase,
                "totp": base64.b32encode(member.totp).decode(),
            }
            for member in members
        },
        "recovery_shares": made.shares,
    }
    # Last: a directory without this file is not taken for a demo.
    _write_whole(directory / FACTS_NAME, json.dumps(document, indent=2))


def _urls(settings: config.Settings) -> dict[str, str]:
    return {zone: f"http://{getattr(settings, zone).listen}" for zone in zones.ZONES}


def _write_whole(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    partial = path.with_suffix(".partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        partial.rename(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _at_port(settings: config.Settings, port: int) -> config.Settings:
    """The same demo on another port than it was made for: the settings file is rewritten, so that zones read it."""
    old = [config.split_listen(getattr(settings, zone).listen, where=zone)[1] for zone in zones.ZONES]
    new = [port, port + 1, port + 2]
    if old == new:
        return settings
    text = settings.path.read_text(encoding="utf-8")
    for before, after in zip(old, new, strict=True):
        text = text.replace(f"127.0.0.1:{before}", f"127.0.0.1:<{after}>")
    _write_whole(settings.path, text.replace("<", "").replace(">", ""))
    return config.load(settings.path, {})


def _linked(settings: config.Settings) -> config.Settings:
    """The same demo with its link: a new one, and one that was made before demos had it, gets both ends of it."""
    if not settings.intake.link and not settings.desk.link:
        text = settings.path.read_text(encoding="utf-8")
        for section in ("intake", "desk"):
            text = text.replace(f"\n[{section}]\n", f'\n[{section}]\nlink = "unix:{_LINK}"\n', 1)
        _write_whole(settings.path, text)
        settings = config.load(settings.path, {})
    if not settings.intake.link or not settings.desk.link:
        raise UsageError(f'{settings.path}: write link = "unix:{_LINK}" below [intake] and below [desk]')
    try:
        (settings.path.parent / _LINK).parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {settings.path.parent}: {error.strerror}") from None
    return settings
