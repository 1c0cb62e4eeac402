"""Taking in a case that another newsroom hands on: its letters become letters of a new case here.

Rules: nothing of it is believed as ours. A letter is sealed again under an id that is drawn here, to nobody's codename,
so that it can neither be answered nor added to by who knows its source; its files go through the sandbox once more, and
what cannot be cleaned is left out, but for what its source sealed, which stays sealed; the log says that the case was
received, and the hash of what was. All of it is one change, and the same evidence is taken in once.
"""

from __future__ import annotations

import contextlib
import io
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import Conflict, NotARecipient, NotFound, ScrubRefused, SealError
from fieldreport.scrub import NeutralNames, Refusal
from fieldreport.scrub.sandbox.service import Scrubbed
from fieldreport.seal import (
    ORIGINAL,
    SOURCE_SEALED,
    Kind,
    OpenEnvelope,
    PartSource,
    Role,
    Roster,
    SourceSealed,
    seal_envelope,
)
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.authors import count_of
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Staged
from fieldreport.vault.archive.origin import Opener, origin_of
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow, Case, Item
from fieldreport.vault.cases.evidence_folder import Files
from fieldreport.vault.cases.evidence_verify import Verified
from fieldreport.vault.cases.file import file_letter, open_case

RECEIVED_FROM: Final = "received_from"
"""The field of a letter that names the newsroom which handed it on."""
_KEPT: Final = ("report_language", "when", "where", "protect", "describe", "not_before")
_TEXT: Final = "text/plain; charset=utf-8"

Clean = Callable[[io.RawIOBase, str], Scrubbed]
CleanText = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """The new case. ``letters``: how many of it; ``left_out``: files and damaged letters that did not come along."""

    case: str
    letters: int
    left_out: int


def take_in(seat: Seat, files: Files, found: Verified, *, clean: Clean, clean_text: CleanText) -> TakenIn:
    """Make a new case of verified evidence.

    ``clean``: has a file cleaned that nobody here has seen, given its report's language. ``clean_text``: drops what
    marks a text.

    Raises:
        Conflict: it was taken in before, and that case is still here (code ``received``). NotARecipient: a letter does
            not open. NotFound: it has no letter. ScrubRefused: (code ``busy``) try again. RosterError, StaleRoster,
            StoreError: nothing was stored.
    """
    seat.must_be(Role.EDITOR)
    roster, lookup = seat.roster(), secrets.token_hex(32)
    origin = origin_of({"lookup": lookup})
    left_out, staged = 0, []
    with contextlib.ExitStack() as held:
        for number, letter in enumerate(found.letters):
            with found.open_letter(files, number) as envelope:
                if letter.damage is not None:
                    left_out += 1
                elif envelope is None:
                    raise NotARecipient("a letter of this evidence does not open with your keys")
                else:
                    fields = {**_fields(envelope, found, clean_text), "lookup": lookup, "number": str(number + 1)}
                    with _parts(envelope, clean, clean_text) as (parts, refused):
                        left_out += refused
                        hour = min(envelope.manifest.hour, seat.vault.hour())
                        sealed = _seal(seat, roster, parts, fields, hour=hour)
                        staged.append((held.enter_context(sealed), hour))
        if not staged:
            raise NotFound("there is no whole letter in this evidence", code="no-letter")
        with seat.change() as change:
            _check_new(change.session, found.sha256)
            opener = Opener(staff=seat.staff, epoch=roster.epoch, instance=seat.vault.instance)
            case = open_case(change, origin, opener)
            _file(change, case, staged)
            change.record(Act.CASE_RECEIVED, case.name)
            change.record(Act.CASE_RECEIVED, f"{case.name} {found.sha256.hex()}")  # of what, for later
    return TakenIn(case=case.name, letters=len(staged), left_out=left_out)


def was_received(session: Session, case: str) -> bool:
    """Whether the log says that a case came from another newsroom."""
    return bool(session.scalar(count_of(case, Act.CASE_RECEIVED)))


