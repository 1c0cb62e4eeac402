"""The files of a case that leaves as evidence: their names, the list of them, and reading them believing nothing.

Rules: a name is one of a closed list; what is not a plain file is refused; every file is compared with the list, to its
last byte, and one that is held in memory again when it is used. FORMAT.md, "Evidence", has the form.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast

from fieldreport import limits
from fieldreport.errors import NotFound, SealError, UsageError
from fieldreport.seal import Manifest, OpenEnvelope, Part, decode_canonical, encode_canonical

README: Final = "README.txt"
LIST: Final = "evidence.json"
AUDIT: Final = "audit.json"
CONTENTS: Final = "contents.json"
CONTENT_KEYS: Final = "content-keys.json"
SEALED: Final = "evidence.age"
KEYS: Final = "keys/"

_FORMAT: Final = "fieldreport-evidence-v1"
_FOLDERS: Final = ("keys/history", "keys", "letters")
_NAME: Final = re.compile(
    r"README\.txt|contents\.json|content-keys\.json|letters/[0-9]{4}\.age"
    r"|keys/(?:admin\.pub|roster\.json(?:\.sig)?|handover-[0-9]{4}\.json(?:\.sig|\.accepted)?"
    r"|history/[0-9]{8}\.json(?:\.sig)?)"
)
_CASE: Final = re.compile(r"C-[0-9A-Z]{4,16}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+")
_DAMAGE: Final = re.compile(r"[a-z0-9,-]{1,200}")
_NEWSROOM_CHARACTERS: Final = 200


class Files(Protocol):
    """Where evidence is read from: a folder, or a sealed object that holds one."""

    @property
    def names(self) -> frozenset[str]:
        """Of every file, whether it should be there or not."""

    def open(self, name: str) -> BinaryIO:
        """A file of that name, seekable, at its beginning; the caller closes it. Raises ``SealError``."""


class FolderFiles:
    """The files of a folder on a disk.

    Raises:
        SealError: (code ``evidence``) a link, a device, or a folder that has no place here. UsageError: no folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            names = list(itertools.islice(self._walk(folder, ""), limits.EVIDENCE_FILES + 1))
        except OSError as error:
            raise UsageError(f"cannot read {folder}: {error.strerror}") from None
        if len(names) > limits.EVIDENCE_FILES:
            raise refused(folder.name, "holds more files than evidence has")
        self.names: Final = frozenset(names)

    def open(self, name: str) -> BinaryIO:
        """See ``Files``; a link that was put there meanwhile is not followed."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe without a writer would wait
        try:
            file = os.fdopen(os.open(self._folder / name, flags), "rb")
        except OSError:
            raise refused(name, "cannot be read") from None
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise refused(name, "is not a plain file")
        return file

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_symlink():
                    raise refused(name, "is a link")
                if entry.is_dir(follow_symlinks=False):
                    if name not in _FOLDERS:
                        raise refused(name, "was added")
                    yield from self._walk(Path(entry.path), f"{name}/")
                elif entry.is_file(follow_symlinks=False):
                    yield name
                else:
                    raise refused(name, "is not a plain file")


class SealedFiles:
    """The parts of an open sealed object, whose every byte was verified, as files."""

    def __init__(self, envelope: OpenEnvelope) -> None:
        self._envelope = envelope
        self._numbers = {_file_name(part.name): number for number, part in enumerate(envelope.manifest.parts)}

    @property
    def names(self) -> frozenset[str]:
        """See ``Files``."""
        return frozenset(self._numbers)

    def open(self, name: str) -> BinaryIO:
        """See ``Files``."""
        try:
            return cast("BinaryIO", self._envelope.open_part(self._numbers[name]))
        except (KeyError, NotFound):
            raise refused(name, "is missing") from None


def part_name(name: str) -> str:
    """The name of a file as a part of a sealed object."""
    return name.replace("/", ".")


def _file_name(untrusted_part: str) -> str:
    for folder in _FOLDERS:
        start = part_name(f"{folder}/")
        if untrusted_part.startswith(start) and untrusted_part != CONTENTS:
            return f"{folder}/{untrusted_part.removeprefix(start)}"
    return untrusted_part


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One file of the list: its size in bytes, its SHA-256 (32 bytes)."""

    name: str
    size: int
    sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileList:
    """What ``evidence.json`` says. ``newsroom``: the name of ``instance`` (16 bytes), as it calls itself."""

    case: str
    instance: bytes = field(repr=False)
    newsroom: str
    files: tuple[Listed, ...]

    def encode(self) -> bytes:
        """The bytes of ``evidence.json``."""
        files = [{"name": each.name, "sha256": each.sha256.hex(), "size": each.size} for each in self.files]
        return encode_canonical(
            {
                "case": self.case,
                "files": files,
                "format": _FORMAT,
                "instance": self.instance.hex(),
                "newsroom": self.newsroom,
            }
        )

    @classmethod
    def parse(cls, untrusted: bytes) -> FileList:
        """Raises ``SealError`` (code ``evidence``) for anything that ``encode`` does not write."""
        value = _object(LIST, untrusted, "case", "files", "format", "instance", "newsroom")
        case, newsroom, files = value["case"], value["newsroom"], value["files"]
        if value["format"] != _FORMAT or not isinstance(files, list):
            raise refused(LIST, "is of an unknown form")
        if not isinstance(case, str) or not _CASE.fullmatch(case):
            raise refused(LIST, "names no case")
        if not isinstance(newsroom, str) or len(newsroom) > _NEWSROOM_CHARACTERS:
            raise refused(LIST, "names no newsroom")
        listed = tuple(_listed(each) for each in files)
        if [each.name for each in listed] != sorted({each.name for each in listed}):
            raise refused(LIST, "names a file twice, or out of order")
        return cls(case=case, instance=_bytes(LIST, value["instance"], 16), newsroom=newsroom, files=listed)

    def read(self, files: Files, name: str) -> bytes:
        """A file of the list that is held in memory, as the list has it.

        Raises:
            SealError: (code ``evidence``) missing, too long, or another one than ``check_files`` has seen.
        """
        content = read_small(files, name)
        if measure(in_memory(content)) not in {(each.size, each.sha256) for each in self.files if each.name == name}:
            raise refused(name, "was altered")
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a letter holds, without a word of it: the roster it was sealed to, its hour and its parts."""

    epoch: int
    roster: bytes = field(repr=False)
    hour: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFile:
    """One letter as ``contents.json`` has it. ``damage``: what is damaged, as in the inbox."""

    file: str
    id: bytes = field(repr=False)
    inside: Inside | None
    damage: str | None

    def value(self) -> dict[str, object]:
        """What stands in ``contents.json``."""
        return {
            "damage": self.damage,
            "file": self.file,
            "id": self.id.hex(),
            "inside": None if self.inside is None else _inside_value(self.inside),
        }


def parse_contents(untrusted: bytes) -> tuple[LetterFile, ...]:
    """What ``contents.json`` says of each letter. Raises ``SealError`` (code ``evidence``)."""
    letters = _object(CONTENTS, untrusted, "letters")["letters"]
    if not isinstance(letters, list):
        raise refused(CONTENTS, "has no letters")
    found = tuple(_letter(each) for each in letters)
    if len({each.id for each in found}) < len(found):
        raise refused(CONTENTS, "has a letter twice")
    return found


def parse_content_keys(untrusted: bytes, count: int) -> tuple[bytes | None, ...]:
    """The keys of ``count`` letters, 16 bytes each, where there are any. Raises ``SealError`` (code ``evidence``)."""
    keys = _object(CONTENT_KEYS, untrusted, "keys")["keys"]
    if not isinstance(keys, list) or len(keys) != count:
        raise refused(CONTENT_KEYS, "has not one key for each letter")
    return tuple(None if each is None else _bytes(CONTENT_KEYS, each, 16) for each in keys)


def read_small(files: Files, name: str) -> bytes:
    """A file that is held in memory. Raises ``SealError`` (code ``evidence``): missing, or too long."""
    if name not in files.names:
        raise refused(name, "is missing")
    with files.open(name) as file:
        content = file.read(limits.EVIDENCE_JSON_BYTES + 1)
    if len(content) > limits.EVIDENCE_JSON_BYTES:
        raise refused(name, "is too long")
    return content


def check_files(files: Files, listed: FileList) -> None:
    """Compare every file with the list. Raises ``SealError`` (code ``evidence``), naming the first that differs."""
    expected = {each.name for each in listed.files} | {LIST, AUDIT}
    for name in sorted(files.names ^ expected):
        raise refused(name, "was added" if name in files.names else "is missing")
    for each in listed.files:
        with files.open(each.name) as file:
            if measure(file, at_most=each.size) != (each.size, each.sha256):
                raise refused(each.name, "was altered")


def measure(file: BinaryIO, *, at_most: int | None = None) -> tuple[int, bytes]:
    """The size of a file, and its SHA-256; of one with more than ``at_most`` bytes, those of a beginning of it."""
    digest, size = hashlib.sha256(), 0
    while data := file.read(limits.READ_BYTES):
        digest.update(data)
        size += len(data)
        if at_most is not None and size > at_most:
            break
    return size, digest.digest()


def refused(name: str, why: str) -> SealError:
    """The error for evidence that is not what was exported."""
    return SealError("this evidence is not what was exported", code="evidence", detail=f"evidence: {name!a} {why}")


def in_memory(content: bytes) -> BinaryIO:
    """A small file."""
    return io.BytesIO(content)


def _listed(untrusted: object) -> Listed:
    value = _with_keys(LIST, untrusted, "name", "sha256", "size")
    name, size = value["name"], value["size"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refused(LIST, "names a file that has no place here")
    if type(size) is not int or not 0 <= size <= limits.HEADER_BYTES + limits.PAYLOAD_BYTES:
        raise refused(LIST, "has a size that is none")
    return Listed(name=name, size=size, sha256=_bytes(LIST, value["sha256"], 32))


def _letter(untrusted: object) -> LetterFile:
    value = _with_keys(CONTENTS, untrusted, "damage", "file", "id", "inside")
    file, damage = value["file"], value["damage"]
    if not isinstance(file, str) or not file.startswith("letters/"):
        raise refused(CONTENTS, "names no letter's file")
    if damage is not None and not (isinstance(damage, str) and _DAMAGE.fullmatch(damage)):
        raise refused(CONTENTS, "does not say what is damaged")
    if value["inside"] is None and damage is None:
        raise refused(CONTENTS, "does not say what is in a whole letter")
    return LetterFile(
        file=file,
        id=_bytes(CONTENTS, value["id"], 16),
        inside=None if value["inside"] is None else _inside(value["inside"]),
        damage=damage,
    )


def _inside(untrusted: object) -> Inside:
    value = _with_keys(CONTENTS, untrusted, "epoch", "hour", "parts", "roster")
    if type(value["epoch"]) is not int:
        raise refused(CONTENTS, "has an epoch that is none")
    try:
        manifest = Manifest.parse(encode_canonical({"fields": {}, "hour": value["hour"], "parts": value["parts"]}))
    except (SealError, ValueError):
        raise refused(CONTENTS, "describes a part or an hour that cannot be") from None
    roster = _bytes(CONTENTS, value["roster"], 32)
    return Inside(epoch=value["epoch"], roster=roster, hour=manifest.hour, parts=manifest.parts)


def _inside_value(inside: Inside) -> dict[str, object]:
    described = decode_canonical(Manifest(hour=inside.hour, fields={}, parts=inside.parts).encode())
    return {
        "epoch": inside.epoch,
        "hour": inside.hour,
        "parts": described["parts"],
        "roster": inside.roster.hex(),
    }


def _object(name: str, untrusted: bytes, *keys: str) -> Mapping[str, Any]:
    try:
        return _with_keys(name, decode_canonical(untrusted), *keys)
    except ValueError:
        raise refused(name, "is malformed") from None


def _with_keys(name: str, untrusted: object, *keys: str) -> Mapping[str, Any]:
    if not isinstance(untrusted, dict) or untrusted.keys() != set(keys):
        raise refused(name, "is malformed")
    return untrusted


def _bytes(name: str, untrusted: object, length: int) -> bytes:
    if not isinstance(untrusted, str) or len(untrusted) != 2 * length or not _HEX.fullmatch(untrusted):
        raise refused(name, "has a value that is not hexadecimal of its length")
    return bytes.fromhex(untrusted)
