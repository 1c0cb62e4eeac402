"""What a page shows of one sealed item: opened, cut to a bound, and refused when it is damaged.

Rules: of a damaged object only the names of its damaged parts are shown; a text is cut at a bound so that one letter
cannot make a page of a gigabyte; media types are looked up, never believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from fieldreport.desk.forms import parsed_id
from fieldreport.errors import FieldreportError, NotARecipient, NotFound, Unavailable
from fieldreport.scrub import Refusal, is_note
from fieldreport.scrub.text.encodings import BY_CODE
from fieldreport.seal import ORIGINAL, READ, SOURCE_SEALED, Kind, OpenEnvelope, Part, Sender
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases import source_sealed
from fieldreport.vault.cases.conversation import REPLY
from fieldreport.vault.cases.evidence_import import RECEIVED_FROM
from fieldreport.vault.cases.inbox import ItemRow
from fieldreport.vault.cases.notes import Heading

_TEXT_BYTES: Final = 512 * 1024  # of one letter shown on the page; the whole is one download away
_SNIPPET_BYTES: Final = 64 * 1024  # of an attached text
# In the order in which editors need them.
_FIELDS: Final[Mapping[str, Sentence]] = {
    "when": Sentence("When"),
    "where": Sentence("Where"),
    "protect": Sentence("Never print"),
    "describe": Sentence("Describe as"),
    "not_before": Sentence("Not before"),
}
_DAMAGED: Final[Mapping[str, Sentence]] = {
    "header": Sentence("the list of its readers"),
    "payload": Sentence("the stored file"),
    "manifest": Sentence("the table of contents"),
    "report": Sentence("the text"),
    "padding": Sentence("the end"),
    "binding": Sentence("the label that says what it is"),
    "more": Sentence("and more"),
}
_NOT_YET: Final = Sentence(
    "This is not sealed to your key yet. While a colleague who reads it is unlocked, the desk does that by itself."
)
_DISTRUST: Final[Mapping[str, Sentence]] = {
    "row-key": Sentence(
        "Its key beside the database is missing or another's: the database was changed, or restored without the keys "
        "that belong to it. Tell the admin."
    ),
    "unsigned": Sentence("This is not signed by anyone. Do not trust it, and tell the admin."),
    "forged": Sentence("This is not signed by who it claims to be. Do not trust it, and tell the admin."),
    "other-source": Sentence(
        "This letter is from another source than the case. It may have been moved here: do not trust it."
    ),
}
IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_REFUSALS: Final = {str(each): each.text for each in Refusal}
_SHOWN_AS_IMAGES: Final = IMAGES | {"image/heic", "image/avif"}  # phones' photos: re-encoded, they are JPEG
SOUNDS: Final = frozenset(
    {"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/opus", "audio/flac", "audio/wav", "audio/webm"}
)
FILMS: Final = frozenset({"video/mp4", "video/webm", "video/quicktime"})


class Shape(StrEnum):
    """How an attachment is shown."""

    IMAGE = "image"
    SOUND = "sound"
    FILM = "film"
    TEXT = "text"
    FILE = "file"
    SEALED = "sealed"
    ORIGINAL = "original"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPart:
    """An attachment as a page names it. ``number`` counts from 1; ``text`` is shown for plain texts only.

    ``looks``: whether a picture of it can be expected. ``guessed``: the codec that a text was read in, if that was a
    guess. Of a file that its source sealed, ``opened`` is the clean copy that was made here, in the item
    ``opened_item``, and ``refused`` says in words why there is none.
    """

    number: int
    name: str
    shape: Shape
    media_type: str
    length: int
    removed: tuple[str, ...]
    noted: tuple[str, ...]
    looks: bool = False
    guessed: str = ""
    text: str = field(default="", repr=False)
    opened: ReadPart | None = None
    opened_item: bytes = field(default=b"", repr=False)
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadItem:
    """One entry of a conversation, ready to be drawn. ``refusal`` says why nothing is shown of it.

    ``closed``: nothing is wrong with it; it is not sealed to this person's key.
    ``heading``: of a note; ``sender`` and ``reply`` (the id of the reply itself): of a copy of a reply.
    ``read``: of a letter, the id of the newest reply on the page on which its source wrote it.
    ``addressee``: whom the source chose to read a letter, empty for every editor. ``received_from``: the newsroom that
    handed a letter on; it means something in a case that the log says was received, and nowhere else.
    """

    row: ItemRow
    number: int
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str = ""
    addressee: str = ""
    heading: Heading = field(default_factory=Heading)
    sender: Sender = field(default_factory=Sender, repr=False)
    reply: bytes = field(default=b"", repr=False)
    read: bytes = field(default=b"", repr=False)
    received_from: str = ""
    text: str = field(default="", repr=False)
    cut: bool = False
    removed: tuple[str, ...] = ()
    parts: tuple[ReadPart, ...] = ()
    refusal: str = ""
    closed: bool = False


_SEALED: Final = {SOURCE_SEALED: Shape.SEALED, ORIGINAL: Shape.ORIGINAL}
_LOOKS: Final = ("image/", "video/", "audio/", "application/pdf")
_TEXTS: Final = frozenset({"text/plain", "text/csv", "text/markdown", "text/vcard", "text/calendar"})


def base_type(part: Part) -> str:
    """The type that a part claims, without parameters."""
    return part.media_type.partition(";")[0].strip().lower()


def shape_of(media_type: str) -> Shape:
    """How a browser takes a part of this type; one that is not known to be harmless is only read, never played."""
    base = media_type.partition(";")[0].strip().lower()
    if base in _SEALED:
        return _SEALED[base]
    if base in _SHOWN_AS_IMAGES:
        return Shape.IMAGE
    if base in SOUNDS:
        return Shape.SOUND
    if base in FILMS:
        return Shape.FILM
    return Shape.TEXT if base in _TEXTS else Shape.FILE


def read_items(seat: Seat, case_id: bytes, rows: Sequence[ItemRow], *, first: int) -> list[ReadItem]:
    """Open items of a case for showing; ``first``: the number of the first of them.

    Never raises for a damaged one: the conversation around it stays readable. The caller has just checked that this
    person reads the case.
    """
    numbered = {row.id: (row, number) for number, row in enumerate(rows, start=first)}
    opened = seat.read_items(
        case_id,
        [row.id for row in rows if row.exists and row.damage is None],
        lambda envelope: _read(seat, envelope, *numbered[envelope.binding.object]),
    )
    gone = NotFound("it went while the page was made")  # nobody reads this
    return [_shown(row, number, opened.get(row.id, gone)) for row, number in numbered.values()]


def _shown(row: ItemRow, number: int, found: ReadItem | FieldreportError) -> ReadItem:
    if not row.exists:
        return ReadItem(row=row, number=number, refusal=Sentence("This was deleted."))
    if row.damage is not None:
        return ReadItem(row=row, number=number, refusal=damage_text(row.damage))
    match found:
        case ReadItem():
            return found
        case NotARecipient():
            return ReadItem(row=row, number=number, refusal=_NOT_YET, closed=True)
        case NotFound():
            refusal = Sentence("This is not here any more: it was deleted, or its file is missing in the store.")
        case Unavailable():
            refusal = Sentence("The store cannot be read now. Nothing is lost; try again in a moment.")
        case _:
            refused = Sentence("This was refused, because it is not what was sealed (%(code)s).", code=found.code)
            refusal = _DISTRUST.get(found.code, refused)
    return ReadItem(row=row, number=number, refusal=refusal)


def damage_text(damage: str) -> Sentence:
    """What is damaged, in words, from the vault's codes for it: one, or several with commas."""
    named = [
        _DAMAGED.get(code) or Sentence("attachment %(number)s", number=code.removeprefix("part-"))
        for code in damage.split(",")
    ]
    return Sentence(
        "Damaged: %(parts)s. Nothing of it is shown, because nothing in it can be trusted.",
        parts=Sentence.listed(named),
    )


