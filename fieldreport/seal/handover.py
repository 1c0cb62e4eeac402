"""Which admin key signs rosters now: the pinned one, or one that it leads to through signed hand-overs.

A hand-over names two admin keys and an epoch. The old key signs it, and the new key signs that it accepts. From that
epoch on only the new key signs rosters; what the old one signs does not count any more. An intake that pinned the old
key follows the hand-over. An intake that pins the new key never goes back: of what an earlier admin signed it accepts
only the rosters whose hashes are named in rosters of the new key.

Rules: signatures are checked over the exact bytes before anything in them is looked at; hand-overs form one line
without a gap, a branch or a return. The bytes are specified in FORMAT.md, "Hand-over".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from fieldreport import limits
from fieldreport.errors import RosterError, SealError
from fieldreport.seal import canonical
from fieldreport.seal.signatures import ED25519_PUBLIC_BYTES, MLDSA65_PUBLIC_BYTES, AdminPublic
from fieldreport.sentence import Sentence

HANDOVER_LABEL: Final = "admin-handover"
ACCEPTANCE_LABEL: Final = "admin-acceptance"

_FORMAT: Final = "fieldreport-handover-v1"
_KEYS: Final = frozenset({"epoch", "format", "from", "instance", "number", "to"})
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """One hand-over of the newsroom ``instance`` (16 bytes): ``new`` signs the rosters from ``epoch`` on.

    ``number``: 1 for the newsroom's first hand-over, and so on.
    """

    instance: bytes
    number: int
    epoch: int
    old: AdminPublic
    new: AdminPublic

    def encode(self) -> bytes:
        """The exact bytes that both keys sign.

        Raises:
            RosterError: (code ``roster-handover``) what ``parse_hand_over`` would refuse.
        """
        raw = canonical.encode(
            {
                "epoch": self.epoch,
                "format": _FORMAT,
                "from": _key_value(self.old),
                "instance": self.instance.hex(),
                "number": self.number,
                "to": _key_value(self.new),
            }
        )
        parse_hand_over(raw)
        return raw


def verify_hand_over(
    untrusted_raw: bytes, untrusted_signatures: bytes, untrusted_acceptance: bytes, *, instance: bytes | None
) -> HandOver:
    """Parse a hand-over that both of its keys have signed, the old one to give and the new one to take.

    The keys stand in it, so this says only that it is whole and theirs; whether anything leads from a pinned key to
    the old one is ``AdminChain``'s question. ``instance``: 16 bytes, or ``None`` where only a fingerprint is known.

    Raises:
        RosterError: (code ``roster-handover``) malformed, another newsroom's, or either signature does not fit.
    """
    if len(untrusted_raw) > limits.HANDOVER_BYTES:
        raise refused("too long")
    hand_over = parse_hand_over(untrusted_raw)
    try:
        hand_over.old.verify(HANDOVER_LABEL, untrusted_raw, untrusted_signatures)
        hand_over.new.verify(ACCEPTANCE_LABEL, untrusted_raw, untrusted_acceptance)
    except SealError:
        raise refused("a signature does not fit") from None
    if instance is not None and hand_over.instance != instance:
        raise refused("it is another newsroom's")
    return hand_over


def parse_hand_over(untrusted_raw: bytes) -> HandOver:
    """Parse the bytes of a hand-over; no signature is checked here.

    Raises:
        RosterError: (code ``roster-handover``) not canonical JSON, an unknown or missing key, a value of the wrong type
            or out of bounds, or one key in both places.
    """
    try:
        value = canonical.decode(untrusted_raw)
    except ValueError:
        raise refused("not canonical JSON") from None
    if not isinstance(value, dict) or value.keys() != _KEYS or value["format"] != _FORMAT:
        raise refused("unknown format")
    epoch, number = value["epoch"], value["number"]
    # Epoch 1 is made together with the first admin's key, so there was no earlier key to hand over.
    if type(epoch) is not int or not 2 <= epoch <= limits.ROSTER_EPOCHS:
        raise refused("the epoch is out of bounds")
    if type(number) is not int or not 1 <= number <= limits.HANDOVERS:
        raise refused("the number is out of bounds")
    old, new = _key(value["from"]), _key(value["to"])
    if old.ed25519 == new.ed25519 or old.mldsa65 == new.mldsa65:
        raise refused("a key is handed to itself")
    return HandOver(instance=_bytes(value["instance"], 16), number=number, epoch=epoch, old=old, new=new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """``key`` signs the rosters from epoch ``first`` until the next tenure begins."""

    key: AdminPublic
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminChain:
    """The tenures that a pinned fingerprint leads to, the pinned key's own first. Never empty."""

    tenures: tuple[Tenure, ...]

    @classmethod
    def follow(cls, fingerprint: str, untrusted_published: AdminPublic, hand_overs: Sequence[HandOver]) -> Self:
        """Follow hand-overs, each verified on its own, from the key with that fingerprint.

        Args:
            fingerprint: the pinned one, 64 hexadecimal digits.
            untrusted_published: what ``admin.pub`` holds. It counts only if it is one of the keys of this line.
            hand_overs: of one newsroom, in the order of their numbers.

        Raises:
            RosterError: ``roster-handover``: they do not form one line; ``roster-admin``: no key of the line has that
                fingerprint, or ``admin.pub`` is not of the line.
        """
        _check_line(hand_overs)
        root = hand_overs[0].old if hand_overs else untrusted_published
        line = (Tenure(key=root, first=1), *(Tenure(key=each.new, first=each.epoch) for each in hand_overs))
        places = [place for place, tenure in enumerate(line) if tenure.key.fingerprint == fingerprint]
        if not places or all(tenure.key != untrusted_published for tenure in line):
            raise RosterError(
                Sentence("admin.pub is not the admin key that is pinned in the settings, and no hand-over leads to it"),
                code="roster-admin",
            )
        return cls(tenures=line[places[0] :])

    @property
    def first(self) -> int:
        """The earliest epoch whose roster a key of this chain could have signed."""
        return self.tenures[0].first

    @property
    def keys(self) -> tuple[AdminPublic, ...]:
        """Every key of the chain, the one in force first."""
        return tuple(tenure.key for tenure in reversed(self.tenures))

    def check_signer(self, key: AdminPublic, epoch: int) -> Literal[True]:
        """See that rosters of ``epoch`` are ``key``'s to sign.

        Raises:
            RosterError: (code ``roster-handover``) it was handed over before that epoch, or not yet.
        """
        begun = [tenure.key for tenure in self.tenures if tenure.first <= epoch]
        if not begun or begun[-1] != key:
            raise RosterError(
                Sentence(
                    "the roster of epoch %(epoch)s is signed with an admin key that was handed over, or not yet in"
                    " force",
                    epoch=epoch,
                ),
                code="roster-handover",
            )
        return True


