"""Signatures are made for one purpose, and a pair of them where one algorithm might fall."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.errors import SealError
from fieldreport.seal.signatures import AdminPublic, signed_bytes, verify_signature
from fieldreport.unseal.signing_keys import AdminKey, SigningKey

KEY = SigningKey(bytes(range(32)))
ADMIN = AdminKey(ed25519=KEY, mldsa65_seed=bytes(range(32)))


@pytest.mark.parametrize(
    ("seed", "public"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
    ],
)
def test_an_ed25519_seed_gives_the_public_key_of_rfc_8032_section_7_1(seed: str, public: str) -> None:
    assert SigningKey(bytes.fromhex(seed)).public.hex() == public


def test_an_mldsa65_seed_gives_the_public_key_of_rfc_9881_appendix_c() -> None:
    """The first lines of the example key there, which is of the seed 00 01 … 1f, after its 22 bytes of DER."""
    published = (
        "MIIHsjALBglghkgBZQMEAxIDggehAEhoPZGXjjHrPd24sEc0gtK4il9iWUn9j1il"
        "YeaWvUwn0Fs427Lt8B5mTv2Bvh6ok2iM5oqi1RxZWPi7xutOie5n0sAyCVTVchLK"
        "xyKf8dbq8DkovVFRH42I2EdzbH3icw1ZeOVBBxMWCXiGdxG/VTmgv8TDUMK+Vyuv"
        "DuLi+xbM/qCAKNmaxJrrt1k33c4RHNq2L/886ouiIz0eVvvFxaHnJt5j+t0q8Bax"
    )
    assert ADMIN.public.mldsa65.startswith(base64.b64decode(published)[22:])


def test_argon2id_gives_the_tag_of_rfc_9106_section_5_3() -> None:
    tag = Argon2id(
        salt=b"\x02" * 16, length=32, iterations=3, lanes=4, memory_cost=32, secret=b"\x03" * 8, ad=b"\x04" * 12
    ).derive(b"\x01" * 32)
    assert tag.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_a_signature_is_good_for_its_key_label_and_message_only() -> None:
    signature = KEY.sign("audit-entry", b"message")
    assert verify_signature(KEY.public, "audit-entry", b"message", signature)
    for public, label, message in (
        (SigningKey.generate().public, "audit-entry", b"message"),
        (KEY.public, "sign-off", b"message"),
        (KEY.public, "audit-entry", b"Message"),
        (KEY.public, "audit", b"-entry\nmessage"),
    ):
        with pytest.raises(SealError) as refused:
            verify_signature(public, label, message, signature)
        assert refused.value.code == "signature"


@settings(max_examples=50, deadline=None)
@given(public=st.binary(max_size=40), signature=st.binary(max_size=80))
def test_arbitrary_keys_and_signatures_raise_only_our_error(public: bytes, signature: bytes) -> None:
    with pytest.raises(SealError):
        verify_signature(public, "x", b"", signature)


@pytest.mark.parametrize("label", ["", "Audit", "audit entry", "a\n", "-a", "a" * 65, "1"])
def test_a_label_cannot_be_mistaken_for_the_message(label: str) -> None:
    with pytest.raises(ValueError, match="label"):
        signed_bytes(label, b"")


def test_the_admins_pair_of_signatures_is_verified_together() -> None:
    signatures = ADMIN.sign("roster", b"message")
    assert ADMIN.public.verify("roster", b"message", signatures)
    with pytest.raises(SealError):
        ADMIN.public.verify("other", b"message", signatures)
    with pytest.raises(SealError):
        AdminKey.generate().public.verify("roster", b"message", signatures)


def test_an_admin_key_is_read_as_it_was_written_and_in_no_other_form() -> None:
    text = ADMIN.public.encode()
    assert AdminPublic.parse(text) == ADMIN.public
    for changed in (
        text[:-1],
        text + "\n",
        text.replace("v1", "v2"),
        text.replace(" ", "  ", 1),
        text.replace("\n", "\r\n"),
        "",
        text[:99],
    ):
        with pytest.raises(SealError):
            AdminPublic.parse(changed)


def test_base64_that_ends_in_stray_bits_is_refused() -> None:
    lines = ADMIN.public.encode().splitlines()
    value = lines[1].removeprefix("ed25519 ").rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = alphabet[alphabet.index(value[-1]) | 1]
    lines[1] = f"ed25519 {value[:-1]}{stray}="
    if lines[1] != ADMIN.public.encode().splitlines()[1]:
        with pytest.raises(SealError):
            AdminPublic.parse("\n".join(lines) + "\n")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=100))
def test_arbitrary_text_is_no_admin_key(text: str) -> None:
    with pytest.raises(SealError):
        AdminPublic.parse(text)


def test_the_fingerprint_is_over_both_keys() -> None:
    other = AdminKey(ed25519=KEY, mldsa65_seed=bytes(32))
    assert other.public.fingerprint != ADMIN.public.fingerprint
    assert len(ADMIN.public.fingerprint) == 64
