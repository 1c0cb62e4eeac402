"""Opening collected letters and filing each in the case of its source. Only here do two letters of one source meet.

Rules: a letter is verified to its last byte before it is filed. A damaged one is filed too, with the damaged parts
named, never dropped. One that this person's keys do not open waits for a colleague, and is not tried with the same keys
again. Letters that were collected together are filed in the order in which their source sent them, up to ``_PAGE`` at a
time: the mailbox gives them out in an order of its own. Anyone with the public keys can seal a letter, to some of them
or to none; so the first person who opens one rebuilds its header for the whole roster, and from then on the set of its
readers is known for certain. What its source addressed to some alone is sealed to them, in a case that is limited to
them. A source's withdrawal takes effect as soon as it is sorted.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import delete, func, select, tuple_

from fieldreport.errors import LimitExceeded, NotARecipient, NotFound, RosterError, SealError, StoreError
from fieldreport.limits import READ_BYTES
from fieldreport.seal import (
    Expected,
    HybridIdentity,
    HybridRecipient,
    Kind,
    OpenEnvelope,
    Role,
    Roster,
    open_envelope,
    open_header,
)
from fieldreport.unseal.rewrap import rewrap as rewrap_header
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import objects, readers, rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.origin import Opener, Origin, origin_of
from fieldreport.vault.archive.readers import Limits
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item, SealedObject, Withdrawal
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import addressees, source_sealed
from fieldreport.vault.cases.file import file_letter, open_case, shred_items, withdraw_until
from fieldreport.vault.cases.inbox import unsorted

_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
_PAGE: Final = 50
_DAMAGE: Final = {"header-malformed": "header", "header-mac": "header", "payload": "payload", "binding": "binding"}
_NAMED_PARTS: Final = 8  # a list of damage that fits a line; the rest is "more"


@dataclass(slots=True, kw_only=True)
class Sorted:
    """What one sorting did.

    ``unopened`` letters stay unsorted, mostly for a colleague whose keys open them; of these, ``unknown_roster`` may be
    for any editor, and ``unreadable`` could not be read from the store this time. ``limited`` went into limited cases;
    ``source_sealed``: the letters with files that their sources had sealed. ``abandoned``: the addressees of letters
    for people who have all left.
    """

    new_cases: int = 0
    letters: int = 0
    damaged: int = 0
    withdrawn: int = 0
    unopened: int = 0
    unknown_roster: int = 0
    limited: int = 0
    unreadable: int = 0
    source_sealed: list[bytes] = field(default_factory=list, repr=False)
    abandoned: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What was learned by opening a letter. Without ``origin`` not even the manifest could be read.

    ``header`` is the one that was opened, if one was, and ``version`` its stored form.
    """

    header: bytes = field(default=b"", repr=False)
    version: bytes = field(default=b"", repr=False)
    origin: Origin | None = None
    hour: int | None = None
    number: int = 0
    epoch: int | None = None
    withdraws: bool = False
    source_sealed: bool = False
    damage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipients:
    """Whom a letter is sealed to, by the roster of ``epoch``."""

    epoch: int
    keys: tuple[str, ...]
    recipients: tuple[HybridRecipient, ...] = field(repr=False)


