"""Key files: a person's private keys at rest, under a generated passphrase and, on the desk, a secret of the machine.

One that is bound to passkeys also needs its part (``key_part``), which one of those passkeys or a recovery code opens.

The order of reading is the security argument. First comes what needs no secret that a person knows: length, mode, the
machine's secret, grammar, checksum, bounds of the cost. Then the part is opened, and exactly one Argon2id runs, whether
there was a part or not. Then the key commitment, which alone
decides between a wrong passphrase and a right one. Only then is anything decrypted, with every line above it
authenticated. The bytes are specified in FORMAT.md, "Key file".

Rules: a wrong passphrase is ``UnlockRefused`` and nothing more is said; everything else that is wrong is
``KeyFileDamaged``.

What is derived from a passphrase, and the decrypted body, lie in buffers that are overwritten after use. The passphrase
itself and the seeds of an unlocked key are immutable ``str`` and ``bytes``: Python frees them when nothing refers to
them any more and does not overwrite them.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from fieldreport import limits
from fieldreport.errors import Conflict, KeyFileDamaged, PlatformError, UnlockRefused, UsageError
from fieldreport.seal.roster import HANDLE, Role
from fieldreport.seal.word_lists import word_list
from fieldreport.sentence import Sentence
from fieldreport.unseal import key_part, machine_secret, secret_file
from fieldreport.unseal.key_part import Opener, Part
from fieldreport.unseal.signing_keys import AdminKey, SigningKey
from fieldreport.unseal.staff_key import StaffKey, decode_secrets, encode_secrets

__all__ = [
    "FULL",
    "AdminKey",
    "Cost",
    "SigningKey",
    "StaffKey",
    "bind",
    "change_key_file",
    "derive_once",
    "dummy_unlock",
    "generate_passphrase",
    "import_key_file",
    "is_bound",
    "is_same_passphrase",
    "needs_part",
    "unlock",
    "write_key_file",
]

_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_TAG_BYTES: Final = 16
# Every key is derived from a salt that is drawn for one write and encrypts one message, so its nonce may be constant.
_NONCE: Final = bytes(12)
_LABEL: Final = b"fieldreport/v1/key-file\n"
_BASE64: Final = "[A-Za-z0-9+/]+={0,2}"
_SEALED_PART: Final = f"[A-Za-z0-9+/]{{{key_part.SEALED_BYTES * 4 // 3}}}"
_HOLDERS: Final = limits.PASSKEYS + limits.RECOVERY_CODES
_FILE: Final = re.compile(
    "(?P<sealed>"
    "(?P<head>"
    "fieldreport key file (?P<version>v1|v3)\n"
    f"handle (?P<handle>{HANDLE})\n"
    "role (?P<role>editor|admin)\n"
    "argon2id (?P<kib>[1-9][0-9]{0,7}) (?P<passes>[1-9][0-9]{0,2}) (?P<lanes>[1-9][0-9]{0,2})\n"
    f"salt (?P<salt>{_BASE64})\n"
    f"(?P<parts>(?:part [0-9a-f]{{16}} {_SEALED_PART}\n){{0,{_HOLDERS}}})"
    ")"
    f"commitment (?P<commitment>{_BASE64})\n"
    f"body (?P<body>{_BASE64})\n"
    ")"
    f"checksum (?P<checksum>{_BASE64})\n"
)
_REFUSED: Final = "Handle, passphrase or code did not match."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one guess at a passphrase costs: Argon2id memory in KiB, passes and lanes (RFC 9106)."""

    kib: int
    passes: int
    lanes: int

    def __post_init__(self) -> None:
        if not (
            1 <= self.passes <= limits.KEYFILE_ARGON2_PASSES_MAX
            and 1 <= self.lanes <= limits.KEYFILE_ARGON2_LANES_MAX
            and 8 * self.lanes <= self.kib <= limits.KEYFILE_ARGON2_KIB_MAX
        ):
            raise UsageError(Sentence("the cost of a key file is out of bounds"))


