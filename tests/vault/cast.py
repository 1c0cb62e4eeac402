"""A newsroom with the admin lena and the editors amira and jonas, and sources who write to it.

Everything is real: keys, rosters, sealed letters, the mailbox and the vault.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from fieldreport.mailbox import LocalMailbox
from fieldreport.seal.codename import SourceKeys
from fieldreport.seal.envelope import PartSource, open_envelope, seal_envelope
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.inner_header import Binding, Expected, Kind
from fieldreport.seal.roster_directory import Role, Roster, RosterDirectory
from fieldreport.store import FileBlobs, open_engine
from fieldreport.unseal import roster_changes
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault import CaseFilter, CaseRow, Seat, Vault

INSTANCE = bytes(range(16))
everywhere = pytest.mark.parametrize(
    "vault_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
"""Marks a test, or a file of tests, that runs on each kind of database."""

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC).timestamp()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

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


@functools.cache
def _staff() -> tuple[StaffKey, StaffKey, StaffKey]:
    """Lena, Amira and Jonas: the same keys in every test, none of which changes them."""
    return (
        StaffKey.generate("lena", Role.ADMIN),
        StaffKey.generate("amira", Role.EDITOR),
        StaffKey.generate("jonas", Role.EDITOR),
    )


@functools.cache
def _recovery() -> HybridIdentity:
    return HybridIdentity.generate()


def _rosters_in(directory: Path) -> RosterDirectory:
    admin = _staff()[0].admin
    assert admin is not None
    return RosterDirectory(directory, fingerprint=admin.public.fingerprint, instance=INSTANCE)


@functools.cache
def _first_keys() -> Path:
    """A directory with the first roster: copied, not signed, for each test."""
    directory = Path(tempfile.mkdtemp(prefix="fieldreport-"))
    admin = _staff()[0].admin
    assert admin is not None
    (directory / "admin.pub").write_text(admin.public.encode(), encoding="ascii")
    people = [staff.public_entry() for staff in _staff()]
    raw = roster_changes.first_roster(
        instance=INSTANCE,
        entries=[*people, roster_changes.recovery_entry(_recovery().recipient)],
        now=datetime.fromtimestamp(START, tz=UTC),
    )
    _rosters_in(directory).publish(raw, admin.sign_roster(raw))
    return directory


@dataclass(kw_only=True)
class Newsroom:
    """One newsroom on one machine: ``directory`` holds everything."""

    directory: Path
    vault: Vault
    mailbox: LocalMailbox
    clock: Clock
    lena: StaffKey = field(default_factory=lambda: _staff()[0])
    amira: StaffKey = field(default_factory=lambda: _staff()[1])
    jonas: StaffKey = field(default_factory=lambda: _staff()[2])
    recovery: HybridIdentity = field(default_factory=_recovery)

    def __post_init__(self) -> None:
        if not (self.directory / "keys").exists():
            shutil.copytree(_first_keys(), self.directory / "keys")
        self.rosters = self.open_rosters()

    # --- rosters ---

    @property
    def fingerprint(self) -> str:
        assert self.lena.admin is not None
        return self.lena.admin.public.fingerprint

    def open_rosters(self, name: str = "keys") -> RosterDirectory:
        return _rosters_in(self.directory / name)

    def publish(self, raw: bytes) -> Roster:
        assert self.lena.admin is not None
        return self.rosters.publish(raw, self.lena.admin.sign_roster(raw))

    @property
    def roster(self) -> Roster:
        return self.rosters.load(now=self.clock.moment, at_least=0)

    def next_roster(self, *entries_of: StaffKey) -> Roster:
        """Publish the next roster, in which these people's newest keys replace those before."""
        entries = self.roster.entries
        for staff in entries_of:
            entries = roster_changes.with_rotated(entries, staff.public_entry())
        return self.publish(roster_changes.next_roster(self.roster, entries, now=self.clock.moment))

    def hire(self, handle: str) -> StaffKey:
        staff = StaffKey.generate(handle, Role.EDITOR)
        entries = roster_changes.with_added(self.roster.entries, staff.public_entry())
        self.publish(roster_changes.next_roster(self.roster, entries, now=self.clock.moment))
        return staff

    def revoke(self, handle: str) -> None:
        entries = roster_changes.with_revoked(self.roster.entries, handle)
        self.publish(roster_changes.next_roster(self.roster, entries, now=self.clock.moment))

    def seat(self, staff: StaffKey) -> Seat:
        return Seat(self.vault, staff, self.rosters)

    # --- sources ---

    def send(
        self,
        source: SourceKeys,
        text: str = "a report",
        *,
        files: tuple[bytes, ...] = (),
        action: str = "report",
        roster: Roster | None = None,
        claimed_epoch: int | None = None,
    ) -> bytes:
        """Do what the intake does with a report, and return the letter's id."""
        letter_id = os.urandom(16)
        roster = roster or self.roster
        contents = [text.encode(), *files]
        names = ["report.txt", *(f"document-{number}.bin" for number in range(1, len(files) + 1))]

        def seal(payload: BinaryIO) -> bytes:
            return seal_envelope(
                Binding(
                    kind=Kind.LETTER,
                    epoch=roster.epoch,
                    roster=roster.sha256,
                    instance=INSTANCE,
                    thread=letter_id,
                    object=letter_id,
                ),
                hour=self.clock.hour,
                fields={
                    "action": action,
                    "lookup": source.lookup.hex(),
                    "thread": source.thread.hex(),
                    "reply_key": str(source.identity.recipient),
                },
                parts=[
                    PartSource(
                        name=name,
                        media_type="application/octet-stream",
                        source=io.BytesIO(content),
                        length=len(content),
                    )
                    for name, content in zip(names, contents, strict=True)
                ],
                recipients=roster.recipients(),
                payload_to=payload,
            )

        assert self.mailbox.deposit(letter_id, claimed_epoch or roster.epoch, seal)
        return letter_id

    def read_replies(self, source: SourceKeys) -> list[str]:
        """Do what the intake does when a source comes back."""
        texts = []
        for reply in self.mailbox.replies(source.index):
            expected = Expected(
                kind=Kind.REPLY,
                instance=INSTANCE,
                thread=source.thread,
                object=reply.id,
                rosters=self.rosters.history(),
            )
            payload = io.BytesIO(reply.payload)
            with open_envelope(reply.header, payload, identities=[source.identity], expected=expected) as envelope:
                texts.append(envelope.read_part(0, 100_000).decode())
        return texts

    # --- shortcuts ---

    def receive(self, source: SourceKeys, text: str = "a report", *, files: tuple[bytes, ...] = ()) -> CaseRow:
        """A report that was sent, collected and sorted; return its case as Amira sees it."""
        letter_id = self.send(source, text, files=files)
        self.collect()
        self.seat(self.amira).sort()
        case_id = self.vault.cases.item(letter_id).case_id
        assert case_id is not None
        return self.vault.cases.get(case_id, viewer="amira")

    def collect(self) -> int:
        return self.vault.collect(self.mailbox, self.rosters)

    def cases(self, wanted: CaseFilter | None = None) -> tuple[CaseRow, ...]:
        return self.vault.cases.page(wanted or CaseFilter(), viewer="amira").rows

    def acts(self) -> list[tuple[str, str, str]]:
        """The audit log, oldest first: who, what, about what."""
        return [(entry.actor, entry.act, entry.subject) for entry in reversed(self.vault.audit.page(limit=1000))]

    # --- damage ---

    def deposit_raw(self, header: bytes, payload: bytes, *, epoch: int = 1) -> bytes:
        """Put any bytes into the mailbox as if they were a letter."""
        letter_id = os.urandom(16)

        def seal(destination: BinaryIO) -> bytes:
            destination.write(payload)
            return header

        assert self.mailbox.deposit(letter_id, epoch, seal)
        return letter_id

    def files(self) -> list[Path]:
        """Every file of the vault: the database with its log, and the blobs."""
        desk = self.directory / "desk"
        return [path for path in desk.rglob("*") if path.is_file()]


def with_new_key(staff: StaffKey) -> StaffKey:
    """What a person's key file holds after a new key was made: both, the newest first."""
    return dataclasses.replace(staff, identities=(HybridIdentity.generate(), *staff.identities))


def without_old_keys(staff: StaffKey) -> StaffKey:
    """What it holds after the old key was destroyed."""
    return dataclasses.replace(staff, identities=staff.identities[:1])


def open_newsroom(directory: Path, *, vault_url: str, mailbox_url: str) -> tuple[Vault, LocalMailbox, Clock]:
    """Open a vault and a mailbox whose tables are there already."""
    clock = Clock()
    vault = Vault(open_engine(vault_url), FileBlobs(directory / "desk" / "blobs"), INSTANCE, clock=clock)
    mailbox = LocalMailbox(open_engine(mailbox_url), FileBlobs(directory / "intake" / "blobs"), clock=clock)
    return vault, mailbox, clock