def sort(seat: Seat, progress: Progress | None = None) -> Sorted:
    """File every letter that was collected and that these keys open, each verified to its last byte.

    ``progress`` is called with (done, total) before the first letter and after each, and may raise to stop; what is
    filed stays filed.

    Raises:
        NotAllowed: an admin reads nothing. StoreError: a store is away; what was filed is filed.
    """
    seat.must_be(Role.EDITOR)
    result = Sorter(
        vault=seat.vault,
        identities=seat.staff.identities,
        rosters=seat.rosters,
        change=seat.change,
        staff=seat.staff,
        progress=progress or (lambda _done, _total: None),
    ).sort()
    if result.limited:
        # A letter comes sealed to every editor. Without a roster it stays so until the next re-wrapping.
        with contextlib.suppress(RosterError, SealError):
            rewrap.rewrap_limited(seat)
    source_sealed.keep_keys(seat, result.source_sealed)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorter:
    """Everything that sorting needs; ``change`` makes changes in the sorting person's name.

    Who opens a case signs for its source. Without ``staff``, at a recovery, letters that would need a new case wait.
    Letters can be read while no roster is in force. ``given``: addressee to the handles of those to whom a recovery
    gives what is for people who have all left.
    """

    vault: Vault
    identities: Sequence[HybridIdentity] = field(repr=False)
    rosters: RosterWatch
    change: Callable[[], AbstractContextManager[Change]]
    staff: StaffKey | None = field(default=None, repr=False)
    progress: Progress = lambda _done, _total: None
    given: Mapping[str, Collection[str]] = field(default_factory=dict)

    def sort(self) -> Sorted:
        """File every unsorted letter that can be opened; see the module."""
        result = Sorted()
        after = (0, b"")
        try:
            roster = self.rosters.in_force()
        except RosterError:
            roster = None
        limits = self._limits()
        done, total = 0, unsorted(self.vault)
        self.progress(done, total)
        while letters := self._unsorted(after):
            looks: list[tuple[Item, _Look]] = []
            for letter, was_tried in letters:
                after = (letter.batch, letter.id)
                look = None if was_tried else self._look_at(letter, result, roster)
                result.unopened += look is None
                looks += [(letter, look)] if look is not None else []
            done += len(letters) - len(looks)
            for letter, look in sorted(looks, key=_order):
                self._sort_one(letter, look, result, roster, limits)
                done += 1
                self.progress(done, max(done, total))
        with self.change() as change:
            _forget_withdrawals(change)
        if result.letters or result.withdrawn:
            self.vault.erase_soon()  # replaced headers
        return result

    def _unsorted(self, after: tuple[int, bytes]) -> list[tuple[Item, bool]]:
        """The next letters, each with whether these keys were tried on it before."""
        with self.vault.reading() as session:
            rows = session.execute(
                select(Item, SealedObject.set_id, SealedObject.epoch)
                .outerjoin(SealedObject, SealedObject.id == Item.id)
                .where(Item.case_id.is_(None), ~Item.gone, tuple_(Item.batch, Item.id) > after)
                .order_by(Item.batch, Item.id)
                .limit(_PAGE)
            ).all()
            sets = {row.set_id: set(objects.keys_of(session, row.set_id)) for row in rows if row.set_id is not None}
        return [(row.Item, row.set_id is not None and self._was_tried(sets[row.set_id], row.epoch)) for row in rows]

    def _was_tried(self, keys: set[str], epoch: int) -> bool:
        # A set that differs from what the letter's epoch promises was corrected by a colleague.
        return bool(keys) and keys.isdisjoint(self._own()) and keys != self._promised(epoch)

    def _promised(self, epoch: int) -> set[str]:
        try:
            return set(self.rosters.published.keys_at(epoch))
        except RosterError:
            return set()

    def _own(self) -> set[str]:
        return {identity.key_id for identity in self.identities}

    def _look_at(self, letter: Item, result: Sorted, roster: Roster | None) -> _Look | None:
        """What ``_look_into`` finds; nothing if the letter has to wait."""
        try:
            return self._look_into(letter.id)
        except NotARecipient:
            self._note_unopened(letter.id, roster)
        except _UnknownRoster:
            result.unknown_roster += 1
        except (StoreError, OSError, SealError) as error:
            # One payload that cannot be read now, or row key that is missing, must not stop the letters after it.
            _log.error("a letter cannot be read from the store (%s); it stays unsorted", type(error).__name__)
            result.unreadable += 1
        return None

    def _sort_one(
        self, letter: Item, look: _Look, result: Sorted, roster: Roster | None, limits: Limits | None
    ) -> None:
        named = self._named(look)
        recipients = self._recipients(look.origin, named, roster, limits)
        rebuilt, opener = self._rebuilt(look.header, recipients), self._opener()
        with self.change() as change:
            item = change.session.get(Item, letter.id)
            if item is None or item.case_id is not None or item.gone:
                return  # a colleague sorted it while we read it
            self._set_right(change, item, look, rebuilt=rebuilt, recipients=recipients)
            if look.withdraws and look.origin is not None and look.hour is not None:
                names = addressees.known_names(self.rosters.newest())
                _withdraw(change, item, origin=look.origin, names=names, hour=look.hour, opener=opener)
                result.withdrawn += 1
            elif _was_withdrawn(change, item, look):
                _drop(change, item)
                result.withdrawn += 1
            else:
                case = _case_of(change, look.origin)
                if case is None:
                    if opener is None:
                        result.unopened += 1
                        if look.origin is not None and named is not None and not named:
                            result.abandoned.add(look.origin.addressee)
                        return
                    case = open_case(change, look.origin, opener)
                    if named is not None:
                        addressees.limit_case(change, case, named, opener)
                    result.new_cases += 1
                _file(change, item, look, case)
                result.limited += _limit(change, item)
                result.letters += 1
                result.damaged += look.damage is not None
                result.source_sealed += [item.id] if look.source_sealed else []

    def _opener(self) -> Opener | None:
        if self.staff is None:
            return None
        return Opener(staff=self.staff, epoch=self.rosters.newest().epoch, instance=self.vault.instance)

    def _named(self, look: _Look) -> Collection[str] | None:
        """The names of those whom a letter is for, if its source has addressed it."""
        if look.origin is None or not look.origin.addressee:
            return None
        named = addressees.readers_named(self.rosters, look.origin, epoch=look.epoch)
        if named or self.staff is None:
            return named or self.given.get(look.origin.addressee, ())
        return [self.staff.handle]

    def _recipients(
        self, origin: Origin | None, named: Collection[str] | None, roster: Roster | None, limits: Limits | None
    ) -> _Recipients | None:
        """Who is to open a letter of this source; nothing while that cannot be said, and it stays sealed as it is."""
        if roster is None or limits is None:
            return None
        only = None if named is None else readers.people(named, roster.entries)
        if limits or roster.addressed:
            if origin is None:
                return None
            with self.vault.reading() as session:
                case_id = session.scalar(select(Case.id).where(Case.source == origin.source))
            only = only if case_id is None else limits.readers.get(case_id, only)
        with contextlib.suppress(RosterError):  # no reader left, and no recovery key: nothing to seal to
            return _Recipients(
                epoch=roster.epoch, keys=roster.key_ids(only=only), recipients=roster.recipients(only=only)
            )
        return None

    def _limits(self) -> Limits | None:
        """Who reads the limited cases; nothing where that is not signed, and then no letter is sealed to anyone."""
        try:
            with self.vault.reading() as session:
                return readers.limits(session, self)
        except SealError as error:
            _log.error("letters stay sealed as they came, because a case's readers are not signed (%s)", error.code)
            return None

    def _rebuilt(self, header: bytes, to: _Recipients | None) -> bytes | None:
        if not header or to is None:
            return None
        return rewrap_header(header, identities=self.identities, recipients=to.recipients)

    def _set_right(
        self, change: Change, item: Item, look: _Look, *, rebuilt: bytes | None, recipients: _Recipients | None
    ) -> None:
        # The epoch that the mailbox gave was a claim; the sealed inner header is the fact. What the header says about
        # its other readers was the sender's claim.
        stored = change.session.get(SealedObject, item.id)
        if stored is None:
            return
        if look.damage == "header":
            stored.damage = look.damage
        if look.epoch is not None:
            stored.epoch = look.epoch
        if not look.header or stored.hidden != look.version:
            return  # a colleague re-wrapped it while we read it
        if rebuilt is not None and recipients is not None and recipients.epoch >= change.state.highest_epoch:
            change.keys.doom([stored.slot])
            (header,) = change.keys.hide([rebuilt])
            stored.slot, stored.hidden = header.slot, header.hidden
            stored.set_id = objects.set_of(change.session, recipients.keys)
        else:
            # No roster in force: all that is known is who has opened it. Re-wrapping does the rest when there is one,
            # and it is known whose letter it is.
            stored.set_id = objects.set_of(change.session, [_opener(look.header, self.identities)])

    def _note_unopened(self, letter_id: bytes, roster: Roster | None) -> None:
        """Take this person off the letter's readers, so that it is not tried with the same keys at every sorting."""
        with self.change() as change:
            stored = change.session.get(SealedObject, letter_id)
            keys = set(objects.keys_of(change.session, stored.set_id)) if stored is not None else set()
            if stored is None or not keys:
                return
            if roster is not None and keys == self._promised(stored.epoch):
                # The letter is not sealed as promised, so the others may not open it either: each of them tries once.
                keys |= set(roster.key_ids())
            stored.set_id = objects.set_of(change.session, keys - self._own())

    def _look_into(self, letter_id: bytes) -> _Look:
        """Open and verify one letter.

        Raises:
            NotARecipient: these keys do not open it.
            _UnknownRoster: it may be sound, but the roster it was sealed to has not reached this desk.
        """
        history = self.rosters.published.history()
        try:
            return self._open(letter_id, history)
        except NotFound:
            return _Look(damage="payload")

    def _open(self, letter_id: bytes, history: Mapping[int, bytes]) -> _Look:
        stored = self.vault.objects.open(letter_id)
        expected = Expected(
            kind=Kind.LETTER, instance=self.vault.instance, thread=letter_id, object=letter_id, rosters=history
        )
        with stored.payload:
            try:
                envelope = open_envelope(stored.header, stored.payload, identities=self.identities, expected=expected)
            except NotARecipient:
                raise
            except (SealError, LimitExceeded) as error:
                if error.code == "binding" and stored.epoch not in history:
                    raise _UnknownRoster(error.text) from None
                damage = _DAMAGE.get(error.code, "manifest")
                header = b"" if damage == "header" else stored.header
                return _Look(header=header, version=stored.version, damage=damage)
            with envelope:
                return replace(_describe(envelope), header=stored.header, version=stored.version)


