"""The inner header: what a sealed object is and where it belongs, because age binds no context.

Anyone who knows a public key can seal something to it, and anyone who can write to a store can exchange objects in it.
So the first bytes inside say what the object is, and the opener says beforehand what it must be. Layout: FORMAT.md,
"Inner header".
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from fieldreport import limits
from fieldreport.errors import SealError

_MAGIC: Final = b"fieldreport/v1\n"
# magic, kind, epoch, roster, instance, thread, object; big endian, no gaps
_BINDING: Final = struct.Struct(">15sBQ32s16s16s16s")
# content length, manifest length
_LENGTHS: Final = struct.Struct(">QI")
INNER_BYTES: Final = _BINDING.size + _LENGTHS.size
EPOCH_MAX: Final = 2**63 - 1  # what a database column holds


class Kind(IntEnum):
    """What a sealed object is. A number is never reused."""

    LETTER = 1  # a source's report with its attachments
    REPLY = 2  # the newsroom's answer, sealed to the source's key
    SENT = 3  # the newsroom's own copy of an answer
    NOTE = 4  # a note of the staff on a case
    DRAFT = 5  # an article, or a revision of one
    CARD = 6  # a case's fact sheet and protected terms
    MEDIA = 7  # a rendition of an image or recording for an article
    OPENED = 8  # what the desk made of a file that its source had sealed
    RENDITION = 9  # what is shown of an attachment: its words, or a picture of it
    JUNK = 10  # the rules by which the newsroom sets letters aside
    UNSENT = 11  # what an editor has typed on the page of a case, for themselves alone
    REGISTER = 12  # when each case was received, acknowledged and answered
    ORIGINAL = 15  # a file as its source uploaded it, inside a letter; see FORMAT.md, "Original"
    EVIDENCE = 16  # a case that another newsroom hands on; see FORMAT.md, "Evidence"
    SHEET = 17  # a limited case's fact sheet as it is shown to colleagues who do not read the case


STAFF_KINDS: Final = frozenset(set(Kind) - {Kind.LETTER, Kind.REPLY, Kind.ORIGINAL, Kind.EVIDENCE})
"""What staff write: signed by its author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Kind, roster and place of one sealed object.

    Args:
        kind: what it is.
        epoch: of the roster whose keys it was sealed to, 0 to 2**63 - 1.
        roster: SHA-256 of that roster's exact bytes (32 bytes).
        instance: the newsroom's public id (16 bytes).
        thread: the letter, the source's thread, the case or the article it belongs to (16 bytes).
        object: its own id (16 bytes).

    Raises:
        SealError: (code ``binding``) a length or the epoch is out of bounds.
    """

    kind: Kind
    epoch: int
    roster: bytes
    instance: bytes
    thread: bytes
    object: bytes

    def __post_init__(self) -> None:
        lengths = (len(self.roster), len(self.instance), len(self.thread), len(self.object))
        if lengths != (32, 16, 16, 16) or not 0 <= self.epoch <= EPOCH_MAX:
            raise SealError("this cannot be sealed", code="binding", detail="binding: a field is out of bounds")

    def encode(self) -> bytes:
        """Return the first 104 bytes of the inner header: all but the lengths."""
        return _BINDING.pack(_MAGIC, self.kind, self.epoch, self.roster, self.instance, self.thread, self.object)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the opener knows beforehand. ``rosters``: SHA-256 of every acceptable roster by its epoch."""

    kind: Kind
    instance: bytes
    thread: bytes
    object: bytes
    rosters: Mapping[int, bytes]

    def check(self, untrusted_binding: Binding) -> Literal[True]:
        """Compare in constant time.

        Raises:
            SealError: (code ``binding``) any field differs; the detail names the first that does.
        """
        binding = untrusted_binding
        if binding.kind is not self.kind:
            raise _misplaced("kind")
        for name, is_, should in (
            ("instance", binding.instance, self.instance),
            ("thread", binding.thread, self.thread),
            ("object", binding.object, self.object),
            ("roster", binding.roster, self.rosters.get(binding.epoch, b"")),
        ):
            if not hmac.compare_digest(is_, should):
                raise _misplaced(name)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOffline:
    """What a reader on an offline machine can expect: there is a file and a key, and no store that knows the place.

    What is ``None`` is not known and not compared: the caller shows what the binding says, and says what was not
    checked. Never use it where a store knows the place.
    """

    instance: bytes | None = None
    rosters: Mapping[int, bytes] | None = None
    object: bytes | None = None
    epoch: int | None = None

    def check(self, untrusted_binding: Binding) -> Literal[True]:
        """Compare what is known, in constant time.

        Raises:
            SealError: (code ``binding``) a known field differs, or a letter whose thread is not its own id.
        """
        binding = untrusted_binding
        if self.epoch is not None and binding.epoch != self.epoch:
            raise _misplaced("epoch")
        for name, is_, should in (
            ("instance", binding.instance, self.instance),
            ("object", binding.object, self.object),
            ("roster", binding.roster, None if self.rosters is None else self.rosters.get(binding.epoch, b"")),
            ("thread", binding.thread, binding.object if binding.kind is Kind.LETTER else None),
        ):
            if should is not None and not hmac.compare_digest(is_, should):
                raise _misplaced(name)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerHeader:
    """Binding and lengths: ``content_length`` bytes follow, the first ``manifest_length`` of them the manifest."""

    binding: Binding
    content_length: int
    manifest_length: int

    def encode(self) -> bytes:
        """Return the 116 bytes."""
        return self.binding.encode() + _LENGTHS.pack(self.content_length, self.manifest_length)

    @classmethod
    def parse(cls, untrusted_inner: bytes) -> InnerHeader:
        """Parse exactly 116 bytes.

        Raises:
            SealError: (code ``inner-header``) another magic or version, an unknown kind, an epoch out of bounds, a
                manifest over ``limits.MANIFEST_BYTES`` or longer than the content.
        """
        if len(untrusted_inner) != INNER_BYTES:
            raise _malformed_inner("length")
        magic, kind, epoch, roster, instance, thread, own = _BINDING.unpack_from(untrusted_inner)
        content, manifest = _LENGTHS.unpack_from(untrusted_inner, _BINDING.size)
        if magic != _MAGIC:
            raise _malformed_inner("magic or version")
        if epoch > EPOCH_MAX:
            raise _malformed_inner("epoch")
        if manifest > min(content, limits.MANIFEST_BYTES):
            raise _malformed_inner("manifest length")
        try:
            known = Kind(kind)
        except ValueError:
            raise _malformed_inner("kind") from None
        binding = Binding(kind=known, epoch=epoch, roster=roster, instance=instance, thread=thread, object=own)
        return cls(binding=binding, content_length=content, manifest_length=manifest)


def _misplaced(name: str) -> SealError:
    return SealError("this sealed object does not belong here", code="binding", detail=f"binding: other {name}")


def _malformed_inner(detail: str) -> SealError:
    return SealError("this sealed object is damaged", code="inner-header", detail=f"inner header: {detail}")
