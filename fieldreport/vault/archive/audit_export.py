"""The whole audit log as a file that is verified without the database: one entry a line, as JSON.

A line is what an extract shows of an entry, with its sequence and its hash, so that any tool can search the file. What
is believed of it is computed again. FORMAT.md, "Audit entry", has the fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from fieldreport.errors import SealError
from fieldreport.seal import Role, Roster
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.audit import Act, AuditLog, AuditReport, Remembered, broken, check_chain
from fieldreport.vault.archive.audit_extract import row_of, shown
from fieldreport.vault.archive.tables import AuditRow

LINE_BYTES: Final = 2048
"""More than any entry takes."""


def lines(log: AuditLog) -> Iterator[bytes]:
    """Return the log, an entry a line, the oldest first."""
    for row in log.entries():
        entry = {"sequence": row.sequence, **shown(row), "hash": row.hash.hex()}
        yield json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n"


def verify(
    untrusted: Iterable[bytes],
    rosters: Sequence[Roster],
    remembered: Collection[Remembered],
    *,
    each: Callable[[AuditRow], None] = lambda _row: None,
) -> AuditReport:
    """As ``AuditLog.verify``, of the lines of a file; heads of entries that came after the file are none it lacks."""
    admins = {(entry.handle, entry.signing) for entry in rosters[-1].entries if entry.role is Role.ADMIN}
    wanted = {one.head.number for one in remembered}
    hashes: dict[int, bytes] = {}
    accepted_heads: set[str] = set()

    def note(row: AuditRow) -> None:
        if row.sequence in wanted:
            hashes[row.sequence] = row.hash
        if row.act == Act.HEAD_ACCEPTED and (row.actor, row.signer) in admins:
            accepted_heads.add(row.subject)
        each(row)

    entries, head, unsigned = check_chain(_rows(untrusted), rosters, each=note)
    newer = tuple(one for one in remembered if one.head.number > entries)
    held = tuple(one for one in remembered if hashes.get(one.head.number) == one.head.hash)
    accepted = tuple(one for one in remembered if one not in (*newer, *held))
    for one in accepted:
        if str(one.head) not in accepted_heads:
            raise SealError(
                "the audit log is not the one that was here before",
                code="audit-head",
                detail=f"the file lacks entry {one.head.number} ({one.head.hash.hex()}), which {one.by} remembers",
            )
    return AuditReport(entries=entries, unsigned=unsigned, head=head.hex(), held=held, accepted=accepted, newer=newer)


def _rows(untrusted: Iterable[bytes]) -> Iterator[AuditRow]:
    previous = bytes(32)
    for number, line in enumerate(untrusted, 1):
        value = _parsed(line, number)
        hash_, sequence = value.pop("hash", None), value.pop("sequence", None)
        try:
            row = row_of(value, sequence=number, previous=previous)
        except SealError:
            raise broken(number, Sentence("its line is malformed")) from None
        if sequence != number or row.hash.hex() != hash_:
            raise broken(number, Sentence("an entry before it was removed or altered, or it was"))
        yield row
        previous = row.hash


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line) if len(line) <= LINE_BYTES else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise broken(number, Sentence("its line is malformed"))
    return value
