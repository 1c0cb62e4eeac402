"""Unlocking a key file, next to the one Argon2id that it must cost, at the cost that key files are written with.

And one that is bound to as many passkeys and recovery codes as there can be.
"""

from __future__ import annotations

import dataclasses
import secrets
import tempfile
from pathlib import Path
from typing import Final

from fieldreport import limits
from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.seal import Role
from fieldreport.unseal import key_file, recovery_codes
from fieldreport.unseal.key_part import Opener
from fieldreport.unseal.passkey import Passkey

_ROUNDS: Final = 7
# A passkey's public key: SubjectPublicKeyInfo of the base point of P-256 (SEC 2, section 2.4.2). It signs nothing here.
_PUBLIC: Final = bytes.fromhex(
    "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2"
    "964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


def measure(sheet: Sheet) -> None:
    """Write one row."""
    passphrase = key_file.generate_passphrase()
    salt, into = secrets.token_bytes(16), bytearray(32)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "keyfiles", "editor.key")
        path.parent.mkdir()
        key_file.write_key_file(path, key_file.StaffKey.generate("editor", Role.EDITOR), passphrase)

        def one_argon2id() -> None:
            key_file.derive_once(passphrase, salt, key_file.FULL, into)

        unlocked = in_turn(lambda: key_file.unlock(path, passphrase), one_argon2id, rounds=_ROUNDS)
        sheet.pair("unlock a key file", unlocked, "one Argon2id", at_most=1.05)
        staff, opener = _bound()
        key_file.write_key_file(path, staff, passphrase)
        unlocked = in_turn(lambda: key_file.unlock(path, passphrase, opener=opener), one_argon2id, rounds=_ROUNDS)
        sheet.pair("unlock a key file bound to passkeys", unlocked, "one Argon2id", at_most=1.05)


def _bound() -> tuple[key_file.StaffKey, Opener]:
    """Keys with every holder that there can be, and one of these."""
    ids = [secrets.token_bytes(limits.PASSKEY_ID_BYTES) for _ in range(limits.PASSKEYS)]
    passkeys = (
        Passkey(name=f"key {number}", credential=each, public=_PUBLIC, host="desk.example", prf=True)
        for number, each in enumerate(ids)
    )
    staff = dataclasses.replace(key_file.StaffKey.generate("editor", Role.EDITOR), passkeys=tuple(passkeys))
    openers = [Opener.of_passkey(each, secrets.token_bytes(32)) for each in ids]
    staff = staff.bound_to(openers[0], recovery_codes.generate(long=True))
    for each in openers[1:]:
        staff = staff.bound_to(each)
    return staff, openers[0]
