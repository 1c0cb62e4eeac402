"""Who may read a case: every editor, or only those whom it is limited to.

A limited case names its readers by their handles, or the desk that its letters are addressed to: everybody who is
in it by the newest roster; everything of it is sealed to them and the recovery key alone. Each act that set them is a
row, signed by who did it, and the newest counts. FORMAT.md, "Readers of a case".

Rules: only a reader sets the readers that come after, or the recovery key where every reader has left; the audit log
counts the acts, so that none can be taken away. ``Case.readers`` is a copy for lists and decides nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, Protocol

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from fieldreport.errors import NotAllowed, RosterError, SealError
from fieldreport.seal import Entry, KeyState, Role, encode_canonical, forged, verify_signature
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import authors, origin
from fieldreport.vault.archive.audit import Act, Signer
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import READERS_SET, AuditRow, Case, CaseReaders
from fieldreport.vault.archive.vault import Vault

LABEL: Final = "case-readers"
_READS: Final = frozenset({KeyState.ACTIVE, KeyState.SUSPENDED})
_AT_ONCE: Final = 500  # cases in one question
_ID: Final = re.compile(r"[0-9a-f]{32}")


class Place(Protocol):
    """What is needed to check who may read: a seat has it, and whatever works on the vault in another way."""

    @property
    def vault(self) -> Vault:
        """The archive."""

    @property
    def rosters(self) -> RosterWatch:
        """Whose signatures count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A place without a person."""

    vault: Vault
    rosters: RosterWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Setter:
    """Who sets readers: an editor, or the recovery key, by the roster of ``epoch``."""

    handle: str
    key: Signer = field(repr=False)
    epoch: int


def names(readers: str | None) -> frozenset[str] | None:
    """The names in a case's ``readers``, of people and desks; nothing where every editor reads."""
    return None if readers is None else frozenset(readers.split(","))


def people(named: Collection[str], entries: Iterable[Entry]) -> frozenset[str]:
    """The handles of the readers with these names: a desk's are the editors in it, also while they are suspended."""
    listed = tuple(entries)
    desks = {name for entry in listed for name in entry.addressees} - {entry.handle for entry in listed}
    meant = desks.intersection(named)
    members = {entry.handle for entry in listed if entry.state in _READS and not meant.isdisjoint(entry.addressees)}
    return frozenset(set(named) - desks | members)


def set_readers(change: Change, case: Case, only: Collection[str] | None, *, setter: Setter, instance: bytes) -> None:
    """Sign and store who reads a case from now on: those with these names, or all. The caller checks who may."""
    named = None if only is None else ",".join(sorted(set(only)))
    row = CaseReaders(
        case_id=case.id,
        version=_times_set(change.session, case.id) + 1,
        readers=named,
        setter=setter.handle,
        epoch=setter.epoch,
        signature=b"",
    )
    row.signature = setter.key.sign(LABEL, _statement(instance, row))
    change.session.add(row)
    case.readers = named
    change.record(Act.READERS_SET, case.id.hex())


def was_set(session: Session, case_id: bytes) -> bool:
    """Whether the readers of a case were ever set and signed."""
    return bool(_times_set(session, case_id))


def readers_in(session: Session, place: Place, case_id: bytes) -> frozenset[str] | None:
    """The handles of a case's readers as a transaction sees them; nothing where every editor reads, and for no case.

    Raises:
        SealError: what the database says is not signed (code ``unsigned``), not by who might (``forged``), or not the
            newest (``replayed``).
        RosterError: nobody can say who is in a desk.
    """
    return next(_claims(session, [case_id])).handles(place)


def names_in(session: Session, place: Place, case_id: bytes) -> frozenset[str] | None:
    """As ``readers_in``, without asking who is in a desk."""
    return next(_claims(session, [case_id])).names(place)


