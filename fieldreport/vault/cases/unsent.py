"""What an editor has typed on the page of a case and not sent: kept for them alone until it is sent or thrown away.

Rules: it is sealed to its author's key and to no other, not even to a recovery key, and signed; it lies under a row
key, so that what was sent or thrown away leaves nothing behind. It is no act: nothing of it is in the log.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import struct
from collections.abc import Mapping
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import LimitExceeded, NotARecipient, SealError
from fieldreport.seal import (
    Author,
    Expected,
    Kind,
    PartSource,
    encode_canonical,
    open_envelope,
    seal_envelope,
)
from fieldreport.sentence import Sentence
from fieldreport.store import reveal_all
from fieldreport.vault.archive import authors, readers
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Unsent
from fieldreport.vault.cases.inbox import living

Fields = Mapping[str, str]
WRITTEN: Final = frozenset({"text", "facts", "protected"})
"""The fields in which people write sentences; the others of a form are choices and ids."""
_LENGTH: Final = struct.Struct(">I")  # of the header; then header and payload


def kept(seat: Seat, case_id: bytes) -> dict[str, Fields]:
    """What this person has not sent, by the name of the form; nothing where it does not open any more.

    Raises:
        SealError: it was changed by somebody else (code ``unsigned``, ``forged``, ``binding`` …).
    """
    with seat.vault.reading() as session:
        return _opened(seat, _row(session, case_id, seat.handle))


def keep(seat: Seat, case_id: bytes, form: str, fields: Fields, *, seen: str) -> None:
    """Keep what stands in one form; empty ``fields`` where nothing does.

    ``seen``: the ``edition`` of what was kept of it when the form was shown. Where that has changed since, in another
    window, what is kept now is not lost: it is kept under the form's ``other`` name.

    Raises:
        NotFound: no such case. NotAllowed: it is limited to others (code "limited").
        LimitExceeded: more than ``limits.UNSENT_BYTES`` in all forms of the case. RosterError: no roster to seal to.
        StoreError: it could not be stored.
    """
    readers.must_read(seat, case_id, seat.handle)
    with seat.vault.reading() as session:
        if _merged(_readable(seat, _row(session, case_id, seat.handle)), form, fields, seen) is None:
            return
    with seat.change() as change:
        living(change.session, case_id)
        row = _row(change.session, case_id, seat.handle)
        forms = _merged(_readable(seat, row), form, fields, seen)
        if forms is not None:
            _replace(change, seat, case_id, row, forms)


def drop(seat: Seat, case_id: bytes, *forms: str) -> None:
    """Destroy what is kept of these forms: it was sent, or thrown away. Raises as ``keep``."""
    with seat.change() as change:
        row = _row(change.session, case_id, seat.handle)
        before = _readable(seat, row)
        left = {name: fields for name, fields in before.items() if name not in forms}
        if left != before:
            _replace(change, seat, case_id, row, left)


def other(form: str) -> str:
    """The name under which is kept what was written into a form in another window."""
    return f"{form}.other"


def edition(fields: Fields) -> str:
    """What a page remembers of what was kept of a form when it was shown."""
    return hashlib.sha256(encode_canonical(dict(fields))).hexdigest()[:32] if fields else ""


def reseal(seat: Seat) -> int:
    """Seal to the key that the roster names now what is sealed to another key of this person; return how much it was.

    Before the old one of two keys is destroyed. Raises as ``keep``.
    """
    done = 0
    with seat.vault.reading() as session:
        case_ids = session.scalars(select(Unsent.case_id).where(Unsent.handle == seat.handle)).all()
    for case_id in case_ids:
        with seat.change() as change:
            row = _row(change.session, case_id, seat.handle)
            forms = _readable(seat, row)
            if forms:
                _replace(change, seat, case_id, row, forms)
                done += 1
    return done


def forget(change: Change, case: Case) -> None:
    """Destroy what everybody had typed on a case that ends."""
    change.keys.doom(change.session.scalars(delete(Unsent).where(Unsent.case_id == case.id).returning(Unsent.slot)))


def _merged(forms: dict[str, Fields], form: str, fields: Fields, seen: str) -> dict[str, Fields] | None:
    """All forms with this one as it is now; nothing where they are kept so already."""
    stored = forms.get(form, {})
    if stored == fields:
        return None
    merged = {name: typed for name, typed in forms.items() if name != form}
    if stored and edition(stored) != seen and _words(stored) != _words(fields):
        if not fields:  # an empty form of another window
            return None
        before = forms.get(other(form), {})
        merged[other(form)] = {
            name: "\n\n".join(filter(None, (before.get(name, ""), text))) for name, text in _words(stored).items()
        }
    return {**merged, form: dict(fields)} if fields else merged


def _words(fields: Fields) -> Fields:
    return {name: text for name, text in fields.items() if name in WRITTEN}


def _row(session: Session, case_id: bytes, handle: str) -> Unsent | None:
    return session.scalar(select(Unsent).where(Unsent.case_id == case_id, Unsent.handle == handle))


def _replace(change: Change, seat: Seat, case_id: bytes, row: Unsent | None, forms: Mapping[str, Fields]) -> None:
    if row is not None:
        change.session.delete(row)
        change.session.flush()
        change.keys.doom([row.slot])
    if not forms:
        return
    data = encode_canonical({name: dict(fields) for name, fields in forms.items()})
    if len(data) > limits.UNSENT_BYTES:
        raise LimitExceeded(
            Sentence("this text is too long to be kept"), detail="typed text over the bound", code="text-size"
        )
    roster = seat.roster()
    own = roster.entry(seat.handle).recipient
    if own is None:
        raise SealError("there is no key of yours to seal to", code="recipients")
    object_id, payload = secrets.token_bytes(limits.ID_BYTES), io.BytesIO()
    header = seal_envelope(
        roster.binding(Kind.UNSENT, thread=case_id, object_id=object_id),
        hour=change.hour,
        fields={},
        parts=[PartSource(name="typed.json", media_type="application/json", source=io.BytesIO(data), length=len(data))],
        recipients=[own],
        payload_to=payload,
        author=Author(handle=seat.handle, key=seat.staff.signing),
    )
    (hidden,) = change.keys.hide([_LENGTH.pack(len(header)) + header + payload.getvalue()])
    change.session.add(
        Unsent(id=object_id, case_id=case_id, handle=seat.handle, slot=hidden.slot, hidden=hidden.hidden)
    )


def _opened(seat: Seat, row: Unsent | None) -> dict[str, Fields]:
    """Raises ``SealError``: it is not what this person kept."""
    if row is None:
        return {}
    (content,) = reveal_all(seat.vault.blobs.row_keys, [(row.slot, row.hidden)])
    if content is None:  # sent or thrown away in another window since it was read; or its key is lost
        return {}
    end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
    expected = Expected(
        kind=Kind.UNSENT,
        instance=seat.vault.instance,
        thread=row.case_id,
        object=row.id,
        rosters=seat.rosters.published.history(),
    )
    payload = io.BytesIO(content[end:])
    try:
        with open_envelope(
            content[_LENGTH.size : end], payload, identities=seat.staff.identities, expected=expected
        ) as envelope:
            authors.check(seat.vault, seat.rosters, envelope, author=seat.handle, version=None)
            forms: dict[str, Fields] = json.loads(envelope.read_part(0, limits.UNSENT_BYTES))
    except NotARecipient:  # its key was destroyed
        return {}
    return forms


def _readable(seat: Seat, row: Unsent | None) -> dict[str, Fields]:
    """The same; what was changed by somebody else is nothing, and is replaced."""
    try:
        return _opened(seat, row)
    except SealError:
        return {}
