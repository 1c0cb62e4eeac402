"""Replies on their way to the mailbox.

A reply is written here in the transaction that stores the newsroom's own copy, then posted, then taken out: a crash in
between posts it again under the same id, which the mailbox stores once. Nothing is lost and nothing is sent twice.
"""

from __future__ import annotations

from sqlalchemy import delete, select

from fieldreport.mailbox import Mailbox, SealedReply
from fieldreport.vault.archive.tables import Outgoing
from fieldreport.vault.archive.vault import Vault


def deliver(vault: Vault, mailbox: Mailbox) -> int:
    """Post every reply that waits and return how many there were; needs no key.

    Raises:
        StoreError: the mailbox is away; what was not posted stays for the next time.
    """
    delivered = 0
    with vault.reading() as session:
        waiting = list(session.scalars(select(Outgoing.reply_id)))
    for reply_id in waiting:
        with vault.reading() as session:
            row = session.get(Outgoing, reply_id)
        if row is None:  # delivered meanwhile from another window
            continue
        mailbox.post_reply(
            SealedReply(id=row.reply_id, index=row.index, header=row.header, payload=row.payload, hour=row.hour)
        )
        with vault.change() as change:
            change.session.execute(delete(Outgoing).where(Outgoing.reply_id == reply_id))
        delivered += 1
    if delivered:
        vault.erase_soon()
    return delivered
