"""Where the vectors lie."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def vectors() -> Path:
    return Path(__file__).parent.parent / "vectors"
