"""The sealed format and its public-key side: all the cryptography that the intake needs.

The one thing that can be opened here is a reply, with the key that a codename yields; private keys of staff live in
``unseal``. The bytes are specified in FORMAT.md, beside this file.
"""

from fieldreport.seal.codename import LANGUAGES, Codename, SourceKeys
from fieldreport.seal.formtoken import TokenKey
from fieldreport.seal.header import Header, build_header, open_header
from fieldreport.seal.hybrid import HybridIdentity, HybridRecipient
from fieldreport.seal.roster import Entry, KeyState, Role, Roster, RosterDirectory, verify_roster
from fieldreport.seal.signatures import AdminPublic, verify_signature
from fieldreport.seal.stanza import Stanza

__all__ = [
    "LANGUAGES",
    "AdminPublic",
    "Codename",
    "Entry",
    "Header",
    "HybridIdentity",
    "HybridRecipient",
    "KeyState",
    "Role",
    "Roster",
    "RosterDirectory",
    "SourceKeys",
    "Stanza",
    "TokenKey",
    "build_header",
    "open_header",
    "verify_roster",
    "verify_signature",
]
