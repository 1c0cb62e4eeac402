"""What an editor writes into a case: replies to the source, notes for colleagues, the card.

A reply is sealed twice, to the key that the source's codename yields and to the newsroom. Both copies become durable in
one transaction before the mailbox hears of it (see ``outbox``), so a crash leaves either nothing at all or a reply that
is still delivered. The newsroom's copy and the source's have unrelated ids.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import Conflict, LimitExceeded, NotFound, SealError, StoreError
from fieldreport.mailbox import DeskMailbox, SealedReply
from fieldreport.seal import (
    HybridRecipient,
    Kind,
    OpenEnvelope,
    PartSource,
    Role,
    Roster,
    Sender,
    encode_canonical,
    seal_envelope,
)
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import authors, origin
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.cases import outbox
from fieldreport.vault.cases.inbox import living

NEWSROOM: Final = Sender()
NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})
REPLY: Final = "reply"
"""The field in which the newsroom's copy names the reply itself: who opens the copy can ask what became of it."""
_log = logging.getLogger(__name__)

_TEXT_TYPE: Final = "text/plain; charset=utf-8"
_LOOKUP: Final = re.compile(r"[0-9a-f]{64}")
_DISTRUSTED: Final = frozenset({"unsigned", "forged", "other-source", "binding"})
_THREAD: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the newsroom knows of a case and what must never be printed.

    ``facts``: the fact sheet, free text. ``protected``: terms for the leak check. ``labels``: by which editors find the
    case again, sorted. ``version`` names what was read, so that overwriting a colleague's newer card is refused; empty
    for a card never saved.
    """

    facts: str = field(default="", repr=False)
    protected: tuple[str, ...] = field(default=(), repr=False)
    labels: tuple[str, ...] = field(default=(), repr=False)
    version: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """How to reach a source, from the newest of their letters."""

    recipient: HybridRecipient
    index: bytes = field(repr=False)
    thread: bytes = field(repr=False)


def text_part(text: str) -> PartSource:
    """Return the one part of a reply or note. Raises ``LimitExceeded`` (code "text-size")."""
    data = text.encode("utf-8", "replace")
    if len(data) > limits.SENT_TEXT_BYTES:
        raise LimitExceeded(Sentence("this text is too long"), detail="reply or note over the bound", code="text-size")
    return PartSource(name="text.txt", media_type=_TEXT_TYPE, source=io.BytesIO(data), length=len(data))


def reply(
    seat: Seat,
    case_id: bytes,
    text: str,
    mailbox: DeskMailbox,
    *,
    sender: Sender = NEWSROOM,
    item_id: bytes | None = None,
    seen: int | None = None,
) -> bytes:
    """Answer the source and return the id of the newsroom's copy.

    ``sender``: whom the source sees above it. ``seen``: how many replies the person knew of as they wrote. Give
    ``item_id`` (16 random bytes that came with the form): the same one twice sends once. When the mailbox is away the
    reply is durable here, shown as pending, and delivered by ``outbox.deliver``.

    Raises:
        Conflict: something else was written with this id (code "form-used"), or a reply was sent that the person does
            not know of (code "answered").
        NotAllowed: an admin's seat, or the case is limited to others (code "limited"). LimitExceeded: too long.
        NotFound: no such case, or no letter of it can be opened (code "no-letter").
        SealError: the source's letter does not say where to answer. RosterError: no roster to seal to.
    """
    seat.must_be(Role.EDITOR)
    item_id = item_id or secrets.token_bytes(16)
    if _is_here(seat, item_id, case_id, text):
        _try_to_deliver(seat, mailbox)
        return item_id
    source, roster = _reach(seat, case_id), seat.roster()
    reply_id = secrets.token_bytes(limits.ID_BYTES)
    fields = {REPLY: reply_id.hex(), **sender.fields}
    with (
        seat.stage(kind=Kind.SENT, thread=case_id, parts=[text_part(text)], fields=fields, object_id=item_id) as staged,
        seat.change() as change,
    ):
        case = living(change.session, case_id)
        is_first = change.session.get(Item, item_id) is None
        if is_first:
            if seen is not None and _sent(change, case_id) > seen:
                raise Conflict("a reply was sent meanwhile", code="answered")
            change.add(staged)
            _append(change, case, item_id, Kind.SENT)
            # Only here is it sure how many went before: a colleague may answer in the same second.
            said = {"number": str(_sent(change, case_id)), **sender.fields}
            outbox.add(change, item_id, _sealed(roster, source, text, reply_id, hour=change.hour, fields=said))
            change.record(Act.REPLIED, case.name)
    if not is_first:  # another window was faster
        _is_here(seat, item_id, case_id, text)
    _try_to_deliver(seat, mailbox)
    return item_id


def note(
    seat: Seat, case_id: bytes, text: str, *, fields: Mapping[str, str] = NO_FIELDS, item_id: bytes | None = None
) -> bytes:
    """Leave a note for colleagues and return its id; ``fields``: see ``notes``; ``item_id`` as for ``reply``.

    Raises:
        NotAllowed, Conflict: as ``reply``. NotFound: no such case. LimitExceeded: too long.
        RosterError: no roster to seal to.
    """
    seat.must_be(Role.EDITOR)
    item_id = item_id or secrets.token_bytes(16)
    if _is_here(seat, item_id, case_id, text):
        return item_id
    with (
        seat.stage(kind=Kind.NOTE, thread=case_id, parts=[text_part(text)], fields=fields, object_id=item_id) as staged,
        seat.change() as change,
    ):
        case = living(change.session, case_id)
        is_first = change.session.get(Item, item_id) is None
        if is_first:
            change.add(staged)
            _append(change, case, item_id, Kind.NOTE)
            change.record(Act.NOTED, case.name)
    if not is_first:
        _is_here(seat, item_id, case_id, text)
    return item_id


def card(seat: Seat, case_id: bytes) -> Card:
    """Open a case's card; an empty one when none was saved. Raises ``NotFound``, and as ``Seat.open_object``."""
    with seat.vault.reading() as session:
        case, saved = _case_and_saves(session, case_id)
    origin.check_case(seat.vault, seat.rosters, case)
    version = case.card
    if version is None:
        if saved:
            raise authors.replayed()
        return Card()
    with seat.open_object(version, kind=Kind.CARD, thread=case_id, version=saved) as envelope:
        return read_card(envelope, version)


