"""Make heads.json from FORMAT.md, sections "Signatures" and "Audit head", without the package.

Run from the repository:  python tests/vectors/audithead/make.py > tests/vectors/audithead/heads.json

Each case is the file of "alice" of the newsroom "instance", whose signing key is "key". "expect" is true if it is hers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

INSTANCE = bytes(range(16)).hex()


def signer(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"seed signing {name}".encode()).digest())


def head(
    *,
    first: str = "fieldreport audit head v1",
    instance: str = INSTANCE,
    handle: str = "alice",
    number: str = "7",
    hash_: str = "22" * 32,
    by: str = "alice",
    label: str = "audit-head",
) -> str:
    text = f"{first}\ninstance {instance}\nhandle {handle}\nnumber {number}\nhash {hash_}\n"
    signature = signer(by).sign(f"fieldreport/v1/signature/{label}\n{text}".encode())
    return f"{text}signature {base64.b64encode(signature).decode()}\n"


def case(name: str, text: str, *, expect: bool = False) -> dict[str, str | bool]:
    return {"name": name, "expect": expect, "file": text}


def altered(name: str, change: Callable[[str], str]) -> dict[str, str | bool]:
    return case(name, change(head()))


CASES = [
    case("good", head(), expect=True),
    case("the largest number", head(number=str(2**53 - 1)), expect=True),
    case("number 2^53", head(number=str(2**53))),
    case("number zero", head(number="0")),
    case("a leading zero", head(number="07")),
    case("a negative number", head(number="-7")),
    case("another version", head(first="fieldreport audit head v2")),
    case("another newsroom", head(instance="00" * 16)),
    case("another person", head(handle="bora")),
    case("signed by another person", head(by="bora")),
    case("signed for another purpose", head(label="audit-entry")),
    case("a hash in capitals", head(hash_="AB" * 32)),
    case("a short hash", head(hash_="22" * 31)),
    altered("another number under the signature", lambda text: text.replace("number 7", "number 8")),
    altered("a line feed too many", lambda text: text + "\n"),
    altered("no line feed at the end", lambda text: text[:-1]),
    altered("carriage returns", lambda text: text.replace("\n", "\r\n")),
    altered(
        "lines in another order",
        lambda text: "\n".join([*text.split("\n")[:3], *text.split("\n")[4:2:-1], *text.split("\n")[5:]]),
    ),
    altered("no signature", lambda text: text[: text.index("signature")]),
    case("empty", ""),
]
KEY = signer("alice").public_key().public_bytes_raw().hex()
json.dump({"handle": "alice", "instance": INSTANCE, "key": KEY, "cases": CASES}, sys.stdout, indent=1)
sys.stdout.write("\n")
