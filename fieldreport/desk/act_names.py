"""What staff read for each act of the audit log: what somebody did, in a few words after their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fieldreport.vault.archive.audit import Act

NAMES: Final[Mapping[Act, str]] = {
    Act.UNLOCKED: "signed in",
    Act.UNLOCK_REFUSED: "refused a sign-in",
    Act.LOCKED: "locked the desk",
    Act.LOCKED_ALL: "locked everybody",
    Act.DEVICES_FORGOTTEN: "had their devices forgotten",
    Act.PASSPHRASE_CHANGED: "changed their passphrase",
    Act.RECOVERY_CODE_USED: "signed in with a recovery code",
    Act.RECOVERY_CODES_MADE: "made new recovery codes",
    Act.PASSKEY_ADDED: "added a passkey",
    Act.PASSKEY_REMOVED: "removed a passkey",
    Act.PASSKEY_USED: "signed in with a passkey",
    Act.AUTHENTICATOR_REPLACED: "replaced their authenticator app",
    Act.CASE_STATE: "set a case's state",
    Act.CASE_ASSIGNED: "assigned a case",
    Act.CASE_LIMITED: "limited who reads a case",
    Act.READERS_SET: "signed a case's readers",
    Act.CASE_DELETED: "deleted a case",
    Act.CASE_PURGED: "deleted a case past its time",
    Act.CASE_WITHDRAWN: "deleted a case its source withdrew",
    Act.CASE_RECEIVED: "took in a case from another newsroom",
    Act.CASE_EXPORTED: "exported a case",
    Act.REPLIED: "answered a source",
    Act.NOTED: "wrote a note",
    Act.CARD_SAVED: "saved a fact sheet",
    Act.JUNK_RULES_SAVED: "saved the rules for junk",
    Act.SOURCE_SEALED_OPENED: "opened a file that its source sealed",
    Act.ARTICLE_CREATED: "started an article",
    Act.ARTICLE_SAVED: "saved an article",
    Act.ARTICLE_SUBMITTED: "submitted an article for review",
    Act.ARTICLE_RETURNED: "returned an article to draft",
    Act.ARTICLE_SIGNED_OFF: "signed an article off",
    Act.ARTICLE_ANSWERED: "answered a finding of the leak check",
    Act.ARTICLE_OVERRIDDEN: "overrode a finding of the leak check",
    Act.ARTICLE_REDACTED: "redacted an attachment of an article",
    Act.ARTICLE_SCHEDULED: "scheduled an article",
    Act.ARTICLE_HELD: "held an article back",
    Act.ARTICLE_LET_GO: "let an article go again",
    Act.ARTICLE_PUBLISHED: "published an article",
    Act.ARTICLE_CORRECTED: "published a correction",
    Act.ARTICLE_WITHDRAWN: "withdrew an article",
    Act.ARTICLE_DELETED: "deleted an article",
    Act.STAFF_INVITED: "invited somebody",
    Act.INVITATION_REVOKED: "revoked an invitation",
    Act.ENROLMENT_REQUESTED: "took a request to join",
    Act.ENROLMENT_REFUSED: "refused a request to join",
    Act.STAFF_ADDED: "added somebody to staff",
    Act.STAFF_REMOVED: "removed somebody from staff",
    Act.STAFF_SUSPENDED: "suspended somebody",
    Act.STAFF_RESUMED: "let somebody in again",
    Act.STAFF_ADDRESSED: "set whom sources may address",
    Act.ROSTER_PUBLISHED: "published a roster",
    Act.ROTATION_ORDERED: "ordered a new key",
    Act.ROTATION_REQUESTED: "asked for their new key",
    Act.ROTATION_APPROVED: "approved a new key",
    Act.ROTATION_REWRAPPED: "finished re-wrapping",
    Act.KEY_DESTROYED: "destroyed an old key",
    Act.KEY_REVOKED: "revoked a key",
    Act.RECOVERY_REHEARSED: "rehearsed the recovery",
    Act.RECOVERY_USED: "used the recovery key",
    Act.ADMIN_HANDED_OVER: "handed the admin's key over",
    Act.LETTERBOX_SET: "switched the letterbox",
    Act.INVITATION_SET: "switched the invitation word",
    Act.REGISTER_EXPORTED: "exported the register of due dates",
    Act.AUDIT_EXPORTED: "exported the audit log",
    Act.HEAD_ACCEPTED: "accepted a log that lacks an entry",
    Act.ADOPTED: "adopted what was not signed",
    Act.READERS_ADOPTED: "adopted a case's readers",
}


def name_of(act: str) -> str:
    """What staff read for an act; one that this release does not know, as it stands."""
    return NAMES[Act(act)] if act in set(Act) else act
