"""A new admin for a newsroom whose admin's passphrase is lost, on the authority of the recovery shares.

The old admin can no longer sign, so the new one is pinned: here in the settings, on every other intake by its
operator. The archive stays readable because every object names the roster it was sealed under by its hash: the new
admin signs the very bytes of all earlier rosters, after they were verified under the old pin.

Rules: the new files stand next to the old ones until one rename of the settings file puts all of them in force;
the old directory is left as it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from fieldreport import config
from fieldreport.errors import RosterError, SettingsError, UsageError
from fieldreport.installation import Member
from fieldreport.seal import Role, Roster, RosterDirectory, make_public, write_public
from fieldreport.unseal import key_file, machine_secret, recovery_codes
from fieldreport.unseal import roster_changes as making
from fieldreport.vault.archive.rosters import RosterWatch


def replace(settings: config.Settings, rosters: RosterWatch, *, handle: str) -> tuple[Member, config.Settings, Roster]:
    """Make ``handle`` the only admin. Returns them, the settings that pin them, and the roster that is in force now.

    Args:
        settings: of this installation.
        rosters: under the pin of the admin before.
        handle: of the new admin; it must never have been used.

    Raises:
        UsageError: the handle is taken, or something cannot be written. RosterError: the rosters do not verify.
        SettingsError: the pin does not stand in the settings file, so that it must be changed where it stands.
    """
    newest = rosters.newest()
    rosters.published.history()  # verifies every roster of the past under the old pin before the new one signs it
    path = settings.desk.keyfiles / f"{handle}.key"
    if path.exists() or any(entry.handle == handle for entry in newest.entries):
        raise UsageError(f"{handle} is taken")
    codes = recovery_codes.generate()
    staff = key_file.StaffKey.generate(handle, Role.ADMIN, codes=codes)
    if staff.admin is None:  # pragma: no cover - an admin's key always holds the roster keys
        raise TypeError("an admin without roster keys")
    fingerprint = staff.admin.public.fingerprint
    directory = settings.keys.directory.with_name(f"{settings.keys.directory.name}-{fingerprint[:8]}")
    text = _with_pin(settings, fingerprint=fingerprint, directory=directory)
    passphrase = key_file.generate_passphrase()
    key_file.write_key_file(path, staff, passphrase)
    try:
        roster = _sign_everything(settings, newest, staff, directory)
        pinned = _put_in_force(settings, text)
    except BaseException:
        path.unlink()
        machine_secret.destroy(path, handle)
        shutil.rmtree(directory, ignore_errors=True)
        raise
    member = Member(handle=handle, role=Role.ADMIN, passphrase=passphrase, totp=staff.totp, recovery_codes=codes)
    return member, pinned, roster


def _sign_everything(settings: config.Settings, newest: Roster, staff: key_file.StaffKey, directory: Path) -> Roster:
    """Fill ``directory`` with every roster there is and the next one, all signed by the new admin."""
    if staff.admin is None:  # pragma: no cover - see above
        raise TypeError("an admin without roster keys")
    try:
        directory.mkdir()
        directory.chmod(settings.keys.directory.stat().st_mode)
        make_public(directory / "history")
        write_public(directory / "admin.pub", staff.admin.public.encode().encode("ascii"))
        for path in sorted((settings.keys.directory / "history").glob("[0-9]*.json")):
            if int(path.stem) < newest.epoch:
                raw = path.read_bytes()
                write_public(directory / "history" / f"{path.name}.sig", staff.admin.sign_roster(raw))
                write_public(directory / "history" / path.name, raw)
        current = (settings.keys.directory / "roster.json").read_bytes()
    except OSError as error:
        raise UsageError(f"cannot copy the rosters: {error.strerror}") from None
    published = RosterDirectory(directory, fingerprint=staff.admin.public.fingerprint, instance=settings.instance_id)
    if published.publish(current, staff.admin.sign_roster(current)).sha256 != newest.sha256:
        raise RosterError("the roster changed meanwhile; start again", code="roster-chain")
    entries = making.with_handed_over(newest.entries, staff.public_entry())
    raw = making.next_roster(newest, entries, now=datetime.now(UTC))
    roster = published.publish(raw, staff.admin.sign_roster(raw))
    published.history()
    return roster


def _with_pin(settings: config.Settings, *, fingerprint: str, directory: Path) -> str:
    """The settings file's text with another admin pinned and another directory named."""
    text = settings.path.read_text(encoding="utf-8")
    base = settings.path.resolve().parent
    named = json.dumps(str(directory.relative_to(base) if directory.is_relative_to(base) else directory))
    old_pin = re.compile(rf'^(admin_fingerprint\s*=\s*)"{settings.keys.admin_fingerprint}"', re.MULTILINE)
    old_directory = re.compile(r'^(\[keys\][^\[]*?^directory\s*=\s*)"[^"\n]*"', re.MULTILINE)
    text, pins = old_pin.subn(rf'\g<1>"{fingerprint}"', text)
    text, directories = old_directory.subn(lambda match: f"{match[1]}{named}", text)  # a JSON string is a TOML string
    if (pins, directories) != (1, 1):
        raise SettingsError(f"{settings.path} does not hold the admin's pin as 'init' wrote it")
    return text


def _put_in_force(settings: config.Settings, text: str) -> config.Settings:
    unfinished = settings.path.with_name(f".{settings.path.name}.new")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), settings.path.stat().st_mode & 0o777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        config.load(unfinished, {})  # before it counts
        unfinished.replace(settings.path)
    except OSError as error:
        raise UsageError(f"cannot write {settings.path}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return config.load(settings.path, {})
