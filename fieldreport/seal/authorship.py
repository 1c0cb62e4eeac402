"""Who wrote a sealed object: the author's signature over its place and its content. FORMAT.md, "Author".

Anyone who knows the public keys can seal an object. What staff write is believed only if one of them signed it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from fieldreport.errors import SealError
from fieldreport.seal.inner_header import Binding
from fieldreport.seal.manifest import Manifest
from fieldreport.seal.roster import KeyState, Role, Roster, is_handle
from fieldreport.seal.signatures import verify_signature

OBJECT_LABEL: Final = "object"
AUTHOR: Final = "author"
AUTHOR_SIGNATURE: Final = "author_signature"
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")


class SigningKey(Protocol):
    """A person's signing key, as ``unseal`` unlocks it."""

    def sign(self, label: str, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Whose name a sealed object carries, and the key that signs for it."""

    handle: str
    key: SigningKey = field(repr=False)


def editors_of(roster: Roster, *, ever: bool = False) -> dict[str, set[bytes]]:
    """Handle to the signing keys (32 bytes) of everybody who could write while ``roster`` was in force.

    With ``ever``, of former editors and of those who are suspended, too.
    """
    suspended = frozenset() if ever else roster.suspended
    editors: dict[str, set[bytes]] = {}
    for entry in roster.entries:
        counts = entry.role is Role.EDITOR and (ever or entry.state is not KeyState.REVOKED)
        if counts and entry.handle not in suspended and entry.signing is not None:
            editors.setdefault(entry.handle, set()).add(entry.signing)
    return editors


def sign_manifest(binding: Binding, manifest: Manifest, author: Author) -> Manifest:
    """Return the manifest with its author and their signature among the fields.

    Raises:
        SealError: (code ``manifest``) a signature, or another author, is there already.
    """
    if AUTHOR_SIGNATURE in manifest.fields or manifest.fields.get(AUTHOR, author.handle) != author.handle:
        raise SealError("this cannot be sealed", code="manifest", detail="manifest: the author's fields are taken")
    named = replace(manifest, fields={**manifest.fields, AUTHOR: author.handle})
    signature = author.key.sign(OBJECT_LABEL, _message(binding, named))
    return replace(named, fields={**named.fields, AUTHOR_SIGNATURE: signature.hex()})


def author_of(binding: Binding, manifest: Manifest, signers: Mapping[str, Collection[bytes]]) -> str:
    """Return the handle of who wrote it, the signature checked. The parts are checked by their hashes, not here.

    ``signers``: handle to Ed25519 public keys (32 bytes); those of the roster that the object was sealed to.

    Raises:
        SealError: (code ``unsigned``) it carries no signature; (code ``forged``) not one by a key of that author over
            this place and content.
    """
    signature = manifest.fields.get(AUTHOR_SIGNATURE)
    if signature is None:
        raise SealError("this is not signed by anyone; do not trust it", code="unsigned")
    handle = manifest.fields.get(AUTHOR, "")
    if _SIGNATURE.fullmatch(signature) is None or not is_handle(handle):
        raise forged("the author's fields are malformed")
    named = {name: text for name, text in manifest.fields.items() if name != AUTHOR_SIGNATURE}
    message = _message(binding, replace(manifest, fields=named))
    for public in signers.get(handle, ()):
        try:
            verify_signature(public, OBJECT_LABEL, message, bytes.fromhex(signature))
        except SealError:
            continue
        return handle
    raise forged("no key of that author signed it")


def forged(detail: str) -> SealError:
    """The error for an object that is not by who it says."""
    return SealError(
        "this is not signed by who it claims to be; do not trust it", code="forged", detail=f"author: {detail}"
    )


def _message(binding: Binding, manifest: Manifest) -> bytes:
    return binding.encode() + manifest.encode()
