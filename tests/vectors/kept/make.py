"""Make kept.json from FORMAT.md, section "Kept file", without the package.

Run from the repository:  python tests/vectors/kept/make.py > tests/vectors/kept/kept.json
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

LETTERS = bytes(range(32))
FORM = bytes(range(16))
FIELDS = {
    "file_key": "00112233445566778899aabbccddeeff",
    "harder": False,
    "length": 2_103_345,
    "name": "IMG_0815 \u6bdb.jpg",
    "removed": ["location", "device"],
    "sha256": hashlib.sha256(b"as it was uploaded").hexdigest(),
    "state": "kept",
    "type": "image/jpeg",
}


def expand(purpose: str) -> bytes:
    """HKDF-Expand-SHA-256 of one block (RFC 5869)."""
    return hmac.digest(LETTERS, f"fieldreport/v1/source/{purpose}".encode() + b"\1", "sha256")


KEY = hmac.digest(expand("kept"), FORM, "sha256")
PLACES = [hmac.digest(expand("kept-place"), number.to_bytes(4, "big"), "sha256")[:16] for number in (0, 1, 299)]


def note(
    *,
    key: bytes = KEY,
    place: bytes = PLACES[0],
    domain: bytes = b"fieldreport/v1/kept-file\n",
    pad: int = 1024,
    text: bytes = b"",
) -> str:
    content = text or json.dumps(FIELDS, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    nonce = bytes(range(100, 112))
    padded = content + bytes(-len(content) % pad)
    return (nonce + ChaCha20Poly1305(key).encrypt(nonce, padded, domain + place)).hex()


def flipped(text: str) -> str:
    return text[:-1] + format(int(text[-1], 16) ^ 1, "x")


WITH_ORIGINAL = json.dumps(FIELDS | {"original": 2_244_000}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

CASES = [
    {"name": "a photo", "opens": True, "note": note()},
    {"name": "with its original", "opens": True, "note": note(text=WITH_ORIGINAL.encode()), "original": 2_244_000},
    {"name": "of another place", "opens": False, "note": note(place=PLACES[1])},
    {"name": "of another form", "opens": False, "note": note(key=bytes(32))},
    {"name": "without the domain", "opens": False, "note": note(domain=b"")},
    {"name": "not canonical", "opens": False, "note": note(text=json.dumps(FIELDS).encode())},
    {"name": "the last bit flipped", "opens": False, "note": flipped(note())},
    {"name": "cut by a byte", "opens": False, "note": note()[:-2]},
    {"name": "empty", "opens": False, "note": ""},
]

json.dump(
    {
        "letters": LETTERS.hex(),
        "form": FORM.hex(),
        "key": KEY.hex(),
        "places": {str(number): place.hex() for number, place in zip((0, 1, 299), PLACES, strict=True)},
        "fields": FIELDS,
        "cases": CASES,
    },
    sys.stdout,
    indent=1,
)
sys.stdout.write("\n")
