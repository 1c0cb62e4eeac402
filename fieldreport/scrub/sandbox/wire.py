"""What the service and a locked child say to each other: one order, one answer, both tiny.

Rules: the order goes straight to the child, so the keys of a file are never in the memory of the warm parent that forks
the next one. The answer comes from a process that a stranger's file may have taken over: it is parsed strictly, every
word in it is one of ours, and it can say nothing but "clean, of this type, this long, this was removed", "refused, for
this reason" or "ask the one with the codecs". No text from inside.
"""

from __future__ import annotations

import builtins
import json
import struct
from dataclasses import dataclass, field
from typing import Final, assert_never

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.verdicts import Mode, Refusal, Removed

# From the service to the warm parent: make a child ready. It carries the child's end of a channel and the writing end
# of an exit pipe.
PREPARE: Final = b"P"
PREPARE_DESCRIPTORS: Final = 2
EXIT_REPORT: Final = struct.Struct("<i")  # wait status as of waitpid(2), through the exit pipe

# Between the service and the child, through the channel: the order carries input and output, one answer comes back.
ORDER_DESCRIPTORS: Final = 2
ANSWER_BYTES: Final = 4096
_ORDER: Final = struct.Struct("<B32sQ32sQ")
ORDER_BYTES: Final = _ORDER.size
_MODES: Final = tuple(Mode)

# What the operator may learn about an unexpected exception: its class, if it is one of Python's own.
_KNOWN_KINDS: Final = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
) | {"error", "other", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How to clean, and how to read and write: keys of 32 bytes, sizes in bytes."""

    mode: Mode
    input_key: bytes = field(repr=False)
    input_size: int
    output_key: bytes = field(repr=False)
    output_limit: int

    def encode(self) -> bytes:
        """Exactly ``ORDER_BYTES``."""
        return _ORDER.pack(_MODES.index(self.mode), self.input_key, self.input_size, self.output_key, self.output_limit)

    @classmethod
    def decode(cls, data: bytes) -> Order:
        """In the child; the service is trusted."""
        mode, input_key, input_size, output_key, output_limit = _ORDER.unpack(data)
        return cls(
            mode=_MODES[mode],
            input_key=input_key,
            input_size=input_size,
            output_key=output_key,
            output_limit=output_limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The output is in the scratch file: its type (in ``registry.OUTPUTS``), length and what is gone."""

    media_type: str
    length: int
    removed: tuple[Removed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCleaned:
    """Why not; for the operator, the class of an unexpected exception (of ``builtins``, "error" or "other")."""

    refusal: Refusal
    kind: str = ""


@dataclass(frozen=True, slots=True)
class NotHere:
    """The file needs codecs that this child's warm parent has not loaded; one that has is to be asked."""


Answer = Cleaned | NotCleaned | NotHere


def encode(answer: Answer) -> bytes:
    """One message of at most ``ANSWER_BYTES``."""
    match answer:
        case Cleaned():
            document: dict[str, object] = {
                "media_type": answer.media_type,
                "length": answer.length,
                "removed": [found.value for found in answer.removed],
            }
        case NotCleaned():
            kind = answer.kind if answer.kind in _KNOWN_KINDS else "other"
            document = {"refusal": answer.refusal.value, "kind": kind}
        case NotHere():
            document = {"elsewhere": True}
        case _:
            assert_never(answer)
    return json.dumps(document).encode("ascii")


def parse(untrusted_answer: bytes) -> Answer:
    """In the service. Anything but a well-formed answer counts as a crash of the child."""
    crashed = NotCleaned(refusal=Refusal.CRASHED)
    try:
        document = json.loads(untrusted_answer)
    except (ValueError, RecursionError):
        return crashed
    match document:
        case {"media_type": str(media_type), "length": int(length), "removed": list(removed), **rest} if not rest:
            known = set(Removed)
            if media_type not in registry.OUTPUTS or not 0 < length <= limits.SCRUB_OUTPUT_BYTES:
                return crashed
            if isinstance(length, bool) or not all(isinstance(item, str) and item in known for item in removed):
                return crashed
            found = {Removed(item) for item in removed}
            return Cleaned(media_type=media_type, length=length, removed=in_order(found))
        case {"refusal": str(refusal), "kind": str(kind), **rest} if not rest:
            if refusal in set(Refusal) and kind in _KNOWN_KINDS:
                return NotCleaned(refusal=Refusal(refusal), kind=kind)
        case {"elsewhere": True, **rest} if not rest:
            return NotHere()
    return crashed


def in_order(found: set[Removed]) -> tuple[Removed, ...]:
    """Categories in the order of the vocabulary: what matters most to a source first."""
    return tuple(item for item in Removed if item in found)
