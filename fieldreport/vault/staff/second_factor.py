"""One-time codes work once: the last counter that each person used."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Engine

from fieldreport.errors import UnlockRefused
from fieldreport.store import reading
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.tables import SecondFactor


class SecondFactors:
    """See the module. ``counter`` is the time step of RFC 6238."""

    def __init__(self, engine: Engine, changing: Callable[[], AbstractContextManager[Change]]) -> None:
        self._engine = engine
        self._changing = changing

    def last_counter(self, handle: str) -> int:
        """Return the counter of the last code that was used; 0 when none was."""
        with reading(self._engine) as session:
            row = session.get(SecondFactor, handle)
        return row.counter if row is not None else 0

    def use(self, handle: str, counter: int) -> None:
        """Use up a code that was just verified.

        Raises:
            UnlockRefused: this or a later one was used already, perhaps a moment ago in another window.
        """
        with self._changing() as change:
            row = change.session.get(SecondFactor, handle)
            if row is None:
                change.session.add(SecondFactor(handle=handle, counter=counter))
            elif row.counter >= counter:
                raise UnlockRefused("that did not match", detail="one-time code was used before")
            else:
                row.counter = counter
