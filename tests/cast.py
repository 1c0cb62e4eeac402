"""The people of every test, the hour it is for them, and the parts of their newsroom that several packages need.

amira and jonas are editors; ines is a third one, where two are too few. lena is the admin. dana applies for a key, and
boris takes over the admin's. A source is somebody with a codename. A stranger has nothing.

Nothing is imitated: keys, rosters, stores and sealed letters are the product's own. Only the price of opening a key
file is lowered.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from unittest import mock

from fieldreport import config
from fieldreport.mailbox import LocalMailbox
from fieldreport.seal import (
    Binding,
    Expected,
    HybridIdentity,
    HybridRecipient,
    Kind,
    PartSource,
    Role,
    Roster,
    RosterDirectory,
    SourceKeys,
    open_envelope,
    seal_envelope,
)
from fieldreport.seal.header import build_header
from fieldreport.seal.stream import PayloadWriter
from fieldreport.store import migrate, open_engine
from fieldreport.unseal import roster_changes
from fieldreport.unseal.key_file import Cost, write_key_file
from fieldreport.unseal.signing_keys import AdminKey
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases.case_index import CaseFilter, CaseIndex
from fieldreport.vault.cases.inbox import CaseRow

INSTANCE: Final = bytes(range(16))
NOON: Final = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
CHEAP: Final = Cost(kib=64, passes=1, lanes=1)
PASSPHRASES: Final = {
    "amira": "amira walks along the river every morning",
    "jonas": "jonas keeps seven jars of honey",
    "ines": "ines sings in the second choir",
    "lena": "lena signs with a green pen",
}
ROLES: Final = {"amira": Role.EDITOR, "jonas": Role.EDITOR, "ines": Role.EDITOR, "lena": Role.ADMIN}
REPORT: Final = (
    "On the night I left, the guard at the second post had drunk too much and was asleep beside the fire, so we walked "
    "past him with the child wrapped in a blanket. There were 47 of us."
)


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = NOON.timestamp()) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds

    def pass_hours(self, hours: int) -> None:
        self.now += 3600 * hours

    @property
    def hour(self) -> int:
        return int(self.now // 3600)

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, tz=UTC)


def a_source() -> SourceKeys:
    """Somebody with a codename; what it would yield is drawn here, because deriving it is slow on purpose."""
    return SourceKeys(
        lookup=os.urandom(32), thread=os.urandom(16), identity=HybridIdentity.generate(), _letters=os.urandom(32)
    )


# --- staff and their rosters ---


@functools.cache
def staff() -> Mapping[str, StaffKey]:
    """Amira, jonas, ines and lena: the same keys in every test, none of which changes them."""
    return {handle: StaffKey.generate(handle, role) for handle, role in ROLES.items()}


@functools.cache
def recovery() -> HybridIdentity:
    return HybridIdentity.generate()


def admin_key() -> AdminKey:
    """The key with which lena signs rosters."""
    admin = staff()["lena"].admin
    assert admin is not None
    return admin


def open_rosters(directory: Path) -> RosterDirectory:
    return RosterDirectory(directory, fingerprint=admin_key().public.fingerprint, instance=INSTANCE)


def _directory_of_the_run() -> Path:
    """A directory that goes when this process ends."""
    directory = tempfile.mkdtemp(prefix="fieldreport-tests-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


@functools.cache
def _first_keys(handles: tuple[str, ...]) -> Path:
    directory = _directory_of_the_run()
    (directory / "admin.pub").write_text(admin_key().public.encode(), encoding="ascii")
    people = [staff()[handle].public_entry() for handle in handles]
    raw = roster_changes.first_roster(
        instance=INSTANCE, entries=[*people, roster_changes.recovery_entry(recovery())], now=NOON
    )
    open_rosters(directory).publish(raw, admin_key().sign_roster(raw))
    return directory


def copy_first_keys(directory: Path, handles: Iterable[str] = ("lena", "amira", "jonas")) -> RosterDirectory:
    """Make a directory with the first roster of these people: signed once a run, and copied for each test."""
    shutil.copytree(_first_keys(tuple(handles)), directory, dirs_exist_ok=True)
    return open_rosters(directory)


def with_new_key(person: StaffKey) -> StaffKey:
    """What a person's key file holds after a new key was made: both, the newest first."""
    return dataclasses.replace(person, identities=(HybridIdentity.generate(), *person.identities))


def without_old_keys(person: StaffKey) -> StaffKey:
    """What it holds after the old key was destroyed."""
    return dataclasses.replace(person, identities=person.identities[:1])


def cheap_keys() -> contextlib.AbstractContextManager[object]:
    """As long as it lasts, key files that this process makes for new people open at once.

    What they cost otherwise is the subject of ``tests/unseal/test_key_file.py`` and of the tests that run the demo.
    """
    return mock.patch.dict(write_key_file.__kwdefaults__, cost=CHEAP)


# --- the installation ---


