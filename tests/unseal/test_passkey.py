"""Passkeys: what is checked of a browser's answer before it counts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from fieldreport.errors import UnlockRefused, UsageError
from fieldreport.seal import canonical
from fieldreport.unseal.key_file import unlock, write_key_file
from fieldreport.unseal.passkey import Page, Passkey, encode, made, used
from fieldreport.unseal.staff_key import StaffKey, decode_secrets, encode_secrets
from tests.authenticator import Authenticator, b64url
from tests.cast import CHEAP
from tests.unseal.conftest import PASSPHRASE

VECTORS: Final = Path(__file__).parents[1] / "vectors" / "passkey" / "chromium.json"
PAGE: Final = Page(origin="https://desk.example", host="desk.example", challenge=bytes(range(32)))
ASKED: Final = {"host": PAGE.host, "challenge": encode(PAGE.challenge)}
ANOTHER: Final = Authenticator()
WEAK: Final = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is what is refused


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
    ids=lambda key: type(key).__name__,
)
def test_a_passkey_that_was_made_here_signs_in_here(key: Any) -> None:
    authenticator = Authenticator(key=key)
    passkey = made(authenticator.make(ASKED, PAGE.origin), PAGE, name="blue key")
    assert used([ANOTHER_PASSKEY, passkey], authenticator.use(ASKED, PAGE.origin), PAGE) == (passkey, 1)
    # With extensions behind the head, and backed up: as a phone answers.
    answer = authenticator.use(ASKED, PAGE.origin, flags=0x05 | 0x18 | 0x80, more=b"\xa0")
    assert used([passkey], answer, PAGE) == (passkey, 2)


ANOTHER_PASSKEY: Final = Passkey(name="another", credential=ANOTHER.credential, public=ANOTHER.public, host=PAGE.host)


def altered(answer: str, **fields: object) -> str:
    return json.dumps(json.loads(answer) | fields)


_USES: Final[dict[str, Callable[[Authenticator], str]]] = {
    "another origin": lambda a: a.use(ASKED, "https://desk.example.evil.example"),
    "the origin without tls": lambda a: a.use(ASKED, "http://desk.example"),
    "another host": lambda a: a.use({**ASKED, "host": "evil.example"}, PAGE.origin),
    "another challenge": lambda a: a.use({**ASKED, "challenge": encode(bytes(32))}, PAGE.origin),
    "a challenge that is no text": lambda a: a.use({**ASKED, "challenge": 7}, PAGE.origin),
    "another act": lambda a: a.use(ASKED, PAGE.origin, type="webauthn.create"),
    "inside another site": lambda a: a.use(ASKED, PAGE.origin, crossOrigin=True),
    "below another site": lambda a: a.use(ASKED, PAGE.origin, topOrigin="https://evil.example"),
    "nobody present": lambda a: a.use(ASKED, PAGE.origin, flags=0x04),
    "nobody verified": lambda a: a.use(ASKED, PAGE.origin, flags=0x01),
    "backed up and not eligible": lambda a: a.use(ASKED, PAGE.origin, flags=0x15),
    "a credential in it": lambda a: a.use(ASKED, PAGE.origin, flags=0x45),
    "something behind it": lambda a: a.use(ASKED, PAGE.origin, more=b"\xa0"),
    "another signature": lambda a: altered(a.use(ASKED, PAGE.origin), signature=b64url(bytes(70))),
    "no signature": lambda a: altered(a.use(ASKED, PAGE.origin), signature=""),
    "a short head": lambda a: altered(a.use(ASKED, PAGE.origin), data=b64url(bytes(36))),
    "another passkey's id": lambda a: altered(a.use(ASKED, PAGE.origin), id=b64url(b"other")),
    "another passkey's key": lambda a: altered(ANOTHER.use(ASKED, PAGE.origin), id=b64url(a.credential)),
    "a field more": lambda a: altered(a.use(ASKED, PAGE.origin), user="x"),
    "a field that is no text": lambda a: altered(a.use(ASKED, PAGE.origin), id=7),
    "no base64": lambda a: altered(a.use(ASKED, PAGE.origin), data="é"),
    "client data that is no JSON": lambda a: altered(a.use(ASKED, PAGE.origin), client=b64url(b"\xff{")),
    "client data that is a list": lambda a: altered(a.use(ASKED, PAGE.origin), client=b64url(b"[]")),
    "nothing": lambda _: "",
    "a list": lambda _: "[]",
    "many brackets": lambda _: "[" * 8000,
    "far too much": lambda _: json.dumps({"id": "A" * 100_000}),
}


@pytest.mark.parametrize("case", _USES)
def test_whatever_does_not_fit_is_refused_alike(case: str) -> None:
    authenticator = Authenticator()
    passkey = made(authenticator.make(ASKED, PAGE.origin), PAGE, name="blue key")
    with pytest.raises(UnlockRefused, match="that did not match"):
        used([passkey], _USES[case](authenticator), PAGE)


_MAKES: Final[dict[str, Callable[[Authenticator], str]]] = {
    "another origin": lambda a: a.make(ASKED, "https://evil.example"),
    "another challenge": lambda a: a.make({**ASKED, "challenge": encode(bytes(32))}, PAGE.origin),
    "another host": lambda a: a.make({**ASKED, "host": "evil.example"}, PAGE.origin),
    "another act": lambda a: a.make(ASKED, PAGE.origin, type="webauthn.get"),
    "nobody verified": lambda a: a.make(ASKED, PAGE.origin, flags=0x01),
    "another id": lambda a: altered(a.make(ASKED, PAGE.origin), id=b64url(bytes(32))),
    "cut off": lambda a: altered(a.make(ASKED, PAGE.origin), data=b64url(bytes(40))),
    "no key": lambda a: altered(a.make(ASKED, PAGE.origin), public=""),
    "a key on another curve": lambda _: Authenticator(key=ec.generate_private_key(ec.SECP384R1())).make(
        ASKED, PAGE.origin
    ),
    "a weak key": lambda _: Authenticator(key=WEAK).make(ASKED, PAGE.origin),
    "an id that is too long": lambda _: Authenticator(credential=bytes(256)).make(ASKED, PAGE.origin),
    "an assertion": lambda a: a.use(ASKED, PAGE.origin),
}


@pytest.mark.parametrize("case", _MAKES)
def test_a_passkey_that_was_not_made_for_this_page_is_not_kept(case: str) -> None:
    with pytest.raises(UsageError):
        made(_MAKES[case](Authenticator()), PAGE, name="blue key")


@pytest.mark.parametrize("name", ["", " ", " x", "x" * 41, "a\nb"])
def test_a_name_is_short_and_in_one_line(name: str) -> None:
    with pytest.raises(UsageError):
        made(Authenticator().make(ASKED, PAGE.origin), PAGE, name=name)


def test_what_chromium_makes_and_signs_is_taken() -> None:
    """Recorded with Chromium's virtual authenticator and accepted by py_webauthn 3.0.1; see the file."""
    recorded = json.loads(VECTORS.read_text(encoding="utf-8"))
    make, use = recorded["make"], recorded["use"]
    page = Page(origin=recorded["origin"], host=recorded["host"], challenge=bytes.fromhex(make["challenge"]))
    passkey = made(json.dumps(make["answer"]), page, name="virtual")
    page = dataclasses.replace(page, challenge=bytes.fromhex(use["challenge"]))
    assert used([passkey], json.dumps(use["answer"]), page) == (passkey, use["counter"])


