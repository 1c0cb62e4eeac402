"""Heads of the audit log made by tests/vectors/audithead/make.py, which shares no code with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from fieldreport.errors import SealError
from fieldreport.seal import AuditHead
from fieldreport.vault.archive.audit_heads import parse_head

FILE = json.loads((Path(__file__).parents[2] / "vectors" / "audithead" / "heads.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_vectors(case: Mapping[str, str]) -> None:
    def parse() -> AuditHead:
        return parse_head(
            case["file"].encode(),
            handle=FILE["handle"],
            instance=bytes.fromhex(FILE["instance"]),
            keys=[bytes.fromhex(FILE["key"])],
        )

    if case["expect"]:
        assert parse().hash == bytes([0x22]) * 32
        return
    with pytest.raises(SealError) as refused:
        parse()
    assert refused.value.code == "audit-head"
