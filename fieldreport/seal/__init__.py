"""The sealed format and its public-key side: all the cryptography that the intake needs.

The one thing that can be opened here is a reply, with the key that a codename yields; private keys of staff live in
``unseal``. The bytes are specified in FORMAT.md, beside this file.
"""

from fieldreport.seal.codename import LANGUAGES, Codename, SourceKeys
from fieldreport.seal.envelope import OpenEnvelope, PartSource, open_envelope, open_sealed_file, seal_envelope
from fieldreport.seal.form_token import TokenKey
from fieldreport.seal.header import Header, build_header, open_header, read_header
from fieldreport.seal.hybrid import HybridIdentity, HybridRecipient
from fieldreport.seal.inner_header import Binding, Expected, Kind, Unplaced
from fieldreport.seal.letter import CleanFile, Letter
from fieldreport.seal.manifest import Manifest, Part
from fieldreport.seal.packed import Frame, PackedLetter
from fieldreport.seal.padding import padded_size
from fieldreport.seal.roster_directory import (
    Entry,
    KeyState,
    Role,
    Roster,
    RosterDirectory,
    open_carried_rosters,
    open_rosters,
    verify_roster,
)
from fieldreport.seal.self_test import check_platform
from fieldreport.seal.signatures import AdminPublic, verify_signature
from fieldreport.seal.stanza import Stanza
from fieldreport.seal.stream import PayloadReader, PayloadWriter

__all__ = [
    "LANGUAGES",
    "AdminPublic",
    "Binding",
    "CleanFile",
    "Codename",
    "Entry",
    "Expected",
    "Frame",
    "Header",
    "HybridIdentity",
    "HybridRecipient",
    "KeyState",
    "Kind",
    "Letter",
    "Manifest",
    "OpenEnvelope",
    "PackedLetter",
    "Part",
    "PartSource",
    "PayloadReader",
    "PayloadWriter",
    "Role",
    "Roster",
    "RosterDirectory",
    "SourceKeys",
    "Stanza",
    "TokenKey",
    "Unplaced",
    "build_header",
    "check_platform",
    "open_carried_rosters",
    "open_envelope",
    "open_header",
    "open_rosters",
    "open_sealed_file",
    "padded_size",
    "read_header",
    "seal_envelope",
    "verify_roster",
    "verify_signature",
]
