"""Re-wrapping a vault's objects for three readers, durably, next to bare unwrapping and wrapping on one core.

The vault is a real one on the disk of this machine. Its objects share one header, which costs as much to re-wrap as any
other and makes the vault quick to fill; from round to round they go back and forth between two sets of readers.
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.seal import Kind, Role, Roster, RosterDirectory
from fieldreport.seal.header import build_header
from fieldreport.store import FileBlobs, migrate, open_engine
from fieldreport.unseal import roster_changes
from fieldreport.unseal.rewrap import rewrap
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import objects
from fieldreport.vault.archive.rewrap import Rewrapper
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import SealedObject
from fieldreport.vault.archive.vault import Vault

_OBJECTS: Final = 10_000
_ROUNDS: Final = 3
_INSTANCE: Final = bytes(16)


def measure(sheet: Sheet) -> None:
    """Write one row: objects a second, next to those of one core that stores nothing."""
    owner, *others = [StaffKey.generate(handle, Role.EDITOR) for handle in ("a", "b", "c", "d")]
    rosters = [_roster(epoch, [owner, *team]) for epoch, team in ((1, others[:2]), (2, others[1:]))]
    header = build_header(os.urandom(16), rosters[0].recipients())
    with tempfile.TemporaryDirectory() as name:
        vault = _filled(Path(name), rosters[0], header)
        watch = RosterWatch(_published(Path(name) / "keys", [owner, *others]), vault)
        turn = 0

        def durably() -> None:
            nonlocal turn
            turn += 1
            roster = rosters[turn % 2]
            Rewrapper(vault=vault, identities=owner.identities, rosters=watch, roster=roster, change=vault.change).run(
                lambda _done, _total: None
            )

        def bare() -> None:
            for _ in range(_OBJECTS):
                rewrap(header, identities=owner.identities, recipients=rosters[0].recipients())

        pair = in_turn(durably, bare, rounds=_ROUNDS, warm=0)
        vault.close()
    sheet.pair("re-wrap for three readers", pair, "bare, on one core", per_second=_OBJECTS, at_least=0.95)
    sheet.figure("100,000 objects for three readers", 100_000 / _OBJECTS * pair.seconds, "s", at_most=60)


def _published(directory: Path, staff: list[StaffKey]) -> RosterDirectory:
    """Signed rosters, in which re-wrapping looks whether anybody may be addressed alone."""
    admin = StaffKey.generate("lena", Role.ADMIN).admin
    assert admin is not None  # noqa: S101 - an admin's key holds what signs rosters
    directory.mkdir()
    (directory / "admin.pub").write_text(admin.public.encode(), encoding="ascii")
    rosters = RosterDirectory(directory, fingerprint=admin.public.fingerprint, instance=_INSTANCE)
    entries = [each.public_entry() for each in staff]
    raw = roster_changes.first_roster(instance=_INSTANCE, entries=entries, now=datetime.now(UTC))
    rosters.publish(raw, admin.sign_roster(raw))
    return rosters


def _roster(epoch: int, staff: list[StaffKey]) -> Roster:
    now = datetime.now(UTC)
    return Roster(
        instance=_INSTANCE,
        epoch=epoch,
        previous=bytes(32),
        not_before=now,
        not_after=now + timedelta(days=1),
        entries=tuple(each.public_entry() for each in staff),
    )


def _filled(directory: Path, roster: Roster, header: bytes) -> Vault:
    engine = open_engine(f"sqlite:///{directory / 'vault.db'}")
    migrate(engine, "fieldreport.vault")
    vault = Vault(engine, FileBlobs(directory / "blobs"), _INSTANCE)
    with vault.change() as change:
        set_id = objects.set_of(change.session, roster.key_ids())
        row = {
            "kind": Kind.LETTER.value,
            "thread": bytes(16),
            "epoch": roster.epoch,
            "set_id": set_id,
            "size": 16,
            "blob": None,
            "payload": bytes(16 * 1024),
        }
        hidden = change.keys.hide([header] * _OBJECTS)
        rows = [{**row, "id": os.urandom(16), "slot": each.slot, "hidden": each.hidden} for each in hidden]
        change.session.execute(insert(SealedObject), rows)
    return vault