def _read(seat: Seat, envelope: OpenEnvelope, row: ItemRow, number: int) -> ReadItem:
    manifest = envelope.manifest
    first = manifest.parts[0] if manifest.parts else None
    raw = envelope.open_part(0).read(_TEXT_BYTES) if first is not None else b""
    letter = row.kind is Kind.LETTER
    return ReadItem(
        row=row,
        number=number,
        fields={label: manifest.fields[name] for name, label in _FIELDS.items() if manifest.fields.get(name)},
        language=manifest.fields.get("report_language", ""),
        addressee=manifest.addressee if letter else "",
        received_from=manifest.fields.get(RECEIVED_FROM, "") if letter else "",
        heading=Heading.of(manifest.fields) if row.kind is Kind.NOTE else Heading(),
        sender=Sender.of(manifest.fields),
        reply=parsed_id(manifest.fields.get(REPLY, "")) or b"",
        read=(parsed_id(manifest.fields.get(READ, "").strip()) or b"") if letter else b"",
        text=(raw or b"").decode("utf-8", "replace"),
        cut=first is not None and first.length > _TEXT_BYTES,
        removed=first.removed if first is not None else (),
        parts=tuple(
            _with_copy(seat, row.id, _read_part(envelope, index, part))
            for index, part in enumerate(manifest.parts)
            if index
        )
        if letter
        else (),
    )


def _read_part(envelope: OpenEnvelope, index: int, part: Part) -> ReadPart:
    shape = shape_of(part.media_type)
    text = ""
    if shape is Shape.TEXT and part.length <= _SNIPPET_BYTES:
        text = envelope.read_part(index, _SNIPPET_BYTES).decode("utf-8", "replace")
    return ReadPart(
        number=index,
        name=part.name,
        shape=shape,
        media_type=part.media_type,
        looks=base_type(part).startswith(_LOOKS),
        length=part.length,
        removed=tuple(code for code in part.removed if not is_note(code)),
        noted=tuple(code for code in part.removed if is_note(code)),
        guessed=guessed_codec(part) if shape is Shape.TEXT else "",
        text=text,
    )


def _with_copy(seat: Seat, letter_id: bytes, part: ReadPart) -> ReadPart:
    """The part with what was made of it here, if its source had sealed it."""
    if part.shape is not Shape.SEALED:
        return part
    made = source_sealed.opened(seat, letter_id, part.number)
    if made is None or not made.clean:
        return replace(part, refused="" if made is None else _REFUSALS.get(made.refused, made.refused))
    with seat.open_item(made.item) as copy:
        return replace(part, opened=_read_part(copy, 0, copy.manifest.parts[0]), opened_item=made.item)


def guessed_codec(part: Part) -> str:
    """The codec that a part was read in when it arrived, if that was a guess."""
    return next((BY_CODE[code].codec for code in part.removed if code in BY_CODE), "")
