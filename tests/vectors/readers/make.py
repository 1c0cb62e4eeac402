"""Make readers.json from FORMAT.md, "Signatures", "Readers of a case" and "Recovery shares", without the package.

Run from the repository:  python tests/vectors/readers/make.py > tests/vectors/readers/readers.json

``rosters``: epoch to entries, of which some are in a desk. Each case is a list of acts on the case "case" of the
newsroom "instance", the first one first. "expect" is the readers after the last (null: every editor), or "forged".
"recovery": a recovery key's seed and the public half of the key that signs for it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

INSTANCE, CASE, OTHER = bytes(range(16)).hex(), "c5" * 16, "c6" * 16
RECOVERY_SEED = hashlib.sha256(b"a recovery key").digest()
RECOVERY_SIGNING = hmac.digest(RECOVERY_SEED, b"fieldreport/v1/recovery-signing\x01", "sha256")


def signer(name: str) -> Ed25519PrivateKey:
    seed = RECOVERY_SIGNING if name == "recovery" else hashlib.sha256(f"seed signing {name}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public(name: str) -> str:
    return signer(name).public_key().public_bytes_raw().hex()


def entry(handle: str, role: str = "editor", state: str = "active") -> dict[str, Any]:
    return {"handle": handle, "role": role, "state": state, "signing": public(handle)}


STAFF = [entry("amira"), entry("jonas"), entry("late"), entry("lena", "admin"), entry("recovery", "recovery")]
ROSTERS = {
    "1": STAFF,
    "2": [each for each in STAFF if each["handle"] not in {"amira", "late"}],
    "4": [{**each, "addressees": ["borders"]} if each["handle"] in {"amira", "late"} else each for each in STAFF],
    "5": [{**each, "addressees": ["borders"]} if each["handle"] in {"jonas", "late"} else each for each in STAFF],
    "6": [
        {**each, "state": "decrypt-only", "addressees": ["borders"]} if each["handle"] == "late" else each
        for each in STAFF
    ],
    "3": [{**each, "state": "decrypt-only"} if each["handle"] == "amira" else each for each in STAFF],
}


def act(
    version: int,
    readers: list[str] | None,
    setter: str,
    *,
    epoch: int = 1,
    by: str = "",
    label: str = "case-readers",
    **signed: Any,
) -> dict[str, Any]:
    """An act; ``signed`` is what the signature is over, where it differs from what the act says."""
    said = {"case": CASE, "epoch": epoch, "instance": INSTANCE, "readers": readers, "version": version} | signed
    message = json.dumps(said, sort_keys=True, separators=(",", ":"))
    signature = signer(by or setter).sign(f"fieldreport/v1/signature/{label}\n{message}".encode())
    named = None if readers is None else ",".join(readers)
    return {"version": version, "readers": named, "setter": setter, "epoch": epoch, "signature": signature.hex()}


BOTH, LIMITED = ["amira", "late"], act(1, ["amira", "late"], "amira")
DESK = act(1, ["borders"], "amira", epoch=4)
CASES: dict[str, tuple[list[dict[str, Any]], list[str] | str | None]] = {
    "limited by one of its readers": ([LIMITED], BOTH),
    "opened again by the other": ([LIMITED, act(2, None, "late")], None),
    "limited once more": ([LIMITED, act(2, None, "late"), act(3, ["amira", "jonas"], "jonas")], ["amira", "jonas"]),
    "given on by the recovery key when all have left": ([LIMITED, act(2, ["jonas"], "recovery", epoch=2)], ["jonas"]),
    "by a reader whose key is being replaced": ([LIMITED, act(2, None, "amira", epoch=3)], None),
    "by an editor who is no reader": ([LIMITED, act(2, None, "jonas")], "forged"),
    "by the admin": ([LIMITED, act(2, None, "lena")], "forged"),
    "by the recovery key while a reader is there": ([LIMITED, act(2, ["jonas"], "recovery")], "forged"),
    "by the recovery key on a case that was never limited": ([act(1, ["jonas"], "recovery", epoch=2)], "forged"),
    "by a reader who has left": ([LIMITED, act(2, None, "amira", epoch=2)], "forged"),
    "in a reader's name, with an editor's key": ([act(1, BOTH, "amira", by="jonas")], "forged"),
    "in a reader's name, with a key that nobody has": ([act(1, BOTH, "amira", by="stranger")], "forged"),
    "by nobody whom the roster lists": ([act(1, BOTH, "stranger")], "forged"),
    "for a desk, by one who is in it": ([DESK], ["borders"]),
    "for a desk, by an editor who is not": ([act(1, ["borders"], "jonas", epoch=4)], ["borders"]),
    "opened again by one of the desk": ([DESK, act(2, None, "late", epoch=4)], None),
    "opened again by a newcomer of the desk": ([DESK, act(2, None, "jonas", epoch=5)], None),
    "for a desk and one editor more": ([DESK, act(2, ["borders", "jonas"], "late", epoch=4)], ["borders", "jonas"]),
    "by an editor who is not in the desk": ([DESK, act(2, None, "jonas", epoch=4)], "forged"),
    "by an editor who has left the desk": ([DESK, act(2, None, "amira", epoch=5)], "forged"),
    "by the recovery key while somebody is in the desk": ([DESK, act(2, ["jonas"], "recovery", epoch=5)], "forged"),
    "given on by the recovery key when nobody is in the desk": (
        [DESK, act(2, ["jonas"], "recovery", epoch=6)],
        ["jonas"],
    ),
    "a reader added afterwards": ([{**LIMITED, "readers": "amira,jonas,late"}], "forged"),
    "a reader struck afterwards": ([{**LIMITED, "readers": "amira"}], "forged"),
    "the limit struck afterwards": ([{**LIMITED, "readers": None}], "forged"),
    "an older act in the place of a newer": ([LIMITED, act(2, None, "late"), {**LIMITED, "version": 3}], "forged"),
    "another epoch": ([{**LIMITED, "epoch": 3}], "forged"),
    "of another case": ([act(1, BOTH, "amira", case=OTHER)], "forged"),
    "of another newsroom": ([act(1, BOTH, "amira", instance="00" * 16)], "forged"),
    "signed for another purpose": ([act(1, BOTH, "amira", label="case-origin")], "forged"),
    "the first is not by who might, the second is": ([act(1, BOTH, "lena"), act(2, None, "late")], "forged"),
    "a signature that is too short": ([{**LIMITED, "signature": LIMITED["signature"][:-2]}], "forged"),
}

json.dump(
    {
        "instance": INSTANCE,
        "case": CASE,
        "rosters": ROSTERS,
        "recovery": {"seed": RECOVERY_SEED.hex(), "signing": public("recovery")},
        "cases": [{"name": name, "acts": acts, "expect": expect} for name, (acts, expect) in CASES.items()],
    },
    sys.stdout,
    indent=1,
)
sys.stdout.write("\n")
