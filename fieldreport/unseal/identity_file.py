"""A stock age identity file: a person's reading keys as text that any age 1.3 accepts, and this program, too.

Rules: without a passphrase it opens everything that its owner can open. It is written once, under a new name, with mode
0600, and read only if no other user may read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fieldreport.errors import KeyFileDamaged, SealError, UsageError
from fieldreport.limits import KEYFILE_BYTES, KEYFILE_IDENTITIES
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.unseal import secret_file

_KEY_FILE: Final = b"fieldreport key file "


def encode(identities: Sequence[HybridIdentity]) -> str:
    """One line for each identity, in the given order, with its key id and recipient in comments above it."""
    lines = []
    for identity in identities:
        lines += [f"# key id {identity.key_id}", f"# public key: {identity.recipient}", identity.encode()]
    return "\n".join(lines) + "\n"


def parse(untrusted_text: str) -> tuple[HybridIdentity, ...]:
    """The identities of such a file, in its order; comments and blank lines are passed over, as age does.

    Raises:
        KeyFileDamaged: a line that is anything else, no identity at all, or more than a person can have.
    """
    lines = [line.strip() for line in untrusted_text.splitlines()]
    secrets = [line for line in lines if line and not line.startswith("#")]
    if not 0 < len(secrets) <= KEYFILE_IDENTITIES:
        raise KeyFileDamaged(f"an identity file has 1 to {KEYFILE_IDENTITIES} keys")
    try:
        return tuple(HybridIdentity.parse(secret) for secret in secrets)
    except SealError:
        raise KeyFileDamaged("a line of this identity file is not a key that fieldreport knows") from None


def is_identity_file(path: Path) -> bool:
    """Whether this is an identity file, or something that should be one, and not a key file.

    Raises:
        FileNotFoundError: there is none. KeyFileDamaged: as ``secret_file.read``.
    """
    return not secret_file.read(path, at_most=KEYFILE_BYTES).startswith(_KEY_FILE)


def read(path: Path) -> tuple[HybridIdentity, ...]:
    """The identities in a file that only its owner may read.

    Raises:
        FileNotFoundError: there is none. KeyFileDamaged: as ``parse`` and ``secret_file.read``.
    """
    return parse(secret_file.read(path, at_most=KEYFILE_BYTES).decode("ascii", errors="replace"))


def write(path: Path, identities: Sequence[HybridIdentity]) -> None:
    """Write a new file with mode 0600, durably; what is there already is left alone.

    Raises:
        UsageError: something of that name is there, or it cannot be written.
    """
    try:
        secret_file.create(path, encode(identities).encode("ascii"))
    except OSError as error:
        raise UsageError(f"cannot write {path.name}: {error.strerror}") from None
