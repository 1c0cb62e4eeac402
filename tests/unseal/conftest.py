"""The cast's private keys. Unlocking at full cost takes 0.6 s, so the tests' key files are cheap ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from fieldreport.unseal.key_file import write_key_file
from fieldreport.unseal.staff_key import StaffKey
from tests.cast import CHEAP, staff

PASSPHRASE: Final = "slush sing credit sword sick muscle wet"


@pytest.fixture
def amira() -> StaffKey:
    return staff()["amira"]


@pytest.fixture
def lena() -> StaffKey:
    return staff()["lena"]


@pytest.fixture
def path(tmp_path: Path, amira: StaffKey) -> Path:
    """Amira's key file on the desk."""
    file = tmp_path / "amira.key"
    write_key_file(file, amira, PASSPHRASE, cost=CHEAP)
    return file


@pytest.fixture
def portable(tmp_path: Path, amira: StaffKey) -> Path:
    """Amira's key file as it travels: her passphrase alone opens it."""
    file = tmp_path / "card" / "amira.key"
    file.parent.mkdir()
    write_key_file(file, amira, PASSPHRASE, cost=CHEAP, portable=True)
    return file
