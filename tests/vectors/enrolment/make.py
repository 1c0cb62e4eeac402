"""Make enrolments.json from FORMAT.md, sections "Signatures" and "Enrolment request", without the package.

Run from the repository:  python tests/vectors/enrolment/make.py > tests/vectors/enrolment/enrolments.json

A case is a request and the moment at which it is looked at, by the newsroom "instance" whose roster has the entries
"listed". "expect" is empty if it is granted, or the error.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

INSTANCE = bytes(range(16)).hex()
AT = "2026-11-02T12:00:00Z"
EXPIRES = "2026-11-16T12:00:00Z"


def seed(name: str) -> bytes:
    return hashlib.sha256(f"seed {name}".encode()).digest()


def recipient(name: str) -> str:
    expanded = hashlib.shake_256(seed(name)).digest(96)
    return bech32(
        "age1pq",
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key().public_bytes_raw()
        + X25519PrivateKey.from_private_bytes(expanded[64:]).public_key().public_bytes_raw(),
    )


def bech32(prefix: str, data: bytes) -> str:
    """BIP 173, without its limit on the length."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[place : place + 5], 2) for place in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    checksum = 1
    for value in [*expanded, *values, 0, 0, 0, 0, 0, 0]:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    checksum ^= 1
    values += [checksum >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in values)


def signer(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed(f"signing {name}"))


def public(name: str) -> str:
    return signer(name).public_key().public_bytes_raw().hex()


KEYS = {
    "instance": INSTANCE,
    "handle": "dana",
    "recipient": recipient("dana"),
    "signing": public("dana"),
    "expires": EXPIRES,
}


def lines(first: str = "fieldreport enrolment request v1", **changes: str) -> str:
    return "".join([f"{first}\n", *(f"{name} {value}\n" for name, value in (KEYS | changes).items())])


def signed(body: str, *, by: str = "dana", label: str = "enrolment-request", over: str | None = None) -> str:
    message = f"fieldreport/v1/signature/{label}\n{body if over is None else over}".encode()
    return f"{body}signature {base64.b64encode(signer(by).sign(message)).decode()}\n"


def case(name: str, expect: str, request: str, at: str = AT) -> dict[str, str]:
    return {"name": name, "expect": expect, "at": at, "request": request}


BODY, REFUSED = lines(), "enrolment-request"
GOOD = signed(BODY)
WRONG = KEYS["recipient"][:-1] + ("q" if KEYS["recipient"][-1] != "q" else "p")
CASES: list[dict[str, Any]] = [
    case("good", "", GOOD),
    case("in its last second", "", GOOD, at="2026-11-16T11:59:59Z"),
    case("made on a machine whose clock is an hour ahead", "", GOOD, at="2026-11-02T11:00:00Z"),
    case("run out", REFUSED, GOOD, at=EXPIRES),
    case("valid for too long", REFUSED, GOOD, at="2026-11-02T10:59:59Z"),
    case("for another newsroom", REFUSED, signed(lines(instance="00" * 16))),
    case("a handle that is taken", "usage", signed(lines(handle="alice"))),
    case("a handle that somebody had who left", "usage", signed(lines(handle="chul"))),
    case("the admin's handle", REFUSED, signed(lines(handle="admin"))),
    case("somebody's recipient", REFUSED, signed(lines(recipient=recipient("alice")))),
    case("somebody's signing key", REFUSED, signed(lines(signing=public("alice")), by="alice")),
    case("signed with another key", "signature", signed(BODY, by="mallory")),
    case("signed for a rotation", "signature", signed(BODY, label="key-request")),
    case("signed over another handle", "signature", signed(BODY, over=lines(handle="mallory"))),
    case("signed over another recipient", "signature", signed(BODY, over=lines(recipient=recipient("mallory")))),
    case("signed over another expiry", "signature", signed(BODY, over=lines(expires="2026-11-15T12:00:00Z"))),
    case("another version", REFUSED, signed(lines("fieldreport enrolment request v2"))),
    case("a request for a rotation", REFUSED, signed(BODY.replace("enrolment", "key"), label="key-request")),
    case("a handle in capitals", REFUSED, signed(lines(handle="Dana"))),
    case("a handle of 33 characters", REFUSED, signed(lines(handle="d" * 33))),
    case("an instance in capitals", REFUSED, signed(lines(instance="AB" * 16))),
    case("an instance too short", REFUSED, signed(lines(instance="00" * 15))),
    case("a recipient with a wrong checksum", REFUSED, signed(lines(recipient=WRONG))),
    case("a recipient in capitals", REFUSED, signed(lines(recipient=KEYS["recipient"].upper()))),
    case("a recipient of the classical kind", REFUSED, signed(lines(recipient=bech32("age", bytes(32))))),
    case("a signing key too short", REFUSED, signed(lines(signing=public("dana")[2:]))),
    case("a day that is not", REFUSED, signed(lines(expires="2026-11-31T12:00:00Z"))),
    case("a time with an offset", REFUSED, signed(lines(expires="2026-11-16T12:00:00+00:00"))),
    case("a time without zeros in front", REFUSED, signed(lines(expires="2026-11-16T9:00:00Z"))),
    case("a line more", REFUSED, signed(BODY + "role admin\n")),
    case("a line less", REFUSED, signed(BODY.replace(f"instance {INSTANCE}\n", ""))),
    case("lines exchanged", REFUSED, signed("".join([*BODY.splitlines(True)[:2], *BODY.splitlines(True)[:1:-1]]))),
    case("carriage returns", REFUSED, GOOD.replace("\n", "\r\n")),
    case("a line feed at the end", REFUSED, GOOD + "\n"),
    case("no line feed at the end", REFUSED, GOOD[:-1]),
    case("two spaces", REFUSED, signed(BODY.replace("handle ", "handle  "))),
    case("no signature", REFUSED, BODY),
    case("a signature in base64 of another spelling", REFUSED, GOOD[:-4] + chr(ord(GOOD[-4]) + 1) + GOOD[-3:]),
    case("a signature of zeros", "signature", f"{BODY}signature {base64.b64encode(bytes(64)).decode()}\n"),
    case("nothing", REFUSED, ""),
    case("too long", REFUSED, GOOD + "x" * 5000),
]
json.dump(
    {
        "instance": INSTANCE,
        "listed": [
            {"handle": handle, "recipient": recipient(handle), "signing": public(handle), "state": state}
            for handle, state in (("alice", "active"), ("chul", "revoked"))
        ],
        "fingerprint": hashlib.sha256(BODY.encode()).hexdigest()[:32],
        "cases": CASES,
    },
    sys.stdout,
    indent=1,
)
sys.stdout.write("\n")
