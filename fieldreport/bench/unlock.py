"""Unlocking a key file beside the one Argon2id that it must cost, at the cost that key files are written with."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import Final

from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.seal import Role
from fieldreport.unseal import keyfile

_ROUNDS: Final = 7


def measure(sheet: Sheet) -> None:
    """Write one row."""
    passphrase = keyfile.generate_passphrase()
    salt, into = secrets.token_bytes(16), bytearray(32)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "editor.key")
        keyfile.write_key_file(path, keyfile.new_staff_key("editor", Role.EDITOR), passphrase)

        def one_argon2id() -> None:
            keyfile.derive_once(passphrase, salt, keyfile.FULL, into)

        unlocked = in_turn(lambda: keyfile.unlock(path, passphrase), one_argon2id, rounds=_ROUNDS)
        sheet.pair("unlock a key file", unlocked, "one Argon2id", at_most=1.05)