def _check_new(session: Session, sha256: bytes) -> None:
    earlier = select(AuditRow.subject).where(
        AuditRow.act == Act.CASE_RECEIVED.value, AuditRow.subject.endswith(sha256.hex())
    )
    names = [subject.partition(" ")[0] for subject in session.scalars(earlier)]
    living = session.scalar(select(Case.name).where(Case.name.in_(names), Case.ended.is_(None)))
    if living is not None:
        raise Conflict("this evidence was taken in before", detail=f"it is the case {living}", code="received")


def _fields(envelope: OpenEnvelope, found: Verified, clean_text: CleanText) -> dict[str, str]:
    given = {name: envelope.manifest.fields.get(name, "") for name in _KEPT}
    return {
        "action": "report",
        RECEIVED_FROM: clean_text(f"{found.listed.newsroom} ({found.listed.instance.hex()})"),
        **{name: clean_text(text)[: limits.FIELD_CHARACTERS] for name, text in given.items() if text},
    }


@contextlib.contextmanager
def _parts(envelope: OpenEnvelope, clean: Clean, clean_text: CleanText) -> Iterator[tuple[list[PartSource], int]]:
    """The text and the files of a letter as they are sealed here, and how many files are left out."""
    names, refused = NeutralNames(), 0
    language = envelope.manifest.fields.get("report_language", "")
    text = envelope.read_part(0, limits.FORM_TEXT_BYTES).decode("utf-8", "replace") if envelope.manifest.parts else ""
    content = clean_text(text).encode()
    with contextlib.ExitStack() as outputs:
        parts = [PartSource(name="report.txt", media_type=_TEXT, source=io.BytesIO(content), length=len(content))]
        for number, part in enumerate(envelope.manifest.parts[1:], start=1):
            if part.media_type == ORIGINAL:  # sealed to people of the other newsroom, and nobody here could open it
                refused += 1
                continue
            source = envelope.open_part(number)
            try:
                if part.media_type == SOURCE_SEALED:
                    SourceSealed.read(source)
                    parts.append(_part(names, SOURCE_SEALED, source, part.length))
                    continue
                scrubbed = clean(source, language)
            except ScrubRefused as error:
                if error.code == Refusal.BUSY:
                    raise
                refused += 1
            except SealError:  # no age file, although it says so
                refused += 1
            else:
                outputs.enter_context(scrubbed.output)
                parts.append(_part(names, scrubbed.media_type, scrubbed.output, scrubbed.length, scrubbed.codes))
        yield parts, refused


def _part(
    names: NeutralNames, media_type: str, source: io.RawIOBase, length: int, removed: tuple[str, ...] = ()
) -> PartSource:
    return PartSource(
        name=names.next(media_type),
        media_type=media_type,
        source=cast("BinaryIO", source),
        length=length,
        removed=removed,
    )


def _seal(
    seat: Seat, roster: Roster, parts: list[PartSource], fields: dict[str, str], *, hour: int
) -> contextlib.AbstractContextManager[Staged]:
    letter_id = secrets.token_bytes(16)
    binding = roster.binding(Kind.LETTER, thread=letter_id, object_id=letter_id)

    def seal(payload: BinaryIO) -> bytes:
        return seal_envelope(
            binding, hour=hour, fields=fields, parts=parts, recipients=roster.recipients(), payload_to=payload
        )

    return seat.vault.objects.staging(
        seal, object_id=letter_id, kind=Kind.LETTER, thread=letter_id, epoch=roster.epoch, keys=roster.key_ids()
    )


def _file(change: Change, case: Case, staged: list[tuple[Staged, int]]) -> None:
    change.state.batch += 1
    for letter, hour in staged:
        change.add(letter)
        item = Item(
            id=letter.id,
            case_id=None,
            kind=Kind.LETTER.value,
            sequence=0,
            hour=hour,
            batch=change.state.batch,
        )
        change.session.add(item)
        file_letter(change, case, item)
