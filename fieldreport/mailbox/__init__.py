"""Sealed letters and sealed replies waiting at the intake.

The intake deposits letters, which it cannot open again; the desk collects them and posts replies; a source fetches
replies with what the codename yields. Nothing here links two letters to each other, and no table of sources exists.

    with open_mailbox(settings) …                        LocalMailbox on the intake's data directory
    mailbox.deposit(letter_id, epoch, seal) -> bool      the letter is durable when this returns
    mailbox.waiting(limit), fetch(id), acknowledge(ids)  the desk's way to take letters out
    mailbox.post_reply(reply), replies(index), …         the other direction
    mailbox.kept                                         files that wait for an hour until their form is sent

A desk that is another user, or stands elsewhere, uses ``mailbox.link``, which the intake never imports.
"""

from fieldreport.mailbox.interface import (
    DeskMailbox,
    KeptFiles,
    KeptNote,
    LetterHead,
    Mailbox,
    SealedLetter,
    SealedReply,
    Totals,
)
from fieldreport.mailbox.local import LocalMailbox, mailbox_place, open_mailbox

__all__ = [
    "DeskMailbox",
    "KeptFiles",
    "KeptNote",
    "LetterHead",
    "LocalMailbox",
    "Mailbox",
    "SealedLetter",
    "SealedReply",
    "Totals",
    "mailbox_place",
    "open_mailbox",
]
