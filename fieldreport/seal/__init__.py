"""The sealed format and its public-key side: all the cryptography that the intake needs.

The one thing that can be opened here is a reply, with the key that a codename yields; private keys of staff live in
``unseal``. The bytes are specified in FORMAT.md, next to this file.

Rules: callers import from here. A module in here is imported directly only by its neighbours, by ``unseal``, which is
the private half of the same format, and by the benchmark, which measures the parts.
"""

from fieldreport.seal.armour import dearmour
from fieldreport.seal.authorship import AUTHOR, AUTHOR_SIGNATURE, Author, editors_of, forged
from fieldreport.seal.canonical import decode as decode_canonical
from fieldreport.seal.canonical import encode as encode_canonical
from fieldreport.seal.codename import LANGUAGES, Codename, SourceKeys
from fieldreport.seal.envelope import (
    OpenEnvelope,
    PartSource,
    check_sealed_form,
    open_envelope,
    open_sealed_file,
    open_with_file_key,
    seal_envelope,
)
from fieldreport.seal.form_token import TokenKey
from fieldreport.seal.header import open_header, read_header
from fieldreport.seal.hybrid import HybridIdentity, HybridRecipient
from fieldreport.seal.inner_header import EPOCH_MAX, STAFF_KINDS, Binding, Expected, ExpectedOffline, Kind
from fieldreport.seal.kept_file import KeptFile, KeptState, kept_name
from fieldreport.seal.letter import CleanFile, Letter
from fieldreport.seal.manifest import READ, Manifest, Part, addressee_of
from fieldreport.seal.original import ORIGINAL, seal_original
from fieldreport.seal.packed import Frame, PackedLetter, is_packed
from fieldreport.seal.public_file import make_public, read_public, write_public
from fieldreport.seal.roster import AuditHead, Entry, KeyState, Role, Roster, check_date, fold_handle, is_handle
from fieldreport.seal.roster_directory import (
    RosterDirectory,
    RosterStep,
    open_carried_rosters,
    open_rosters,
    published_fingerprint,
)
from fieldreport.seal.row import decrypt_row, encrypt_row
from fieldreport.seal.self_test import check_platform
from fieldreport.seal.sender import Sender, SenderKind
from fieldreport.seal.signatures import verify_signature
from fieldreport.seal.source_sealed import (
    SOURCE_SEALED,
    SourceSealed,
    is_armoured,
    is_source_sealed,
    recipients_file,
)
from fieldreport.seal.word_lists import fingerprint_words

__all__ = [
    "AUTHOR",
    "AUTHOR_SIGNATURE",
    "EPOCH_MAX",
    "LANGUAGES",
    "ORIGINAL",
    "READ",
    "SOURCE_SEALED",
    "STAFF_KINDS",
    "AuditHead",
    "Author",
    "Binding",
    "CleanFile",
    "Codename",
    "Entry",
    "Expected",
    "ExpectedOffline",
    "Frame",
    "HybridIdentity",
    "HybridRecipient",
    "KeptFile",
    "KeptState",
    "KeyState",
    "Kind",
    "Letter",
    "Manifest",
    "OpenEnvelope",
    "PackedLetter",
    "Part",
    "PartSource",
    "Role",
    "Roster",
    "RosterDirectory",
    "RosterStep",
    "Sender",
    "SenderKind",
    "SourceKeys",
    "SourceSealed",
    "TokenKey",
    "addressee_of",
    "check_date",
    "check_platform",
    "check_sealed_form",
    "dearmour",
    "decode_canonical",
    "decrypt_row",
    "editors_of",
    "encode_canonical",
    "encrypt_row",
    "fingerprint_words",
    "fold_handle",
    "forged",
    "is_armoured",
    "is_handle",
    "is_packed",
    "is_source_sealed",
    "kept_name",
    "make_public",
    "open_carried_rosters",
    "open_envelope",
    "open_header",
    "open_rosters",
    "open_sealed_file",
    "open_with_file_key",
    "published_fingerprint",
    "read_header",
    "read_public",
    "recipients_file",
    "seal_envelope",
    "seal_original",
    "verify_signature",
    "write_public",
]
