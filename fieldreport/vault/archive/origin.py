"""Whose case it is: name, source and reply address of a case, signed by the editor whose sorting opened it.

Anyone who can write to the database could otherwise move a letter of their own into a case, change the case's source,
and read the answer that was meant for another. The statement is specified in FORMAT.md, "Origin of a case".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from sqlalchemy import select

from fieldreport.errors import SealError
from fieldreport.seal import addressee_of, encode_canonical
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import authors
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import Case
from fieldreport.vault.archive.vault import Vault

_LABEL: Final = "case-origin"
_SOURCE_DOMAIN: Final = b"fieldreport/v1/vault/source\n"
_REPLY_DOMAIN: Final = b"fieldreport/v1/vault/reply\n"
_LOOKUP: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whom a letter comes from, whom it is for, and where its source reads replies.

    ``lookup``: what the codename yields, 32 bytes. ``addressee``: a name in the roster, or nothing. ``reply_tag``: 32
    bytes.
    """

    lookup: bytes = field(repr=False)
    addressee: str
    reply_tag: bytes = field(repr=False)

    @property
    def source(self) -> bytes:
        """By which the case is known that a letter is of: another one for each addressee. 32 bytes."""
        return hashlib.sha256(_SOURCE_DOMAIN + self.lookup + self.addressee.encode()).digest()

    def to(self, addressee: str) -> Origin:
        """The same source, writing to somebody else; with an empty ``addressee``, to every editor."""
        return replace(self, addressee=addressee)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """The editor who opens cases, and the roster that lists their key."""

    staff: StaffKey = field(repr=False)
    epoch: int
    instance: bytes

    def sign(self, case: Case) -> None:
        """Vouch for a case whose name, source and reply tag are set."""
        case.opener, case.opener_epoch = self.staff.handle, self.epoch
        case.opener_signature = self.staff.signing.sign(_LABEL, _statement(self.instance, case))


def origin_of(fields: Mapping[str, str]) -> Origin | None:
    """Return whom a letter with these fields comes from; nothing where it does not say.

    The source is not the mailbox's index, so that the two stores cannot be matched.
    """
    lookup = fields.get("lookup", "")
    if _LOOKUP.fullmatch(lookup) is None:
        return None
    return Origin(lookup=bytes.fromhex(lookup), addressee=addressee_of(fields), reply_tag=reply_tag(fields))


def reply_tag(fields: Mapping[str, str]) -> bytes:
    """Hash where the source of a letter reads replies: its lookup, thread and reply key."""
    address = [fields.get(name, "") for name in ("lookup", "thread", "reply_key")]
    return hashlib.sha256(_REPLY_DOMAIN + encode_canonical(address)).digest()


def check_case(vault: Vault, rosters: RosterWatch, case: Case) -> Literal[True]:
    """Check that an editor signed what the store says of a case. One without a source has nothing to sign.

    Raises:
        SealError: code ``unsigned`` or ``forged``.
    """
    if case.source is None:
        return True
    return check_signed(vault, rosters, case)


def check_signed(vault: Vault, rosters: RosterWatch, case: Case) -> Literal[True]:
    """As ``check_case``, also that a case has no source: its letters are told from those of others by it."""
    if case.opener is None or case.opener_epoch is None or case.opener_signature is None:
        raise SealError("the source of this case is not signed by anyone; do not trust it", code="unsigned")
    statement = _statement(vault.instance, case)
    return authors.check_signature(rosters, case.opener, case.opener_epoch, _LABEL, statement, case.opener_signature)


def check_letter(case: Case, fields: Mapping[str, str]) -> Literal[True]:
    """Check that a letter is from the source of a case.

    Raises:
        SealError: (code ``other-source``) it is not.
    """
    origin = origin_of(fields)
    source = b"" if origin is None else origin.source
    if not hmac.compare_digest(source, case.source or b""):
        raise other_source()
    return True


def check_reply(case: Case, fields: Mapping[str, str]) -> Literal[True]:
    """Check that a letter's source reads replies where the case says; raises as ``check_letter``."""
    if not hmac.compare_digest(reply_tag(fields), case.reply_tag or b""):
        raise other_source()
    return True


def refused_cases(vault: Vault, rosters: RosterWatch) -> list[tuple[str, str]]:
    """The cases whose origin does not hold, with the code of the refusal, by name; no key is needed to see it."""
    with vault.reading() as session:
        cases = session.scalars(select(Case).where(Case.source.is_not(None)).order_by(Case.name)).all()
    refused = []
    for case in cases:
        try:
            check_case(vault, rosters, case)
        except SealError as error:
            refused.append((case.name, error.code))
    return refused


def other_source() -> SealError:
    """The error for a letter that is not from the source of its case."""
    return SealError("a letter in this case is from another source than the case", code="other-source")


def _statement(instance: bytes, case: Case) -> bytes:
    return encode_canonical(
        {
            "case": case.id.hex(),
            "epoch": case.opener_epoch,
            "instance": instance.hex(),
            "name": case.name,
            "reply": None if case.reply_tag is None else case.reply_tag.hex(),
            "source": None if case.source is None else case.source.hex(),
        }
    )
