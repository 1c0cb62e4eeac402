"""What a list shows of a case from inside its seals.

Of the newest letter the first words, the language and what is attached; of the card the first line and the labels.

Rules: nothing of it is stored anywhere; each page opens the objects of its own rows, asked for in one question.
A letter counts only if it is from the source of its case, a card only as it is signed. Who asks has checked that
the person reads these cases.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import func, select

from fieldreport.errors import FieldreportError, NotARecipient, NotFound, Unavailable
from fieldreport.scrub.registry import OUTPUTS
from fieldreport.seal import Kind, OpenEnvelope
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import objects, origin
from fieldreport.vault.archive.objects import StoredObject
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item, SealedObject
from fieldreport.vault.cases.conversation import read_card
from fieldreport.vault.cases.inbox import CaseRow, StoredCase

WORDS_CHARACTERS: Final = 160
TITLE_CHARACTERS: Final = 80
_WORDS_BYTES: Final = 4 * WORDS_CHARACTERS + 2048  # of a text; enough where it begins with empty lines
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
_OTHER: Final = "file"
FIELDS: Final = ("when", "where", "protect", "describe", "not_before")
"""What the form asks beside the report, in the fields of a letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterSummary:
    """Of one letter: its first words, the tag of the language of the page it was written on, how many files by kind.

    A kind is the noun of a neutral name: ``photo``, ``document``, ``recording``.
    """

    words: str = field(repr=False)
    language: str = ""
    files: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSummary:
    """Of one card: the first line of its fact sheet, and its labels."""

    title: str = field(default="", repr=False)
    labels: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One case. ``letter`` is empty where the newest cannot be shown.

    ``refusal`` is the code of the error then, or ``damaged``, or ``away`` for a store that cannot be read now.
    ``closed``: it is not sealed to this person's key.
    """

    letter: LetterSummary | None = None
    refusal: str = ""
    closed: bool = False
    card: CardSummary


Opened = MutableMapping[bytes, LetterSummary | CardSummary]
"""What a person's session has opened, by the object's id: what has an id never changes."""


def of_rows(seat: Seat, rows: Iterable[CaseRow], opened: Opened) -> Mapping[bytes, Summary]:
    """Return the summary of each of these living cases, and remember in ``opened`` what was opened for it.

    Raises:
        StoreError: the database is away.
    """
    cases = [row.stored for row in rows]
    wanted = {each.case.card for each in cases} | {
        each.letter.id for each in cases if each.letter is not None and each.letter.damage is None
    }
    ids = [each for each in wanted if each is not None and each not in opened]
    stored = dict(seat.vault.objects.open_each(ids)) if ids else {}
    return {each.case.id: _summary(seat, each, stored, opened) for each in cases}


def closed_letters(seat: Seat, case_id: bytes) -> int:
    """Count the letters of a case that are sound and not sealed to this person's keys, as the sets of keys say."""
    with seat.vault.reading() as session:
        own = objects.sets_naming(session, [identity.key_id for identity in seat.staff.identities])
        letters = (
            select(func.count())
            .select_from(Item)
            .join(SealedObject, SealedObject.id == Item.id)
            .where(Item.case_id == case_id, Item.kind == Kind.LETTER.value, SealedObject.set_id.not_in(own))
        )
        return session.scalar(letters.where(Item.damage.is_(None))) or 0


def letter_of(envelope: OpenEnvelope) -> LetterSummary:
    """What is shown of an open letter."""
    raw = envelope.open_part(0).read(_WORDS_BYTES) if envelope.manifest.parts else b""
    words = " ".join((raw or b"").decode("utf-8", "ignore").split())
    if len(words) > WORDS_CHARACTERS:
        words = words[: WORDS_CHARACTERS - 1].rstrip(" .…") + "…"
    return LetterSummary(words=words, language=language_of(envelope), files=_files(envelope))


def written(envelope: OpenEnvelope, at_most: int) -> str:
    """Everything that was typed into a letter, reply or note; ``at_most``: bytes of its text."""
    raw = envelope.open_part(0).read(at_most) if envelope.manifest.parts else b""
    fields = (envelope.manifest.fields.get(name, "") for name in FIELDS)
    return "\n".join(each for each in ((raw or b"").decode("utf-8", "replace"), *fields) if each)


def language_of(envelope: OpenEnvelope) -> str:
    """The tag of the language of the page that a letter was written on; empty where it names none."""
    untrusted_tag = envelope.manifest.fields.get("report_language", "")
    return untrusted_tag if _LANGUAGE.fullmatch(untrusted_tag) else ""


def title_in(facts: str) -> str:
    """The first line of a fact sheet, cut to a line of a list."""
    lines = facts.strip().splitlines()
    return lines[0].strip("# ")[:TITLE_CHARACTERS] if lines else ""


def _files(envelope: OpenEnvelope) -> tuple[tuple[str, int], ...]:
    types = (part.media_type.partition(";")[0] for part in envelope.manifest.parts[1:])
    return tuple(Counter(OUTPUTS[each].noun if each in OUTPUTS else _OTHER for each in types).items())


def _summary(
    seat: Seat, of: StoredCase, stored: Mapping[bytes, StoredObject | FieldreportError], opened: Opened
) -> Summary:
    case, item = of.case, of.letter
    card = _card(seat, case, of.card_saves, stored, opened)
    if item is None or item.gone:
        return Summary(refusal="deleted" if item else "", card=card)
    if item.damage is not None:
        return Summary(refusal="damaged", card=card)
    try:
        return Summary(letter=_letter(seat, case, item.id, stored, opened), card=card)
    except Unavailable:
        return Summary(refusal="away", card=card)
    except FieldreportError as error:
        return Summary(refusal=error.code, closed=isinstance(error, NotARecipient), card=card)


def _letter(
    seat: Seat,
    case: Case,
    letter_id: bytes,
    stored: Mapping[bytes, StoredObject | FieldreportError],
    opened: Opened,
) -> LetterSummary:
    known = opened.get(letter_id)
    if isinstance(known, LetterSummary):
        return known
    with seat.open_stored(_found(stored, letter_id), kind=Kind.LETTER, thread=letter_id, checked=case.id) as envelope:
        origin.check_case(seat.vault, seat.rosters, case)
        origin.check_letter(case, envelope.manifest.fields)
        opened[letter_id] = letter = letter_of(envelope)
    return letter


def _card(
    seat: Seat,
    case: Case,
    saves: int,
    stored: Mapping[bytes, StoredObject | FieldreportError],
    opened: Opened,
) -> CardSummary:
    """The card; an empty one where there is none or it is refused, which the case's own page says."""
    if case.card is None:
        return CardSummary()
    known = opened.get(case.card)
    if isinstance(known, CardSummary):
        return known
    try:
        one = _found(stored, case.card)
        with seat.open_stored(one, kind=Kind.CARD, thread=case.id, version=saves, checked=case.id) as envelope:
            card = read_card(envelope, case.card)
    except FieldreportError:
        return CardSummary()
    opened[case.card] = summary = CardSummary(title=title_in(card.facts), labels=card.labels)
    return summary


def _found(stored: Mapping[bytes, StoredObject | FieldreportError], object_id: bytes) -> StoredObject:
    found = stored.get(object_id)
    if isinstance(found, FieldreportError):
        raise found
    if found is None:
        raise NotFound(Sentence("this is not here any more"), code="deleted")
    return found
