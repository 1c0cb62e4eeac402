"""A case as evidence: a folder for a court, or the same sealed to another newsroom.

Rules: the exporter's signature over everything stands in the log before a byte is written, and names the hash of the
list of files; a letter goes out as it is stored, never a word of it in the clear but what the content keys open, and
those go only where the exporter chose to; what was written is verified like any other evidence, or it is deleted.
FORMAT.md, "Evidence", has the bytes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

from sqlalchemy import select

from fieldreport import limits
from fieldreport.errors import LimitExceeded, NotFound, SealError, StoreError, UsageError
from fieldreport.seal import Kind, PartSource, Role, Roster, encode_canonical, open_header, seal_envelope
from fieldreport.seekable import Joined
from fieldreport.vault.archive import audit_extract, origin, readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.cases.evidence_folder import (
    AUDIT,
    CONTENT_KEYS,
    CONTENTS,
    KEYS,
    LIST,
    README,
    SEALED,
    FileList,
    FolderFiles,
    LetterFile,
    Listed,
    in_memory,
    measure,
    part_name,
)
from fieldreport.vault.cases.evidence_readme import readme, readme_of_sealed
from fieldreport.vault.cases.evidence_verify import Verified, inside_of, verify
from fieldreport.vault.cases.inbox import living
from fieldreport.vault.cases.sort import damaged_parts

_DAMAGE: Final = frozenset({"header-malformed", "header-mac", "payload", "inner-header", "manifest", "binding"})

Source = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """A letter as it is stored, and what stands about it in the folder; ``key``: its file key, if it opens."""

    stored: LetterFile
    header: bytes = field(repr=False)
    key: bytes | None = field(repr=False)


def find(seat: Seat, name: str) -> bytes:
    """The id of the case with this name. Raises ``NotFound``."""
    with seat.vault.reading() as session:
        case_id = session.scalar(select(Case.id).where(Case.name == name, Case.ended.is_(None)))
    if case_id is None:
        raise NotFound("there is no such case")
    return case_id


def export(seat: Seat, case_id: bytes, folder: Path, *, newsroom: str, with_keys: bool = False) -> Verified:
    """Write a case into a new folder and return what a verification of it says.

    ``newsroom``: its name, for the first page. ``with_keys``: the content keys of these letters lie in the folder in
    the clear, and anybody who has it can read them.

    Raises:
        NotAllowed: an admin's seat, or the case is limited to others. NotFound: no such case, or a payload is missing.
        NotARecipient: it has a letter that is not sealed to this person. SealError: the case, a letter or the log is
            not to be trusted. UsageError: the folder exists. StoreError: it cannot be written.
    """
    files = _collect(seat, case_id, newsroom=newsroom, with_keys=with_keys)
    with _new(folder):
        for name, source in files.items():
            path = folder / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with source() as content:
                _write(path, content)
        return verify(FolderFiles(folder), fingerprint=seat.rosters.published.admin().fingerprint)


def seal_to(seat: Seat, case_id: bytes, folder: Path, *, newsroom: str, roster: Roster) -> None:
    """Write a case into a new folder so that only the readers of ``roster``, another newsroom's, can open it.

    Raises as ``export``; RosterError: nobody could read it.
    """
    recipients = roster.recipients()
    files = _collect(seat, case_id, newsroom=newsroom, with_keys=True)
    binding = roster.binding(Kind.EVIDENCE, thread=secrets.token_bytes(16), object_id=secrets.token_bytes(16))
    with _new(folder), contextlib.ExitStack() as opened, (folder / ".payload").open("x+b") as payload:
        parts = []
        for name, source in files.items():
            content = opened.enter_context(source())
            length = content.seek(0, os.SEEK_END)
            parts.append(
                PartSource(name=part_name(name), media_type="application/octet-stream", source=content, length=length)
            )
        header = seal_envelope(
            binding, hour=seat.vault.hour(), fields={}, parts=parts, recipients=recipients, payload_to=payload
        )
        payload.seek(0)
        with (folder / SEALED).open("xb") as sealed:
            sealed.write(header)
            shutil.copyfileobj(payload, sealed, limits.READ_BYTES)
        (folder / ".payload").unlink()
        _write(folder / README, in_memory(readme_of_sealed()))


def _collect(seat: Seat, case_id: bytes, *, newsroom: str, with_keys: bool) -> Mapping[str, Source]:
    """Every file in the order in which it is written, the list first. The export stands in the log afterwards."""
    seat.must_be(Role.EDITOR)
    with seat.vault.reading() as session:
        case = living(session, case_id)
        ids = session.scalars(
            select(Item.id)
            .where(Item.case_id == case_id, Item.kind == Kind.LETTER.value, ~Item.gone)
            .order_by(Item.sequence)
        ).all()
        began = audit_extract.first_about(session, case.name)
    readers.must_read(seat, case_id, seat.handle)
    origin.check_case(seat.vault, seat.rosters, case)
    if not ids:
        raise NotFound("this case holds no letter", code="no-letter")
    if len(ids) > limits.EVIDENCE_LETTERS:
        raise LimitExceeded("this case has more letters than a folder takes")
    letters = [_letter(seat, item_id, number) for number, item_id in enumerate(ids, start=1)]
    stored = [each.stored for each in letters]
    rosters = _rosters(seat, stored, hour=seat.vault.hour() if began is None else began.hour)
    small = {
        CONTENTS: encode_canonical({"letters": [each.value() for each in stored]}),
        **{KEYS + name: content for name, content in rosters.items()},
    }
    if with_keys:
        keys = [None if each.key is None else each.key.hex() for each in letters]
        small[CONTENT_KEYS] = encode_canonical({"keys": keys})
    fingerprint = seat.rosters.published.admin().fingerprint
    small[README] = readme(
        newsroom=newsroom, case=case.name, letters=stored, with_keys=with_keys, fingerprint=fingerprint
    )
    files: dict[str, Source] = {name: _from_memory(content) for name, content in small.items()}
    files |= {each.stored.file: _from_store(seat, each) for each in letters}
    listed = _list(case.name, seat.vault.instance, newsroom, files)
    with seat.change() as change:
        change.record(Act.CASE_EXPORTED, f"{case.name} {measure(in_memory(listed))[1].hex()}")
        last = change.state.audit_sequence
    with seat.vault.reading() as session:
        extract = audit_extract.write(session, case.name, last=last)
    order = {name: files[name] for name in sorted(files)}
    return {LIST: _from_memory(listed), AUDIT: _from_memory(extract), **order}


def _letter(seat: Seat, item_id: bytes, number: int) -> _Letter:
    header, inside, key, damage = seat.vault.objects.header(item_id), None, None, None
    try:
        with seat.open_item(item_id) as envelope:
            inside, damage = inside_of(envelope), damaged_parts(envelope)
            key = open_header(header, seat.staff.identities)
    except SealError as error:
        if error.code not in _DAMAGE:
            raise
        damage = error.code
    stored = LetterFile(file=f"letters/{number:04d}.age", id=item_id, inside=inside, damage=damage)
    return _Letter(stored=stored, header=header, key=key)


def _rosters(seat: Seat, letters: list[LetterFile], *, hour: int) -> Mapping[str, bytes]:
    """The published files from the roster on that the earliest letter, or entry of the log, needs."""
    published = seat.rosters.published
    seat.rosters.newest()
    moment = datetime.fromtimestamp(hour * 3600, UTC)
    earlier = [roster.epoch for roster in published.all_here() if roster.not_before < moment]
    needed = [each.inside.epoch for each in letters if each.inside is not None]
    return published.files_since(min([*needed, *earlier[-1:]], default=1))


def _list(case: str, instance: bytes, newsroom: str, files: Mapping[str, Source]) -> bytes:
    listed = []
    for name, source in sorted(files.items()):
        with source() as content:
            size, sha256 = measure(content)
        listed.append(Listed(name=name, size=size, sha256=sha256))
    return FileList(case=case, instance=instance, newsroom=newsroom, files=tuple(listed)).encode()


def _from_memory(content: bytes) -> Source:
    return lambda: in_memory(content)


def _from_store(seat: Seat, letter: _Letter) -> Source:
    def opened() -> BinaryIO:
        return cast("BinaryIO", Joined(letter.header, seat.vault.objects.open(letter.stored.id).payload))

    return opened


@contextlib.contextmanager
def _new(folder: Path) -> Iterator[None]:
    """A new folder; with an error nothing of it stays."""
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}") from None
    try:
        yield
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreError("the evidence cannot be written", detail=f"evidence: {error.strerror}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(path: Path, content: BinaryIO) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(content, file, limits.READ_BYTES)
        file.flush()
        os.fsync(file.fileno())
