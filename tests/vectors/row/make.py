"""Make rows.json from FORMAT.md, section "Row", without the package.

Run from the repository:  python tests/vectors/row/make.py > tests/vectors/row/rows.json
"""

from __future__ import annotations

import json
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY = bytes(range(32))
HEADER = b"age-encryption.org/v1\n-> any stanza\n\n--- " + b"A" * 43 + b"\n"
WAITING = bytes(range(16)) + bytes(range(32, 64)) + struct.pack(">QI", 498_228, len(HEADER)) + HEADER + b"payload"


def hidden(
    content: bytes, *, key: bytes = KEY, nonce: bytes = bytes(12), domain: bytes = b"fieldreport/v1/row\n"
) -> str:
    return ChaCha20Poly1305(key).encrypt(nonce, content, domain).hex()


def flipped(text: str) -> str:
    return text[:-1] + format(int(text[-1], 16) ^ 1, "x")


CASES = [
    {"name": "a header", "content": HEADER.hex(), "hidden": hidden(HEADER)},
    {"name": "a reply that waits", "content": WAITING.hex(), "hidden": hidden(WAITING)},
    {"name": "nothing", "content": "", "hidden": hidden(b"")},
    {"name": "under another key", "content": None, "hidden": hidden(HEADER, key=bytes(32))},
    {"name": "another nonce", "content": None, "hidden": hidden(HEADER, nonce=b"\1" * 12)},
    {"name": "without the domain", "content": None, "hidden": hidden(HEADER, domain=b"")},
    {"name": "the last bit flipped", "content": None, "hidden": flipped(hidden(HEADER))},
    {"name": "cut by a byte", "content": None, "hidden": hidden(HEADER)[:-2]},
    {"name": "shorter than a tag", "content": None, "hidden": hidden(b"")[:-2]},
    {"name": "empty", "content": None, "hidden": ""},
    {"name": "in the clear", "content": None, "hidden": HEADER.hex()},
]

# The file of keys: slot 0 is its name, slot 2 a key that is in use, 3 a new one, 5 one about to go; the rest is empty.
RECORDS = [b"fieldreport row keys v1\n"] + [b""] * 7
for slot, state in ((2, b"u"), (3, b"n"), (5, b"d")):
    RECORDS[slot] = state + bytes(31) + bytes([slot]) * 32
FILE = b"".join(record.ljust(64, b"\0") for record in RECORDS)

json.dump({"key": KEY.hex(), "cases": CASES, "file": FILE.hex()}, sys.stdout, indent=1)
sys.stdout.write("\n")
