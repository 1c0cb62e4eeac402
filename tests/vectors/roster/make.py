"""Make rosters.json from FORMAT.md, sections "Signatures" and "Roster", without the package.

Run from the repository:  python tests/vectors/roster/make.py > tests/vectors/roster/rosters.json
ML-DSA signatures are randomised, so every run gives other bytes of the same meaning.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

INSTANCE = bytes(range(16)).hex()
AT = "2026-11-02T12:00:00Z"


def seed(name: str) -> bytes:
    return hashlib.sha256(f"seed {name}".encode()).digest()


ED25519 = Ed25519PrivateKey.from_private_bytes(seed("admin ed25519"))
MLDSA65 = MLDSA65PrivateKey.from_seed_bytes(seed("admin ml-dsa-65"))
STRANGER = Ed25519PrivateKey.from_private_bytes(seed("stranger"))


def recipient(name: str) -> bytes:
    expanded = hashlib.shake_256(seed(name)).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key().public_bytes_raw()
        + X25519PrivateKey.from_private_bytes(expanded[64:]).public_key().public_bytes_raw()
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


def entry(handle: str, role: str, state: str = "active", *, key: str = "") -> dict[str, str | None]:
    public = None if role == "admin" else recipient(key or handle)
    signing = (
        None
        if role == "recovery"
        else Ed25519PrivateKey.from_private_bytes(seed(f"signing {handle}")).public_key().public_bytes_raw()
    )
    shown = public or signing or b""
    return {
        "handle": handle,
        "key_id": hashlib.sha256(shown).hexdigest()[:32],
        "recipient": None if public is None else bech32("age1pq", public),
        "role": role,
        "signing": None if signing is None else signing.hex(),
        "state": state,
    }


def former() -> list[dict[str, str | None]]:
    return [entry("alice", "editor", "decrypt-only", key="alice before"), entry("chul", "editor", "revoked")]


def good(*more: dict[str, str | None]) -> dict[str, Any]:
    entries = [
        entry("admin", "admin"),
        entry("alice", "editor"),
        entry("bora", "editor"),
        entry("recovery", "recovery"),
        *more,
    ]
    return {
        "entries": sorted(entries, key=lambda item: (item["handle"], item["key_id"])),
        "epoch": 2,
        "format": "fieldreport-roster-v1",
        "instance": INSTANCE,
        "not_after": "2027-01-31T11:55:00Z",
        "not_before": "2026-11-02T11:55:00Z",
        "previous": "11" * 32,
    }


HEAD: dict[str, Any] = {"hash": "22" * 32, "number": 7}


def with_head(value: dict[str, Any], audit: dict[str, Any] | None = HEAD) -> dict[str, Any]:
    value.update(format="fieldreport-roster-v2", audit=audit)
    return value


def addressed(value: dict[str, Any], **names: object) -> dict[str, Any]:
    """Version 3: every entry says under which names sources may address its person."""
    value.update(format="fieldreport-roster-v3", audit=value.get("audit"))
    for item in value["entries"]:
        item["addressees"] = names.get(item["handle"], [])
    return value


def lines(first: str, ed25519: bytes, mldsa65: bytes) -> str:
    return f"{first}\ned25519 {base64.b64encode(ed25519).decode()}\nml-dsa-65 {base64.b64encode(mldsa65).decode()}\n"


def signed(raw: str, *, label: str = "roster", ed25519: Ed25519PrivateKey = ED25519, over: str | None = None) -> str:
    message = f"fieldreport/v1/signature/{label}\n".encode() + (raw if over is None else over).encode()
    return lines("fieldreport signatures v1", ed25519.sign(message), MLDSA65.sign(message))


def spell(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def case(name: str, expect: str, raw: str, signatures: str | None = None, at: str = AT) -> dict[str, str]:
    return {
        "name": name,
        "expect": expect,
        "at": at,
        "roster": raw,
        "signatures": signed(raw) if signatures is None else signatures,
    }


def changed(
    name: str,
    change: Callable[[dict[str, Any]], object],
    expect: str = "roster-malformed",
    more: Sequence[dict[str, str | None]] = (),
) -> dict[str, str]:
    value = good(*more)
    change(value)
    return case(name, expect, spell(value))


GOOD = spell(good())
PUBLIC = lines(
    "fieldreport admin key v1", ED25519.public_key().public_bytes_raw(), MLDSA65.public_key().public_bytes_raw()
)
CASES = [
    case("good", "", GOOD),
    case("with former keys", "", spell(good(*former()))),
    case("in its last second", "", GOOD, at="2027-01-31T11:54:59Z"),
    case("expired", "roster-expired", GOOD, at="2027-01-31T11:55:00Z"),
    case("early", "roster-early", GOOD, at="2026-11-02T11:54:59Z"),
    case("signed for another purpose", "roster-signature", GOOD, signed(GOOD, label="key-request")),
    case("signed over other bytes", "roster-signature", GOOD, signed(GOOD, over=GOOD + " ")),
    case("Ed25519 by a stranger, ML-DSA-65 by the admin", "roster-signature", GOOD, signed(GOOD, ed25519=STRANGER)),
    case("a signature file with an empty line", "roster-signature", GOOD, signed(GOOD) + "\n"),
    case(
        "a signature file with the lines exchanged",
        "roster-signature",
        GOOD,
        "\n".join([signed(GOOD).splitlines()[0], *reversed(signed(GOOD).splitlines()[1:]), ""]),
    ),
    case("no signatures", "roster-signature", GOOD, ""),
    case("a space after a colon", "roster-malformed", GOOD.replace(":", ": ", 1)),
    case("a line feed at the end", "roster-malformed", GOOD + "\n"),
    case("a needless escape", "roster-malformed", GOOD.replace("alice", "\\u0061lice", 1)),
    case("a key twice", "roster-malformed", GOOD.replace('"epoch":2', '"epoch":2,"epoch":2')),
    case("a float", "roster-malformed", GOOD.replace('"epoch":2', '"epoch":2.0')),
    case("keys out of order", "roster-malformed", '{"epoch":2,' + GOOD[1:].replace('"epoch":2,', "")),
    changed("an unknown key", lambda v: v.update(note="x")),
    changed("another format", lambda v: v.update(format="fieldreport-roster-v4")),
    changed("with the audit log's head", with_head, ""),
    changed("version 2 without a head", lambda v: v.update(format="fieldreport-roster-v2")),
    changed("version 1 with a head", lambda v: v.update(audit=HEAD)),
    changed("no head for null", lambda v: with_head(v, audit=None)),
    changed("a head with number zero", lambda v: with_head(v, audit=HEAD | {"number": 0})),
    changed("a head with a number as text", lambda v: with_head(v, audit=HEAD | {"number": "7"})),
    changed("a head with a number that is true", lambda v: with_head(v, audit=HEAD | {"number": True})),
    changed("a head with number 2^53", lambda v: with_head(v, audit=HEAD | {"number": 2**53})),
    changed("a head with a hash in capitals", lambda v: with_head(v, audit=HEAD | {"hash": "AB" * 32})),
    changed("a head with a short hash", lambda v: with_head(v, audit=HEAD | {"hash": "22" * 31})),
    changed("a head with an unknown key", lambda v: with_head(v, audit=HEAD | {"note": "x"})),
    changed("a head without its number", lambda v: with_head(v, audit={"hash": "22" * 32})),
    changed(
        "with addressees: a desk of two, and one by name",
        lambda v: addressed(v, alice=["alice", "borders"], bora=["borders"]),
        "",
    ),
    changed("with addressees and the audit log's head", lambda v: addressed(with_head(v), bora=["borders"]), ""),
    changed("version 3 that addresses nobody", addressed, ""),
    changed("a desk of somebody who has left", lambda v: addressed(v, chul=["ports"]), "", former()),
    changed("version 1 with addressees", lambda v: v["entries"][1].update(addressees=["borders"])),
    changed("version 3 without addressees", lambda v: v.update(format="fieldreport-roster-v3", audit=None)),
    changed("version 3 without a head or null", lambda v: addressed(v).pop("audit")),
    changed("an addressee that is not in a list", lambda v: addressed(v, alice="borders")),
    changed("an addressee that is a number", lambda v: addressed(v, alice=[1])),
    changed("an addressee in capitals", lambda v: addressed(v, alice=["Borders"])),
    changed("an addressee twice", lambda v: addressed(v, alice=["borders", "borders"])),
    changed("addressees out of order", lambda v: addressed(v, alice=["ports", "borders"])),
    changed("an addressee that is another's handle", lambda v: addressed(v, alice=["bora"])),
    changed("an addressee that is a former handle", lambda v: addressed(v, alice=["chul"]), more=former()),
    changed("an admin who is addressed", lambda v: addressed(v, admin=["borders"])),
    changed("a recovery key that is addressed", lambda v: addressed(v, recovery=["borders"])),
    changed("33 addressees", lambda v: addressed(v, alice=[f"desk-{number:02}" for number in range(33)])),
    changed("another newsroom", lambda v: v.update(instance="00" * 16), "roster-instance"),
    changed("epoch zero", lambda v: v.update(epoch=0)),
    changed("epoch one with a previous roster", lambda v: v.update(epoch=1)),
    changed("epoch two without one", lambda v: v.update(previous="00" * 32)),
    changed("valid for 90 days and a second", lambda v: v.update(not_after="2027-01-31T11:55:01Z")),
    changed("a time with an offset", lambda v: v.update(not_after="2027-01-31T11:55:00+00:00")),
    changed("no entries", lambda v: v.update(entries=[])),
    changed("entries out of order", lambda v: v["entries"].reverse()),
    changed("an entry twice", lambda v: v["entries"].insert(0, v["entries"][0])),
    changed("an unknown key in an entry", lambda v: v["entries"][0].update(note="x")),
    changed("a handle in capitals", lambda v: v["entries"][0].update(handle="Admin")),
    changed("an unknown role", lambda v: v["entries"][0].update(role="owner")),
    changed("an unknown state", lambda v: v["entries"][0].update(state="asleep")),
    changed("a suspended editor", lambda v: v["entries"][-2].update(state="suspended"), expect=""),
    changed("a suspended admin", lambda v: v["entries"][0].update(state="suspended")),
    changed(
        "an active and a suspended key under one handle",
        lambda v: v.update(entries=good(entry("bora", "editor", "suspended", key="bora before"))["entries"]),
    ),
    changed("an admin that decrypts", lambda v: v["entries"][0].update(state="decrypt-only")),
    changed("an editor without a recipient", lambda v: v["entries"][-2].update(recipient=None)),
    changed("a recovery key that signs", lambda v: v["entries"][-1].update(signing="00" * 32), expect=""),
    changed("a key id of another key", lambda v: v["entries"][-1].update(key_id="00" * 16)),
    changed(
        "a recipient with a wrong checksum",
        lambda v: v["entries"][-1].update(
            recipient=v["entries"][-1]["recipient"][:-1] + ("q" if v["entries"][-1]["recipient"][-1] != "q" else "p")
        ),
    ),
    changed("a signing key under two handles", lambda v: v["entries"][-2].update(signing=v["entries"][-3]["signing"])),
    changed(
        "two active keys of one person", lambda v: [item.update(state="active") for item in v["entries"]], more=former()
    ),
]
json.dump({"admin": PUBLIC, "instance": INSTANCE, "cases": CASES}, sys.stdout, indent=1)
sys.stdout.write("\n")
