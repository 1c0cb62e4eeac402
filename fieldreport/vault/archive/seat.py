"""An unlocked person's place at the vault: what every act that needs a key is made of.

Rules: a seat opens with this person's identities and seals to the readers of the roster, which is verified again at
every use and never older than the vault has seen; what it seals is signed, and what staff wrote is opened only if its
author signed it; every act is logged and signed in the transaction that does it; an admin's seat has no identities and
opens nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, Final, Literal, TypeVar

from sqlalchemy import select

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotAllowed, NotFound
from fieldreport.seal import (
    STAFF_KINDS,
    Author,
    Expected,
    Kind,
    OpenEnvelope,
    PartSource,
    Role,
    Roster,
    editors_of,
    open_envelope,
    seal_envelope,
)
from fieldreport.sentence import Sentence
from fieldreport.unseal.key_file import StaffKey
from fieldreport.vault.archive import authors, origin, readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Staged, StoredObject
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.archive.vault import Vault

Result = TypeVar("Result")
_LONG: Final = frozenset({Kind.MEDIA, Kind.OPENED, Kind.RENDITION})
"""Kinds that hold files; these are read through when they are shown."""


class Seat:
    """See the module. What is done at a seat is a function over it, in the room of what it is about."""

    def __init__(self, vault: Vault, staff: StaffKey, rosters: RosterWatch) -> None:
        self.vault = vault
        self.staff = staff
        self.rosters = rosters

    @property
    def handle(self) -> str:
        """Who sits here."""
        return self.staff.handle

    @property
    def role(self) -> Role:
        """What they may do."""
        return self.staff.role

    def roster(self) -> Roster:
        """Return the roster in force, verified now; raises as ``RosterWatch.in_force``."""
        return self.rosters.in_force()

    def change(self) -> AbstractContextManager[Change]:
        """Return a change in this person's name; see ``Vault.change``."""
        return self.vault.change(actor=self.handle, signer=self.staff.signing)

    def record(self, act: Act, subject: str = "") -> None:
        """Append a signed entry to the audit log on its own."""
        with self.change() as change:
            change.record(act, subject)

    @contextmanager
    def stage(
        self,
        *,
        kind: Kind,
        thread: bytes,
        parts: Sequence[PartSource],
        fields: Mapping[str, str] | None = None,
        object_id: bytes | None = None,
        version: int | None = None,
    ) -> Iterator[Staged]:
        """Sign and seal something to the roster's readers; hold it until ``Change.add`` was called inside the block.

        ``version``: of what is replaced by newer ones, so that none can be put back.

        Raises:
            RosterError: there is no roster to seal to. LimitExceeded, StoreError: it could not be stored.
            NotAllowed: it is for a case that is limited to others (code "limited"), or the roster does not name this
                person's signing key, so that no one would believe it (code "not-in-roster").
        """
        roster = self.must_be_listed()
        with self.vault.reading() as session:
            named = readers.names_in(session, self, thread)
        only = None if named is None else readers.people(named, roster.entries)
        readers.must_be_among(only, self.handle)
        object_id = object_id or secrets.token_bytes(16)
        binding = roster.binding(kind, thread=thread, object_id=object_id)

        def seal(payload: BinaryIO) -> bytes:
            return seal_envelope(
                binding,
                hour=self.vault.hour(),
                fields={**(fields or {}), **({} if version is None else {authors.VERSION: str(version)})},
                parts=parts,
                recipients=roster.recipients(only=only),
                payload_to=payload,
                author=Author(handle=self.handle, key=self.staff.signing),
            )

        with self.vault.objects.staging(
            seal,
            object_id=object_id,
            kind=kind,
            thread=thread,
            epoch=roster.epoch,
            keys=roster.key_ids(only=only),
            readers=None if named is None else ",".join(sorted(named)),
        ) as staged:
            yield staged

    @contextmanager
    def open_object(
        self, object_id: bytes, *, kind: Kind, thread: bytes, author: str | None = None, version: int | None = None
    ) -> Iterator[OpenEnvelope]:
        """Open a sealed object that is expected to be of this kind and thread; it is closed when the block ends.

        ``author`` and ``version``: what it must be signed as, where the database names one or the log counts them.

        Raises:
            NotFound: it is gone. NotARecipient: it is sealed to others. SealError: it is not what was expected; code
                ``unsigned``, ``forged`` or ``replayed`` where its author did not sign exactly this.
            NotAllowed: its case is limited to others (code "limited").
        """
        stored = self.vault.objects.open(object_id)
        with self.open_stored(stored, kind=kind, thread=thread, author=author, version=version) as envelope:
            yield envelope

    @contextmanager
    def open_stored(
        self,
        stored: StoredObject,
        *,
        kind: Kind,
        thread: bytes,
        author: str | None = None,
        version: int | None = None,
        checked: bytes | None = None,
    ) -> Iterator[OpenEnvelope]:
        """As ``open_object``, what ``vault.objects`` returned.

        ``checked``: a case of which the caller has just checked that this person reads it.
        """
        with self._opened(stored, kind=kind, thread=thread, checked=checked) as envelope:
            if kind in STAFF_KINDS:
                authors.check(self.vault, self.rosters, envelope, author=author, version=version)
                if kind not in _LONG:
                    envelope.verify()
            yield envelope

    @contextmanager
    def open_unsigned(self, object_id: bytes, *, kind: Kind, thread: bytes) -> Iterator[OpenEnvelope]:
        """As ``open_object``, without asking who wrote it: for letters, and to adopt what is from before signing."""
        with self._opened(self.vault.objects.open(object_id), kind=kind, thread=thread) as envelope:
            yield envelope

    @contextmanager
    def _opened(
        self, stored: StoredObject, *, kind: Kind, thread: bytes, checked: bytes | None = None
    ) -> Iterator[OpenEnvelope]:
        expected = Expected(
            kind=kind,
            instance=self.vault.instance,
            thread=thread,
            object=stored.id,
            rosters=self.rosters.published.history(),
        )
        with stored.payload:
            if stored.limited is not None and stored.limited != checked:
                readers.must_read(self, stored.limited, self.handle)
            with open_envelope(
                stored.header, stored.payload, identities=self.staff.identities, expected=expected
            ) as envelope:
                yield envelope

    @contextmanager
    def open_item(self, item_id: bytes) -> Iterator[OpenEnvelope]:
        """Open a letter, a sent reply or a note; see ``open_object``."""
        with self.vault.reading() as session:
            item = session.get(Item, item_id)
            case = None if item is None or item.case_id is None else session.get(Case, item.case_id)
        if item is None:
            raise NotFound(Sentence("no such item"))
        if item.gone:
            raise NotFound(Sentence("this was deleted"), code="deleted")
        kind = Kind(item.kind)
        thread = item_id if kind is Kind.LETTER else item.case_id
        if thread is None:
            raise NotFound(Sentence("no such item"), detail="an item without a case is not a letter")
        # A row without an author is refused, too: there is no such handle.
        author = None if kind is Kind.LETTER else item.author or ""
        with self.open_object(item_id, kind=kind, thread=thread, author=author) as envelope:
            if kind is Kind.LETTER and case is not None:
                origin.check_case(self.vault, self.rosters, case)
                origin.check_letter(case, envelope.manifest.fields)
            yield envelope

    def read_items(
        self, case_id: bytes, item_ids: Collection[bytes], read: Callable[[OpenEnvelope], Result]
    ) -> dict[bytes, Result | FieldreportError]:
        """What ``read`` finds in several items of a case, or why one does not open; asked for in three questions.

        The caller has just checked that this person reads the case. As ``open_item``; one that is not in the case, or
        not here any more, is left out.

        Raises:
            StoreError: the database is away.
        """
        with self.vault.reading() as session:
            case = session.get(Case, case_id)
            wanted = select(Item).where(Item.id.in_(item_ids), Item.case_id == case_id, ~Item.gone)
            items = {item.id: item for item in session.scalars(wanted)}
        found: dict[bytes, Result | FieldreportError] = {}
        sound = False
        for item_id, stored in self.vault.objects.open_each(items):
            item = items[item_id]
            letter = item.kind == Kind.LETTER.value
            try:
                if isinstance(stored, FieldreportError):
                    raise stored
                with self.open_stored(
                    stored,
                    kind=Kind(item.kind),
                    thread=item_id if letter else case_id,
                    author=None if letter else item.author or "",
                    checked=case_id,
                ) as envelope:
                    if letter and case is not None:
                        sound = sound or origin.check_case(self.vault, self.rosters, case)
                        origin.check_letter(case, envelope.manifest.fields)
                    found[item_id] = read(envelope)
            except FieldreportError as error:
                found[item_id] = error
        return found

    def text(self, item_id: bytes) -> str:
        """Return the text of a letter, a sent reply or a note; see ``open_object`` for what it raises."""
        with self.open_item(item_id) as envelope:
            return envelope.read_part(0, limits.FORM_TEXT_BYTES).decode("utf-8", "replace")

    def must_be_listed(self) -> Roster:
        """Check that the roster in force names this person's signing key for an editor, and return it.

        Raises:
            NotAllowed: (code "not-in-roster") no one would believe what they sign. RosterError: as ``roster``.
        """
        roster = self.roster()
        if self.staff.signing.public not in editors_of(roster).get(self.handle, ()):
            raise NotAllowed(Sentence("the roster does not list your signing key"), code="not-in-roster")
        return roster

    def must_be(self, role: Role) -> Literal[True]:
        """Check what this person is. Raises ``NotAllowed`` (code "other-role")."""
        if self.role is not role:
            raise NotAllowed(Sentence("this is for people with the role '%(role)s'", role=role), code="other-role")
        return True
