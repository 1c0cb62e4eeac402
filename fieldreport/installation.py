"""Making an installation directory: keys, recovery shares, first roster, settings file.

One place for ``init`` and ``demo``, so that the demo is an ordinary installation. The directory is written next to its
final name and renamed into place: an interrupted ``init`` leaves nothing that looks finished.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fieldreport import config
from fieldreport.errors import StoreError, UnlockRefused, UsageError
from fieldreport.mailbox import DeskMailbox
from fieldreport.mailbox.link import open_desk_mailbox
from fieldreport.seal import HybridIdentity, Role, Roster, RosterDirectory, editors_of
from fieldreport.unseal import key_file, recovery, recovery_codes, totp
from fieldreport.unseal import roster_changes as rosters
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.staff import roster_changes, second_factor

SETTINGS_NAME: Final = "fieldreport.toml"
_DEMO_DESK: Final = (
    "collect_seconds = 2",
    "# A demonstration has no https. Most browsers keep a secure cookie of 127.0.0.1, but not every one does.",
    "secure_cookie = false",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person who was just enrolled: what must be handed to them, once, and is stored nowhere in the clear."""

    handle: str
    role: Role
    passphrase: str = field(repr=False)
    totp: bytes = field(repr=False)
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new installation: its settings, its admin, and the recovery shares that must leave this machine."""

    settings: config.Settings
    admin: Member
    recovery_key_id: str
    shares: tuple[str, ...] = field(repr=False)


def make(
    directory: Path,
    *,
    name: str,
    admin: str = "admin",
    port: int = 8000,
    demo: bool = False,
    shares: tuple[int, int] = (2, 3),
) -> Made:
    """Create an installation at ``directory``, which must not exist or be empty.

    Args:
        directory: becomes the installation; modes 0700.
        name: the newsroom's name as sources see it.
        admin: handle of the first admin.
        port: intake; desk and press take the two after it.
        demo: marks the instance as a demonstration's, and so every page, and sets the publication's delays to zero.
        shares: (needed, made) of the recovery key.

    Raises:
        UsageError: the directory is not empty or cannot be written.

    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not empty")
    building = directory.with_name(f".{directory.name}.making-{os.getpid()}")
    try:
        building.mkdir(parents=True, mode=0o700)
        made = _fill(building, name=name, admin=admin, port=port, demo=demo, shares=shares)
        if directory.exists():
            directory.rmdir()
        building.rename(directory)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        raise UsageError(f"cannot write {directory}: {error.strerror}") from None
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    settings = config.load(directory.resolve() / SETTINGS_NAME, {})
    return replace(made, settings=settings)


def _fill(directory: Path, *, name: str, admin: str, port: int, demo: bool, shares: tuple[int, int]) -> Made:
    for zone in ("keys", "intake", "desk", "desk/keyfiles", "site"):
        (directory / zone).mkdir(mode=0o700)
    instance = config.DEMO_MARK + os.urandom(8) if demo else os.urandom(16)
    codes = recovery_codes.generate()
    staff = key_file.StaffKey.generate(admin, Role.ADMIN, codes=codes)
    if staff.admin is None:  # pragma: no cover - an admin's key always holds the roster keys
        raise TypeError("an admin without roster keys")
    passphrase = key_file.generate_passphrase()
    key_file.write_key_file(directory / "desk" / "keyfiles" / f"{admin}.key", staff, passphrase)
    rescue = HybridIdentity.generate()
    raw = rosters.first_roster(
        instance=instance,
        entries=(staff.public_entry(), rosters.recovery_entry(rescue)),
        now=datetime.now(UTC),
    )
    fingerprint = staff.admin.public.fingerprint
    (directory / SETTINGS_NAME).write_text(
        _settings_text(instance.hex(), name=name, fingerprint=fingerprint, port=port, demo=demo), encoding="utf-8"
    )
    (directory / "keys" / "admin.pub").write_text(staff.admin.public.encode(), encoding="ascii")
    published = RosterDirectory(directory / "keys", fingerprint=fingerprint, instance=instance)
    published.publish(raw, staff.admin.sign_roster(raw))
    return Made(
        settings=config.load(directory / SETTINGS_NAME, {}),
        admin=Member(handle=admin, role=Role.ADMIN, passphrase=passphrase, totp=staff.totp, recovery_codes=codes),
        recovery_key_id=rescue.key_id,
        shares=recovery.split(rescue, *shares),
    )


@dataclass(frozen=True, slots=True)
class _IntakeMemory:
    """The highest epoch that the intake remembers, while it can be asked: a roster must be signed without it, too."""

    mailbox: DeskMailbox

    def highest_epoch(self) -> int:
        try:
            return self.mailbox.highest_epoch()
        except StoreError:
            return 0

    def saw_epoch(self, epoch: int) -> None:
        """Nothing: it hears of a roster when that is brought to it."""


