"""Hand-overs made by tests/vectors/handover/make.py, which shares no code with the package; one failure each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldreport.errors import RosterError
from fieldreport.seal.handover import AdminChain, verify_hand_over
from fieldreport.seal.signatures import AdminPublic

FILE = json.loads((Path(__file__).parents[1] / "vectors" / "handover" / "handovers.json").read_text(encoding="utf-8"))


def file(name: str) -> bytes:
    return str(FILE["files"][name]).encode()


def key(name: str) -> AdminPublic:
    return AdminPublic.parse(file(name).decode())


def follow(case: dict[str, Any]) -> None:
    hand_overs = [
        verify_hand_over(
            file(each["document"]),
            file(each["signatures"]),
            file(each["acceptance"]),
            instance=bytes.fromhex(FILE["instance"]),
        )
        for each in case["hand-overs"]
    ]
    chain = AdminChain.follow(case["pinned"], key(case["admin.pub"]), hand_overs)
    chain.check_signer(key(case["signer"]), case["epoch"])


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    if not case["expect"]:
        follow(case)
        return
    with pytest.raises(RosterError) as refused:
        follow(case)
    assert refused.value.code == case["expect"]
    assert refused.value.exit_status == 77