FULL: Final = Cost(
    kib=limits.KEYFILE_ARGON2_KIB, passes=limits.KEYFILE_ARGON2_PASSES, lanes=limits.KEYFILE_ARGON2_LANES
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """A key file whose form, checksum and bounds were checked; nothing in it is authenticated yet."""

    head: bytes
    handle: str
    role: Role
    cost: Cost
    salt: bytes
    parts: Mapping[str, bytes] = field(
        repr=False
    )  # the part, sealed, by the holder's name; none where no part is needed
    commitment: bytes
    body: bytes


def generate_passphrase() -> str:
    """Seven English words, 77 bits: shown once, written down by its owner, stored nowhere."""
    words = word_list("english").words
    return " ".join(secrets.choice(words) for _ in range(limits.PASSPHRASE_WORDS))


def is_same_passphrase(typed: str, passphrase: str) -> bool:
    """Whether two passphrases open the same: case and spacing do not matter."""
    return bool(_normalise(typed)) and hmac.compare_digest(_normalise(typed), _normalise(passphrase))


def write_key_file(
    path: Path, staff_key: StaffKey, passphrase: str, *, cost: Cost = FULL, portable: bool = False
) -> None:
    """Write the key file, mode 0600, durably and whole; one that was there is replaced and overwritten.

    Args:
        path: becomes the key file.
        staff_key: what it holds.
        passphrase: case and spacing do not matter.
        cost: of each guess at it.
        portable: the passphrase alone opens it, on any machine; otherwise it also needs a new secret of this one.

    Raises:
        UsageError: the passphrase is blank or too long, or the directory cannot be written.
    """
    content, _ = _encode(staff_key, passphrase, cost)
    with secret_file.locked(path):
        if portable:
            secret_file.replace(path, content)
        else:
            machine_secret.replace(path, staff_key.handle, content)


def unlock(path: Path, passphrase: str, *, handle: str | None = None, opener: Opener | Part | None = None) -> StaffKey:
    """Open a key file at the cost of one Argon2id.

    With no file at ``path`` the cost and the answer are the same, so that handles cannot be probed.

    Args:
        path: the key file.
        passphrase: as typed.
        handle: whose file it must be, if given.
        opener: what opens its part if it is bound to passkeys: a passkey's answer, a recovery code, or the part that an
            unlocked session keeps. It does not matter to another file.

    Raises:
        UnlockRefused: wrong passphrase or opener, or no such file.
        UsageError: (code ``key-file-bound``) the file is bound to passkeys, and there is no opener.
        Conflict: (code ``key-file-rewritten``) the part is that of an earlier writing.
        KeyFileDamaged: the file is not what was written, others may read it, or its secret is not on this machine
            (code ``key-file-secret``). Raised without any Argon2id: a caller that answers strangers runs
            ``dummy_unlock`` and says the same as for a wrong passphrase.
    """
    try:
        sealed = _parse(_read(path))
    except FileNotFoundError:
        dummy_unlock()
    if handle is not None and handle != sealed.handle:
        raise KeyFileDamaged(f"{path.name} is the key file of another person")
    return _open(sealed, passphrase, opener)


def needs_part(path: Path) -> bool:
    """Whether a key file is bound to passkeys, so that the passphrase does not open it without one or a recovery code.

    Raises:
        FileNotFoundError: there is none. KeyFileDamaged: as ``unlock``.
    """
    return bool(_parse(_read(path)).parts)


def import_key_file(source: Path, path: Path, *, handle: str) -> None:
    """Put a key file that an editor made on another machine at ``path``, bound to this machine; the source stays.

    Everything is checked that needs no passphrase. The mode of the source is not: it comes on a memory card.

    Raises:
        KeyFileDamaged: it is not a key file, or not that of an editor ``handle``.
        UsageError: another key file is at ``path``, or one of the two cannot be read or written.
    """
    try:
        with source.open("rb") as file:
            untrusted_file = file.read(limits.KEYFILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from None
    if machine_secret.is_bound(untrusted_file):
        raise KeyFileDamaged(f"{source.name} needs a secret of another machine; bring the file that 'keys new' wrote")
    sealed = _parse(untrusted_file)
    if (sealed.handle, sealed.role) != (handle, Role.EDITOR):
        raise KeyFileDamaged(f"{source.name} is not the key file of an editor {handle}")
    with secret_file.locked(path):
        try:
            if _read(path) != untrusted_file:
                raise UsageError(f"there is another {path.name} already; move it away first")
        except FileNotFoundError:
            machine_secret.replace(path, handle, untrusted_file)


def is_bound(path: Path) -> bool:
    """Whether a key file needs a secret of this machine; everything is checked that needs no passphrase.

    Raises:
        FileNotFoundError: there is none. KeyFileDamaged: as ``unlock``.
    """
    untrusted_file = secret_file.read(path, at_most=limits.KEYFILE_BYTES)
    _parse(_read(path))
    return machine_secret.is_bound(untrusted_file)


def bind(path: Path) -> None:
    """Put a portable key file under a secret of this machine; that takes no passphrase. A bound one stays as it is.

    Raises:
        FileNotFoundError: there is none. KeyFileDamaged: as ``unlock``. UsageError: it cannot be written.
    """
    if is_bound(path):
        return
    with secret_file.locked(path):
        untrusted_file = secret_file.read(path, at_most=limits.KEYFILE_BYTES)
        if not machine_secret.is_bound(untrusted_file):
            machine_secret.replace(path, _parse(untrusted_file).handle, untrusted_file)


def dummy_unlock(*, cost: Cost = FULL) -> NoReturn:
    """Do the work of a refused unlock, then refuse: an unknown handle takes as long as a wrong passphrase.

    Raises:
        UnlockRefused: always.
    """
    with _wiped_buffer(_KEY_BYTES) as unused:
        derive_once("", secrets.token_bytes(_SALT_BYTES), cost, unused)
    raise UnlockRefused(_REFUSED)


def change_key_file(
    path: Path,
    passphrase: str,
    change: Callable[[StaffKey], StaffKey],
    *,
    opener: Opener | Part | None = None,
    new_passphrase: str = "",
) -> StaffKey:
    """Unlock, change and write again at the same cost under a new secret; others who want to change the file wait.

    If ``change`` gives back an equal key, nothing is written, and what an interrupted call left is destroyed. With a
    ``new_passphrase`` the file is written in any case, and only that opens it from then on. A file that is bound to
    passkeys gets a new part with each writing; the key that is returned has it.

    Raises:
        UnlockRefused, KeyFileDamaged, Conflict: as ``unlock``.
        UsageError: as ``unlock``, or the file cannot be written, or what ``change`` raises.
    """
    with secret_file.locked(path):
        try:
            untrusted_file = secret_file.read(path, at_most=limits.KEYFILE_BYTES)
            sealed = _parse(_read(path))
        except FileNotFoundError:
            dummy_unlock()
        before = _open(sealed, passphrase, opener)
        after = change(before)
        if after != before or new_passphrase or not machine_secret.is_bound(untrusted_file):
            content, part = _encode(after, new_passphrase or passphrase, sealed.cost)
            machine_secret.replace(path, after.handle, content)
            after = dataclasses.replace(after, part=part)
        else:
            machine_secret.destroy_old(path, untrusted_file)
        return after


def _read(path: Path) -> bytes:
    """What is under the passphrase: a portable key file itself, the content of a bound one."""
    untrusted_file = secret_file.read(path, at_most=limits.KEYFILE_BYTES)
    while machine_secret.is_bound(untrusted_file):
        try:
            return machine_secret.open_(path, untrusted_file)
        except KeyFileDamaged:
            again = secret_file.read(path, at_most=limits.KEYFILE_BYTES)
            if again == untrusted_file:
                raise
            untrusted_file = again  # written again in between, so that it has another secret now
    return untrusted_file


def _encode(staff_key: StaffKey, passphrase: str, cost: Cost) -> tuple[bytes, Part | None]:
    """The bytes of a key file, and its part if it has one."""
    if not _normalise(passphrase):
        raise UsageError(Sentence("a passphrase cannot be blank, nor longer than a page"))
    salt = secrets.token_bytes(_SALT_BYTES)
    part = Part(value=key_part.draw(), salt=salt) if staff_key.holders else None
    parts = [f"part {each.name} {_text(each.seal(part.value))}\n" for each in staff_key.holders if part is not None]
    head = (
        f"fieldreport key file {'v1' if part is None else 'v3'}\n"
        f"handle {staff_key.handle}\n"
        f"role {staff_key.role}\n"
        f"argon2id {cost.kib} {cost.passes} {cost.lanes}\n"
        f"salt {_text(salt)}\n" + "".join(parts)
    ).encode("ascii")
    with _keys(passphrase, salt, cost, head, part) as (commitment, key):
        body = ChaCha20Poly1305(key).encrypt(_NONCE, encode_secrets(staff_key), _associated(head, commitment))
    sealed = head + f"commitment {_text(commitment)}\nbody {_text(body)}\n".encode("ascii")
    return sealed + f"checksum {_text(hashlib.sha256(sealed).digest())}\n".encode("ascii"), part


def _parse(untrusted_file: bytes) -> _Sealed:
    """Check everything that can be checked without a secret, before any work is done."""
    match = _FILE.fullmatch(untrusted_file.decode("ascii", errors="replace"))
    if match is None:
        raise _damaged("its form")
    checksum = hashlib.sha256(match["sealed"].encode("ascii")).digest()
    if _bytes(match["checksum"], _KEY_BYTES) != checksum:
        raise _damaged("its checksum")
    try:
        cost = Cost(kib=int(match["kib"]), passes=int(match["passes"]), lanes=int(match["lanes"]))
    except UsageError:
        raise _damaged("its cost") from None
    named = [line.split() for line in match["parts"].splitlines()]
    parts = {name: _bytes(sealed, key_part.SEALED_BYTES) for _, name, sealed in named}
    # In order and none twice, so that there is one spelling; and a file of either version is not taken for the other.
    if list(parts) != sorted(name for _, name, _ in named) or bool(parts) != (match["version"] == "v3"):
        raise _damaged("its part")
    return _Sealed(
        head=match["head"].encode("ascii"),
        handle=match["handle"],
        role=Role(match["role"]),
        cost=cost,
        salt=_bytes(match["salt"], _SALT_BYTES),
        parts=parts,
        commitment=_bytes(match["commitment"], _KEY_BYTES),
        body=_bytes(match["body"], None),
    )


def _open(sealed: _Sealed, passphrase: str, opener: Opener | Part | None) -> StaffKey:
    part = _part_of(sealed, opener) if sealed.parts else None
    if sealed.parts and part is None:
        dummy_unlock(cost=sealed.cost)
    with (
        _keys(passphrase, sealed.salt, sealed.cost, sealed.head, part) as (commitment, key),
        _wiped_buffer(max(0, len(sealed.body) - _TAG_BYTES)) as content,
    ):
        if not hmac.compare_digest(commitment, sealed.commitment):
            raise UnlockRefused(_REFUSED)
        try:
            ChaCha20Poly1305(key).decrypt_into(_NONCE, sealed.body, _associated(sealed.head, commitment), content)
        except InvalidTag:
            raise _damaged("its body") from None
        # Authenticated, so written with the right passphrase; still parsed strictly: another version may have done it.
        try:
            staff = decode_secrets(content, handle=sealed.handle, role=sealed.role)
        except ValueError:
            raise _damaged("its content") from None
    if [each.name for each in staff.holders] != list(sealed.parts):
        raise _damaged("its part")
    return dataclasses.replace(staff, part=part)


def _part_of(sealed: _Sealed, opener: Opener | Part | None) -> Part | None:
    """The part of a key file that needs one; nothing if this opens none of it. Raises as ``unlock``."""
    match opener:
        case Opener():
            untrusted_sealed = sealed.parts.get(opener.name)
            value = None if untrusted_sealed is None else opener.open_(untrusted_sealed)
            return None if value is None else Part(value=value, salt=sealed.salt)
        case Part():
            if opener.salt != sealed.salt:
                raise Conflict(
                    Sentence("Your key file was written elsewhere since you unlocked. Lock the desk and unlock it."),
                    code="key-file-rewritten",
                )
            return opener
        case None:
            raise UsageError(
                f"the key file of {sealed.handle} is bound to passkeys, which a terminal cannot ask. At the desk, "
                "under 'Your key', 'Second factor', its owner ends that, and binds it again afterwards.",
                code="key-file-bound",
            )


@contextmanager
def _wiped_buffer(length: int) -> Iterator[bytearray]:
    """A buffer for a secret, overwritten when the block ends."""
    buffer = bytearray(length)
    try:
        yield buffer
    finally:
        buffer[:] = bytes(length)


def derive_once(passphrase: str, salt: bytes, cost: Cost, into: bytearray) -> None:
    """The one Argon2id that an unlock costs, into 32 bytes. Public so that the benchmark can compare an unlock with it.

    Raises:
        PlatformError: (code ``no-memory``) this machine does not have enough free memory.
    """
    try:
        Argon2id(
            salt=salt, length=_KEY_BYTES, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.kib
        ).derive_into(_normalise(passphrase), into)
    except MemoryError:
        raise PlatformError(f"unlocking needs {cost.kib // 1024} MiB of free memory", code="no-memory") from None


@contextmanager
def _keys(
    passphrase: str, salt: bytes, cost: Cost, head: bytes, part: Part | None
) -> Iterator[tuple[bytes, memoryview]]:
    """The commitment and the encryption key, the whole head bound into both; the key is gone when the block ends."""
    with _wiped_buffer(_KEY_BYTES) as master, _wiped_buffer(2 * _KEY_BYTES) as derived:
        derive_once(passphrase, salt, cost, master)
        info = _LABEL + head
        if part is None:
            HKDFExpand(SHA256(), 2 * _KEY_BYTES, info).derive_into(master, derived)
        else:
            HKDF(SHA256(), 2 * _KEY_BYTES, salt=part.value, info=info).derive_into(master, derived)
        with memoryview(derived) as both:
            yield bytes(both[:_KEY_BYTES]), both[_KEY_BYTES:]


def _associated(head: bytes, commitment: bytes) -> bytes:
    return _LABEL + head + commitment


def _normalise(passphrase: str) -> bytes:
    # No key file has a blank passphrase, so one that is far too long is simply wrong, at the usual cost.
    if len(passphrase) > limits.PASSPHRASE_CHARACTERS:
        return b""
    return " ".join(unicodedata.normalize("NFKC", passphrase).casefold().split()).encode("utf-8", errors="replace")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _bytes(text: str, length: int | None) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _damaged("its base64") from None
    if _text(value) != text or (length is not None and len(value) != length):
        raise _damaged("its base64")
    return value


def _damaged(what: str) -> KeyFileDamaged:
    return KeyFileDamaged("this key file is damaged; restore it from a backup", detail=f"key file: {what} is wrong")
