"""Acts on who reads a case, made by tests/vectors/readers/make.py, which shares no code with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fieldreport.errors import SealError
from fieldreport.seal import Entry, HybridIdentity, KeyState, Role
from fieldreport.seal.roster import key_id
from fieldreport.unseal.recovery import signing_key
from fieldreport.vault.archive.readers import check_acts
from fieldreport.vault.archive.tables import CaseReaders

FILE = json.loads((Path(__file__).parents[2] / "vectors" / "readers" / "readers.json").read_text(encoding="utf-8"))


def entry(given: Mapping[str, Any]) -> Entry:
    role, signing = Role(given["role"]), bytes.fromhex(given["signing"])
    recipient = None if role is Role.ADMIN else HybridIdentity.generate().recipient
    return Entry(
        handle=given["handle"],
        role=role,
        key_id=key_id(signing if recipient is None else recipient.public),
        recipient=recipient,
        signing=signing,
        state=KeyState(given["state"]),
        addressees=tuple(given.get("addressees", ())),
    )


ROSTERS = {int(epoch): [entry(each) for each in entries] for epoch, entries in FILE["rosters"].items()}


def check(acts: Sequence[Mapping[str, Any]]) -> frozenset[str] | None:
    rows = [
        CaseReaders(
            case_id=bytes.fromhex(FILE["case"]),
            version=act["version"],
            readers=act["readers"],
            setter=act["setter"],
            epoch=act["epoch"],
            signature=bytes.fromhex(act["signature"]),
        )
        for act in acts
    ]
    return check_acts(rows, ROSTERS.__getitem__, instance=bytes.fromhex(FILE["instance"]))


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_vectors(case: Mapping[str, Any]) -> None:
    if case["expect"] == "forged":
        with pytest.raises(SealError) as refused:
            check(case["acts"])
        assert refused.value.code == "forged"
        return
    assert check(case["acts"]) == (None if case["expect"] is None else frozenset(case["expect"]))


def test_a_recovery_key_signs_with_what_follows_from_its_seed() -> None:
    identity = HybridIdentity(bytes.fromhex(FILE["recovery"]["seed"]))
    assert signing_key(identity).public.hex() == FILE["recovery"]["signing"]
