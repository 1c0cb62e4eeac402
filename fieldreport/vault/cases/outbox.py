"""Replies on their way to the mailbox.

A reply is written here in the transaction that stores the newsroom's own copy, then posted, then taken out: a crash in
between posts it again under the same id, which the mailbox stores once. Nothing is lost and nothing is sent twice.

Nothing but this row ties a case to a pigeonhole of the mailbox. So all of the reply lies under the row's key, which is
destroyed when it has been delivered.
"""

from __future__ import annotations

import logging
import struct
from typing import Final

from sqlalchemy import delete, select

from fieldreport.errors import SealError
from fieldreport.mailbox import DeskMailbox, SealedReply
from fieldreport.store import revealed
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.tables import Outgoing
from fieldreport.vault.archive.vault import Vault

_log = logging.getLogger(__name__)

_FRONT: Final = struct.Struct(">16s32sQI")  # id, index, hour, length of the header; then header and payload


def add(change: Change, item_id: bytes, reply: SealedReply) -> None:
    """Let a reply wait, in the change that stores the newsroom's copy ``item_id``."""
    front = _FRONT.pack(reply.id, reply.index, reply.hour, len(reply.header))
    (row,) = change.keys.hide([front + reply.header + reply.payload])
    change.session.add(Outgoing(item_id=item_id, slot=row.slot, hidden=row.hidden))


def forget(change: Change, item_id: bytes) -> None:
    """Take a reply out, if it is still here."""
    change.keys.doom(
        change.session.scalars(delete(Outgoing).where(Outgoing.item_id == item_id).returning(Outgoing.slot))
    )


def deliver(vault: Vault, mailbox: DeskMailbox) -> int:
    """Post every reply that waits and return how many there were; needs no key of the staff.

    Raises:
        StoreError: a store is away; what was not posted stays for the next time.
    """
    delivered = 0
    with vault.reading() as session:
        waiting = list(session.scalars(select(Outgoing.item_id)))
    for item_id in waiting:
        try:
            reply = _waiting(vault, item_id)
        except SealError as error:
            _log.error("a reply that waits cannot be opened: %s", error.detail)  # the others go on
            continue
        if reply is None:  # delivered meanwhile from another window
            continue
        mailbox.post_reply(reply)
        with vault.change() as change:
            forget(change, item_id)
        delivered += 1
    if delivered:
        vault.erase_soon()
    return delivered


def _waiting(vault: Vault, item_id: bytes) -> SealedReply | None:
    with vault.reading() as session:
        row = session.get(Outgoing, item_id)
    if row is None:
        return None
    try:
        content = revealed(vault.blobs.row_keys, row.slot, row.hidden)
    except SealError:
        with vault.reading() as session:
            if session.get(Outgoing, item_id) is None:
                return None
        raise
    reply_id, index, hour, length = _FRONT.unpack_from(content)
    header, payload = content[_FRONT.size :][:length], content[_FRONT.size + length :]
    return SealedReply(id=reply_id, index=index, hour=hour, header=header, payload=payload)
