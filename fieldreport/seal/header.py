"""The age header: who may open, and a MAC over exactly that (C2SP age, section "Header").

Rules: strict grammar, at most 64 stanzas and 128 KiB, bounds before parsing. A file key leaves this module only after
the MAC under it was verified over the very bytes that were read. Hybrid and classical stanzas are never mixed.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldreport import limits
from fieldreport.errors import NotARecipient, SealError
from fieldreport.seal.hybrid import FILE_KEY_BYTES, HybridIdentity, HybridRecipient, decoy_stanza
from fieldreport.seal.stanza import (
    CLASSICAL,
    HYBRID,
    SCRYPT,
    Stanza,
    decode_base64,
    encode_base64,
    malformed,
    parse_stanzas,
)

__all__ = ["Header", "Stanza", "build_header", "open_header", "read_header"]

_VERSION: Final = b"age-encryption.org/v1"
_MAC_MARK: Final = b"---"
_MAC_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Header:
    """Stanzas, a MAC that is not verified yet, and the exact bytes that it is over.

    Made by ``parse`` or ``build``; ``verify`` checks the MAC and needs the file key.
    """

    stanzas: tuple[Stanza, ...]
    mac: bytes
    signed: bytes = field(repr=False)

    @classmethod
    def parse(cls, untrusted_header: bytes) -> Header:
        """Parse a whole header, from the version line to the line feed after the MAC and not a byte more.

        Raises:
            SealError: (code ``header-malformed``) over a bound, against the grammar, base64 that is not canonical, a
                hybrid stanza of wrong shape, hybrid and classical stanzas together, or scrypt together with others.
        """
        if len(untrusted_header) > limits.HEADER_BYTES:
            raise malformed("too long")
        version, *lines = untrusted_header.split(b"\n")
        if version != _VERSION or len(lines) < 2 or lines.pop():
            raise malformed("not an age v1 header")
        mark, space, mac_text = lines.pop().partition(b" ")
        if mark != _MAC_MARK or not space:
            raise malformed("no MAC line")
        mac = decode_base64(mac_text)
        if len(mac) != _MAC_BYTES:
            raise malformed("MAC is not 32 bytes")
        stanzas = parse_stanzas(lines, at_most=limits.STANZAS)
        _check_mixture(stanzas)
        return cls(stanzas, mac, untrusted_header[: -len(mac_text) - 2])

    @classmethod
    def build(cls, file_key: bytes | bytearray, stanzas: Sequence[Stanza]) -> Header:
        """Put the MAC under ``file_key`` on the given stanzas.

        Raises:
            SealError: no stanza, too many, or a mixture that a reader would refuse.
        """
        if not 0 < len(stanzas) <= limits.STANZAS:
            raise malformed("one to 64 stanzas")
        _check_mixture(stanzas)
        signed = b"".join([_VERSION, b"\n", *(stanza.encode() for stanza in stanzas), _MAC_MARK])
        return cls(tuple(stanzas), _mac(file_key, signed), signed)

    def encode(self) -> bytes:
        """Encode to exactly the bytes that ``parse`` takes."""
        return self.signed + b" " + encode_base64(self.mac) + b"\n"

    def verify(self, file_key: bytes | bytearray) -> None:
        """Verify the MAC under this file key, in constant time.

        Raises:
            SealError: (code ``header-mac``) the header is not what the holder of the file key wrote.
        """
        if not hmac.compare_digest(self.mac, _mac(file_key, self.signed)):
            raise SealError("this sealed object was altered", code="header-mac", detail="header: MAC does not match")

    def open(self, identities: Iterable[HybridIdentity]) -> bytes:
        """Return the 16-byte file key that one of the identities unwraps, the MAC verified under it.

        Identities are tried in the given order. The first stanza that opens decides: if the MAC does not match under
        its key, the header is refused and no other stanza gets a try.

        Raises:
            NotARecipient: no stanza opens.
            SealError: (code ``header-mac``) a stanza opens but the MAC does not match.
        """
        for identity in identities:
            for stanza in self.stanzas:
                file_key = identity.unwrap(stanza)
                if file_key is not None:
                    self.verify(file_key)
                    return file_key
        raise NotARecipient("this was sealed to other keys", detail="header: no stanza opens with the given identities")


def open_header(untrusted_header: bytes, identities: Iterable[HybridIdentity]) -> bytes:
    """Parse strictly, unwrap, verify the MAC, return the 16-byte file key; raises as ``Header.parse`` and ``open``."""
    return Header.parse(untrusted_header).open(identities)


def build_header(
    file_key: bytes | bytearray, recipients: Iterable[HybridRecipient], *, decoys: Collection[HybridRecipient] = ()
) -> bytes:
    """Wrap a 16-byte file key to every recipient, once each, and return the header's bytes.

    ``decoys``: those of them in whose place a stanza stands that nobody opens and that looks like the others.

    Raises:
        SealError: (code ``recipients``) no recipient but decoys, more than 64, or a file key of another length.
    """
    distinct = list(dict.fromkeys(recipients))
    if not set(distinct) - set(decoys) or len(distinct) > limits.STANZAS:
        raise SealError("a sealed object needs one to 64 recipients", code="recipients")
    stanzas = [decoy_stanza() if recipient in decoys else recipient.wrap(file_key) for recipient in distinct]
    return Header.build(file_key, stanzas).encode()


def read_header(source: BinaryIO) -> bytes:
    """Read the header off the front of an age file and leave ``source`` at the first byte of the payload.

    The result is bounded and ends after the first MAC line; ``Header.parse`` checks the rest.

    Raises:
        SealError: (code ``header-malformed``) no MAC line within 128 KiB.
    """
    read = bytearray()
    while len(read) <= limits.HEADER_BYTES:
        line = source.readline(limits.HEADER_BYTES + 1 - len(read))
        read += line
        if not line.endswith(b"\n") or (len(read) == len(line) and line != _VERSION + b"\n"):
            break
        if line.startswith(_MAC_MARK):
            return bytes(read)
    raise malformed("no MAC line")


def _check_mixture(stanzas: Sequence[Stanza]) -> None:
    types = {stanza.type for stanza in stanzas}
    if HYBRID in types and types & CLASSICAL:
        raise malformed("hybrid and classical recipients together")
    if SCRYPT in types and len(stanzas) > 1:
        raise malformed("a passphrase stanza and others")


def _mac(file_key: bytes | bytearray, signed: bytes) -> bytes:
    if len(file_key) != FILE_KEY_BYTES:
        raise SealError("a file key has 16 bytes", code="file-key")
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"header").derive(file_key)
    return hmac.digest(key, signed, "sha256")
