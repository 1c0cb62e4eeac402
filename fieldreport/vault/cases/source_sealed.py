"""Files that a source sealed with age: their keys are kept, and a clean copy is made when an editor opens one.

A letter's header is rebuilt when keys change; the header of an age file inside a letter cannot be, and the keys that it
is for are destroyed one day. So the first editor who sorts the letter stores the file's own key in an object of the
case, which is sealed, signed, re-wrapped, limited and shredded like a note. FORMAT.md, "Sealed by the source".

Rules: nothing of the file is shown or stored but what the sandbox has cleaned; what it refuses stays sealed, with the
reason; the letter itself is never changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from fieldreport.errors import FieldreportError, NotFound, ScrubRefused, SealError
from fieldreport.scrub import NeutralNames, Refusal
from fieldreport.scrub.sandbox.service import Scrubbed
from fieldreport.seal import SOURCE_SEALED, Kind, OpenEnvelope, PartSource, Role, SourceSealed
from fieldreport.seekable import SeekableReader
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Item
from fieldreport.vault.cases.inbox import living

_log = logging.getLogger(__name__)

_LABEL: Final = b"fieldreport/v1/vault/opened\n"
_KEY: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was made of a sealed file: ``item`` is the object's id. ``refused``: why it could not be cleaned.

    Without a ``clean`` copy and a refusal nobody has tried yet.
    """

    item: bytes = field(repr=False)
    clean: bool
    refused: str
    file_key: bytes = field(repr=False)


def opened_id(case_id: bytes, letter_id: bytes, number: int) -> bytes:
    """The id of what is made of a letter's part; there is one, so that two editors make it once.

    The case's id was drawn here: a sender who chooses ids of letters knows no place in which to put one.
    """
    return hashlib.sha256(_LABEL + case_id + letter_id + number.to_bytes(4, "big")).digest()[:16]


def sealed_parts(envelope: OpenEnvelope) -> list[int]:
    """The numbers of a letter's parts that its source sealed."""
    return [number for number, part in enumerate(envelope.manifest.parts) if part.media_type == SOURCE_SEALED]


def keep_keys(seat: Seat, letter_ids: Collection[bytes]) -> None:
    """Store the keys of all sealed files in these letters that this person opens; they are in their cases already.

    A file that is sealed to others, or is no age file, is left as it is: it says so when somebody opens it.
    """
    for letter_id in letter_ids:
        try:
            with seat.open_item(letter_id) as envelope:
                for number in sealed_parts(envelope):
                    if opened(seat, letter_id, number) is None:
                        with contextlib.suppress(SealError):
                            _store(seat, letter_id, number, _open_header(seat, envelope, number))
        except FieldreportError as error:
            # The letter is sorted; anybody who opens the file stores its key then.
            _log.warning("the key of a file that its source sealed could not be kept (%s)", error.code)


@contextlib.contextmanager
def clean_part(seat: Seat, letter_id: bytes, envelope: OpenEnvelope, number: int) -> Iterator[tuple[OpenEnvelope, int]]:
    """Where the clean bytes of a letter's part are: the copy that was made here, if there is one, or the part itself.

    Raises as ``opened``.
    """
    made = opened(seat, letter_id, number) if number in sealed_parts(envelope) else None
    if made is None or not made.clean:
        yield envelope, number
        return
    with seat.open_item(made.item) as copy:
        yield copy, 0