class _UnknownRoster(SealError):
    """Never leaves this module."""


def _order(found: tuple[Item, _Look]) -> tuple[int, bool, int, int, bytes]:
    """By round of collecting; in it by the sender's hour and number, those that cannot be read last."""
    letter, look = found
    return letter.batch, look.hour is None, look.hour or 0, look.number, letter.id


def _opener(header: bytes, identities: Sequence[HybridIdentity]) -> str:
    """The key id of the identity that opens a header which one of them has opened."""
    for identity in identities:
        with contextlib.suppress(NotARecipient):
            open_header(header, [identity])
            return identity.key_id
    raise NotARecipient("none of these keys opens it")


def damaged_parts(envelope: OpenEnvelope) -> str | None:
    """Verify an envelope to its last byte and name what is damaged: ``report``, ``part-1`` … or ``padding``."""
    try:
        envelope.verify()
    except SealError:
        broken = [
            "report" if number == 0 else f"part-{number}"
            for number in range(len(envelope.manifest.parts))
            if not _part_is_sound(envelope, number)
        ]
        if len(broken) > _NAMED_PARTS:
            broken[_NAMED_PARTS:] = ["more"]
        return ",".join(broken) or "padding"
    return None


def _part_is_sound(envelope: OpenEnvelope, number: int) -> bool:
    digest = hashlib.sha256()
    try:
        with envelope.open_part(number) as part:
            while data := part.read(READ_BYTES):
                digest.update(data)
    except SealError:
        return False
    return digest.digest() == envelope.manifest.parts[number].sha256


