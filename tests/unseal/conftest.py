"""The cast's private keys. Unlocking at full cost takes 0.6 s, so the tests' key files are cheap ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from fieldreport.seal.roster_directory import Role
from fieldreport.unseal.key_file import Cost, StaffKey, new_staff_key, write_key_file

LIGHT: Final = Cost(kib=64, passes=1, lanes=1)
PASSPHRASE: Final = "slush sing credit sword sick muscle wet"


@pytest.fixture
def amira() -> StaffKey:
    return new_staff_key("amira", Role.EDITOR)


@pytest.fixture
def lena() -> StaffKey:
    return new_staff_key("lena", Role.ADMIN)


@pytest.fixture
def path(tmp_path: Path, amira: StaffKey) -> Path:
    """Amira's key file."""
    file = tmp_path / "amira.key"
    write_key_file(file, amira, PASSPHRASE, cost=LIGHT)
    return file
