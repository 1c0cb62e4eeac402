"""Whose an object is, found by opening it: before it is sealed to anyone else, where a case or letter may be limited.

The database could name another case, or none, and have a re-wrapping hand a limited case to everybody. What was sealed
cannot be changed: replies, notes and cards name their case, letters name their source.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import Enum, auto

from sqlalchemy import select, update

from fieldreport.errors import FieldreportError, SealError, Unavailable
from fieldreport.seal import Expected, HybridIdentity, Kind, OpenEnvelope, open_envelope
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.origin import origin_of
from fieldreport.vault.archive.readers import Limits
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import Case, SealedObject
from fieldreport.vault.archive.vault import Vault

_log = logging.getLogger(__name__)


class Belongs(Enum):
    """Whether an object is where the database says."""

    HERE = auto()
    ELSEWHERE = auto()
    UNKNOWN = auto()  # it is damaged, so that nobody can ever tell
    LATER = auto()  # it cannot be read now


class Placement:
    """Compares what the database says of objects with what was sealed.

    ``later``: how many could not be read now; they stay sealed as they are. ``misplaced``: object to the limited case
    that it is of, or to nothing, where the database says otherwise.
    """

    def __init__(
        self, vault: Vault, rosters: RosterWatch, identities: Sequence[HybridIdentity], limits: Limits
    ) -> None:
        self._vault = vault
        self._identities = identities
        self._limits = limits
        # A letter that is addressed to some is limited before anything in the vault says so.
        self._opens = bool(limits) or rosters.newest().addressed
        self._history = rosters.published.history() if self._opens else {}
        self.later = 0
        self.misplaced: dict[bytes, bytes | None] = {}

    def of(self, object_id: bytes, limited: bytes | None) -> Belongs:
        """Whether an object is of this limited case, or of none; always, where nothing was ever limited."""
        if not self._opens:
            return Belongs.HERE
        try:
            case_id = self._limited_case_of(object_id)
        except _Unsorted:  # it is sealed to whom it is for, and stays so until one of them sorts it
            return Belongs.LATER
        except Unavailable as error:
            _log.warning("an object is left as it is sealed, because it cannot be read (%s)", error.code)
            self.later += 1
            return Belongs.LATER
        except FieldreportError as error:
            _log.warning("nobody can tell whose an object is (%s)", error.code)
            return Belongs.UNKNOWN
        if case_id == limited:
            return Belongs.HERE
        self.misplaced[object_id] = case_id
        return Belongs.ELSEWHERE

    def set_right(self, change: Callable[[], AbstractContextManager[Change]]) -> None:
        """Write down whose the misplaced objects are; the next re-wrapping seals them to their readers."""
        _log.error("the database named other readers for %d objects; they were not sealed to them", len(self.misplaced))
        with change() as each:
            for object_id, case_id in self.misplaced.items():
                each.session.execute(update(SealedObject).where(SealedObject.id == object_id).values(limited=case_id))

    def _limited_case_of(self, object_id: bytes) -> bytes | None:
        """The limited case that an object is of. Raises as ``Objects.open`` and ``open_envelope``."""
        stored = self._vault.objects.open(object_id)
        expected = Expected(
            kind=stored.kind,
            instance=self._vault.instance,
            thread=stored.thread,
            object=object_id,
            rosters=self._history,
        )
        with (
            stored.payload,
            open_envelope(stored.header, stored.payload, identities=self._identities, expected=expected) as envelope,
        ):
            case_id = self._case_of_letter(envelope) if stored.kind is Kind.LETTER else stored.thread
        if case_id in self._limits.ended:
            raise SealError("this is of a case that has ended", code="case-ended")
        return case_id if case_id is not None and self._limits.readers.get(case_id) is not None else None

    def _case_of_letter(self, envelope: OpenEnvelope) -> bytes | None:
        origin = origin_of(envelope.manifest.fields)
        if origin is None:
            raise SealError("this letter does not say whose it is", code="manifest")
        with self._vault.reading() as session:
            case_id = session.scalar(select(Case.id).where(Case.source == origin.source))
        if origin.addressee and case_id not in self._limits.readers:
            raise _Unsorted("this is for some alone, and in no case of theirs yet")
        return case_id


class _Unsorted(FieldreportError):
    """Never leaves this module."""
