"""Who wrote what is in the vault: every object of the staff is signed by its author, or is refused.

The database is kept by somebody we do not trust. What was stored before objects were signed counts once an editor has
adopted it, which is a signature over the same bytes; see ``adoption``. FORMAT.md, "Author".

Rules: a signature counts if the roster that the object was sealed to lists its key for an editor of that handle. An
object that is not signed, or not by who it claims, is refused by name and never shown.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from fieldreport.errors import RosterError, SealError
from fieldreport.seal import OpenEnvelope, editors_of, forged, verify_signature
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import AuditRow, Unsigned
from fieldreport.vault.archive.vault import Vault

ADOPTION_LABEL: Final = "adoption"
VERSION: Final = "version"


def check(
    vault: Vault, rosters: RosterWatch, envelope: OpenEnvelope, *, author: str | None, version: int | None
) -> Literal[True]:
    """Check that an editor wrote this object: as this ``author`` and as this ``version``, where they are given.

    Raises:
        SealError: code ``unsigned``, ``forged``, or ``replayed`` for another version than is expected.
    """
    try:
        by = envelope.author(signers_at(rosters, envelope.binding.epoch))
    except SealError as error:
        if error.code != "unsigned":
            raise
        return _check_adopted(vault, rosters, envelope, author=author, version=version)
    if author is not None and author != by:
        raise forged("the store names another author")
    if version is not None and envelope.manifest.fields.get(VERSION) != str(version):
        raise replayed()
    return True


def replayed() -> SealError:
    """The error for a version that is not the one that the log counts."""
    return SealError("an older version was put in the place of this one; do not trust it", code="replayed")


def signers_at(rosters: RosterWatch, epoch: int) -> dict[str, set[bytes]]:
    """Handle to the signing keys of the editors of an epoch; of all editors ever, where that roster is lost."""
    try:
        return editors_of(rosters.published.at(epoch))
    except RosterError as error:
        if error.code != "roster-missing":
            raise
    return editors_of(rosters.newest(), ever=True)


def count_of(subject: str | InstrumentedAttribute[str], *acts: Act) -> Select[int]:
    """The question how often the log has these acts on this subject. The log is signed: it says how many versions."""
    return select(func.count()).where(AuditRow.subject == subject, AuditRow.act.in_([act.value for act in acts]))


def digest_of(object_id: bytes) -> bytes:
    """What ``Unsigned`` keeps of an object's or a case's id, so that the id of a deleted one is not found there."""
    return hashlib.sha256(object_id).digest()


def adoption_message(envelope: OpenEnvelope, *, author: str | None, version: int | None) -> bytes:
    """What is signed when an object is adopted: what the store says of it, its place and its content."""
    claim = f"{author or ''} {'' if version is None else version}\n"
    return claim.encode() + envelope.binding.encode() + envelope.manifest.encode()


def _check_adopted(
    vault: Vault, rosters: RosterWatch, envelope: OpenEnvelope, *, author: str | None, version: int | None
) -> Literal[True]:
    with vault.reading() as session:
        row = session.get(Unsigned, digest_of(envelope.binding.object))
    if row is None or row.adopter is None or row.signature is None or row.epoch is None:
        raise SealError("this is not signed by anyone; do not trust it", code="unsigned")
    message = adoption_message(envelope, author=author, version=version)
    return check_signature(rosters, row.adopter, row.epoch, ADOPTION_LABEL, message, row.signature)


def check_signature(
    rosters: RosterWatch, handle: str, epoch: int, label: str, message: bytes, signature: bytes
) -> Literal[True]:
    """Check a signature by an editor of an epoch's roster.

    Raises:
        SealError: (code ``forged``) none of their keys made it.
    """
    for public in signers_at(rosters, epoch).get(handle, ()):
        try:
            return verify_signature(public, label, message, signature)
        except SealError:
            continue
    raise forged("no key of that editor signed it")
