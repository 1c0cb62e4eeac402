"""Make tokens.json from FORMAT.md, section "Form token", without the package.

Run from the repository:  python tests/vectors/token/make.py > tests/vectors/token/tokens.json
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY = bytes(range(32))
NONCE = bytes(range(12))
MINUTE = 29_893_680  # 2026-11-02T12:00:00Z
STATE = {"codename": "기념 수년", "step": "report"}
CONTENT = json.dumps({"minute": MINUTE, "state": STATE}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

LONG = CONTENT.replace(
    "report", "report" * 50
)  # 541 bytes and four bits to spare in base64; the other content has none


def token(
    content: str = CONTENT,
    *,
    purpose: str = "report",
    version: bytes = b"\x01",
    key: bytes = KEY,
    padding: int | None = None,
) -> str:
    plain = content.encode()
    plain += bytes(-len(plain) % 256 if padding is None else padding)
    sealed = ChaCha20Poly1305(key).encrypt(NONCE, plain, f"fieldreport/v1/form-token/{purpose}".encode())
    return base64.urlsafe_b64encode(version + NONCE + sealed).decode().rstrip("=")


def stray(text: str) -> str:
    """The last character with a bit set that decoding drops."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


def case(name: str, expect: str, text: str, now_minute: int = MINUTE) -> dict[str, Any]:
    return {"name": name, "expect": expect, "now": now_minute * 60, "max_age": 3600, "token": text}


CASES = [
    case("opens", "opens", token()),
    case("opens at its last minute", "opens", token(), MINUTE + 60),
    case("a clock five minutes slow", "opens", token(), MINUTE - 5),
    case("an hour and a minute old", "expired", token(), MINUTE + 61),
    case("a clock six minutes slow", "expired", token(), MINUTE - 6),
    case("for another purpose", "refused", token(purpose="return")),
    case("under another key", "refused", token(key=bytes(32))),
    case("an unknown version", "refused", token(version=b"\x02")),
    case("with padding characters", "refused", token() + "="),
    case("with stray bits at its end", "refused", stray(token(LONG))),
    case("in the other base64 alphabet", "refused", token().replace("-", "+").replace("_", "/")),
    case("with a line feed", "refused", token() + "\n"),
    case("a tag and nothing else", "refused", token("", padding=0)),
    case("content in another spelling", "refused", token(CONTENT.replace(":", ": ", 1))),
    case("no state", "refused", token('{"minute":1}')),
    case("empty", "refused", ""),
]
json.dump({"key": KEY.hex(), "purpose": "report", "state": STATE, "cases": CASES}, sys.stdout, indent=1)
sys.stdout.write("\n")