def read_card(envelope: OpenEnvelope, version: bytes) -> Card:
    """The card in an open envelope. Raises ``SealError`` (code ``card``): not what ``save_card`` writes."""
    raw = envelope.read_part(0, limits.CARD_BYTES)
    try:
        document = json.loads(raw)
        facts, protected = document["facts"], document["protected"]
        labels = document.get("labels", [])  # cards from before there were labels have none
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _bad_card() from None
    if not isinstance(facts, str) or not all(
        isinstance(each, list) and all(isinstance(text, str) for text in each) for each in (protected, labels)
    ):
        raise _bad_card()
    return Card(facts=facts, protected=tuple(protected), labels=tuple(labels), version=version)


def save_card(seat: Seat, case_id: bytes, card: Card) -> Card:
    """Replace a case's card and return it with its new version.

    Raises:
        Conflict: another was saved, or its labels were changed, since ``card.version`` was read (code "card-changed").
        NotAllowed: as ``reply``. NotFound: no such case. LimitExceeded: too long. RosterError: no roster to seal to.
    """
    seat.must_be(Role.EDITOR)
    labels = sorted(set(card.labels))
    data = encode_canonical({"facts": card.facts, "labels": labels, "protected": list(card.protected)})
    if len(data) > limits.CARD_BYTES or len(card.protected) > limits.CARD_TERMS or len(labels) > limits.CASE_LABELS:
        raise LimitExceeded(Sentence("the card is too long"), detail="card over the bound", code="card-size")
    part = PartSource(name="card.json", media_type="application/json", source=io.BytesIO(data), length=len(data))
    with seat.vault.reading() as session:
        case, saved = _case_and_saves(session, case_id)
    origin.check_case(seat.vault, seat.rosters, case)
    if case.card is None and saved:
        raise authors.replayed()
    with seat.stage(kind=Kind.CARD, thread=case_id, parts=[part], version=saved + 1) as staged:
        with seat.change() as change:
            case, saved_now = _case_and_saves(change.session, case_id)
            if case.card != card.version or saved_now != saved:
                raise Conflict(
                    Sentence("this card was saved meanwhile, or its labels were changed"), code="card-changed"
                )
            change.add(staged)
            if case.card is not None:
                change.shred([case.card])
            case.card = staged.id
            change.record(Act.CARD_SAVED, case.name)
        return replace(card, labels=tuple(labels), version=staged.id)


def change_labels(seat: Seat, case_id: bytes, *, add: Collection[str] = (), remove: Collection[str] = ()) -> Card:
    """Add and remove labels of a case, and return its card; raises as ``card`` and ``save_card``.

    When a colleague saves the card at the same time, their words stay and the labels are changed in what they saved.
    """
    for tries_left in count(2, -1):
        before = card(seat, case_id)
        labels = tuple(sorted((set(before.labels) | set(add)) - set(remove)))
        if labels == before.labels:
            return before
        try:
            return save_card(seat, case_id, replace(before, labels=labels))
        except Conflict:
            if not tries_left:
                raise
    raise AssertionError  # count() has no end; the type checker does not know


