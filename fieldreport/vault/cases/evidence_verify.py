"""Whether evidence is what was exported: checked without our keys, our database or any other file of ours.

Rules: every check refuses the whole, and names the file; what was not checked, because no key or fingerprint was given,
is said. FORMAT.md, "Evidence", has the order.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

from fieldreport.errors import NotARecipient, SealError
from fieldreport.seal import (
    ORIGINAL,
    ExpectedOffline,
    HybridIdentity,
    Kind,
    OpenEnvelope,
    Roster,
    check_sealed_form,
    editors_of,
    open_carried_rosters,
    open_header,
    open_sealed_file,
    open_with_file_key,
    published_fingerprint,
    read_header,
)
from fieldreport.vault.archive import audit_extract
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.audit_extract import Extract
from fieldreport.vault.cases.evidence_folder import (
    AUDIT,
    CONTENT_KEYS,
    CONTENTS,
    KEYS,
    LIST,
    README,
    SEALED,
    FileList,
    Files,
    FolderFiles,
    Inside,
    LetterFile,
    SealedFiles,
    check_files,
    parse_content_keys,
    parse_contents,
    read_small,
    refused,
)
from fieldreport.vault.cases.evidence_readme import readme_of_sealed
from fieldreport.vault.cases.sort import damaged_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A file that its source wanted kept unchanged, sealed apart in ``letter``, a file of the folder, as ``name``.

    ``length`` and ``sha256`` (32 bytes) of what its source uploaded, and the ``hour`` in which it came, where a key
    that was given opens it; ``broken``: it is none, whatever the letter says.
    """

    letter: str
    name: str
    length: int = 0
    sha256: bytes = field(default=b"", repr=False)
    hour: int = 0
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Evidence that is whole.

    ``fingerprint``: of the admin's key from which everything follows; ``pinned``: whether it was given, or only stands
    in the folder. ``exporter`` signed it in the hour ``exported``. ``rosters``: those in it, the oldest first.
    ``keys``: for each letter its content key, where it is known; such a letter was compared with what was stated.
    ``originals``: those in all letters, in their order.
    """

    sha256: bytes = field(repr=False)
    listed: FileList
    fingerprint: str
    pinned: bool
    exporter: str
    exported: int
    rosters: tuple[Roster, ...]
    hashes: dict[int, bytes] = field(repr=False)
    extract: Extract
    letters: tuple[LetterFile, ...]
    keys: tuple[bytes | None, ...] = field(repr=False)
    originals: tuple[Original, ...] = ()

    @contextlib.contextmanager
    def open_letter(self, files: Files, number: int) -> Iterator[OpenEnvelope | None]:
        """Open a letter with its content key, bound to its place; nothing where there is no key."""
        letter, key = self.letters[number], self.keys[number]
        if key is None:
            yield None
            return
        with files.open(letter.file) as file:
            expected = ExpectedOffline(instance=self.listed.instance, rosters=self.hashes, object=letter.id)
            with open_with_file_key(file, key, expected=expected) as envelope:
                if envelope.binding.kind is not Kind.LETTER:
                    raise refused(letter.file, "is no letter")
                yield envelope


@contextlib.contextmanager
def open_evidence(folder: Path, identities: Sequence[HybridIdentity]) -> Iterator[Files]:
    """The files of a folder, or those in it that are sealed to one of these keys.

    Raises:
        SealError: (code ``evidence`` and others) it is no such folder. NotARecipient: it is sealed to other keys.
    """
    outer = FolderFiles(folder)
    if SEALED not in outer.names:
        yield outer
        return
    for name in sorted(outer.names - {SEALED, README}):
        raise refused(name, "was added")
    if read_small(outer, README) != readme_of_sealed():
        raise refused(README, "was altered")
    with (
        outer.open(SEALED) as file,
        open_sealed_file(file, identities=identities, expected=ExpectedOffline()) as envelope,
    ):
        if envelope.binding.kind is not Kind.EVIDENCE:
            raise refused(SEALED, "is no evidence")
        envelope.verify()
        yield SealedFiles(envelope)


def verify(files: Files, *, fingerprint: str | None = None, identities: Sequence[HybridIdentity] = ()) -> Verified:
    """Verify every byte.

    ``fingerprint``: of the newsroom's admin key, from elsewhere. ``identities``: keys of an editor of that newsroom, to
    open the letters with; without them only those open whose content keys are in the folder.

    Raises:
        SealError: (code ``evidence``) a file is not what it should be; (code ``audit``) the extract of the log is not.
        RosterError: a roster or hand-over is not signed.
    """
    raw = read_small(files, LIST)
    listed, sha256 = FileList.parse(raw), hashlib.sha256(raw).digest()
    check_files(files, listed)
    rosters, hashes, root = _rosters(files, listed, fingerprint)
    extract = audit_extract.check(read_small(files, AUDIT), listed.case, rosters)
    last = extract.shown[-1]
    if (last.act, last.subject) != (Act.CASE_EXPORTED.value, f"{listed.case} {sha256.hex()}"):
        raise refused(LIST, "is not what the last entry of the log signs")
    if last.signer not in editors_of(rosters[-1]).get(last.actor, ()):
        raise refused(AUDIT, "is not signed by an editor")
    letters = _letters(files, listed, hashes)
    verified = Verified(
        sha256=sha256,
        listed=listed,
        fingerprint=root,
        pinned=fingerprint is not None,
        exporter=last.actor,
        exported=last.hour,
        rosters=rosters,
        hashes=hashes,
        extract=extract,
        letters=letters,
        keys=_keys(files, listed, letters, identities),
    )
    originals: list[Original] = []
    for number, letter in enumerate(letters):
        try:
            with verified.open_letter(files, number) as envelope:
                if envelope is not None:
                    _check_inside(letter, envelope)
                originals += _originals(
                    letter, envelope, identities, ExpectedOffline(instance=listed.instance, rosters=hashes)
                )
        except SealError as error:
            if error.code == "evidence":
                raise
            raise refused(letter.file, f"does not open with its key ({error.code})") from None
    return replace(verified, originals=tuple(originals))


def _originals(
    letter: LetterFile, envelope: OpenEnvelope | None, identities: Sequence[HybridIdentity], expected: ExpectedOffline
) -> Iterator[Original]:
    for number, part in enumerate(() if letter.inside is None else letter.inside.parts):
        if part.media_type != ORIGINAL:
            continue
        found = Original(letter=letter.file, name=part.name)
        if envelope is not None and letter.damage is None:
            file = cast("BinaryIO", io.BufferedReader(envelope.open_part(number)))  # a header is read by lines
            try:
                with open_sealed_file(file, identities=identities, expected=expected) as inside:
                    inside.verify()
                    if inside.binding.kind is not Kind.ORIGINAL or len(inside.manifest.parts) != 1:
                        raise refused(part.name, "is no original")
                    (one,) = inside.manifest.parts
                    found = replace(found, length=one.length, sha256=one.sha256, hour=inside.manifest.hour)
            except NotARecipient:
                pass  # it is for others
            except SealError:  # who sealed the letter could put anything there; the letter is what it is
                found = replace(found, broken=True)
        yield found


def inside_of(envelope: OpenEnvelope) -> Inside:
    """What is stated of an open letter."""
    return Inside(
        epoch=envelope.binding.epoch,
        roster=envelope.binding.roster,
        hour=envelope.manifest.hour,
        parts=envelope.manifest.parts,
    )


def _check_inside(letter: LetterFile, envelope: OpenEnvelope) -> None:
    if letter.inside != inside_of(envelope) or letter.damage != damaged_parts(envelope):
        raise refused(letter.file, f"does not hold what {CONTENTS} says")


def _rosters(
    files: Files, listed: FileList, fingerprint: str | None
) -> tuple[tuple[Roster, ...], dict[int, bytes], str]:
    """The rosters, the hash of each by its epoch, and the fingerprint from which they follow."""
    with tempfile.TemporaryDirectory() as directory:
        for each in listed.files:
            if each.name.startswith(KEYS):
                path = Path(directory) / each.name.removeprefix(KEYS)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(listed.read(files, each.name))
        root = fingerprint or published_fingerprint(Path(directory))
        found = open_carried_rosters(Path(directory), fingerprint=root)
        rosters, hashes = found.all_here(), dict(found.history())
        counted = {KEYS + name for name in found.files_since(rosters[0].epoch)}
    for each in listed.files:
        if each.name.startswith(KEYS) and each.name not in counted:
            raise refused(each.name, "belongs to no roster that counts")
    if any(roster.instance != listed.instance for roster in rosters):
        raise refused(f"{KEYS}roster.json", "is another newsroom's")
    return rosters, hashes, root


def _letters(files: Files, listed: FileList, hashes: dict[int, bytes]) -> tuple[LetterFile, ...]:
    letters = parse_contents(listed.read(files, CONTENTS))
    named = [each.file for each in letters]
    if sorted(named) != [each.name for each in listed.files if each.name.startswith("letters/")]:
        raise refused(CONTENTS, "does not name each letter once")
    for letter in letters:
        if letter.inside is not None and hashes.get(letter.inside.epoch) != letter.inside.roster:
            raise refused(letter.file, "came under a roster that is not here")
        if letter.damage is None:
            with files.open(letter.file) as file:
                try:
                    check_sealed_form(file)
                except SealError:
                    raise refused(letter.file, "is not a sealed letter") from None
    return letters


def _keys(
    files: Files, listed: FileList, letters: Collection[LetterFile], identities: Sequence[HybridIdentity]
) -> tuple[bytes | None, ...]:
    given: tuple[bytes | None, ...] = (None,) * len(letters)
    if CONTENT_KEYS in files.names:
        given = parse_content_keys(listed.read(files, CONTENT_KEYS), len(letters))
    return tuple(key or _unwrapped(files, letter, identities) for letter, key in zip(letters, given, strict=True))


def _unwrapped(files: Files, letter: LetterFile, identities: Sequence[HybridIdentity]) -> bytes | None:
    if letter.inside is None:
        return None
    with files.open(letter.file) as file, contextlib.suppress(NotARecipient):
        return open_header(read_header(file), identities)
    return None