def settings_in(directory: Path, **sections: Mapping[str, Any]) -> config.Settings:
    """The settings of a newsroom in a directory; ``sections`` replace single values."""
    document: dict[str, dict[str, Any]] = {
        "instance": {"id": INSTANCE.hex(), "name": "The Far Bank"},
        "keys": {"directory": "keys", "admin_fingerprint": admin_key().public.fingerprint},
        "intake": {"data": "intake"},
        # Not every browser of the tests keeps a secure cookie over plain http, not even of this machine.
        "desk": {"data": "desk", "keyfiles": "desk/keyfiles", "collect_seconds": 3600, "secure_cookie": False},
        "press": {
            "site": "site",
            "base_url": "https://example.org",
            "minimum_age_hours": 0,
            "random_delay_hours": 0,
            "daily_slot": "",
        },
    }
    for name, values in sections.items():
        document[name] |= values
    return config.parse(document, path=directory / "fieldreport.toml", environment={})


@functools.cache
def _migrated(package: str) -> Path:
    path = _directory_of_the_run() / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine, package)
    engine.dispose()
    return path


def copy_tables(package: str, file: Path) -> str:
    """Make a SQLite database with a package's empty tables, and return its URL.

    Migrating takes longer than most tests: it is done once a run, and the file is copied.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(_migrated(package), file)
    return f"sqlite:///{file}"


# --- what sources send, and what they read ---


@dataclass(frozen=True)
class File:
    """Something a source attached, as the intake left it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    removed: tuple[str, ...] = ()


def deposit_letter(
    mailbox: LocalMailbox,
    roster: Roster,
    source: SourceKeys,
    *,
    hour: int,
    text: str = REPORT,
    files: Sequence[File] = (),
    claimed_epoch: int | None = None,
    damage: int | None = None,
    fields: Mapping[str, str] | None = None,
    addressee: str = "",
    letter_id: bytes | None = None,
) -> bytes:
    """Do what the intake does with a report, and return the letter's id.

    ``claimed_epoch`` is what the mailbox is given, if not the truth; ``damage`` is where a bit of the payload flips.
    """
    letter_id = letter_id or os.urandom(16)
    given = {
        "action": "report",
        "lookup": source.lookup.hex(),
        "thread": source.thread.hex(),
        "reply_key": str(source.identity.recipient),
        "addressee": addressee.ljust(32),
        **(fields or {}),
    }
    everybody = roster.recipients()
    meant = roster.recipients(only=roster.meant_by(addressee)) if addressee else everybody
    parts = [File("report.txt", "text/plain; charset=utf-8", text.encode()), *files]

    def seal(payload: BinaryIO) -> bytes:
        sealed = io.BytesIO()
        header = seal_envelope(
            Binding(
                kind=Kind.LETTER,
                epoch=roster.epoch,
                roster=roster.sha256,
                instance=roster.instance,
                thread=letter_id,
                object=letter_id,
            ),
            hour=hour,
            fields=given,
            parts=[
                PartSource(
                    name=part.name,
                    media_type=part.media_type,
                    source=io.BytesIO(part.content),
                    length=len(part.content),
                    removed=part.removed,
                )
                for part in parts
            ],
            recipients=everybody,
            decoys=set(everybody) - set(meant),
            payload_to=sealed,
        )
        content = bytearray(sealed.getvalue())
        if damage is not None:
            content[damage] ^= 1
        payload.write(content)
        return header

    assert mailbox.deposit(letter_id, claimed_epoch or roster.epoch, seal)
    return letter_id


def age_sealed(content: bytes, recipients: Iterable[HybridRecipient]) -> bytes:
    """A file as its source would seal it with age."""
    key, payload = os.urandom(16), io.BytesIO()
    writer = PayloadWriter(key, payload)
    writer.write(content)
    writer.close()
    return build_header(key, recipients) + payload.getvalue()


def read_replies(mailbox: LocalMailbox, rosters: RosterDirectory, source: SourceKeys) -> list[str]:
    """Do what the intake does when a source comes back."""
    texts: list[tuple[int, int, str]] = []
    for reply in mailbox.replies(source.index):
        expected = Expected(
            kind=Kind.REPLY, instance=INSTANCE, thread=source.thread, object=reply.id, rosters=rosters.history()
        )
        payload = io.BytesIO(reply.payload)
        with open_envelope(reply.header, payload, identities=[source.identity], expected=expected) as envelope:
            manifest = envelope.manifest
            texts.append((manifest.hour, manifest.number, envelope.read_part(0, 100_000).decode()))
    return [text for _, _, text in sorted(texts)]


def cases_in(vault: Vault, rosters: RosterWatch, wanted: CaseFilter | None = None) -> tuple[CaseRow, ...]:
    """The first page of what Amira's inbox lists."""
    index = CaseIndex(vault, rosters)
    index.refresh()
    return index.page(wanted or CaseFilter(), viewer="amira").rows