def _case_and_saves(session: Session, case_id: bytes) -> tuple[Case, int]:
    """A case, and how often the log says that its card was saved."""
    saves = authors.count_of(Case.name, Act.CARD_SAVED).scalar_subquery()
    row = session.execute(select(Case, saves.label("saves")).where(Case.id == case_id)).first()
    case = living(session, case_id)
    return case, 0 if row is None else row.saves


def _sent(change: Change, case_id: bytes) -> int:
    """How many replies a case has."""
    sent = select(func.count()).select_from(Item).where(Item.case_id == case_id, Item.kind == Kind.SENT.value)
    return change.session.scalar(sent) or 0


def _sealed(
    roster: Roster, source: _Source, text: str, reply_id: bytes, *, hour: int, fields: Mapping[str, str]
) -> SealedReply:
    """The source's copy of a reply."""
    payload = io.BytesIO()
    header = seal_envelope(
        roster.binding(Kind.REPLY, thread=source.thread, object_id=reply_id),
        hour=hour,
        fields=fields,
        parts=[text_part(text)],
        recipients=[source.recipient],
        payload_to=payload,
    )
    return SealedReply(id=reply_id, index=source.index, hour=hour, header=header, payload=payload.getvalue())


def _append(change: Change, case: Case, item_id: bytes, kind: Kind) -> None:
    case.sequence += 1
    change.session.add(
        Item(
            id=item_id,
            case_id=case.id,
            kind=kind.value,
            sequence=case.sequence,
            hour=change.hour,
            author=change.actor,
        )
    )


def _is_here(seat: Seat, item_id: bytes, case_id: bytes, text: str) -> bool:
    """Whether exactly this was written with this id before. Raises ``Conflict`` for anything else under the id."""
    with seat.vault.reading() as session:
        item = session.get(Item, item_id)
    if item is None:
        return False
    if item.case_id != case_id:
        raise Conflict(Sentence("this was written into another case"), code="other-case")
    if seat.text(item_id) != text:
        raise Conflict(Sentence("this form was sent before, with other words"), code="form-used")
    return True


def _reach(seat: Seat, case_id: bytes) -> _Source:
    """Open every letter of a case for the key and the pigeonhole that its sender reads.

    They must all name the same, and it must be what was signed when the case was opened.

    Raises:
        NotFound: no letter of this case can be opened here, so there is nowhere to send to.
        SealError: the case is not signed (code ``unsigned``, ``forged``), a letter is not from its source (code
            ``other-source``), or a letter names no place to reply to.
    """
    with seat.vault.reading() as session:
        case = living(session, case_id)
        letters = session.scalars(
            select(Item.id)
            .where(Item.case_id == case_id, Item.kind == Kind.LETTER.value, ~Item.gone)
            .order_by(Item.sequence.desc())
        ).all()
    origin.check_case(seat.vault, seat.rosters, case)
    fields: dict[str, str] | None = None
    for letter_id in letters:
        try:
            with seat.open_item(letter_id) as envelope:
                fields = dict(envelope.manifest.fields)
        except NotFound:  # its payload is gone: another one does as well
            continue
        except SealError as error:
            if error.code in _DISTRUSTED:
                raise
            continue  # damaged, or older than this person's access
        origin.check_reply(case, fields)
    if fields is None:
        raise NotFound(
            Sentence("no letter of this case can be opened, so there is no key to answer to"), code="no-letter"
        )
    return _source_from(fields)


def _source_from(fields: dict[str, str]) -> _Source:
    lookup, thread = fields.get("lookup", ""), fields.get("thread", "")
    if not _LOOKUP.fullmatch(lookup) or not _THREAD.fullmatch(thread):
        raise SealError("this letter does not say where to answer", code="no-reply-place")
    return _Source(
        recipient=HybridRecipient.parse(fields.get("reply_key", "")),
        index=hashlib.sha256(bytes.fromhex(lookup)).digest(),
        thread=bytes.fromhex(thread),
    )


def _try_to_deliver(seat: Seat, mailbox: DeskMailbox) -> None:
    try:
        outbox.deliver(seat.vault, mailbox)
    except StoreError as error:
        # Durable here and marked as pending; the desk's rounds deliver it when the mailbox is back.
        _log.warning("a reply waits: the mailbox did not take it (%s)", error.code)


def _bad_card() -> SealError:
    return SealError("this card is damaged", code="card", detail="card: not what save_card writes")
