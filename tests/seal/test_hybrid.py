"""Hybrid keys: known answers from outside, and a private key that keeps to itself."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from fieldreport.errors import SealError
from fieldreport.seal import HybridIdentity, HybridRecipient
from fieldreport.seal.hybrid import PUBLIC_BYTES
from fieldreport.seal.stanza import _LOW_ORDER, HYBRID, Stanza, encode_base64

FILE_KEY = b"sixteen byte key"
IDENTITY = HybridIdentity(bytes(range(32)))


def load(path: Path) -> dict[str, bytes]:
    return {key: bytes.fromhex(value) for key, value in json.loads(path.read_text()).items() if key != "source"}


def hpke_key_and_nonce(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """The key schedule of RFC 9180 section 5.1 in base mode, written a second time."""
    suite = b"HPKE\x64\x7a\x00\x01\x00\x03"

    def extract(salt: bytes | None, label: bytes, material: bytes) -> bytes:
        return HKDF.extract(SHA256(), salt, b"HPKE-v1" + suite + label + material)

    def expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return HKDFExpand(SHA256(), length, labelled).derive(secret)

    context = b"\x00" + extract(None, b"psk_id_hash", b"") + extract(None, b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")
    return expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)


def stanza_of(vector: dict[str, bytes], enc: bytes) -> Stanza:
    key, nonce = hpke_key_and_nonce(vector["shared_secret"], b"age-encryption.org/mlkem768x25519")
    body = ChaCha20Poly1305(key).encrypt(nonce, FILE_KEY, None)
    return Stanza(HYBRID, (encode_base64(enc).decode(),), body)


@pytest.mark.parametrize("name", ["xwing-draft", "hpke-pq"])
def test_the_published_public_key_comes_of_the_published_seed(vectors: Path, name: str) -> None:
    vector = load(vectors / "xwing" / f"{name}.json")
    assert HybridIdentity(vector["seed"]).recipient.public == vector["public"]


def test_the_published_hpke_key_schedule_is_the_one_written_here(vectors: Path) -> None:
    vector = load(vectors / "xwing" / "hpke-pq.json")
    assert hpke_key_and_nonce(vector["shared_secret"], vector["info"]) == (vector["key"], vector["base_nonce"])
    opened = ChaCha20Poly1305(vector["key"]).decrypt(vector["base_nonce"], vector["sealed"], vector["aad"])
    assert opened == vector["plaintext"]


@pytest.mark.parametrize(("name", "enc"), [("xwing-draft", "ciphertext"), ("hpke-pq", "enc")])
def test_the_published_encapsulation_opens_under_the_published_secret(vectors: Path, name: str, enc: str) -> None:
    """What was sealed under the published shared secret opens with the seed: decapsulation gave the same secret."""
    vector = load(vectors / "xwing" / f"{name}.json")
    assert HybridIdentity(vector["seed"]).unwrap(stanza_of(vector, vector[enc])) == FILE_KEY


def test_a_wrapped_key_opens_with_x_wing_written_a_second_time() -> None:
    """ML-KEM, X25519 and SHA3-256 put together by hand, as draft-connolly-cfrg-xwing-kem section 5 says."""
    stanza = IDENTITY.recipient.wrap(FILE_KEY)
    expanded = hashlib.shake_256(IDENTITY.seed).digest(96)
    kem_secret = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(stanza.enc[:1088])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    dh_secret = x25519.exchange(X25519PublicKey.from_public_bytes(stanza.enc[1088:]))
    shared = kem_secret + dh_secret + stanza.enc[1088:] + x25519.public_key().public_bytes_raw() + rb"\.//^\ "[:6]
    key, nonce = hpke_key_and_nonce(hashlib.sha3_256(shared).digest(), b"age-encryption.org/mlkem768x25519")
    assert ChaCha20Poly1305(key).decrypt(nonce, stanza.body, None) == FILE_KEY


def test_only_the_recipient_unwraps() -> None:
    stanza = IDENTITY.recipient.wrap(FILE_KEY)
    assert IDENTITY.unwrap(stanza) == FILE_KEY
    assert HybridIdentity.generate().unwrap(stanza) is None
    assert IDENTITY.unwrap(Stanza("X25519", stanza.args, stanza.body)) is None


def test_two_wraps_of_one_key_have_nothing_in_common() -> None:
    first, second = IDENTITY.recipient.wrap(FILE_KEY), IDENTITY.recipient.wrap(FILE_KEY)
    assert first.enc != second.enc
    assert first.body != second.body


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_file_key_has_sixteen_bytes(length: int) -> None:
    with pytest.raises(SealError):
        IDENTITY.recipient.wrap(bytes(length))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_has_thirty_two_bytes(length: int) -> None:
    with pytest.raises(SealError):
        HybridIdentity(bytes(length))


def test_a_public_key_of_another_length_is_refused() -> None:
    for length in (0, PUBLIC_BYTES - 1, PUBLIC_BYTES + 1):
        with pytest.raises(SealError):
            HybridRecipient(bytes(length))


def test_an_ml_kem_key_with_a_coefficient_out_of_range_is_refused() -> None:
    """FIPS 203 section 7.2: 0xFFF is not below q."""
    with pytest.raises(SealError):
        HybridRecipient(b"\xff\x0f" + IDENTITY.recipient.public[2:])


@pytest.mark.parametrize("point", sorted(_LOW_ORDER), ids=lambda point: point.hex()[:8])
@pytest.mark.parametrize("top_bit", [0, 0x80])
def test_a_point_of_low_order_is_no_public_key_and_no_share(point: bytes, top_bit: int) -> None:
    point = point[:31] + bytes([point[31] | top_bit])
    with pytest.raises(ValueError, match="shared"):  # our list agrees with the library
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(point))
    with pytest.raises(SealError):
        HybridRecipient(IDENTITY.recipient.public[:-32] + point)
    with pytest.raises(SealError):
        Stanza(HYBRID, (encode_base64(bytes(1088) + point).decode(),), bytes(32))


def test_the_key_id_is_the_beginning_of_the_public_keys_hash() -> None:
    assert IDENTITY.key_id == hashlib.sha256(IDENTITY.recipient.public).hexdigest()[:32]
    assert IDENTITY.recipient.key_id == IDENTITY.key_id


def test_equal_keys_are_equal() -> None:
    same = HybridIdentity.parse(IDENTITY.encode())
    assert same == IDENTITY
    assert same.recipient == IDENTITY.recipient
    assert len({same, IDENTITY}) == len({same.recipient, IDENTITY.recipient}) == 1
    assert HybridIdentity.generate() != IDENTITY
    assert IDENTITY.recipient != IDENTITY.recipient.public


def test_a_private_key_is_not_shown() -> None:
    for text in (repr(IDENTITY), str(IDENTITY), f"{IDENTITY}"):
        assert text == f"HybridIdentity({IDENTITY.key_id})"


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_private_key_is_neither_pickled_nor_copied(copying: object) -> None:
    with pytest.raises(TypeError, match="private key"):
        copying(IDENTITY)  # type: ignore[operator]  # three functions of one shape
