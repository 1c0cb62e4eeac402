"""One change of the vault: one transaction that holds rows, sealed objects, deletions and the log of the act.

Rules: everything in a change happens or nothing does; payloads of deleted objects go after the commit, payloads of new
objects were made durable before, and so with the keys of rows (``store.row_keys``); each change holds the row of the
vault's state, so changes come one after the other on every database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from fieldreport.errors import StoreError
from fieldreport.store import KeyChange
from fieldreport.vault.archive import audit, objects
from fieldreport.vault.archive.audit import Act, Signer
from fieldreport.vault.archive.objects import Staged
from fieldreport.vault.archive.tables import AuditRow, Case, VaultState


class Change:
    """What a caller of ``Vault.change`` or ``Seat.change`` holds while its block runs."""

    def __init__(self, session: Session, keys: KeyChange, *, hour: int, actor: str, signer: Signer | None) -> None:
        self.session = session
        self.keys = keys
        self.hour = hour
        self.actor = actor
        self.state = _locked_state(session)
        self._signer = signer
        self._added: list[Staged] = []
        self._doomed: list[str] = []
        self.removed = False
        event.listen(session, "before_flush", self._number_cases)

    def add(self, staged: Staged) -> None:
        """Add a sealed object.

        Raises:
            StaleRoster: it was sealed to a roster that is not the newest any more: seal again.
        """
        objects.insert(self.session, self.state, staged)
        self._added.append(staged)

    def add_as_is(self, staged: Staged) -> None:
        """Add an object that came sealed from elsewhere, to whatever roster that was."""
        objects.insert_as_is(self.session, staged)
        self._added.append(staged)

    def add_small_as_is(self, small: Sequence[objects.SmallObject]) -> None:
        """Add objects that came sealed from elsewhere and fit into their rows."""
        objects.insert_small_as_is(self.session, self.keys, small)

    def shred(self, object_ids: Collection[bytes]) -> None:
        """Delete sealed objects for good; ids of objects that are gone already do no harm."""
        for gone in objects.shred(self.session, object_ids):
            self.keys.doom([gone.slot])
            if gone.blob is not None:
                self._doomed.append(gone.blob)
        self.removed = True

    def record(self, act: Act, subject: str = "") -> None:
        """Append to the audit log, signed by the person who makes this change."""
        audit.append(
            self.session, self.state, act, hour=self.hour, actor=self.actor, subject=subject, signer=self._signer
        )

    def record_once(self, act: Act, subject: str) -> None:
        """Append unless the log has this act on this subject: for acts that may be repeated after a crash."""
        wanted = select(AuditRow.sequence).where(AuditRow.act == act.value, AuditRow.subject == subject).limit(1)
        if self.session.scalar(wanted) is None:
            self.record(act, subject)

    def _number_cases(self, session: Session, *_: object) -> None:
        """Give every case that is about to be written the next revision. The state is locked: no two are the same."""
        for each in [*session.new, *session.dirty]:
            if isinstance(each, Case) and session.is_modified(each):
                self.state.revision += 1
                each.revision = self.state.revision

    def finish(self) -> list[str]:
        """After the commit: keep what was added, and return the blobs to delete."""
        for staged in self._added:
            staged.spooled.keep()
        return self._doomed


def _locked_state(session: Session) -> VaultState:
    state = session.scalar(select(VaultState).where(VaultState.id == 1).with_for_update())
    if state is None:
        raise StoreError("the vault is damaged", detail="the row of its state is missing")
    return state