@contextmanager
def admin_at_work(settings: config.Settings, admin_key: key_file.StaffKey) -> Iterator[tuple[Seat, DeskMailbox]]:
    """An admin's seat at the vault, and the mailbox that must hear of a new roster; both closed at the end.

    Raises:
        SealError: (code ``audit-head``) the audit log lacks an entry that is remembered outside the database.
    """
    vault, mailbox = open_vault(settings), open_desk_mailbox(settings)
    try:
        rosters = RosterWatch.of(settings, vault, _IntakeMemory(mailbox))
        audit_heads.check(vault, rosters, settings.desk.keyfiles)
        yield Seat(vault, admin_key, rosters), mailbox
        audit_heads.remember(vault, admin_key, settings.desk.keyfiles)
    finally:
        mailbox.close()
        vault.close()


@contextmanager
def editor_at_work(settings: config.Settings, handle: str, passphrase: str, code: str) -> Iterator[Seat]:
    """An editor's seat at the vault, after the passphrase and a one-time code; closed at the end.

    Raises:
        UnlockRefused: handle, passphrase or code did not match. KeyFileDamaged: as ``key_file.unlock``.
        SealError: (code ``audit-head``) the audit log lacks an entry that is remembered outside the database.
    """
    with closing(open_vault(settings)) as vault:
        rosters = RosterWatch.of(settings, vault)
        try:
            staff = key_file.unlock(settings.desk.keyfiles / f"{handle}.key", passphrase, handle=handle)
            _check_editor(staff, rosters.in_force())
            last = second_factor.last_counter(vault, handle, staff.totp)
            counter = totp.verify_code(staff.totp, code, now=vault.clock(), last_counter=last)
            second_factor.use(vault, handle, staff.totp, counter)
        except UnlockRefused:
            vault.record(Act.UNLOCK_REFUSED)
            raise
        audit_heads.check(vault, rosters, settings.desk.keyfiles)
        seat = Seat(vault, staff, rosters)
        seat.record(Act.UNLOCKED)
        yield seat
        seat.record(Act.LOCKED)
        audit_heads.remember(vault, staff, settings.desk.keyfiles)


def _check_editor(staff: key_file.StaffKey, roster: Roster) -> None:
    if staff.signing.public not in editors_of(roster).get(staff.handle, ()):
        raise UnlockRefused("Handle, passphrase or code did not match.", detail="the roster lists no such editor")


def add_member(settings: config.Settings, *, handle: str, role: Role, admin_key: key_file.StaffKey) -> Member:
    """Enrol a person: write their key file and publish a roster that names them.

    Raises:
        UsageError: the handle is taken. NotAllowed: the key given is not an admin's.
        RosterError: the roster in force cannot be verified, or is older than the vault has seen.

    """
    codes = recovery_codes.generate()
    staff = key_file.StaffKey.generate(handle, role, codes=codes)  # first: it refuses a handle that is no file name
    path = settings.desk.keyfiles / f"{handle}.key"
    with admin_at_work(settings, admin_key) as (seat, mailbox):
        if path.exists() or any(entry.handle == handle for entry in seat.roster().entries):
            raise UsageError(f"{handle} is taken")
        passphrase = key_file.generate_passphrase()
        # The key file first: a roster with a key that nobody holds would make letters that nobody can read.
        key_file.write_key_file(path, staff, passphrase)
        roster_changes.enrol(seat, staff.public_entry(), mailbox)
    return Member(handle=handle, role=role, passphrase=passphrase, totp=staff.totp, recovery_codes=codes)


def _settings_text(instance: str, *, name: str, fingerprint: str, port: int, demo: bool) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        "# Settings of one fieldreport installation. Every key has a default but those written here;",
        "# 'fieldreport settings' lists them all. Paths are relative to this file.",
        "[instance]",
        f'id = "{instance}"',
        f'name = "{quoted}"',
        f"demo = {str(demo).lower()}",
        "",
        "[keys]",
        'directory = "keys"',
        f'admin_fingerprint = "{fingerprint}"',
        "",
        "[intake]",
        'data = "intake"',
        f'listen = "127.0.0.1:{port}"',
        "",
        "[desk]",
        'data = "desk"',
        'keyfiles = "desk/keyfiles"',
        f'listen = "127.0.0.1:{port + 1}"',
        *(_DEMO_DESK if demo else []),
        "",
        "[press]",
        'site = "site"',
        f'listen = "127.0.0.1:{port + 2}"',
        f'base_url = "http://127.0.0.1:{port + 2}"',
    ]
    if demo:
        lines += [
            "# A demonstration publishes at once and has two editors. A newsroom must wait: 'fieldreport settings'.",
            "sign_offs = 1",
            "minimum_age_hours = 0",
            "random_delay_hours = 0",
            'daily_slot = ""',
        ]
    return "\n".join(lines) + "\n"
