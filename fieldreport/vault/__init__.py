"""The desk's sealed archive.

Without a key (``Vault``):

    open_vault(settings) -> Vault                     creates or migrates
    vault.collect(mailbox, rosters) -> int            letters into the vault; any time, as often as you like
    vault.deliver(mailbox) -> int                     replies that an earlier attempt left in the outbox
    vault.cases.page(CaseFilter(…), viewer=handle, after=None, limit=50) -> CasePage(rows, next)
    vault.cases.get(case_id, viewer=handle) -> CaseRow
    vault.cases.items(case_id) -> tuple[ItemRow, …]   vault.cases.item(item_id)   .counts()   .unsorted()
    vault.cases.star(case_id, handle, starred=True)   .mark_read(case_id, handle)   .mark_unread(case_id, handle)
    vault.second_factors.last_counter(handle), .use(handle, counter)
    vault.audit.page(after=None), .verify(signers_of(roster))    vault.record(act, subject, actor=…)
    vault.rotations.all(), .open(), .of(handle)
    vault.objects.named_by(key_id) -> int             how many openable objects are sealed to a key
    vault.highest_epoch(), .saw_epoch(n), .orphans(), .remove_orphans(), .scour(), .close()

With one person's keys (``Seat(vault, staff_key, rosters)``):

    seat.sort() -> Sorted                             files the collected letters
    with seat.open_item(item_id) as envelope: …       OpenEnvelope; closed when the block ends
    seat.text(item_id) -> str
    seat.reply(case_id, text, mailbox, item_id=…)     seat.note(case_id, text, item_id=…)
    seat.card(case_id) -> Card                        seat.save_card(case_id, card) -> Card
    seat.set_state(case_id, state)                    seat.assign(case_id, handle | None)
    seat.limit(case_id, {handle, …} | None)           seat.delete_case(case_id)   seat.record(act, subject)
    seat.pending_rewraps() -> int                     seat.rewrap(progress) -> Rewrapped
    seat.order_rotation(handle) (admin) … seat.confirm_destroyed(key_id): see ``rotating``

For tables of one's own on ``VaultBase``:

    with seat.stage(kind=…, thread=…, parts=[…]) as staged:     sealed, payload durable
        with seat.changing() as change:                          one transaction
            change.session.add(…); change.add(staged); change.shred([old_id]); change.record(Act.…, subject)
    with seat.open_object(object_id, kind=…, thread=…) as envelope: …
"""

from fieldreport.vault.archive.audit import Act, AuditEntry, AuditReport, signers_of
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Staged
from fieldreport.vault.archive.rewrap import Rewrapped
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseState, Ending, RotationState, VaultBase
from fieldreport.vault.archive.vault import Vault, open_vault
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.inbox import CaseFilter, CasePage, CaseRow, ItemRow
from fieldreport.vault.cases.sort import Sorted
from fieldreport.vault.keys.rotation_state import RotationOrder

__all__ = [
    "Act",
    "AuditEntry",
    "AuditReport",
    "Card",
    "CaseFilter",
    "CasePage",
    "CaseRow",
    "CaseState",
    "Change",
    "Ending",
    "ItemRow",
    "Rewrapped",
    "RotationOrder",
    "RotationState",
    "Seat",
    "Sorted",
    "Staged",
    "Vault",
    "VaultBase",
    "open_vault",
    "signers_of",
]
