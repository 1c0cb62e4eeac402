"""What staff read for each act of the audit log: what somebody did, in a few words after their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString
from flask_babel import lazy_gettext as later

from fieldreport.vault.archive.audit import Act

NAMES: Final[Mapping[Act, LazyString]] = {
    Act.UNLOCKED: later("signed in"),
    Act.UNLOCK_REFUSED: later("refused a sign-in"),
    Act.LOCKED: later("locked the desk"),
    Act.LOCKED_ALL: later("locked everybody"),
    Act.DEVICES_FORGOTTEN: later("had their devices forgotten"),
    Act.PASSPHRASE_CHANGED: later("changed their passphrase"),
    Act.RECOVERY_CODE_USED: later("signed in with a recovery code"),
    Act.RECOVERY_CODES_MADE: later("made new recovery codes"),
    Act.PASSKEY_ADDED: later("added a passkey"),
    Act.PASSKEY_REMOVED: later("removed a passkey"),
    Act.PASSKEY_USED: later("signed in with a passkey"),
    Act.KEY_FILE_BOUND: later("bound their key file to a passkey"),
    Act.KEY_FILE_UNBOUND: later("ended the binding of their key file to passkeys"),
    Act.AUTHENTICATOR_REPLACED: later("replaced their authenticator app"),
    Act.CASE_STATE: later("set a case's state"),
    Act.CASE_ASSIGNED: later("assigned a case"),
    Act.CASE_LIMITED: later("limited who reads a case"),
    Act.READERS_SET: later("signed a case's readers"),
    Act.CASE_DELETED: later("deleted a case"),
    Act.CASE_PURGED: later("deleted a case past its time"),
    Act.CASE_WITHDRAWN: later("deleted a case its source withdrew"),
    Act.CASE_RECEIVED: later("took in a case from another newsroom"),
    Act.CASE_EXPORTED: later("exported a case"),
    Act.REPLIED: later("answered a source"),
    Act.NOTED: later("wrote a note"),
    Act.CARD_SAVED: later("saved a fact sheet"),
    Act.SHEET_SHOWN: later("showed a fact sheet to a colleague"),
    Act.SHEET_SEALED: later("sealed a fact sheet to be shown"),
    Act.SHEET_TAKEN_BACK: later("took back a fact sheet that was shown"),
    Act.JUNK_RULES_SAVED: later("saved the rules for junk"),
    Act.SOURCE_SEALED_OPENED: later("opened a file that its source sealed"),
    Act.ARTICLE_CREATED: later("started an article"),
    Act.ARTICLE_SAVED: later("saved an article"),
    Act.ARTICLE_SUBMITTED: later("submitted an article for review"),
    Act.ARTICLE_RETURNED: later("returned an article to draft"),
    Act.ARTICLE_SIGNED_OFF: later("signed an article off"),
    Act.ARTICLE_ANSWERED: later("answered a finding of the leak check"),
    Act.ARTICLE_OVERRIDDEN: later("overrode a finding of the leak check"),
    Act.ARTICLE_REDACTED: later("redacted an attachment of an article"),
    Act.ARTICLE_SCHEDULED: later("scheduled an article"),
    Act.ARTICLE_HELD: later("held an article back"),
    Act.ARTICLE_LET_GO: later("let an article go again"),
    Act.ARTICLE_PUBLISHED: later("published an article"),
    Act.ARTICLE_CORRECTED: later("published a correction"),
    Act.ARTICLE_WITHDRAWN: later("withdrew an article"),
    Act.ARTICLE_DELETED: later("deleted an article"),
    Act.STAFF_INVITED: later("invited somebody"),
    Act.INVITATION_REVOKED: later("revoked an invitation"),
    Act.ENROLMENT_REQUESTED: later("took a request to join"),
    Act.ENROLMENT_REFUSED: later("refused a request to join"),
    Act.STAFF_ADDED: later("added somebody to staff"),
    Act.STAFF_REMOVED: later("removed somebody from staff"),
    Act.STAFF_SUSPENDED: later("suspended somebody"),
    Act.STAFF_RESUMED: later("let somebody in again"),
    Act.STAFF_ADDRESSED: later("set whom sources may address"),
    Act.ROSTER_PUBLISHED: later("published a roster"),
    Act.ROTATION_ORDERED: later("ordered a new key"),
    Act.ROTATION_REQUESTED: later("asked for their new key"),
    Act.ROTATION_APPROVED: later("approved a new key"),
    Act.ROTATION_REWRAPPED: later("finished re-wrapping"),
    Act.KEY_DESTROYED: later("destroyed an old key"),
    Act.KEY_REVOKED: later("revoked a key"),
    Act.RECOVERY_REHEARSED: later("rehearsed the recovery"),
    Act.RECOVERY_USED: later("used the recovery key"),
    Act.ADMIN_HANDED_OVER: later("handed the admin's key over"),
    Act.LETTERBOX_SET: later("switched the letterbox"),
    Act.INVITATION_SET: later("switched the invitation word"),
    Act.REGISTER_EXPORTED: later("exported the register of due dates"),
    Act.AUDIT_EXPORTED: later("exported the audit log"),
    Act.HEAD_ACCEPTED: later("accepted a log that lacks an entry"),
    Act.ADOPTED: later("adopted what was not signed"),
    Act.READERS_ADOPTED: later("adopted a case's readers"),
}


def name_of(act: str) -> str:
    """What staff read for an act; one that this release does not know, as it stands."""
    return str(NAMES[Act(act)]) if act in set(Act) else act
