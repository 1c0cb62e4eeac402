"""What the audit log says of one case, for people outside: its entries whole, and of the others only their place.

An extract is checked without a database. FORMAT.md, "Audit entry", has the bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.seal import Roster, decode_canonical, encode_canonical
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.audit import Tenure, broken, check_entry, content_of, place_of, statement_of
from fieldreport.vault.archive.tables import AuditRow

_AT_ONCE: Final = 500  # rows in memory while reading, however long the log is
_KEYS: Final = frozenset({"entries", "first", "previous"})
_SHOWN: Final = frozenset({"act", "actor", "hour", "salt", "signature", "signer", "subject"})
_TEXTS: Final = ("act", "actor", "subject")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A checked extract. ``first``: the sequence of its first entry; ``total``: of all, shown or not.

    ``shown``: the entries of the case, the oldest first; none of them is in a database. ``chained_from``: the sequence
    from which on the chain was followed; earlier ones are signed, each for itself.
    """

    first: int
    total: int
    shown: tuple[AuditRow, ...]
    chained_from: int


def concerns(subject: str, case: str) -> bool:
    """Whether an entry about ``subject`` is about the case of this name."""
    return subject == case or subject.startswith(f"{case} ")


def first_about(session: Session, case: str) -> AuditRow | None:
    """The oldest entry about a case."""
    about = (AuditRow.subject == case) | AuditRow.subject.startswith(f"{case} ", autoescape=True)
    return session.scalar(select(AuditRow).where(about).order_by(AuditRow.sequence).limit(1))


def write(session: Session, case: str, *, last: int) -> bytes:
    """The extract from the first entry about a case to the one with the sequence ``last``, which is about it, too."""
    first = first_about(session, case)
    if first is None:
        raise broken(last, Sentence("it is gone"))
    wanted = select(AuditRow).where(AuditRow.sequence.between(first.sequence, last)).order_by(AuditRow.sequence)
    entries = [_value(row, case) for row in session.scalars(wanted.execution_options(yield_per=_AT_ONCE))]
    return encode_canonical({"entries": entries, "first": first.sequence, "previous": first.previous.hex()})


def check(untrusted: bytes, case: str, rosters: Sequence[Roster]) -> Extract:
    """Check every entry of an extract about a case. ``rosters``: verified, the oldest first.

    Raises:
        SealError: (code ``audit``) it is not one, or an entry was altered, left out, added, is about another case, or
            is signed by another than its actor; ``detail`` gives the number of the first.
    """
    value = _decoded(untrusted)
    sequence, previous = value["first"], _bytes(value["previous"], 32)
    tenure, shown, chained_from = Tenure(rosters), [], value["first"]
    entries = value["entries"]
    for at, entry in enumerate(entries):
        if isinstance(entry, dict) and entry.keys() == _SHOWN:
            row = row_of(entry, sequence=sequence, previous=previous)
            check_entry(row, sequence=sequence, previous=previous)
            tenure.check(row)
            if not concerns(row.subject, case):
                raise broken(sequence, Sentence("it is about another case"))
            shown.append(row)
            previous = row.hash
        elif at in {0, len(entries) - 1}:
            raise broken(sequence, Sentence("the first entry of an extract, and the last one, are shown"))
        elif isinstance(entry, dict) and entry.keys() == {"hash"}:
            previous, chained_from = _bytes(entry["hash"], 32), sequence + 1
        else:
            place = place_of(_bytes(entry, 32), sequence=sequence, previous=previous)
            previous = hashlib.sha256(place).digest()
        sequence += 1
    return Extract(first=value["first"], total=len(entries), shown=tuple(shown), chained_from=chained_from)


def _value(row: AuditRow, case: str) -> object:
    if not concerns(row.subject, case):
        content = content_of(row)
        return {"hash": row.hash.hex()} if content is None else content.hex()
    return shown(row)


def shown(row: AuditRow) -> dict[str, object]:
    """What an entry says, as it stands in an extract; its place in the chain is not in it."""
    return {
        "act": row.act,
        "actor": row.actor,
        "hour": row.hour,
        "salt": None if row.salt is None else row.salt.hex(),
        "signature": None if row.signature is None else row.signature.hex(),
        "signer": None if row.signer is None else row.signer.hex(),
        "subject": row.subject,
    }


def _decoded(untrusted: bytes) -> dict[str, Any]:
    try:
        value = decode_canonical(untrusted)
    except ValueError:
        raise _malformed() from None
    if not isinstance(value, dict) or value.keys() != _KEYS or not isinstance(value["entries"], list):
        raise _malformed()
    if not value["entries"] or type(value["first"]) is not int or not 1 <= value["first"] <= limits.AUDIT_ENTRIES:
        raise _malformed()
    return value


def row_of(value: dict[str, Any], *, sequence: int, previous: bytes) -> AuditRow:
    """The entry that ``shown`` wrote, at this place in the chain. Raises ``SealError`` (code ``audit``)."""
    if value.keys() != _SHOWN:
        raise _malformed()
    if (
        type(value["hour"]) is not int
        or not 0 <= value["hour"] < 2**31
        or not all(isinstance(value[name], str) for name in _TEXTS)
    ):
        raise _malformed()
    row = AuditRow(
        sequence=sequence,
        hour=value["hour"],
        act=value["act"],
        actor=value["actor"],
        subject=value["subject"],
        previous=previous,
        hash=b"",
        signer=None if value["signer"] is None else _bytes(value["signer"], 32),
        signature=None if value["signature"] is None else _bytes(value["signature"], 64),
        salt=None if value["salt"] is None else _bytes(value["salt"], 16),
    )
    row.hash = hashlib.sha256(statement_of(row)).digest()
    return row


def _bytes(value: object, length: int) -> bytes:
    if not isinstance(value, str) or len(value) != 2 * length or not _HEX.fullmatch(value):
        raise _malformed()
    return bytes.fromhex(value)


def _malformed() -> SealError:
    return SealError("this is no extract of an audit log", code="audit", detail="audit.json is malformed")
