"""The second factor: one-time codes, recovery codes and passkeys; each use counts once, and their owner changes them.

And the passphrase, which its owner changes with both.

What a factor is checked against lies in the person's key file, so that no database can plant or tell it. The vault
remembers what was used. Of one-time codes it is the last counter (the time step of RFC 6238), which would tell to half
a minute when somebody signed in: the row holds its hour, and 32 bits by which only the code's secret finds out which
counter of that hour it was. A recovery code is struck out twice: in the log, so that an older key file does not bring
it back, and in the key file, so that an older database does not. Of a passkey it is the authenticator's counter, which
shows a copy of the authenticator; who writes the database can hide that, and no more.

Whether a key file is bound to passkeys, and to which, stands in the key file alone, for the same reason.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import select

from fieldreport.errors import Conflict, UnlockRefused
from fieldreport.sentence import Sentence
from fieldreport.unseal import key_file, recovery_codes, totp
from fieldreport.unseal.key_part import Opener
from fieldreport.unseal.passkey import Passkey
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.authors import count_of
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow, PasskeyCounter, SecondFactor
from fieldreport.vault.archive.vault import Vault

_TAG: Final = 1 << 32
_COUNTERS: Final = 3600 // totp.PERIOD_SECONDS  # in an hour


def last_counter(vault: Vault, handle: str, secret: bytes) -> int:
    """Return the counter of the last code that was used; 0 when none was.

    With another secret than that of the last code: the last counter before the hour of that code.
    """
    with vault.reading() as session:
        row = session.get(SecondFactor, handle)
    return _counter(row.counter, secret) if row is not None else 0


def use(vault: Vault, handle: str, secret: bytes, counter: int) -> None:
    """Use up a code that was just verified.

    Raises:
        UnlockRefused: this or a later one was used already, perhaps a moment ago in another window.
    """
    used = counter // _COUNTERS * _TAG + totp.tag_of(secret, counter)
    with vault.change() as change:
        row = change.session.get(SecondFactor, handle)
        if row is None:
            change.session.add(SecondFactor(handle=handle, counter=used))
        elif _counter(row.counter, secret) >= counter:
            raise UnlockRefused("that did not match", detail="one-time code was used before")
        else:
            row.counter = used


def use_recovery_code(seat: Seat, path: Path, passphrase: str, digest: bytes) -> Seat:
    """Use up a recovery code that was just found in the seat's key file at ``path``; returns the seat without it.

    Raises:
        UnlockRefused: it was used before, perhaps a moment ago in another window, or replaced since.
        KeyFileDamaged, UsageError: as ``change_key_file``; the code is spent.
    """
    with seat.change() as change:
        name = recovery_codes.name_of(digest)
        if change.session.scalar(count_of(name, Act.RECOVERY_CODE_USED)):
            raise UnlockRefused("that did not match", detail="recovery code was used before")
        change.record(Act.RECOVERY_CODE_USED, name)

    def strike(staff: key_file.StaffKey) -> key_file.StaffKey:
        if digest not in staff.recovery_codes:
            raise UnlockRefused("that did not match", detail="recovery code was replaced meanwhile")
        return staff.without_code(digest)

    return _changed(seat, path, passphrase, strike)


def recovery_codes_left(seat: Seat) -> int:
    """How many recovery codes of this person still work."""
    names = [recovery_codes.name_of(digest) for digest in seat.staff.recovery_codes]
    wanted = select(AuditRow.subject).where(AuditRow.subject.in_(names), AuditRow.act == Act.RECOVERY_CODE_USED.value)
    with seat.vault.reading() as session:
        return len(set(names) - set(session.scalars(wanted)))


def make_recovery_codes(seat: Seat, path: Path, passphrase: str) -> tuple[Seat, tuple[str, ...]]:
    """Replace all recovery codes; returns the seat that has them, and the codes, which are to be shown now or never.

    Raises:
        UnlockRefused, KeyFileDamaged, UsageError: as ``change_key_file``.
    """
    short, long = recovery_codes.generate(), recovery_codes.generate(long=True)

    def renewed(staff: key_file.StaffKey) -> key_file.StaffKey:
        return staff.with_codes(long if staff.is_bound_to_passkeys else short)

    after = _changed(seat, path, passphrase, renewed)
    after.record(Act.RECOVERY_CODES_MADE)
    return after, long if after.staff.is_bound_to_passkeys else short


def bind(
    seat: Seat, path: Path, passphrase: str, opener: Opener, *, passkey: Passkey, counter: int
) -> tuple[Seat, tuple[str, ...]]:
    """Bind the key file to a passkey of its owner; to another one if it is bound already.

    Returns the seat, and the recovery codes that were made because the ones before are too short for a bound key file;
    none where it was bound before. They are to be shown now or never.

    Args:
        seat: whose.
        path: the key file.
        passphrase: theirs.
        opener: of the passkey, from its answer.
        passkey: whose signature was just checked.
        counter: of that signature.

    Raises:
        UnlockRefused, KeyFileDamaged, Conflict: as ``change_key_file``. UnlockRefused also: there is a copy of the
            passkey. UsageError also: it has no PRF.
    """
    with seat.change() as change:
        _count(change, passkey, counter)
    codes = recovery_codes.generate(long=True)
    made = not seat.staff.is_bound_to_passkeys

    def bound(staff: key_file.StaffKey) -> key_file.StaffKey:
        if staff.is_bound_to_passkeys is made:
            raise Conflict(
                Sentence("Your key file was written elsewhere since you unlocked. Lock the desk and unlock it."),
                code="key-file-rewritten",
            )
        return staff.bound_to(opener, codes if made else ())

    after = _changed(seat, path, passphrase, bound)
    after.record(Act.KEY_FILE_BOUND, opener.name)
    return after, codes if made else ()


def unbind(seat: Seat, path: Path, passphrase: str) -> Seat:
    """Write the key file so that the passphrase opens it without a passkey; raises as ``change_key_file``."""
    after = _changed(seat, path, passphrase, key_file.StaffKey.unbound)
    after.record(Act.KEY_FILE_UNBOUND)
    return after


def change_passphrase(seat: Seat, path: Path, passphrase: str, new: str, *, code: str, now: float) -> Seat:
    """Write the key file under another passphrase; from then on the old one opens nothing. Returns the seat.

    ``code``: of the authenticator app at ``now``, seconds since the Unix epoch; it is used up if the passphrase is
    right.

    Raises:
        UnlockRefused, KeyFileDamaged, UsageError: as ``change_key_file``. UnlockRefused also: the code is wrong, or was
            used.
    """

    def checked(staff: key_file.StaffKey) -> key_file.StaffKey:
        last = last_counter(seat.vault, staff.handle, staff.totp)
        use(seat.vault, staff.handle, staff.totp, totp.verify_code(staff.totp, code, now=now, last_counter=last))
        return staff

    after = _changed(seat, path, passphrase, checked, new_passphrase=new)
    after.record(Act.PASSPHRASE_CHANGED)
    return after


def add_passkey(seat: Seat, path: Path, passphrase: str, passkey: Passkey) -> Seat:
    """Put a passkey into the key file.

    Raises:
        UnlockRefused, KeyFileDamaged, UsageError: as ``change_key_file``. UsageError also: too many, or there already.
    """
    after = _changed(
        seat, path, passphrase, lambda staff: dataclasses.replace(staff, passkeys=(*staff.passkeys, passkey))
    )
    after.record(Act.PASSKEY_ADDED, passkey.id)
    return after


def remove_passkey(seat: Seat, path: Path, passphrase: str, passkey_id: str) -> Seat:
    """Take a passkey out of the key file; raises as ``change_key_file``. One that is gone changes nothing.

    With the last passkey that the file is bound to, it is not bound any more.
    """
    after = _changed(seat, path, passphrase, lambda staff: staff.without_passkey(passkey_id))
    after.record(Act.PASSKEY_REMOVED, passkey_id)
    if seat.staff.is_bound_to_passkeys and not after.staff.is_bound_to_passkeys:
        after.record(Act.KEY_FILE_UNBOUND)
    return after


def use_passkey(seat: Seat, passkey: Passkey, counter: int) -> None:
    """Note that a passkey whose signature was just checked let somebody in.

    Raises:
        UnlockRefused: its counter did not rise, so that there is a copy of it.
    """
    with seat.change() as change:
        _count(change, passkey, counter)
        change.record(Act.PASSKEY_USED, passkey.id)


def _count(change: Change, passkey: Passkey, counter: int) -> None:
    name = hashlib.sha256(passkey.credential).digest()
    row = change.session.get(PasskeyCounter, name)
    if row is None:
        change.session.add(PasskeyCounter(id=name, counter=counter))
    elif counter <= row.counter and (counter or row.counter):
        raise UnlockRefused("that did not match", detail="passkey: its counter did not rise")
    else:
        row.counter = counter


def replace_authenticator(seat: Seat, path: Path, passphrase: str, secret: bytes, *, counter: int) -> Seat:
    """Put another secret (20 bytes) for one-time codes into force; the caller has checked the code of ``counter``.

    Raises:
        UnlockRefused, KeyFileDamaged, UsageError: as ``change_key_file``. UnlockRefused also: the code was used.
    """
    after = _changed(seat, path, passphrase, lambda staff: dataclasses.replace(staff, totp=secret))
    after.record(Act.AUTHENTICATOR_REPLACED)
    use(seat.vault, seat.handle, secret, counter)
    return after


def _changed(
    seat: Seat,
    path: Path,
    passphrase: str,
    change: Callable[[key_file.StaffKey], key_file.StaffKey],
    *,
    new_passphrase: str = "",
) -> Seat:
    """The seat with the key file's content after a change to it; raises as ``change_key_file``."""
    staff = key_file.change_key_file(path, passphrase, change, opener=seat.staff.part, new_passphrase=new_passphrase)
    return Seat(seat.vault, staff, seat.rosters)


def _counter(used: int, secret: bytes) -> int:
    hour, tag = divmod(used, _TAG)
    first = hour * _COUNTERS
    return next((each for each in range(first, first + _COUNTERS) if totp.tag_of(secret, each) == tag), first - 1)