def _check_line(hand_overs: Sequence[HandOver]) -> None:
    if [each.number for each in hand_overs] != list(range(1, len(hand_overs) + 1)):
        raise refused("a number is missing or out of order")
    for before, after in itertools.pairwise(hand_overs):
        if after.old != before.new:
            raise refused("it is not given by the key in force")
        if after.epoch <= before.epoch:
            raise refused("it begins before the one before it")
    # A key that came back would have two tenures, and its signatures from the time in between would be ambiguous.
    keys = [each.old.fingerprint for each in hand_overs[:1]] + [each.new.fingerprint for each in hand_overs]
    if len(set(keys)) != len(keys):
        raise refused("a key that was handed over comes back")


def refused(detail: str) -> RosterError:
    """The error for everything that is not a valid hand-over."""
    return RosterError(
        "a hand-over of the admin's key is refused", detail=f"hand-over: {detail}", code="roster-handover"
    )


def _key_value(key: AdminPublic) -> dict[str, str]:
    return {"ed25519": key.ed25519.hex(), "ml-dsa-65": key.mldsa65.hex()}


def _key(value: Any) -> AdminPublic:
    if not isinstance(value, dict) or value.keys() != {"ed25519", "ml-dsa-65"}:
        raise refused("a key has unknown or missing parts")
    return AdminPublic(
        ed25519=_bytes(value["ed25519"], ED25519_PUBLIC_BYTES), mldsa65=_bytes(value["ml-dsa-65"], MLDSA65_PUBLIC_BYTES)
    )


def _bytes(value: Any, length: int) -> bytes:
    if not isinstance(value, str) or len(value) != 2 * length or not _HEX.fullmatch(value):
        raise refused("a value is not lower-case hexadecimal of its length")
    return bytes.fromhex(value)
