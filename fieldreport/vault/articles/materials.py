"""What the leak check compares an article with: every letter and the card of every case it came from.

Rules: what cannot be read is said, not skipped: a letter that is damaged, sealed to others or on a bad disk, and a case
of which something was withdrawn or deleted since the article was begun, become findings that block. What is sealed to
others is no reason to override anything: a colleague can read it; nor is what a repaired disk will give. Every file is
read in the sandbox; what of it holds no words that a program can read is named, so that somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import select

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotAllowed, NotARecipient, SealError, StoreError, Unavailable
from fieldreport.press.leakcheck import Material
from fieldreport.scrub.views.document import Unread
from fieldreport.seal import ORIGINAL, Kind
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.articles.tables import ArticleCase
from fieldreport.vault.cases import conversation, source_sealed
from fieldreport.vault.cases.readings import Reader

# Somebody has put another thing in its place: no reason to override anything, as what is sealed to others is none.
_DISTRUSTED: Final = frozenset({"unsigned", "forged", "replayed", "other-source", "binding", "row-key"})

# What holds no words that a program could read; people look and listen.
_LOOKS: Final = frozenset({Unread.PICTURES, Unread.SOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Everything an article came from. ``newest_report``: the hour in which the newest letter came in."""

    materials: tuple[Material, ...] = field(repr=False)
    newest_report: datetime | None

    def not_before(self) -> date | None:
        """The latest day that a source asked to wait for; a date that cannot be parsed is a finding, not a wait."""
        days = []
        for material in self.materials:
            try:
                day = material.earliest()
            except ValueError:
                continue
            if day is not None:
                days.append(day)
        return max(days, default=None)


def background(seat: Seat, article_id: bytes, reader: Reader) -> Background:
    """Open all that an article came from, and read the words of every attachment."""
    with seat.vault.reading() as session:
        links = session.scalars(select(ArticleCase).where(ArticleCase.article_id == article_id)).all()
        cases = {link.case_id: session.get_one(Case, link.case_id) for link in links}
        items = session.scalars(
            select(Item)
            .where(Item.case_id.in_(list(cases)), Item.kind == Kind.LETTER.value)
            .order_by(Item.case_id, Item.sequence)
        ).all()
    materials: list[Material] = []
    for link in links:
        letters = [item for item in items if item.case_id == link.case_id]
        materials += _materials(seat, cases[link.case_id], letters, reader, gone_before=link.gone)
    newest = max((item.hour for item in items), default=None)
    moment = None if newest is None else datetime.fromtimestamp(newest * 3600, UTC)
    return Background(materials=tuple(materials), newest_report=moment)


def gone_letters(items: Sequence[Item]) -> int:
    """How many of a case's letters were withdrawn or deleted."""
    return sum(item.gone for item in items)


def _materials(
    seat: Seat, case: Case, letters: Sequence[Item], reader: Reader, *, gone_before: int
) -> Iterator[Material]:
    label = case.id.hex()
    if case.ended is not None:
        yield Material(case=label, gone=True)
        return
    protected: tuple[str, ...] = ()
    unread = damaged = unreadable = False
    for number, letter in enumerate(letters, start=1):
        if letter.gone:
            continue
        try:
            yield _letter(seat, label, letter.id, number, reader)
        except StoreError:
            # An outage says nothing about the letter, and must not send an article back to review.
            seat.vault.must_work()
            unreadable = True
        except Unavailable:
            raise
        except (NotARecipient, NotAllowed):
            unread = True
        except FieldreportError as error:
            unread, damaged = unread or _is_distrusted(error), damaged or not _is_distrusted(error)
    try:
        protected = conversation.card(seat, case.id).protected
    except StoreError:
        seat.vault.must_work()
        unreadable = True
    except Unavailable:
        raise
    except (NotARecipient, NotAllowed):
        unread = True
    except FieldreportError as error:
        unread, damaged = unread or _is_distrusted(error), damaged or not _is_distrusted(error)
    gone = gone_letters(letters) > gone_before
    yield Material(case=label, protected=protected, gone=gone, unread=unread, damaged=damaged, unreadable=unreadable)


def _is_distrusted(error: FieldreportError) -> bool:
    return isinstance(error, SealError) and error.code in _DISTRUSTED


def _letter(seat: Seat, label: str, letter_id: bytes, place: int, reader: Reader) -> Material:
    """One letter; ``place``: which of its case, by which its files are named."""
    with seat.open_item(letter_id) as envelope:
        fields = envelope.manifest.fields
        texts = [fields.get("when", ""), fields.get("where", "")]
        uncompared: list[str] = []
        only_looks: list[str] = []
        for number, part in enumerate(envelope.manifest.parts):
            if number == 0:  # what the source typed
                texts.append(envelope.read_part(0, limits.FORM_TEXT_BYTES).decode("utf-8", "replace"))
                continue
            if part.media_type == ORIGINAL:  # its cleaned copy is compared
                continue
            with source_sealed.clean_part(seat, letter_id, envelope, number) as (holder, inside):
                reading = reader.words(seat, holder, inside)
            named = Sentence("%(file)s of letter %(number)s", file=part.name, number=place)
            if reading is None:
                uncompared.append(named)
                continue
            texts.append(reading.text)
            if not reading.unread:
                continue
            what = Sentence.listed([each.text for each in reading.unread])
            found = Sentence("%(file)s (%(what)s)", file=named, what=what)
            (only_looks if _LOOKS.issuperset(reading.unread) else uncompared).append(found)
        return Material(
            case=label,
            text="\n\n".join(text for text in texts if text),
            protect_note=fields.get("protect", ""),
            not_before=fields.get("not_before", ""),
            uncompared=tuple(uncompared),
            only_looks=tuple(only_looks),
        )
