"""A newsroom with the admin lena and the editors amira and jonas, and sources who write to it.

Everything is real: keys, rosters, sealed letters, the mailbox and the vault.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from typing_extensions import override

from fieldreport.errors import StoreError
from fieldreport.mailbox import LocalMailbox, SealedReply
from fieldreport.seal import HybridIdentity, Role, Roster, SourceKeys
from fieldreport.store import FileBlobs, open_blobs, open_engine
from fieldreport.unseal import roster_changes
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import inbox, sort
from fieldreport.vault.cases.case_index import CaseFilter
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import (
    INSTANCE,
    Clock,
    File,
    admin_key,
    cases_in,
    copy_first_keys,
    deposit_letter,
    open_rosters,
    read_replies,
    recovery,
    staff,
)

everywhere = pytest.mark.parametrize(
    "vault_url",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("postgresql-moto", marks=[pytest.mark.postgres, pytest.mark.campaign]),
        pytest.param("postgresql-swift", marks=[pytest.mark.postgres, pytest.mark.swift, pytest.mark.campaign]),
    ],
    indirect=True,
)
"""Marks a test, or a file of tests, that runs on each kind of database, and with its payloads in a bucket."""


@dataclass(kw_only=True)
class Newsroom:
    """One newsroom on one machine: ``directory`` holds everything."""

    directory: Path
    vault: Vault
    mailbox: LocalMailbox
    clock: Clock
    lena: StaffKey = field(default_factory=lambda: staff()["lena"])
    amira: StaffKey = field(default_factory=lambda: staff()["amira"])
    jonas: StaffKey = field(default_factory=lambda: staff()["jonas"])
    recovery: HybridIdentity = field(default_factory=recovery)

    def __post_init__(self) -> None:
        keys = self.directory / "keys"
        self.rosters = open_rosters(keys) if keys.exists() else copy_first_keys(keys)

    # --- rosters ---

    @property
    def watch(self) -> RosterWatch:
        return RosterWatch(self.rosters, self.vault, clock=self.clock)

    def publish(self, raw: bytes) -> Roster:
        return self.rosters.publish(raw, admin_key().sign_roster(raw))

    @property
    def roster(self) -> Roster:
        return self.rosters.load(now=self.clock.moment, at_least=0)

    def next_roster(self, *entries_of: StaffKey) -> Roster:
        """Publish the next roster, in which these people's newest keys replace those before."""
        entries = self.roster.entries
        for person in entries_of:
            entries = roster_changes.with_rotated(entries, person.public_entry())
        return self.publish(roster_changes.next_roster(self.roster, entries, now=self.clock.moment))

    def hire(self, handle: str) -> StaffKey:
        person = StaffKey.generate(handle, Role.EDITOR)
        entries = roster_changes.with_added(self.roster.entries, person.public_entry())
        self.publish(roster_changes.next_roster(self.roster, entries, now=self.clock.moment))
        return person

    def address(self, handle: str, *names: str) -> None:
        """Say under which names sources may write to somebody alone."""
        entries = roster_changes.with_addressees(self.roster.entries, handle, names)
        self.publish(roster_changes.next_roster(self.roster, entries, now=self.clock.moment))

    def revoke(self, handle: str) -> None:
        entries = roster_changes.with_revoked(self.roster.entries, handle)
        self.publish(roster_changes.next_roster(self.roster, entries, now=self.clock.moment))

    def seat(self, person: StaffKey) -> Seat:
        return Seat(self.vault, person, self.watch)

    # --- sources ---

    def send(
        self,
        source: SourceKeys,
        text: str = "a report",
        *,
        files: tuple[bytes, ...] = (),
        action: str = "report",
        fields: Mapping[str, str] | None = None,
        roster: Roster | None = None,
        claimed_epoch: int | None = None,
        addressee: str = "",
        damage: int | None = None,
    ) -> bytes:
        """Do what the intake does with a report, and return the letter's id."""
        return deposit_letter(
            self.mailbox,
            roster or self.roster,
            source,
            hour=self.clock.hour,
            text=text,
            files=[
                File(f"image-{number}.jpg", "image/jpeg", content)
                if content.startswith(b"\xff\xd8")
                else File(f"document-{number}.bin", "application/octet-stream", content)
                for number, content in enumerate(files, 1)
            ],
            claimed_epoch=claimed_epoch,
            addressee=addressee,
            damage=damage,
            fields={"action": action, **(fields or {})},
        )

    def read_replies(self, source: SourceKeys) -> list[str]:
        """Do what the intake does when a source comes back."""
        return read_replies(self.mailbox, self.rosters, source)

    # --- shortcuts ---

    def receive(self, source: SourceKeys, text: str = "a report", *, files: tuple[bytes, ...] = ()) -> CaseRow:
        """A report that was sent, collected and sorted; return its case as Amira sees it."""
        letter_id = self.send(source, text, files=files)
        self.collect()
        sort.sort(self.seat(self.amira))
        case_id = inbox.item(self.vault, letter_id).case_id
        assert case_id is not None
        return inbox.get(self.vault, case_id, viewer="amira")

    def collect(self) -> int:
        return collect(self.vault, self.mailbox, self.watch).letters

    def cases(self, wanted: CaseFilter | None = None) -> tuple[CaseRow, ...]:
        return cases_in(self.vault, self.watch, wanted)

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


def hidden(change: Change, header: bytes) -> dict[str, Any]:
    """The columns of an object that hold this header, under a new row key: only the desk's own machine can write it."""
    (row,) = change.keys.hide([header])
    return {"slot": row.slot, "hidden": row.hidden}


def open_newsroom(
    directory: Path, *, vault_url: str, mailbox_url: str, vault_blobs: str = ""
) -> tuple[Vault, LocalMailbox, Clock]:
    """Open a vault and a mailbox whose tables are there already. ``vault_blobs``: a bucket for the vault's payloads."""
    clock = Clock()
    payloads = open_blobs(vault_blobs) if vault_blobs else FileBlobs(directory / "desk" / "blobs")
    vault = Vault(open_engine(vault_url), payloads, INSTANCE, clock=clock)
    mailbox = LocalMailbox(open_engine(mailbox_url), FileBlobs(directory / "intake" / "blobs"), clock=clock)
    return vault, mailbox, clock


class Away(LocalMailbox):
    """A mailbox that takes no reply, so that replies stay in the outbox."""

    def __init__(self, real: LocalMailbox) -> None:
        super().__init__(real._engine, real._blobs)

    @override
    def post_reply(self, reply: SealedReply) -> None:
        raise StoreError("the mailbox is away")
