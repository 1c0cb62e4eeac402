"""What a row hides: opened with its own key, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldreport.errors import SealError
from fieldreport.seal import decrypt_row, encrypt_row

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "row" / "rows.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    key, hidden = bytes.fromhex(VECTORS["key"]), bytes.fromhex(case["hidden"])
    if case["content"] is not None:
        assert decrypt_row(key, hidden) == bytes.fromhex(case["content"])
        return
    with pytest.raises(SealError) as caught:
        decrypt_row(key, hidden)
    assert caught.value.code == "row-key"


def test_each_content_has_a_key_of_its_own() -> None:
    first, second = encrypt_row(b"a header"), encrypt_row(b"a header")
    assert decrypt_row(*first) == decrypt_row(*second) == b"a header"
    assert first[0] != second[0]
    assert first[1] != second[1]
    with pytest.raises(SealError):
        decrypt_row(first[0], second[1])
