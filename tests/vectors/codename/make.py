"""Make codenames.json from FORMAT.md, section "Codename", without the package.

Run from the repository:  python tests/vectors/codename/make.py > tests/vectors/codename/codenames.json
Needs argon2-cffi, which is another binding (of the reference implementation) than the one in the package.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import unicodedata
from importlib import resources

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

INSTANCE = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
NONCE = bytes(range(12))
FORM = bytes(range(16, 32))
RECEIPT = bytes(range(16)) + (1234).to_bytes(4, "big") + (2).to_bytes(2, "big") + (1).to_bytes(2, "big")
LISTS = [
    *("english", "korean", "chinese_simplified", "chinese_traditional", "japanese", "russian"),
    *("turkish", "french", "spanish", "portuguese", "italian", "czech"),
]


def words_of(name: str) -> list[str]:
    text = (resources.files("mnemonic") / "wordlist" / f"{name}.txt").read_text(encoding="utf-8")
    words = text.split()
    if name == "russian":
        words[1572] = "снова"
    return words


def expand(master: bytes, purpose: str, length: int) -> bytes:
    """HKDF-Expand of RFC 5869 section 2.3 for one block."""
    return hmac.digest(master, f"fieldreport/v1/source/{purpose}".encode() + b"\x01", "sha256")[:length]


def older(seed: bytes) -> str:
    entropy = seed[:12]
    return f"{int.from_bytes(entropy, 'big'):096b}" + f"{hashlib.sha256(entropy).digest()[0]:08b}"[:3]


def times(one: int, other: int) -> int:
    """The product in GF(2^11) modulo x^11 + x^2 + 1, bit by bit."""
    product = 0
    for bit in range(11):
        if other >> bit & 1:
            product ^= one << bit
    for bit in range(21, 10, -1):
        if product >> bit & 1:
            product ^= 0b100000000101 << bit - 11
    return product


def today(seed: bytes) -> str:
    bits = f"{int.from_bytes(seed[:11], 'big'):088b}"
    last, power = 0, 2
    for place in range(77, -1, -11):
        last ^= times(int(bits[place : place + 11], 2), power)
        power = times(power, 2)
    return bits + f"{last:011b}"


def case(kind: str, name: str) -> dict[str, str]:
    bits = {"older": older, "today": today}[kind](hashlib.sha256(f"vector {name}".encode()).digest())
    listed = words_of(name)
    words = [listed[int(bits[place : place + 11], 2)] for place in range(0, 99, 11)]
    secret = " ".join(unicodedata.normalize("NFKD", word) for word in words).encode()
    master = hash_secret_raw(
        secret, INSTANCE, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID
    )
    digest = hashlib.sha256(b"content").digest()
    lookup, letters = expand(master, "lookup", 32), expand(master, "letters", 32)
    sealed = ChaCha20Poly1305(expand(letters, "receipt", 32)).encrypt(NONCE, RECEIPT, None)
    return {
        "kind": kind,
        "list": name,
        "codename": unicodedata.normalize("NFC", " ".join(words)),
        "instance": INSTANCE.hex(),
        "lookup": lookup.hex(),
        "index": hashlib.sha256(lookup).hexdigest(),
        "thread": expand(master, "thread", 16).hex(),
        "reply_seed": expand(master, "reply-key", 32).hex(),
        "digest": digest.hex(),
        "form": FORM.hex(),
        "letter_id": (
            hmac.digest(expand(letters, "form", 32), FORM, "sha256")[:8] + hmac.digest(letters, digest, "sha256")[:8]
        ).hex(),
        "receipt_tag_3": hmac.digest(expand(letters, "receipt-tag", 32), bytes((0, 0, 0, 3)), "sha256")[:16].hex(),
        "receipt": RECEIPT.hex(),
        "receipt_sealed": (NONCE + sealed).hex(),
    }


json.dump([case(kind, name) for kind in ("older", "today") for name in LISTS], sys.stdout, ensure_ascii=False, indent=1)
sys.stdout.write("\n")
