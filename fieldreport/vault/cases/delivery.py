"""What became of a reply, as far as the mailbox tells: it waits there, or is gone from there.

A reply goes when somebody with its codename deletes what they were shown, or withdraws; reading alone leaves no trace.
A mark on what was read would be one: who seizes the intake twice, or asks it every hour, would learn which pigeonholes
are looked into and when, a table of sources that come back. So a source's next letter tells it instead, inside its seal
(``seal.READ``): that a letter came is nothing new to the intake, and who wrote it there already has the codename. The
desk asks for all that wait and never for one, so the mailbox learns nothing; which reply is of which case stands only
inside the seal of the newsroom's copy.

Rules: what is known is in memory only. "Gone" is said of what was delivered before the look at the mailbox began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import select

from fieldreport.mailbox import DeskMailbox
from fieldreport.vault.archive.tables import Outgoing
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases.inbox import ItemRow


class Delivery(StrEnum):
    """How a reply stands."""

    UNKNOWN = "unknown"
    WAITING = "waiting"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    hour: int
    undelivered: frozenset[bytes]
    waiting: frozenset[bytes] = field(repr=False)


class Deliveries:
    """What the last look at the mailbox found; for any number of threads."""

    def __init__(self) -> None:
        self._last: _Look | None = None

    def look(self, vault: Vault, mailbox: DeskMailbox) -> None:
        """Ask the mailbox which replies wait. Raises ``StoreError``: a store is away; what was known stays."""
        hour = vault.hour()
        with vault.reading() as session:
            undelivered = frozenset(session.scalars(select(Outgoing.item_id)))
        self._last = _Look(hour=hour, undelivered=undelivered, waiting=mailbox.waiting_replies())

    def of(self, item: ItemRow, reply_id: bytes) -> Delivery:
        """How the reply stands of which ``item`` is the newsroom's copy; ``reply_id`` as that names it."""
        last = self._last
        if last is None or item.pending or not reply_id:
            return Delivery.UNKNOWN
        if reply_id in last.waiting:
            return Delivery.WAITING
        # What was written in the hour of the look may have been delivered after it.
        delivered = item.hour < last.hour and item.id not in last.undelivered
        return Delivery.GONE if delivered else Delivery.UNKNOWN
