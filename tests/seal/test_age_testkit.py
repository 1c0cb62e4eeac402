"""The published age test vectors: the right decision on every one of them.

We have identities for hybrid stanzas only. A vector for an X25519 identity or a passphrase is decided in two steps:

- with any identity of ours it must not open: its header is refused or no stanza is ours;
- if its header is well formed and its file key is published, that key takes the place of the identity that we lack, and
  MAC and payload must be decided as published. So all payload vectors count although all of them are for X25519.

What only an X25519 or scrypt identity would see (a bad share, a wrong work factor) is none of our business: to us it is
a stanza of another type, in a header that is otherwise well formed.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldreport.errors import NotARecipient, SealError
from fieldreport.seal import HybridIdentity
from fieldreport.seal.header import Header, read_header
from fieldreport.seal.stream import PayloadReader

TESTKIT = Path(__file__).parent.parent / "vectors" / "age" / "testkit"
NAMES = sorted(path.name for path in TESTKIT.iterdir())

# Where we refuse more than the specification demands.
STRICTER = {
    "hybrid_and_x25519": "header failure",  # a file is as weak as its weakest recipient
}
# Published as a fault of the header; to us the nonce belongs to the payload.
ELSEWHERE = {"stream_no_nonce", "stream_short_nonce"}
# Faults inside a classical stanza: to us the header is well formed, and nothing in it is for us.
NOT_OURS = (
    {f"x25519_{fault}" for fault in ("extra_argument", "identity", "long_file_key", "long_share", "low_order")}
    | {f"x25519_{fault}" for fault in ("not_canonical_share", "short_share")}
    | {name for name in NAMES if name.startswith(("scrypt_work_factor_", "scrypt_salt_"))}
    | {"scrypt_extra_argument", "scrypt_long_file_key", "scrypt_not_canonical_salt", "hybrid_x25519_arg"}
)  # fmt: skip


@dataclass
class Vector:
    expect: str = ""
    payload: str = ""
    file_key: bytes = b""
    identities: list[str] = field(default_factory=list)
    content: bytes = b""


def load(name: str) -> Vector:
    head, _, content = (TESTKIT / name).read_bytes().partition(b"\n\n")
    vector = Vector(content=content)
    for line in head.decode().splitlines():
        key, _, value = line.partition(": ")
        match key:
            case "expect":
                vector.expect = value
            case "payload":
                vector.payload = value
            case "file key":
                vector.file_key = bytes.fromhex(value)
            case "identity":
                vector.identities.append(value)
            case "compressed":
                assert value == "zlib"
                vector.content = zlib.decompress(content)
            case "passphrase" | "comment":
                pass
            case _:
                pytest.fail(f"unknown key {key}")
    return vector


def parse(content: bytes) -> tuple[Header, io.BytesIO]:
    source = io.BytesIO(content)
    return Header.parse(read_header(source)), source


def streamed(payload: bytes, file_key: bytes) -> bytes:
    """What a reader that goes from chunk to chunk gives out before it fails: written a second time, for comparison."""
    key = HKDF(algorithm=SHA256(), length=32, salt=payload[:16], info=b"payload").derive(file_key)
    released = b""
    for number, start in enumerate(range(16, len(payload), 65_552)):
        chunk = payload[start : start + 65_552]
        for flag in (0, 1) if len(chunk) == 65_552 else (1,):
            with suppress(InvalidTag):
                released += ChaCha20Poly1305(key).decrypt(number.to_bytes(11, "big") + bytes([flag]), chunk, None)
                break
        else:
            break
        if flag:
            break
    return released


def decide_payload(vector: Vector, file_key: bytes, source: io.BytesIO) -> str:
    """Read the payload to its end; what was given out, also before an error, must be the published plaintext."""
    released = b""
    offset = source.tell()
    try:
        reader = PayloadReader(file_key, source, len(vector.content) - offset, offset=offset)
        while block := reader.read(64 * 1024):
            released += block
    except SealError:
        published = streamed(vector.content[offset:], file_key)
        assert hashlib.sha256(published).hexdigest() == vector.payload
        # We look at the final chunk first, so where the fault is there we give out less than is published.
        assert published.startswith(released)
        return "payload failure"
    assert hashlib.sha256(released).hexdigest() == vector.payload
    return "success"


def decide(vector: Vector) -> str:
    try:
        header, source = parse(vector.content)
    except SealError as error:
        return {"header-malformed": "header failure"}[error.code]
    hybrid = [HybridIdentity.parse(text) for text in vector.identities if text.startswith("AGE-SECRET-KEY-PQ-1")]
    classical = len(hybrid) < len(vector.identities) or not vector.identities
    try:
        file_key = header.open(hybrid or [HybridIdentity(bytes(32))])
    except NotARecipient:
        if not (classical and vector.file_key) or vector.expect not in {"success", "payload failure", "HMAC failure"}:
            return "no match"
        file_key = vector.file_key
    try:
        header.verify(file_key)
    except SealError as error:
        return {"header-mac": "HMAC failure"}[error.code]
    return decide_payload(vector, file_key, source)


@pytest.mark.parametrize("name", NAMES)
def test_the_decision_is_the_published_one(name: str) -> None:
    vector = load(name)
    expected = STRICTER.get(name, vector.expect)
    if name in NOT_OURS:
        assert vector.expect in {"header failure", "no match"}
        expected = "no match"
    if name in ELSEWHERE:
        header, source = parse(vector.content)
        header.verify(vector.file_key)
        with pytest.raises(SealError):
            PayloadReader(vector.file_key, source, len(vector.content) - source.tell(), offset=source.tell())
    else:
        assert decide(vector) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("hybrid")])
def test_no_identity_of_ours_opens_what_was_not_sealed_to_it(name: str) -> None:
    try:
        header, _ = parse(load(name).content)
    except SealError:
        return
    with pytest.raises(NotARecipient):
        header.open([HybridIdentity(bytes(32))])


@pytest.mark.parametrize("name", NAMES)
def test_a_header_that_parses_is_written_again_to_the_same_bytes(name: str) -> None:
    content = load(name).content
    try:
        header, _ = parse(content)
    except SealError:
        return
    assert content.startswith(header.encode())
    again = b"age-encryption.org/v1\n" + b"".join(stanza.encode() for stanza in header.stanzas) + b"---"
    assert again == header.signed


def test_the_vectors_are_all_here() -> None:
    counts = {kind: sum(name.startswith(kind) for name in NAMES) for kind in ("hybrid", "stream", "stanza", "hmac")}
    assert counts == {"hybrid": 18, "stream": 28, "stanza": 14, "hmac": 8}
    assert len(NAMES) == 109
