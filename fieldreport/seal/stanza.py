"""One recipient stanza of an age header: its grammar and the shape of the types that matter here (C2SP age).

Rules: a ``Stanza`` that exists is encodable and one that came from bytes encodes to the same bytes. Base64 is the
standard alphabet without padding, canonical, and nothing else.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from typing import Final

from fieldreport.errors import SealError

HYBRID: Final = "mlkem768x25519"
SCRYPT: Final = "scrypt"
# Types that a quantum computer, or a guessed passphrase, would break. One of them next to a hybrid stanza makes the
# whole file as weak as they are.
CLASSICAL: Final = frozenset({"X25519", SCRYPT, "p256tag", "piv-p256", "ssh-rsa", "ssh-ed25519", "yubikey"})

ENC_BYTES: Final = 1120  # ML-KEM-768 ciphertext (1,088) and X25519 share (32)
BODY_BYTES: Final = 32  # a 16-byte file key and its tag; a longer body would let one stanza open under two keys
_COLUMNS: Final = 64
_MARK: Final = b"-> "

_PRIME: Final = 2**255 - 19
# Every encoding, its top bit cleared, of the u-coordinates on which X25519 gives zero whatever the private key
# (RFC 7748 section 6.1 asks for this check; the points are those of small order, and those of them that also have a
# non-canonical encoding).
_LOW_ORDER: Final = frozenset(
    value.to_bytes(32, "little")
    for value in (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        _PRIME - 1,
        _PRIME,
        _PRIME + 1,
    )
)


def malformed(detail: str) -> SealError:
    """The error for every header that the specification does not allow."""
    return SealError("this sealed object is damaged", code="header-malformed", detail=f"header: {detail}")


def is_low_order(share: bytes) -> bool:
    """Tell whether X25519 with this 32-byte share would give the all-zero secret for every private key."""
    return share[:31] + bytes([share[31] & 0x7F]) in _LOW_ORDER


def encode_base64(data: bytes) -> bytes:
    """Encode as unpadded standard base64 (RFC 4648 section 4)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def decode_base64(untrusted_text: bytes) -> bytes:
    """Decode unpadded, canonical, standard base64.

    Raises:
        SealError: padding, a foreign character, an impossible length, or trailing bits that are not zero.
    """
    try:
        data = binascii.a2b_base64(untrusted_text + b"=" * (-len(untrusted_text) % 4))
    except binascii.Error:
        raise malformed("not base64") from None
    # The decoder skips what is not base64; comparing with the one canonical spelling finds it.
    if encode_base64(data) != untrusted_text:
        raise malformed("base64 is not canonical")
    return data


@dataclass(frozen=True, slots=True)
class Stanza:
    """Type, further arguments and body. A hybrid stanza that exists has the one shape that an identity may try.

    Raises:
        SealError: an argument that is not one or more visible ASCII characters; a hybrid stanza without exactly one
            further argument, with an ``enc`` that is not 1,120 bytes or ends in a low-order point, or with a body that
            is not 32 bytes. Other types are not checked.
    """

    type: str
    args: tuple[str, ...]
    body: bytes
    enc: bytes = field(init=False, repr=False, compare=False)  # decoded once; empty unless hybrid

    def __post_init__(self) -> None:
        if self.type == HYBRID:
            object.__setattr__(self, "enc", self._checked_enc())
            return
        for argument in (self.type, *self.args):
            # Printable ASCII is VCHAR and the space.
            if not argument or " " in argument or not argument.isascii() or not argument.isprintable():
                raise malformed("argument is not visible ASCII")
        object.__setattr__(self, "enc", b"")

    @classmethod
    def hybrid(cls, enc: bytes, body: bytes) -> Stanza:
        """Make the stanza of an encapsulation of our own: 1,120 and 32 bytes, with nothing left to check."""
        stanza = object.__new__(cls)
        argument = encode_base64(enc).decode("ascii")
        for name, value in (("type", HYBRID), ("args", (argument,)), ("body", body), ("enc", enc)):
            object.__setattr__(stanza, name, value)
        return stanza

    def _checked_enc(self) -> bytes:
        if len(self.args) != 1:
            raise malformed("a hybrid stanza has two arguments")
        if len(self.body) != BODY_BYTES:
            raise malformed("body of a hybrid stanza is not 32 bytes")
        if not self.args[0].isascii():
            raise malformed("argument is not visible ASCII")
        enc = decode_base64(self.args[0].encode("ascii"))
        if len(enc) != ENC_BYTES:
            raise malformed("encapsulated key is not 1,120 bytes")
        if is_low_order(enc[-32:]):
            raise malformed("encapsulated key holds a low-order point")
        return enc

    def encode(self) -> bytes:
        """Encode as an argument line and body lines of 64 columns; the last is always shorter, if need be empty."""
        text = encode_base64(self.body)
        lines = [text[start : start + _COLUMNS] for start in range(0, len(text) + 1, _COLUMNS)]
        return _MARK + " ".join((self.type, *self.args)).encode("ascii") + b"\n" + b"\n".join(lines) + b"\n"


def parse_stanzas(untrusted_lines: list[bytes], *, at_most: int) -> tuple[Stanza, ...]:
    """Parse the lines between version line and MAC line, line feeds removed.

    Raises:
        SealError: anything but one to ``at_most`` well-formed stanzas with nothing between them.
    """
    stanzas: list[Stanza] = []
    position = 0
    while position < len(untrusted_lines):
        line = untrusted_lines[position]
        if not line.startswith(_MARK) or not line.isascii():
            raise malformed("not a stanza")
        if len(stanzas) == at_most:
            raise malformed("too many stanzas")
        start = position = position + 1
        while position < len(untrusted_lines) and len(untrusted_lines[position]) == _COLUMNS:
            position += 1
        if position == len(untrusted_lines) or len(untrusted_lines[position]) > _COLUMNS:
            raise malformed("a stanza does not end with a short line")
        position += 1
        kind, *arguments = line[len(_MARK) :].decode("ascii").split(" ")
        # Full lines are 48 whole bytes each, so joining them loses nothing of the canonical form.
        body = decode_base64(b"".join(untrusted_lines[start:position]))
        stanzas.append(Stanza(kind, tuple(arguments), body))
    if not stanzas:
        raise malformed("no stanza")
    return tuple(stanzas)
