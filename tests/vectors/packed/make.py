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


def frame(*, version: int = 1, epoch: int = EPOCH, letter: bytes = LETTER) -> bytes:
    return struct.pack(">BQ16s", version, epoch, letter)


def cases() -> list[tuple[str, str, bytes]]:
    """Reason, what a reader says, the file."""
    one, two = stanza(1), stanza(2)
    good = frame() + header(one, two) + bytes(PAYLOAD)
    x25519 = b"-> X25519 " + text(drawn("share", 32)) + b"\n" + text(drawn("wrap", 32)) + b"\n"
    low = b"-> mlkem768x25519 " + text(drawn("enc 1", 1088) + bytes(32)) + b"\n" + text(drawn("body 1", 32)) + b"\n"
    return [
        ("two readers, the smallest payload", "taken", good),
        ("one reader", "taken", frame() + header(one) + bytes(PAYLOAD)),
        ("the last epoch that a roster can have", "taken", frame(epoch=100_000) + good[25:]),
        ("two chunks: a plaintext of 69,632 bytes", "taken", good[:-PAYLOAD] + bytes(16 + 69_632 + 2 * 16)),
        ("nothing", "packed", b""),
        ("a frame that is cut by a byte", "packed", frame()[:-1]),
        ("a bare age file", "packed", good[25:]),
        ("version 2", "packed", frame(version=2) + good[25:]),
        ("version 0", "packed", frame(version=0) + good[25:]),
        ("epoch 0, which no roster has", "packed", frame(epoch=0) + good[25:]),
        ("an epoch over the bound", "packed", frame(epoch=100_001) + good[25:]),
        ("a stanza of a type that nobody knows", "packed", frame() + header(one, b"-> grease\n\n") + bytes(PAYLOAD)),
        ("a classical stanza beside a hybrid one", "header-malformed", frame() + header(one, x25519) + bytes(PAYLOAD)),
        ("classical stanzas alone", "packed", frame() + header(x25519) + bytes(PAYLOAD)),
        ("an X25519 share of small order", "header-malformed", frame() + header(low) + bytes(PAYLOAD)),
        ("no stanza", "header-malformed", frame() + header() + bytes(PAYLOAD)),
        ("65 stanzas", "header-malformed", frame() + header(*[one] * 65) + bytes(PAYLOAD)),
        ("the frame alone", "header-malformed", frame()),
        ("the header ends before its MAC line", "header-malformed", frame() + header(one)[:-48]),
        ("a byte between frame and header", "header-malformed", frame() + b"\n" + good[25:]),
        ("no payload", "payload", good[:-PAYLOAD]),
        ("a payload that is only a nonce", "payload", good[: -PAYLOAD + 16]),
        ("a payload that is cut by a byte", "packed", good[:-1]),
        ("a byte behind the payload", "packed", good + b"\0"),
        ("a second chunk that is only a tag", "payload", good[:-PAYLOAD] + bytes(16 + 65_552 + 16)),
        ("a plaintext below the floor", "packed", good[:-PAYLOAD] + bytes(16 + 100 + 16)),
        ("a plaintext whose size padding never gives", "packed", good[:-PAYLOAD] + bytes(16 + 16_385 + 16)),
    ]


def document() -> list[dict[str, str]]:
    return [
        {"reason": reason, "expect": expect, "file": base64.b64encode(zlib.compress(file, 9)).decode()}
        for reason, expect, file in cases()
    ]


if __name__ == "__main__":
    (HERE / "packed.json").write_text(json.dumps(document(), indent=1) + "\n")