def open_and_clean(
    seat: Seat, letter_id: bytes, number: int, clean: Callable[[SeekableReader, str], Scrubbed]
) -> Opened:
    """Open a sealed part, have it cleaned and store the clean copy, or why there is none. One that is there stays.

    ``clean`` gets what is in it, and the language of the page on which it was handed in.

    Raises:
        NotFound: the letter has no such part. NotARecipient: no key here opens it.
        SealError: (code ``source-sealed`` or others) it is no age file, or was damaged before it came.
        ScrubRefused: (code ``busy``), StaleRoster, StoreError: nothing was stored; try again.
    """
    seat.must_be(Role.EDITOR)
    with seat.open_item(letter_id) as envelope:
        if number not in sealed_parts(envelope):
            raise NotFound(Sentence("this letter has no such sealed file"))
        known = opened(seat, letter_id, number)
        if known is not None and known.clean:
            return known
        key = known.file_key if known is not None else _open_header(seat, envelope, number)
        part = envelope.open_part(number)
        with SourceSealed.read(part).content(part, key) as content:
            content.verify()  # damage is named as damage, not as a file that cannot be cleaned
            try:
                scrubbed = clean(content, envelope.manifest.fields.get("report_language", ""))
            except ScrubRefused as error:
                if error.code == Refusal.BUSY:
                    raise
                _store(seat, letter_id, number, key, refused=error.code, act=True)
            else:
                with scrubbed.output:
                    _store(seat, letter_id, number, key, scrubbed=scrubbed, act=True)
    stored = opened(seat, letter_id, number)
    if stored is None:
        raise NotFound(Sentence("the case was deleted meanwhile"))
    return stored


def _open_header(seat: Seat, envelope: OpenEnvelope, number: int) -> bytes:
    return SourceSealed.read(envelope.open_part(number)).file_key(seat.staff.identities)


def opened(seat: Seat, letter_id: bytes, number: int) -> Opened | None:
    """What was made of a letter's sealed part, if anything was; raises as ``Seat.open_item``."""
    with seat.vault.reading() as session:
        letter = session.get(Item, letter_id)
        if letter is None or letter.case_id is None:
            return None
        own = opened_id(letter.case_id, letter_id, number)
        item = session.get(Item, own)
    if item is None:
        return None
    if item.kind != Kind.OPENED.value:
        raise SealError("this was not made here", code="binding", detail="opened: an item of another kind")
    with seat.open_item(own) as envelope:
        fields = envelope.manifest.fields
        key = fields.get("file_key", "")
        if (fields.get("letter"), fields.get("part")) != (letter_id.hex(), str(number)) or not _KEY.fullmatch(key):
            raise SealError("this belongs to another file", code="binding", detail="opened: another letter or part")
        return Opened(
            item=own,
            clean=bool(envelope.manifest.parts),
            refused=fields.get("refused", ""),
            file_key=bytes.fromhex(key),
        )


def _store(
    seat: Seat,
    letter_id: bytes,
    number: int,
    file_key: bytes,
    *,
    scrubbed: Scrubbed | None = None,
    refused: str = "",
    act: bool = False,
) -> None:
    """Put what is known of a file in the place of what was known of it before."""
    with seat.vault.reading() as session:
        letter = session.get(Item, letter_id)
    if letter is None or letter.case_id is None:
        raise NotFound(Sentence("no such letter"))
    case_id = letter.case_id
    own = opened_id(case_id, letter_id, number)
    fields = {"letter": letter_id.hex(), "part": str(number), "file_key": file_key.hex()}
    with (
        seat.stage(
            kind=Kind.OPENED,
            thread=case_id,
            parts=[] if scrubbed is None else [_part(scrubbed)],
            fields={**fields, **({"refused": refused} if refused else {})},
            object_id=own,
        ) as staged,
        seat.change() as change,
    ):
        case = living(change.session, case_id)
        item = change.session.get(Item, own)
        if item is None:
            change.session.add(
                Item(
                    id=own,
                    case_id=case_id,
                    kind=Kind.OPENED.value,
                    sequence=0,  # no entry of the conversation: it is shown with its letter
                    hour=change.hour,
                    author=change.actor,
                )
            )
        elif not act:
            return  # a colleague was faster
        else:
            change.shred([own])
            change.session.flush()
            item.author, item.hour = change.actor, change.hour
        change.add(staged)
        if act:
            change.record(Act.SOURCE_SEALED_OPENED, case.name)


def _part(scrubbed: Scrubbed) -> PartSource:
    scrubbed.output.seek(0)
    return PartSource(
        name=NeutralNames().next(scrubbed.media_type),
        media_type=scrubbed.media_type,
        source=cast("BinaryIO", scrubbed.output),
        length=scrubbed.length,
        removed=scrubbed.codes,
    )
