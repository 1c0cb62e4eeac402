"""The cast: an admin, two editors, a recovery key, a stranger; and a newsroom whose directory they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.roster import Entry, KeyState, Role, Roster, key_id, verify_roster
from fieldreport.seal.roster_directory import RosterDirectory
from fieldreport.seal.signatures import AdminPublic
from fieldreport.unseal import roster_changes
from fieldreport.unseal.signing_keys import AdminKey, SigningKey
from tests.cast import INSTANCE, NOON


def editor(handle: str, *, state: KeyState = KeyState.ACTIVE, signing: SigningKey | None = None) -> Entry:
    recipient = HybridIdentity.generate().recipient
    return Entry(
        handle=handle,
        role=Role.EDITOR,
        key_id=recipient.key_id,
        recipient=recipient,
        signing=(signing or SigningKey.generate()).public,
        state=state,
    )


def admin_entry(handle: str = "admin") -> Entry:
    public = SigningKey.generate().public
    return Entry(
        handle=handle,
        role=Role.ADMIN,
        key_id=key_id(public),
        recipient=None,
        signing=public,
        state=KeyState.ACTIVE,
    )


@dataclass(kw_only=True)
class Newsroom:
    path: Path
    admin: AdminKey = field(default_factory=AdminKey.generate)

    def directory(self) -> RosterDirectory:
        return RosterDirectory(self.path, fingerprint=self.public.fingerprint, instance=INSTANCE)

    @property
    def public(self) -> AdminPublic:
        return self.admin.public

    def publish(self, raw: bytes) -> Roster:
        return self.directory().publish(raw, self.admin.sign_roster(raw))

    def verify(self, raw: bytes, *, at: datetime | None = NOON) -> Roster:
        return verify_roster(raw, self.admin.sign("roster", raw), self.public, instance=INSTANCE, at=at)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Where the vectors lie."""
    return Path(__file__).parent.parent / "vectors"


@pytest.fixture
def entries() -> tuple[Entry, ...]:
    return (
        admin_entry(),
        editor("amira"),
        editor("jonas"),
        roster_changes.recovery_entry(HybridIdentity.generate()),
    )


@pytest.fixture
def raw(entries: tuple[Entry, ...]) -> bytes:
    return roster_changes.first_roster(instance=INSTANCE, entries=entries, now=NOON)


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    made = Newsroom(path=tmp_path)
    (tmp_path / "admin.pub").write_text(made.public.encode())
    return made
