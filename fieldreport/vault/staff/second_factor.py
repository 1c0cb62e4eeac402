"""One-time codes work once: the last counter (the time step of RFC 6238) that each person used."""

from __future__ import annotations

from fieldreport.errors import UnlockRefused
from fieldreport.vault.archive.tables import SecondFactor
from fieldreport.vault.archive.vault import Vault


def last_counter(vault: Vault, handle: str) -> int:
    """Return the counter of the last code that was used; 0 when none was."""
    with vault.reading() as session:
        row = session.get(SecondFactor, handle)
    return row.counter if row is not None else 0


def use(vault: Vault, handle: str, counter: int) -> None:
    """Use up a code that was just verified.

    Raises:
        UnlockRefused: this or a later one was used already, perhaps a moment ago in another window.
    """
    with vault.change() as change:
        row = change.session.get(SecondFactor, handle)
        if row is None:
            change.session.add(SecondFactor(handle=handle, counter=counter))
        elif row.counter >= counter:
            raise UnlockRefused("that did not match", detail="one-time code was used before")
        else:
            row.counter = counter