def _describe(envelope: OpenEnvelope) -> _Look:
    fields = envelope.manifest.fields
    origin = origin_of(fields)
    epoch, hour = envelope.binding.epoch, envelope.manifest.hour
    if origin is None:
        return _Look(epoch=epoch, hour=hour, damage="manifest")
    return _Look(
        origin=origin,
        hour=hour,
        number=envelope.manifest.number,
        epoch=epoch,
        withdraws=fields.get("action") == "withdraw",
        source_sealed=bool(source_sealed.sealed_parts(envelope)),
        damage=damaged_parts(envelope),
    )


def _case_of(change: Change, origin: Origin | None) -> Case | None:
    return None if origin is None else change.session.scalar(select(Case).where(Case.source == origin.source))


def _file(change: Change, item: Item, look: _Look, case: Case) -> None:
    """Put a letter into its source's case."""
    item.damage = look.damage
    if look.hour is not None:
        # The sender sets the hour: no letter is younger than its arrival.
        item.hour = min(look.hour, item.hour)
    file_letter(change, case, item)


def _limit(change: Change, item: Item) -> int:
    """Mark a letter as one for its case's named readers, if it has such; return 1 if it does, otherwise 0."""
    case = change.session.get_one(Case, item.case_id)
    stored = change.session.get(SealedObject, item.id)
    if case.readers is None or stored is None:
        return 0
    stored.limited = case.id
    return 1


def _withdraw(
    change: Change, item: Item, *, origin: Origin, names: Collection[str], hour: int, opener: Opener | None
) -> None:
    """End every case of a source. ``names``: whomever its letters may have been addressed to."""
    _drop(change, item)
    for each in (origin.to(""), *map(origin.to, sorted(names))):
        case = _case_of(change, each)
        if case is not None:
            item.case_id = case.id
            # What came later and is not for every editor waits for those whom it is for.
            fresh = None if each.addressee else opener
            withdraw_until(change, case, origin=each, opener=fresh, batch=item.batch, hour=hour)
            change.record(Act.CASE_WITHDRAWN, case.name)
    source = origin.to("").source
    # Older letters of this source may still be unsorted, here or until a colleague unlocks.
    earlier = change.session.get(Withdrawal, source)
    if earlier is None:
        change.session.add(Withdrawal(source=source, batch=item.batch, hour=hour))
    elif (earlier.batch, earlier.hour) < (item.batch, hour):
        earlier.batch, earlier.hour = item.batch, hour


def _was_withdrawn(change: Change, item: Item, look: _Look) -> bool:
    if look.origin is None or look.hour is None:
        return False
    withdrawal = change.session.get(Withdrawal, look.origin.to("").source)
    # In the same round and hour the order is unknown; the promise to delete counts for more.
    return withdrawal is not None and (item.batch, look.hour) <= (withdrawal.batch, withdrawal.hour)


def _drop(change: Change, item: Item) -> None:
    shred_items(change, [item.id])
    item.gone = True


def _forget_withdrawals(change: Change) -> None:
    oldest = change.session.scalar(select(func.min(Item.batch)).where(Item.case_id.is_(None), ~Item.gone))
    forgotten = delete(Withdrawal)
    if oldest is not None:
        forgotten = forgotten.where(Withdrawal.batch < oldest)
    change.session.execute(forgotten)
