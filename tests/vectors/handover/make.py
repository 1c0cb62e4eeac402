"""Make handovers.json from FORMAT.md, sections "Signatures" and "Hand-over", without the package.

Run from the repository:  python tests/vectors/handover/make.py > tests/vectors/handover/handovers.json
ML-DSA signatures are randomised, so every run gives other bytes of the same meaning.

A case is a pinned fingerprint, what admin.pub holds, hand-overs in order, and the seal of a roster: the key that signed
it and its epoch. "expect" is empty if that signer counts for that epoch, or the error. Files stand once under "files",
by the beginning of their SHA-256, and are named by it everywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

INSTANCE = bytes(range(16)).hex()


class Admin:
    def __init__(self, name: str) -> None:
        self.ed25519 = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"seed {name} ed25519".encode()).digest())
        self.mldsa65 = MLDSA65PrivateKey.from_seed_bytes(hashlib.sha256(f"seed {name} ml-dsa-65".encode()).digest())
        self.public = self.ed25519.public_key().public_bytes_raw(), self.mldsa65.public_key().public_bytes_raw()
        self.fingerprint = hashlib.sha256(b"".join(self.public)).hexdigest()
        self.card = lines("fieldreport admin key v1", *self.public)
        self.value = {"ed25519": self.public[0].hex(), "ml-dsa-65": self.public[1].hex()}

    def sign(self, label: str, raw: str, ed25519: Admin | None = None, mldsa65: Admin | None = None) -> str:
        message = f"fieldreport/v1/signature/{label}\n{raw}".encode()
        one, other = (ed25519 or self).ed25519, (mldsa65 or self).mldsa65
        return lines("fieldreport signatures v1", one.sign(message), other.sign(message))


def lines(first: str, ed25519: bytes, mldsa65: bytes) -> str:
    return f"{first}\ned25519 {base64.b64encode(ed25519).decode()}\nml-dsa-65 {base64.b64encode(mldsa65).decode()}\n"


ANNA, BORIS, CHUL, STRANGER = (Admin(name) for name in ("anna", "boris", "chul", "stranger"))


FILES: dict[str, str] = {}


def file(content: str) -> str:
    name = hashlib.sha256(content.encode()).hexdigest()[:12]
    FILES[name] = content
    return name


def spell(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def value(old: Admin, new: Admin, number: int, epoch: int) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "format": "fieldreport-handover-v1",
        "from": old.value,
        "instance": INSTANCE,
        "number": number,
        "to": new.value,
    }


def signed(raw: str, old: Admin, new: Admin) -> dict[str, str]:
    return {
        "document": raw,
        "signatures": old.sign("admin-handover", raw),
        "acceptance": new.sign("admin-acceptance", raw),
    }


def handed(old: Admin, new: Admin, number: int, epoch: int) -> dict[str, str]:
    return signed(spell(value(old, new, number, epoch)), old, new)


FIRST = handed(ANNA, BORIS, 1, 5)
SECOND = handed(BORIS, CHUL, 2, 9)
RAW = FIRST["document"]


def case(
    name: str,
    expect: str,
    hand_overs: list[dict[str, str]],
    *,
    pinned: Admin = ANNA,
    card: Admin = ANNA,
    signer: Admin = BORIS,
    epoch: int = 5,
) -> dict[str, Any]:
    return {
        "name": name,
        "expect": expect,
        "pinned": pinned.fingerprint,
        "admin.pub": file(card.card),
        "hand-overs": [{part: file(content) for part, content in each.items()} for each in hand_overs],
        "signer": file(signer.card),
        "epoch": epoch,
    }


def broken(name: str, **changes: Any) -> dict[str, Any]:
    return text(name, spell(value(ANNA, BORIS, 1, 5) | changes))


def text(name: str, raw: str) -> dict[str, Any]:
    return case(name, "roster-handover", [signed(raw, ANNA, BORIS)])


CASES = [
    case("no hand-over", "", [], signer=ANNA, epoch=1),
    case("the new key from the epoch on", "", [FIRST]),
    case("the old key before the epoch", "", [FIRST], signer=ANNA, epoch=4),
    case("admin.pub shows the new key", "", [FIRST], card=BORIS),
    case("over two hand-overs", "", [FIRST, SECOND], signer=CHUL, epoch=100_000),
    case("the middle key in its time", "", [FIRST, SECOND], signer=BORIS, epoch=8),
    case("the new key pinned", "", [FIRST], pinned=BORIS, card=BORIS),
    case("the middle key pinned", "", [FIRST, SECOND], pinned=BORIS, card=CHUL, signer=CHUL, epoch=9),
    case("the old key at the epoch", "roster-handover", [FIRST], signer=ANNA),
    case("the old key long after", "roster-handover", [FIRST, SECOND], signer=ANNA, epoch=100),
    case("the new key before the epoch", "roster-handover", [FIRST], epoch=4),
    case("the middle key after its time", "roster-handover", [FIRST, SECOND], signer=BORIS, epoch=9),
    case("the new key pinned, the old one signs in its own time", "roster-handover", [FIRST], pinned=BORIS, signer=ANNA,
         epoch=4),
    case("a stranger", "roster-handover", [FIRST], signer=STRANGER),
    case("pinned is nobody of the line", "roster-admin", [FIRST], pinned=STRANGER),
    case("admin.pub is nobody of the line", "roster-admin", [FIRST], card=STRANGER),
    case("no hand-over, another key published", "roster-admin", [], card=BORIS),
    case("a line of a stranger's own", "roster-admin", [handed(STRANGER, BORIS, 1, 5)], card=BORIS),
    case("the first number missing", "roster-handover", [SECOND], pinned=BORIS, card=BORIS, signer=CHUL, epoch=9),
    case("out of order", "roster-handover", [SECOND, FIRST]),
    case("the same twice", "roster-handover", [FIRST, FIRST]),
    case("given by who has it not", "roster-handover", [FIRST, handed(STRANGER, CHUL, 2, 9)]),
    case("given twice by the old key", "roster-handover", [FIRST, handed(ANNA, CHUL, 2, 9)]),
    case("beginning at the epoch of the one before", "roster-handover", [FIRST, handed(BORIS, CHUL, 2, 5)]),
    case("going back to the first key", "roster-handover", [FIRST, handed(BORIS, ANNA, 2, 9)]),
    case("not accepted", "roster-handover", [FIRST | {"acceptance": ""}]),
    case("accepted by the old key", "roster-handover", [FIRST | {"acceptance": ANNA.sign("admin-acceptance", RAW)}]),
    case("accepted by a stranger", "roster-handover", [FIRST | {"acceptance": STRANGER.sign("admin-acceptance", RAW)}]),
    case("accepted under the label of giving", "roster-handover",
         [FIRST | {"acceptance": BORIS.sign("admin-handover", RAW)}]),
    case("not given", "roster-handover", [FIRST | {"signatures": ""}]),
    case("given by the new key", "roster-handover", [FIRST | {"signatures": BORIS.sign("admin-handover", RAW)}]),
    case("given under the label of a roster", "roster-handover", [FIRST | {"signatures": ANNA.sign("roster", RAW)}]),
    case("given over other bytes", "roster-handover",
         [FIRST | {"signatures": ANNA.sign("admin-handover", RAW + " ")}]),
    case("given with Ed25519 of a stranger", "roster-handover",
         [FIRST | {"signatures": ANNA.sign("admin-handover", RAW, ed25519=STRANGER)}]),
    case("given with ML-DSA-65 of a stranger", "roster-handover",
         [FIRST | {"signatures": ANNA.sign("admin-handover", RAW, mldsa65=STRANGER)}]),
    case("accepted with ML-DSA-65 of a stranger", "roster-handover",
         [FIRST | {"acceptance": BORIS.sign("admin-acceptance", RAW, mldsa65=STRANGER)}]),
    case("signatures exchanged", "roster-handover",
         [FIRST | {"signatures": FIRST["acceptance"], "acceptance": FIRST["signatures"]}]),
    case("a signature file with an empty line", "roster-handover",
         [FIRST | {"signatures": FIRST["signatures"] + "\n"}]),
    broken("another format", format="fieldreport-handover-v2"),
    broken("an unknown key", note="x"),
    broken("another newsroom", instance="00" * 16),
    broken("an instance too short", instance="00" * 15),
    broken("epoch one", epoch=1),
    broken("an epoch over the bound", epoch=100_001),
    broken("an epoch in words", epoch="5"),
    broken("a true epoch", epoch=True),
    broken("number zero", number=0),
    broken("number 101", number=101),
    broken("a key without its second half", to={"ed25519": BORIS.value["ed25519"]}),
    broken("a key with a third half", to=BORIS.value | {"rsa": "00"}),
    broken("a key in capitals", to={name: half.upper() for name, half in BORIS.value.items()}),
    broken("a key too short", to=BORIS.value | {"ed25519": "00" * 31}),
    case("handed to itself", "roster-handover", [handed(ANNA, ANNA, 1, 5)], signer=ANNA),
    broken("one half handed to itself", to=BORIS.value | {"ml-dsa-65": ANNA.value["ml-dsa-65"]}),
    text("a line feed at the end", RAW + "\n"),
    text("a space after a colon", RAW.replace(":", ": ", 1)),
    text("a key twice", RAW.replace('"epoch":5', '"epoch":5,"epoch":5')),
    text("a float", RAW.replace('"epoch":5', '"epoch":5.0')),
    text("no document", ""),
    text("an array", f"[{RAW}]"),
]  # fmt: skip
json.dump({"instance": INSTANCE, "files": FILES, "cases": CASES}, sys.stdout, indent=1)
sys.stdout.write("\n")
