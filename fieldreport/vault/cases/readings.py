"""What is made of attachments so that nobody opens them: words, pictures, films that play. Made once, kept sealed.

Rules: an attachment may come from a compromised intake, so everything is made in the sandbox, whatever its letter says
it is. What was made is sealed to the case's readers and signed by the editor for whom it was made, says of what it was
made, and goes with its letter. It can always be made again: that it cannot be kept is no reason not to show it.
"""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from sqlalchemy import select

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotFound, ScrubRefused, SealError, Unavailable
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Damaged, Mode, Refusal
from fieldreport.scrub.views import document
from fieldreport.scrub.views.document import Reading
from fieldreport.seal import ORIGINAL, Kind, OpenEnvelope, PartSource
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Item, Rendition
from fieldreport.vault.archive.vault import Vault

_log = logging.getLogger(__name__)

PLAYED: Final = frozenset({"video/mp4", "audio/opus"})
"""What ``Reader.make_playable`` makes."""

WORDS: Final = "words 2"  # maps and cards were kept as markup before
LIKENESS: Final = "likeness"
_PLAYABLE: Final = "playable"
_NAME: Final = "rendition"
_ASKED: Final = 500  # items in one question
_TYPE: Final = "application/octet-stream"
# That it failed may be the machine's fault: it is not kept. It may be the file's, too, and then waiting helps nobody.
_FAILED: Final = frozenset({Refusal.CRASHED.value, Refusal.MEMORY.value})


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes what is shown of attachments: with what, and where the scratch files may lie."""

    scrubber: Scrubber
    scratch: Path

    def words(self, seat: Seat, envelope: OpenEnvelope, number: int) -> Reading | None:
        """The words of one part of an open letter, or None where it cannot be read.

        Raises:
            Unavailable: not now: too much is being cleaned. SealError, StoreError: the part is damaged or away.
        """
        made = self._made(seat, envelope, number, WORDS, lambda copy: document.encoded(self.scrubber.read(copy)))
        try:
            return document.decode(made) if made else None
        except Damaged:
            raise SealError("what was made of this file is damaged", code="rendition") from None

    def picture(self, seat: Seat, envelope: OpenEnvelope, number: int, *, place: tuple[int, ...], side: int) -> bytes:
        """How a place of one part of an open letter looks: JPEG or PNG; see ``Scrubber.picture``.

        Raises:
            ScrubRefused: it has no looks. Unavailable, SealError, StoreError: as ``words``.
        """
        view = f"{'-'.join(map(str, place))} {side}"
        draw = partial(self.scrubber.picture, place=place, side=side)
        made = self._made(seat, envelope, number, view, draw)
        if not made:
            raise ScrubRefused(Sentence("This cannot be drawn."), code=Refusal.UNSUPPORTED.value)
        return made

    def likeness(self, seat: Seat, envelope: OpenEnvelope, number: int) -> int | None:
        """By what one part of an open letter, a picture, is known again; None: too plain, or no picture.

        Raises:
            Unavailable, SealError, StoreError: as ``words``.
        """

        def look(copy: Scratch) -> bytes:
            found = self.scrubber.likeness(copy)
            return b"" if found is None else found.to_bytes(limits.LIKENESS_BYTES)

        made = self._made(seat, envelope, number, LIKENESS, look)
        return int.from_bytes(made[: limits.LIKENESS_BYTES]) if made else None

    def make_playable(self, seat: Seat, envelope: OpenEnvelope, number: int) -> None:
        """Encode sound or film again, as MP4 or Opus, and keep it for ``playable``; the minutes of a film may be one.

        Raises:
            ScrubRefused: it cannot be. Unavailable, SealError, StoreError, NotAllowed, RosterError: it is not kept.
        """
        must_be_clean(envelope, number)
        with Scratch(self.scratch) as copy:
            shutil.copyfileobj(envelope.open_part(number), copy, limits.READ_BYTES)
            made = self.scrubber.clean(copy, mode=Mode.STRONG)
        with made.output as output:
            if made.media_type not in PLAYED:
                raise ScrubRefused(Sentence("This is neither sound nor film."), code=Refusal.UNSUPPORTED.value)
            output.seek(0)
            part = PartSource(
                name=_NAME, media_type=made.media_type, source=cast("BinaryIO", output), length=made.length
            )
            _keep(seat, envelope.binding.object, number, _PLAYABLE, part)

    @contextmanager
    def playable(self, seat: Seat, item_id: bytes, number: int) -> Iterator[OpenEnvelope | None]:
        """What ``make_playable`` kept, as part 0 of an envelope, to be read at any place; nothing if there is none."""
        with _opened(seat, item_id, number, _PLAYABLE) as envelope:
            yield envelope

    def _made(
        self, seat: Seat, envelope: OpenEnvelope, number: int, view: str, make: Callable[[Scratch], bytes]
    ) -> bytes:
        """What was made before, or is now; empty for what cannot be made of this file."""
        must_be_clean(envelope, number)
        item_id = envelope.binding.object
        with _opened(seat, item_id, number, view) as kept:
            if kept is not None:
                kept.verify()
                return kept.read_part(0, limits.SCRUB_IN_MEMORY_OUTPUT_BYTES)
        try:
            with Scratch(self.scratch) as copy:
                shutil.copyfileobj(envelope.open_part(number), copy, limits.READ_BYTES)
                made = make(copy)
        except ScrubRefused as refused:
            if refused.code == Refusal.BUSY.value:
                raise Unavailable("this file cannot be read now; try again", code="reader-busy") from None
            if refused.code in _FAILED:
                return b""
            made = b""
        part = PartSource(name=_NAME, media_type=_TYPE, source=io.BytesIO(made), length=len(made))
        try:
            _keep(seat, item_id, number, view, part)
        except FieldreportError as error:
            _log.warning("what was made of an attachment is not kept (%s)", error.code)
        return made


def must_be_clean(envelope: OpenEnvelope, number: int) -> Literal[True]:
    """Nothing is made or taken of a file that its source wanted kept unchanged. Raises ``NotFound``."""
    if number < len(envelope.manifest.parts) and envelope.manifest.parts[number].media_type == ORIGINAL:
        raise NotFound(Sentence("This file was kept unchanged, and is not opened here."))
    return True


def kept(vault: Vault, view: str, parts: Sequence[tuple[bytes, int]]) -> set[tuple[bytes, int]]:
    """Those of some parts, as item and number, of which the words are kept (``WORDS``), or the ``LIKENESS``."""
    items = list(dict.fromkeys(item for item, _ in parts))
    found: set[tuple[bytes, int]] = set()
    with vault.reading() as session:
        for start in range(0, len(items), _ASKED):
            asked = Rendition.view == view, Rendition.item_id.in_(items[start : start + _ASKED])
            rows = session.execute(select(Rendition.item_id, Rendition.number).where(*asked))
            found |= {(row.item_id, row.number) for row in rows}
    return found & set(parts)


def _place(number: int, item_id: bytes, view: str) -> dict[str, str]:
    return {"item": item_id.hex(), "part": str(number), "view": view}


@contextmanager
def _opened(seat: Seat, item_id: bytes, number: int, view: str) -> Iterator[OpenEnvelope | None]:
    """What was kept; nothing where it is not here, is not this, or does not open: then it is made again."""
    with seat.vault.reading() as session:
        row, item = session.get(Rendition, (item_id, number, view)), session.get(Item, item_id)
    with ExitStack() as stack:
        envelope = None
        if row is not None and item is not None and item.case_id is not None:
            with suppress(SealError, NotFound):
                envelope = stack.enter_context(
                    seat.open_object(row.object_id, kind=Kind.RENDITION, thread=item.case_id)
                )
        if envelope is not None and not _place(number, item_id, view).items() <= envelope.manifest.fields.items():
            envelope = None
        yield envelope


def _keep(seat: Seat, item_id: bytes, number: int, view: str, part: PartSource) -> None:
    with seat.vault.reading() as session:
        item = session.get(Item, item_id)
    if item is None or item.case_id is None:
        return
    fields = _place(number, item_id, view)
    with (
        seat.stage(kind=Kind.RENDITION, thread=item.case_id, parts=[part], fields=fields) as staged,
        seat.change() as change,
    ):
        now = change.session.get(Item, item_id)
        if now is None or now.gone or now.case_id != item.case_id:
            return
        row = change.session.get(Rendition, (item_id, number, view))
        if row is None:
            row = Rendition(item_id=item_id, number=number, view=view, object_id=staged.id)
            change.session.add(row)
        else:  # a colleague was faster, or it did not open
            change.shred([row.object_id])
            row.object_id = staged.id
        change.add(staged)
