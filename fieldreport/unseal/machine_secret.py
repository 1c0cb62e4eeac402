"""What a key file on the desk needs besides its passphrase: a secret of the machine, replaced at every writing.

The secrets lie in ``<directory of the key files>.machine``, which backups leave out. So a copy of a key file opens
nothing with the unchanged passphrase once the file was written again, as a rotation does. FORMAT.md, "Machine
secret", has the bytes.

Rules: the secret is on the disk before the key file that names it, and the one before is destroyed after that, so that
the key file has its secret wherever a crash comes. Anybody who writes holds ``secret_file.locked`` of the key file.
"""

from __future__ import annotations

import base64
import re
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fieldreport import limits
from fieldreport.errors import KeyFileDamaged
from fieldreport.seal.roster import HANDLE
from fieldreport.unseal import secret_file

_SECRET_BYTES: Final = 32
_NAME_BYTES: Final = 8
_NONCE: Final = bytes(12)  # a secret encrypts one message
_LABEL: Final = b"fieldreport/v1/machine-secret\n"
_FIRST_LINE: Final = "fieldreport key file v2\n"
_FILE: Final = re.compile(
    f"(?P<head>{_FIRST_LINE}"
    f"handle (?P<handle>{HANDLE})\n"
    f"secret (?P<secret>[0-9a-f]{{{2 * _NAME_BYTES}}})\n"
    ")"
    "body (?P<body>[A-Za-z0-9+/]+={0,2})\n"
)


def directory(keyfiles: Path) -> Path:
    """Where the secrets of the key files in a directory lie."""
    beside = keyfiles.resolve()
    return beside.parent / f"{beside.name}.machine"


def is_bound(untrusted_file: bytes) -> bool:
    """Whether a key file needs a secret of its machine."""
    return untrusted_file.startswith(_FIRST_LINE.encode("ascii"))


def replace(path: Path, handle: str, content: bytes) -> None:
    """Put a key file that only its passphrase protects at ``path``, under a new secret; the old secret is destroyed.

    Raises:
        OSError: it cannot be written. The key file that was there still opens.
    """
    name, secret = secrets.token_hex(_NAME_BYTES), secrets.token_bytes(_SECRET_BYTES)
    place = directory(path.parent)
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        secret_file.sync_directory(place.parent)
    secret_file.create(place / f"{handle}.{name}", secret)
    head = f"{_FIRST_LINE}handle {handle}\nsecret {name}\n".encode("ascii")
    body = base64.b64encode(ChaCha20Poly1305(secret).encrypt(_NONCE, content, _LABEL + head))
    secret_file.replace(path, head + b"body " + body + b"\n")
    destroy(path, handle, but=name)


def destroy(path: Path, handle: str, *, but: str = "") -> None:
    """Overwrite and remove the secrets of one person's key files beside ``path``, all but one."""
    for old in directory(path.parent).glob(f"{handle}.*"):
        if old.name != f"{handle}.{but}":
            secret_file.destroy(old)


def destroy_old(path: Path, untrusted_file: bytes) -> None:
    """Destroy what a crash in ``replace`` left: the secrets that the key file with this content does not name.

    Raises:
        KeyFileDamaged: it is not a key file that needs a secret.
    """
    match = _parse(path, untrusted_file)
    destroy(path, match["handle"], but=match["secret"])


def open_(path: Path, untrusted_file: bytes) -> bytes:
    """The key file that lies under the secret: what its owner's passphrase opens.

    Raises:
        KeyFileDamaged: ``key-file-secret``: the secret is not on this machine; ``key-file-damaged``: the two do not
            fit, or one of them is damaged; ``key-file-mode``: others may read the secret.
    """
    match = _parse(path, untrusted_file)
    place, name = directory(path.parent), f"{match['handle']}.{match['secret']}"
    try:
        secret = secret_file.read(place / name, at_most=_SECRET_BYTES)
    except FileNotFoundError:
        raise KeyFileDamaged(
            f"{path.name} needs the secret {name}, which is not in {place}", code="key-file-secret"
        ) from None
    try:
        body = base64.b64decode(match["body"], validate=True)
        content = ChaCha20Poly1305(secret).decrypt(_NONCE, body, _LABEL + match["head"].encode("ascii"))
    except (InvalidTag, ValueError):
        raise KeyFileDamaged(f"{path.name} and its secret {name} do not fit together") from None
    firsts = tuple(f"fieldreport key file {v}\nhandle {match['handle']}\n".encode("ascii") for v in ("v1", "v3"))
    whole = content.startswith(firsts)
    if not whole or base64.b64encode(body).decode("ascii") != match["body"]:
        raise KeyFileDamaged(f"{path.name} holds something else than its secret was made for")
    return content


def unused(keyfiles: Path) -> tuple[str, ...]:
    """The names of secrets that no key file in the directory needs."""
    needed = set()
    for path in keyfiles.glob("*.key"):
        try:
            match = _parse(path, secret_file.read(path, at_most=limits.KEYFILE_BYTES))
        except (KeyFileDamaged, FileNotFoundError):
            continue
        needed.add(f"{match['handle']}.{match['secret']}")
    place = directory(keyfiles)
    return tuple(sorted(each.name for each in place.glob("*") if each.is_file() and each.name not in needed))


def _parse(path: Path, untrusted_file: bytes) -> re.Match[str]:
    match = _FILE.fullmatch(untrusted_file.decode("ascii", errors="replace"))
    if match is None:
        raise KeyFileDamaged(
            f"{path.name} is damaged; restore it from a backup", detail=f"{path.name}: its form is wrong"
        )
    return match
