"""An unlocked person's place at the vault: everything that needs a key happens here.

Rules: a seat opens with this person's identities and seals to the readers of the roster, which is verified anew at
every use and never older than the vault has seen; every act is logged and signed in the transaction that does it; an
admin's seat has no identities and opens nothing.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import BinaryIO

from fieldreport import limits
from fieldreport.errors import NotAllowed, NotFound, RosterError
from fieldreport.mailbox import Mailbox
from fieldreport.seal.envelope import OpenEnvelope, PartSource, open_envelope, seal_envelope
from fieldreport.seal.inner_header import Binding, Expected, Kind
from fieldreport.seal.roster_directory import Role, Roster, RosterDirectory
from fieldreport.unseal.key_file import StaffKey
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Staged
from fieldreport.vault.archive.rewrap import Progress, Rewrapped, Rewrapper
from fieldreport.vault.archive.tables import CaseState, Ending
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import conversation, restriction
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.file import end_case
from fieldreport.vault.cases.inbox import living
from fieldreport.vault.cases.sort import Sorted, Sorter
from fieldreport.vault.keys import rotation
from fieldreport.vault.keys.rotation_state import RotationOrder


class Seat:
    """See the module; the list of what a seat can do is in the package's docstring."""

    def __init__(
        self,
        vault: Vault,
        staff: StaffKey,
        rosters: RosterDirectory,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.vault = vault
        self.staff = staff
        self.rosters = rosters
        self._clock = vault.clock if clock is None else clock

    @property
    def handle(self) -> str:
        """Who sits here."""
        return self.staff.handle

    @property
    def role(self) -> Role:
        """What they may do."""
        return self.staff.role

    def roster(self) -> Roster:
        """Return the current roster, verified now.

        Raises:
            RosterError: missing, expired, wrongly signed, or older than one that this vault has seen.
        """
        seen = self.vault.highest_epoch()
        roster = self.rosters.load(now=datetime.fromtimestamp(self._clock(), tz=UTC), at_least=seen)
        if roster.epoch > seen:
            self.vault.saw_epoch(roster.epoch)
        return roster

    def changing(self) -> AbstractContextManager[Change]:
        """Return a change in this person's name; see ``Vault.changing``."""
        return self.vault.changing(actor=self.handle, signer=self.staff.signing)

    def record(self, act: Act, subject: str = "") -> None:
        """Append a signed entry to the audit log on its own."""
        with self.changing() as change:
            change.record(act, subject)

    # --- sealing and opening ---

    @contextmanager
    def stage(
        self,
        *,
        kind: Kind,
        thread: bytes,
        parts: Sequence[PartSource],
        fields: Mapping[str, str] | None = None,
        object_id: bytes | None = None,
    ) -> Iterator[Staged]:
        """Seal something to the roster's readers and hold it until ``Change.add`` has been called inside the block.

        Raises:
            RosterError: there is no roster to seal to. LimitExceeded, StoreError: it could not be stored.
            NotAllowed: it is for a case that is limited to others (code "limited").
        """
        roster = self.roster()
        readers = restriction.readers_of(self.vault, thread)
        only = restriction.handles(readers)
        restriction.must_be_among(only, self.handle)
        object_id = object_id or secrets.token_bytes(16)
        binding = Binding(
            kind=kind,
            epoch=roster.epoch,
            roster=roster.sha256,
            instance=self.vault.instance,
            thread=thread,
            object=object_id,
        )

        def seal(payload: BinaryIO) -> bytes:
            return seal_envelope(
                binding,
                hour=self.vault.hour(),
                fields=fields or {},
                parts=parts,
                recipients=roster.recipients(only=only),
                payload_to=payload,
            )

        with self.vault.objects.staging(
            seal,
            object_id=object_id,
            kind=kind,
            thread=thread,
            epoch=roster.epoch,
            keys=roster.key_ids(only=only),
            readers=readers,
        ) as staged:
            yield staged

    @contextmanager
    def open_object(self, object_id: bytes, *, kind: Kind, thread: bytes) -> Iterator[OpenEnvelope]:
        """Open a sealed object that is expected to be of this kind and thread; it is closed when the block ends.

        Raises:
            NotFound: it is gone. NotARecipient: it is sealed to others. SealError: it is not what was expected.
            NotAllowed: its case is limited to others (code "limited").
        """
        stored = self.vault.objects.open(object_id)
        expected = Expected(
            kind=kind, instance=self.vault.instance, thread=thread, object=object_id, rosters=self.rosters.history()
        )
        with stored.payload:
            if stored.limited is not None:
                restriction.must_read(self.vault, stored.limited, self.handle)
            with open_envelope(
                stored.header, stored.payload, identities=self.staff.identities, expected=expected
            ) as envelope:
                yield envelope

    @contextmanager
    def open_item(self, item_id: bytes) -> Iterator[OpenEnvelope]:
        """Open a letter, a sent reply or a note; see ``open_object``."""
        item = self.vault.cases.item(item_id)
        if not item.exists:
            raise NotFound("this was deleted", code="deleted")
        thread = item_id if item.kind is Kind.LETTER else item.case_id
        if thread is None:
            raise NotFound("no such item", detail="an item without a case is not a letter")
        with self.open_object(item_id, kind=item.kind, thread=thread) as envelope:
            yield envelope

    def text(self, item_id: bytes) -> str:
        """Return the text of a letter, a sent reply or a note; see ``open_object`` for what it raises."""
        with self.open_item(item_id) as envelope:
            return envelope.read_part(0, limits.FORM_TEXT_BYTES).decode("utf-8", "replace")

    # --- letters ---

    def sort(self) -> Sorted:
        """File every letter that was collected and that these keys open, each verified to its last byte.

        Raises:
            NotAllowed: an admin reads nothing. StoreError: a store is away; what was filed is filed.
        """
        self._must_be(Role.EDITOR)
        result = Sorter(
            vault=self.vault,
            identities=self.staff.identities,
            rosters=self.rosters,
            current=self.roster,
            changing=self.changing,
        ).sort()
        if result.limited:
            # A letter comes sealed to every editor. Without a roster it stays so until the next re-wrapping.
            with contextlib.suppress(RosterError):
                self.rewrap_limited()
        return result

    # --- cases ---

    def limit(self, case_id: bytes, handles: Collection[str] | None) -> None:
        """Limit a case to these editors, or with ``None`` open it to all; see ``limiting``."""
        self._must_be(Role.EDITOR)
        restriction.limit(self, case_id, handles)

    def set_state(self, case_id: bytes, state: CaseState) -> None:
        """Move a case to another state. Raises ``NotFound``; ``NotAllowed`` where it is limited to others."""
        restriction.must_read(self.vault, case_id, self.handle)
        with self.changing() as change:
            case = living(change.session, case_id)
            if case.state != state.value:
                case.state = state.value
                change.record(Act.CASE_STATE, f"{case.name} {state}")

    def assign(self, case_id: bytes, handle: str | None) -> None:
        """Hand a case to somebody, or to nobody.

        Raises:
            NotFound: no such case. RosterError: nobody active has this handle. NotAllowed: the case is limited to
                others (code "limited").
        """
        restriction.must_read(self.vault, case_id, self.handle)
        if handle is not None:
            self.roster().entry(handle)
            restriction.must_read(self.vault, case_id, handle)
        with self.changing() as change:
            case = living(change.session, case_id)
            if case.assignee != handle:
                case.assignee = handle
                change.record(Act.CASE_ASSIGNED, f"{case.name} {handle or '-'}")

    def delete_case(self, case_id: bytes) -> None:
        """Shred a case: its letters, replies, notes and card can be opened by nobody any more. A tombstone stays.

        Raises:
            NotFound: no such case. NotAllowed: an admin deletes nothing, and nobody what is limited to others.
        """
        self._must_be(Role.EDITOR)
        restriction.must_read(self.vault, case_id, self.handle)
        with self.changing() as change:
            case = living(change.session, case_id)
            end_case(change, case, Ending.DELETED)
            change.record(Act.CASE_DELETED, case.name)
        self.vault.scour()

    def reply(self, case_id: bytes, text: str, mailbox: Mailbox, *, item_id: bytes | None = None) -> bytes:
        """Answer the source and return the id of the newsroom's copy.

        Give ``item_id`` (16 random bytes that came with the form): the same one twice sends once. When the mailbox is
        away the reply is durable here, shown as pending, and delivered by ``Vault.deliver``.

        Raises:
            NotFound: no such case, or no letter of it can be opened (code "no-letter"). LimitExceeded: too long.
            SealError: the source's letter does not say where to answer. RosterError: no roster to seal to.
        """
        self._must_be(Role.EDITOR)
        return conversation.reply(self, case_id, text, mailbox, item_id=item_id or secrets.token_bytes(16))

    def note(self, case_id: bytes, text: str, *, item_id: bytes | None = None) -> bytes:
        """Leave a note for colleagues and return its id; ``item_id`` as for ``reply``.

        Raises:
            NotFound: no such case. LimitExceeded: too long. RosterError: no roster to seal to.
        """
        self._must_be(Role.EDITOR)
        return conversation.note(self, case_id, text, item_id=item_id or secrets.token_bytes(16))

    def card(self, case_id: bytes) -> Card:
        """Open a case's card; an empty one when none was saved. Raises as ``open_object``."""
        return conversation.load_card(self, case_id)

    def save_card(self, case_id: bytes, card: Card) -> Card:
        """Replace a case's card and return it with its new version.

        Raises:
            Conflict: somebody has saved another since ``card.version`` was read (code "card-changed").
            NotFound: no such case. LimitExceeded: too long. RosterError: no roster to seal to.
        """
        self._must_be(Role.EDITOR)
        return conversation.save_card(self, case_id, card)

    # --- keys ---

    def pending_rewraps(self) -> int:
        """Count the objects that these keys open and that are sealed to other readers than the roster's."""
        return self._rewrapper().pending() if self.staff.identities else 0

    def rewrap(self, progress: Progress | None = None) -> Rewrapped:
        """Rebuild the headers of all pending objects for the roster's readers; letters are sorted first.

        ``progress`` is told (done, total) before the first and after each batch, and may raise to stop; what is done
        stays done.

        Raises:
            StaleRoster: the roster changed meanwhile; call again. RosterError, StoreError.
        """
        self.sort()
        return self._rewrapper().run(progress or (lambda _done, _total: None))

    def order_rotation(self, handle: str) -> RotationOrder:
        """Order a new key for somebody (admin); see ``rotating``."""
        self._must_be(Role.ADMIN)
        return rotation.order(self, handle)

    def own_rotation(self) -> RotationOrder | None:
        """Return the rotation of this person's own key, if one is under way."""
        return self.vault.rotations.of(self.handle)

    def request_rotation(self, request: str, new_key_id: str) -> RotationOrder:
        """Hand in the signed request for a new key that this person's unlock made; see ``rotating``."""
        return rotation.request(self, request, new_key_id)

    def approve_rotation(self, order_id: int, *, new_key_id: str, epoch: int) -> RotationOrder:
        """Note that the published roster of ``epoch`` lists the new key (admin); see ``rotating``."""
        self._must_be(Role.ADMIN)
        return rotation.approve(self, order_id, new_key_id=new_key_id, epoch=epoch)

    def finish_rewrapping(self, mailbox: Mailbox) -> RotationOrder:
        """Establish that this person's old key can be destroyed without losing anything; see ``rotating``."""
        return rotation.finish(self, mailbox)

    def confirm_destroyed(self, key_id: str) -> RotationOrder:
        """Note that the old key is out of the key file; see ``rotating``."""
        return rotation.confirm_destroyed(self, key_id)

    def rewrap_limited(self) -> None:
        """Rebuild the headers of limited cases' objects that are sealed to others, too; raises as ``rewrap``."""
        self._rewrapper().run_limited()

    def _rewrapper(self) -> Rewrapper:
        return Rewrapper(
            vault=self.vault, identities=self.staff.identities, roster=self.roster(), changing=self.changing
        )

    def _must_be(self, role: Role) -> None:
        if self.role is not role:
            raise NotAllowed(f"this is for people with the role '{role}'", code="other-role")
