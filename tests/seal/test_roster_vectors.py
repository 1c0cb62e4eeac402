"""Rosters made by tests/vectors/roster/make.py, which shares no code with the package; one failure each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from fieldreport.errors import RosterError
from fieldreport.seal.roster import verify_roster
from fieldreport.seal.signatures import AdminPublic

FILE = json.loads((Path(__file__).parents[1] / "vectors" / "roster" / "rosters.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_vectors(case: Mapping[str, str]) -> None:
    def verify() -> tuple[str, ...]:
        return verify_roster(
            case["roster"].encode(),
            case["signatures"].encode(),
            AdminPublic.parse(FILE["admin"]),
            instance=bytes.fromhex(FILE["instance"]),
            at=datetime.fromisoformat(case["at"]),
        ).key_ids()

    if not case["expect"]:
        sealed_to = [
            entry["key_id"]
            for entry in json.loads(case["roster"])["entries"]
            if entry["state"] == "active" and entry["role"] != "admin"
        ]
        assert verify() == tuple(sealed_to)
        return
    with pytest.raises(RosterError) as refused:
        verify()
    assert refused.value.code == case["expect"]