def test_a_key_file_keeps_them(amira: StaffKey, tmp_path: Path) -> None:
    korean = dataclasses.replace(ANOTHER_PASSKEY, name="파란 열쇠", credential=bytes(255))
    staff = dataclasses.replace(amira, passkeys=(ANOTHER_PASSKEY, korean))
    write_key_file(tmp_path / "k", staff, PASSPHRASE, cost=CHEAP)
    assert unlock(tmp_path / "k", PASSPHRASE) == staff


def test_a_key_file_with_something_else_in_their_place_is_damaged(amira: StaffKey) -> None:
    value = canonical.decode(encode_secrets(dataclasses.replace(amira, passkeys=(ANOTHER_PASSKEY,))))
    good = value["passkeys"][0]
    for passkeys in (
        [],
        [good, good],
        [{**good, "public": "00"}],
        [{**good, "credential": ""}],
        [{**good, "name": ""}],
        [{**good, "host": 7}],
        [{**good, "more": "x"}],
        ["x"],
        "x",
    ):
        with pytest.raises(ValueError, match="not the secrets"):
            decode_secrets(canonical.encode({**value, "passkeys": passkeys}), handle="amira", role=amira.role)
    with pytest.raises(UsageError):
        dataclasses.replace(
            amira, passkeys=tuple(dataclasses.replace(ANOTHER_PASSKEY, credential=bytes([n])) for n in range(9))
        )