def readers_in_each(
    session: Session, place: Place, case_ids: Collection[bytes]
) -> list[frozenset[str] | SealError | None]:
    """As ``readers_in``, of several cases in their order; in the place of one that does not hold is why.

    What the tables and the log say of them is asked for in three questions for each ``_AT_ONCE``.

    Raises:
        RosterError: nobody can say who is in a desk.
    """
    found: list[frozenset[str] | SealError | None] = []
    entries: Sequence[Entry] = ()
    for claim in _claims(session, case_ids):
        try:
            named = claim.names(place)
        except SealError as error:
            found.append(error)
            continue
        entries = entries or (() if named is None else place.rosters.newest().entries)
        found.append(None if named is None else people(named, entries))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What the database says of one case: ``acts`` on its readers, and how often the log has one (``times``)."""

    id: bytes = field(repr=False)
    case: Case | None
    acts: Sequence[CaseReaders]
    times: int

    def handles(self, place: Place) -> frozenset[str] | None:
        """As ``readers_in``."""
        named = self.names(place)
        return None if named is None else people(named, place.rosters.newest().entries)

    def names(self, place: Place) -> frozenset[str] | None:
        """The names that hold. Raises ``SealError`` as ``readers_in``."""
        if self.case is not None and self.case.ended is not None:
            return None
        claimed = None if self.case is None else self.case.readers
        if not self.times and not self.acts:
            if claimed is not None:
                raise SealError("the readers of this case are not signed by anyone; do not trust it", code="unsigned")
            return None
        if [act.version for act in self.acts] != list(range(1, self.times + 1)):
            raise authors.replayed()
        found = check_acts(self.acts, partial(_entries_at, place.rosters), instance=place.vault.instance)
        if claimed != self.acts[-1].readers:
            raise forged("the store names other readers of a case than were set")
        return found


def _claims(session: Session, case_ids: Collection[bytes]) -> Iterator[_Claim]:
    """Of each of these cases, in their order, what the database says."""
    ids = list(case_ids)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        cases = {case.id: case for case in session.scalars(select(Case).where(Case.id.in_(some)))}
        acts: defaultdict[bytes, list[CaseReaders]] = defaultdict(list)
        wanted = select(CaseReaders).where(CaseReaders.case_id.in_(some)).order_by(CaseReaders.version)
        for act in session.scalars(wanted):
            acts[act.case_id].append(act)
        of_these = AuditRow.act == Act.READERS_SET.value, AuditRow.subject.in_([each.hex() for each in some])
        counted = select(AuditRow.subject, func.count()).where(*of_these).group_by(AuditRow.subject)
        times = {subject: number for subject, number in session.execute(counted)}  # noqa: C416 - rows are no pairs to mypy
        for each in some:
            yield _Claim(id=each, case=cases.get(each), acts=acts[each], times=times.get(each.hex(), 0))


def check_acts(
    acts: Sequence[CaseReaders], entries_at: Callable[[int], Sequence[Entry]], *, instance: bytes
) -> frozenset[str] | None:
    """Check all acts on a case, the first one first, and return the names of the readers after the last.

    ``entries_at``: those of a roster, by its epoch, that were not revoked.

    Raises:
        SealError: (code ``forged``) one is not signed by who might set readers then.
    """
    before: frozenset[str] | None = None
    for act in acts:
        _check_act(act, entries_at(act.epoch), before, instance=instance)
        before = names(act.readers)
    return before


def readers_of(place: Place, case_id: bytes) -> frozenset[str] | None:
    """As ``readers_in``, in a transaction of its own."""
    with place.vault.reading() as session:
        return readers_in(session, place, case_id)


@dataclass(frozen=True, slots=True)
class Limits:
    """The readers of every case for which they were ever set, by the case's id; nothing where all read it again."""

    readers: dict[bytes, frozenset[str] | None]
    ended: frozenset[bytes]

    def __bool__(self) -> bool:
        return bool(self.readers or self.ended)

    @property
    def limited(self) -> list[tuple[bytes, frozenset[str]]]:
        """The limited cases with their readers, by id."""
        return [(case_id, only) for case_id, only in sorted(self.readers.items()) if only is not None]


