"""Whom a letter is for that its source has addressed to a desk or to one editor.

Such a letter has a case of its own: a case holds the letters of one source that are for the same people, so that no
letter is shown to anybody because of another. Anybody who sorts the first one, and can open it, limits the case.

Rules: the choice is never widened. A desk means those who are in it now, so newcomers read and who has left it does
not; if nobody is, those who were in it when the letter was sealed; if they have all left, who could open it: that takes
the recovery key, and the person who brings its shares says to whom it goes.
"""

from __future__ import annotations

from collections.abc import Collection

from fieldreport.errors import RosterError
from fieldreport.seal import KeyState, Roster
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.origin import Opener, Origin
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import Case


def readers_named(rosters: RosterWatch, origin: Origin, *, epoch: int | None) -> Collection[str]:
    """The names to limit the case of an addressed letter to: its addressee, or handles; none if all have left.

    ``epoch``: of the roster that the letter was sealed to.
    """
    newest = rosters.newest()
    if origin.addressee in newest.addressees:
        return [origin.addressee]
    # Also who is suspended: the letter waits for their return.
    here = {entry.handle for entry in newest.entries if entry.state in {KeyState.ACTIVE, KeyState.SUSPENDED}}
    return sorted(_members_then(rosters, origin.addressee, epoch) & here)


def limit_case(change: Change, case: Case, named: Collection[str], opener: Opener) -> None:
    """Limit a case that was opened in this change for an addressed letter."""
    setter = readers.Setter(handle=opener.staff.handle, key=opener.staff.signing, epoch=opener.epoch)
    readers.set_readers(change, case, named, setter=setter, instance=opener.instance)
    for name in sorted(named):
        change.record(Act.CASE_LIMITED, f"{case.name} {name}")


def known_names(roster: Roster) -> set[str]:
    """Every name that a letter can ever have been addressed to: the roster gives none up."""
    return {name for entry in roster.entries for name in (entry.handle, *entry.addressees)}


def _members_then(rosters: RosterWatch, addressee: str, epoch: int | None) -> frozenset[str]:
    try:
        return frozenset() if epoch is None else rosters.published.at(epoch).meant_by(addressee)
    except RosterError:  # that roster's file is lost, or the name stands for nobody: anyone can make a letter
        return frozenset()
