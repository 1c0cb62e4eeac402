"""Unlocking a key file, next to the one Argon2id that it must cost, at the cost that key files are written with."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import Final

from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.seal import Role
from fieldreport.unseal import key_file

_ROUNDS: Final = 7


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