def limits(session: Session, place: Place) -> Limits:
    """Every limited case, checked: readers, and the source by which its letters are known.

    Raises:
        SealError: as ``readers_in``, for any of them: then nothing can be sealed to exactly those who should read it.
    """
    set_ = select(AuditRow.subject).where(AuditRow.act == literal_column(f"'{READERS_SET}'")).distinct()
    ids = {bytes.fromhex(subject) for subject in session.scalars(set_) if _ID.fullmatch(subject)}
    ids.update(session.scalars(select(Case.id).where(Case.readers.is_not(None))))
    found: dict[bytes, frozenset[str] | None] = {}
    ended = set()
    for claim in _claims(session, ids):
        if claim.case is not None and claim.case.ended is not None:
            ended.add(claim.id)
            continue
        found[claim.id] = claim.handles(place)
        if claim.case is not None:
            origin.check_signed(place.vault, place.rosters, claim.case)
    return Limits(found, frozenset(ended))


def refused_cases(vault: Vault, rosters: RosterWatch) -> list[tuple[str, str]]:
    """The cases whose readers do not hold, with the code of the refusal, by name; no key is needed to see it."""
    place = Outside(vault=vault, rosters=rosters)
    with vault.reading() as session:
        cases = session.execute(select(Case.id, Case.name).order_by(Case.name)).all()
        found = readers_in_each(session, place, [case_id for case_id, _ in cases])
    return [(name, each.code) for (_, name), each in zip(cases, found, strict=True) if isinstance(each, SealError)]


def must_read(place: Place, case_id: bytes, handle: str) -> Literal[True]:
    """Check that a person is one of a case's readers.

    Raises:
        NotAllowed: (code "limited") they are not. SealError: as ``readers_in``.
    """
    return must_be_among(readers_of(place, case_id), handle)


def must_be_among(only: Collection[str] | None, handle: str) -> Literal[True]:
    """Check that a person is one of these readers, or that none are named; raises as ``must_read``."""
    if only is not None and handle not in only:
        raise NotAllowed(
            Sentence("This case is limited to %(handles)s.", handles=", ".join(sorted(only))), code="limited"
        )
    return True


def _check_act(
    act: CaseReaders, entries: Sequence[Entry], before: frozenset[str] | None, *, instance: bytes
) -> Literal[True]:
    active = {entry.handle for entry in entries if entry.role is Role.EDITOR and entry.state is KeyState.ACTIVE}
    suspended = {entry.handle for entry in entries if entry.state is KeyState.SUSPENDED}
    for entry in entries:
        if entry.handle != act.setter or entry.handle in suspended or entry.signing is None:
            continue
        if entry.role is Role.EDITOR:
            might = before is None or entry.handle in people(before, entries)
        else:
            might = entry.role is Role.RECOVERY and before is not None and not people(before, entries) & active
        if might:
            with suppress(SealError):
                return verify_signature(entry.signing, LABEL, _statement(instance, act), act.signature)
    raise forged("no reader of a case has set its readers")


def _entries_at(rosters: RosterWatch, epoch: int) -> list[Entry]:
    """Who counted at an epoch; all who ever did, where that roster is lost."""
    try:
        return [entry for entry in rosters.published.at(epoch).entries if entry.state is not KeyState.REVOKED]
    except RosterError as error:
        if error.code != "roster-missing":
            raise
    return list(rosters.newest().entries)


def _times_set(session: Session, case_id: bytes) -> int:
    return session.scalar(authors.count_of(case_id.hex(), Act.READERS_SET)) or 0


def _statement(instance: bytes, row: CaseReaders) -> bytes:
    return encode_canonical(
        {
            "case": row.case_id.hex(),
            "epoch": row.epoch,
            "instance": instance.hex(),
            "readers": None if row.readers is None else row.readers.split(","),
            "version": row.version,
        }
    )
