"""Make the vectors of packed letters from FORMAT.md, section "Packed letter", without the package.

Run from the repository:  python tests/vectors/packed/make.py
Nobody can open what is in them: taking a packed letter in needs no key, so encapsulated keys, bodies and MAC are the
output of SHAKE-256, and payloads are zeros. Everything is the same in every run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent
LETTER = hashlib.sha256(b"letter").digest()[:16]
EPOCH = 7
PAYLOAD = 16 + 16_384 + 16  # nonce, the smallest padded plaintext, its tag


def drawn(label: str, length: int) -> bytes:
    return hashlib.shake_256(label.encode()).digest(length)


def text(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def stanza(number: int) -> bytes:
    enc, body = drawn(f"enc {number}", 1120), drawn(f"body {number}", 32)
    return b"-> mlkem768x25519 " + text(enc) + b"\n" + text(body) + b"\n"


def header(*stanzas: bytes) -> bytes:
    return b"age-encryption.org/v1\n" + b"".join(stanzas) + b"--- " + text(drawn("mac", 32)) + b"\n"


def packed(
    age: bytes, *, version: int = 1, epoch: int = EPOCH, letter: bytes = LETTER, sha256: bytes | None = None
) -> bytes:
    return struct.pack(">BQ16s32s", version, epoch, letter, sha256 or hashlib.sha256(age).digest()) + age


def cases() -> list[tuple[str, str, bytes]]:
    """Reason, what a reader says, the file."""
    one, two = stanza(1), stanza(2)
    head, payload = header(one, two), bytes(PAYLOAD)
    age = head + payload
    x25519 = b"-> X25519 " + text(drawn("share", 32)) + b"\n" + text(drawn("wrap", 32)) + b"\n"
    low = b"-> mlkem768x25519 " + text(drawn("enc 1", 1088) + bytes(32)) + b"\n" + text(drawn("body 1", 32)) + b"\n"
    return [
        ("two readers, the smallest payload", "taken", packed(age)),
        ("one reader", "taken", packed(header(one) + payload)),
        ("the last epoch that a roster can have", "taken", packed(age, epoch=100_000)),
        ("two chunks: a plaintext of 69,632 bytes", "taken", packed(head + bytes(16 + 69_632 + 2 * 16))),
        ("nothing", "packed", b""),
        ("a frame that is cut by a byte", "packed", packed(b"")[:-1]),
        ("a bare age file", "packed", age),
        ("version 2", "packed", packed(age, version=2)),
        ("version 0", "packed", packed(age, version=0)),
        ("epoch 0, which no roster has", "packed", packed(age, epoch=0)),
        ("an epoch over the bound", "packed", packed(age, epoch=100_001)),
        ("another hash", "packed", packed(age, sha256=drawn("hash", 32))),
        ("a bit of the payload was lost", "packed", packed(age)[:-1] + b"\x01"),
        ("a stanza was exchanged", "packed", packed(age).replace(two, stanza(3))),
        ("a stanza of a type that nobody knows", "packed", packed(header(one, b"-> grease\n\n") + payload)),
        ("a classical stanza beside a hybrid one", "header-malformed", packed(header(one, x25519) + payload)),
        ("classical stanzas alone", "packed", packed(header(x25519) + payload)),
        ("an X25519 share of small order", "header-malformed", packed(header(low) + payload)),
        ("no stanza", "header-malformed", packed(header() + payload)),
        ("65 stanzas", "header-malformed", packed(header(*[one] * 65) + payload)),
        ("the frame alone", "header-malformed", packed(b"")),
        ("the header ends before its MAC line", "header-malformed", packed(header(one)[:-48])),
        ("a byte between frame and header", "header-malformed", packed(b"\n" + age)),
        ("no payload", "payload", packed(head)),
        ("a payload that is only a nonce", "payload", packed(head + bytes(16))),
        ("a payload that is cut by a byte", "packed", packed(age[:-1])),
        ("a byte behind the payload", "packed", packed(age + b"\0")),
        ("a second chunk that is only a tag", "payload", packed(head + bytes(16 + 65_552 + 16))),
        ("a plaintext below the floor", "packed", packed(head + bytes(16 + 100 + 16))),
        ("a plaintext whose size padding never gives", "packed", packed(head + bytes(16 + 16_385 + 16))),
    ]


def document() -> list[dict[str, str]]:
    return [
        {"reason": reason, "expect": expect, "file": base64.b64encode(zlib.compress(file, 9)).decode()}
        for reason, expect, file in cases()
    ]


if __name__ == "__main__":
    (HERE / "packed.json").write_text(json.dumps(document(), indent=1) + "\n")
