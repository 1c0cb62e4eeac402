"""What was stored before objects were signed: editors sign it once, at their first unlock after the upgrade.

The migration lists what is not signed. The first editor who unlocks fixes that list, by its hash, in a signed entry of
the log, on a new vault as well; from then on nothing can join it. The same person signs who reads the cases that are
limited then, and says so in another entry. Each editor adopts what their keys open, and what
nobody has adopted is refused like anything that is not signed. Adopting says "this was here at the upgrade", nothing
more: who wrote it is what the database said then.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport.errors import FieldreportError, SealError, Unavailable
from fieldreport.seal import STAFF_KINDS, Kind, Role, editors_of
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import audit, authors, readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.origin import Opener, Origin, origin_of
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow, Case, Item, SealedObject, Unsigned
from fieldreport.vault.articles.tables import ArticleRevision

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What the database says of an object: its author, or its version."""

    author: str | None = None
    version: int | None = None


def at_unlock(seat: Seat) -> tuple[str, ...]:
    """Adopt what is left, and return what its editor should hear. Nothing here keeps anyone from unlocking."""
    try:
        adopt(seat)
    except FieldreportError as error:
        _log.warning("adopting what is from before signing has to wait: %s", error.code)
        return (Sentence("What was stored before signing is not adopted: %(reason)s", reason=error.text),)
    return ()


def adopt(seat: Seat) -> None:
    """Sign what is from before signing and opens with this person's keys; an admin's opens nothing.

    Raises:
        SealError: (code ``adoption``) the list of what may be adopted is not the one that was fixed.
        RosterError, StoreError: no roster is in force; a store is away.
    """
    if seat.role is not Role.EDITOR:
        return
    _adopt_readers(seat)
    if not _left(seat):
        return
    with seat.vault.reading() as session:
        left = set(session.scalars(select(Unsigned.digest).where(Unsigned.adopter.is_(None))))
        rows = session.execute(select(SealedObject.id, SealedObject.kind, SealedObject.thread)).all()
        cases = session.scalars(select(Case).where(Case.source.is_not(None), Case.opener.is_(None))).all()
        claims = _claims(session)
    for row in rows:
        if authors.digest_of(row.id) in left and row.kind in STAFF_KINDS:
            try:
                _adopt_object(seat, row.id, Kind(row.kind), row.thread, claims.get(row.id, _Claim()))
            except Unavailable:
                raise
            except FieldreportError as error:  # a colleague's keys open it, or it is damaged: then it stays refused
                _log.warning("an object from before signing is not adopted: %s", error.code)
    for case in cases:
        if authors.digest_of(case.id) in left:
            _adopt_case(seat, case)


def _left(seat: Seat) -> bool:
    """Whether anything may still be adopted. The first who asks fixes the list."""
    with seat.vault.reading() as session:
        first = _first(session, seat, Act.ADOPTED)
        left = session.scalar(select(Unsigned.digest).where(Unsigned.adopter.is_(None)).limit(1)) is not None
        if first is not None and not left:
            return False
        listed = hashlib.sha256()
        for digest in session.scalars(select(Unsigned.digest).order_by(Unsigned.digest)):
            listed.update(digest)
    if first is None:
        seat.record(Act.ADOPTED, listed.hexdigest())
    elif first.subject != listed.hexdigest():
        raise SealError("the list of what was stored before signing was changed", code="adoption")
    return left


def _first(session: Session, seat: Seat, act: Act) -> AuditRow | None:
    """The first entry of this act that an editor signed."""
    signers = editors_of(seat.rosters.newest(), ever=True)
    wanted = select(AuditRow).where(AuditRow.act == act.value).order_by(AuditRow.sequence)
    return next((row for row in session.scalars(wanted) if audit.is_signed_by(row, signers)), None)


def _adopt_readers(seat: Seat) -> None:
    """Sign who reads each case that was limited before readers were signed; once for the whole vault."""
    with seat.vault.reading() as session:
        if _first(session, seat, Act.READERS_ADOPTED) is not None:
            return
    epoch = seat.roster().epoch
    setter = readers.Setter(handle=seat.handle, key=seat.staff.signing, epoch=epoch)
    opener = Opener(staff=seat.staff, epoch=epoch, instance=seat.vault.instance)
    with seat.change() as change:
        if _first(change.session, seat, Act.READERS_ADOPTED) is not None:
            return
        adopted = 0
        for case in change.session.scalars(select(Case).where(Case.readers.is_not(None), Case.ended.is_(None))).all():
            if readers.was_set(change.session, case.id):
                continue
            only = readers.names(case.readers)
            readers.set_readers(change, case, only, setter=setter, instance=seat.vault.instance)
            if case.source is None and case.opener is None:
                opener.sign(case)
            adopted += 1
        change.record(Act.READERS_ADOPTED, str(adopted))


def _claims(session: Session) -> dict[bytes, _Claim]:
    claims = {row.id: _Claim(author=row.author or "") for row in session.execute(select(Item.id, Item.author))}
    for card, saved in session.execute(
        select(Case.card, authors.count_of(Case.name, Act.CARD_SAVED).scalar_subquery()).where(Case.card.is_not(None))
    ):
        claims[card] = _Claim(version=saved)
    for revision in session.scalars(select(ArticleRevision)):
        claims[revision.object_id] = _Claim(author=revision.author, version=revision.number)
    return claims


def _adopt_object(seat: Seat, object_id: bytes, kind: Kind, thread: bytes, claim: _Claim) -> None:
    with seat.open_unsigned(object_id, kind=kind, thread=thread) as envelope:
        envelope.verify()
        message = authors.adoption_message(envelope, author=claim.author, version=claim.version)
    _store(seat, object_id, seat.staff.signing.sign(authors.ADOPTION_LABEL, message))


def _adopt_case(seat: Seat, case: Case) -> None:
    """Vouch for the source of a case if every letter of it that opens here is from that source."""
    with seat.vault.reading() as session:
        letters = session.scalars(
            select(Item.id).where(Item.case_id == case.id, Item.kind == Kind.LETTER.value, ~Item.gone)
        ).all()
    origins: set[Origin | None] = set()
    for letter in letters:
        try:
            with seat.open_unsigned(letter, kind=Kind.LETTER, thread=letter) as envelope:
                origins.add(origin_of(envelope.manifest.fields))
        except Unavailable:
            raise
        except FieldreportError:  # sealed to others, or damaged: it says nothing
            continue
    origin = origins.pop() if len(origins) == 1 else None
    if origin is None or not hmac.compare_digest(origin.source, case.source or b""):
        _log.warning("a case from before signing is not adopted: its letters do not name one source")
        return
    epoch = seat.roster().epoch
    with seat.change() as change:
        now = change.session.get(Case, case.id)
        if now is not None and now.source == case.source and now.opener is None:
            now.reply_tag = origin.reply_tag
            Opener(staff=seat.staff, epoch=epoch, instance=seat.vault.instance).sign(now)
            row = change.session.get_one(Unsigned, authors.digest_of(case.id))
            row.adopter, row.epoch = seat.handle, epoch


def _store(seat: Seat, object_id: bytes, signature: bytes) -> None:
    epoch = seat.roster().epoch
    with seat.change() as change:
        row = change.session.get_one(Unsigned, authors.digest_of(object_id))
        if row.adopter is None:  # a colleague may have been faster
            row.adopter, row.epoch, row.signature = seat.handle, epoch, signature
