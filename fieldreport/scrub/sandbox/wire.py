"""What the service and a locked child say to each other: one order, one answer, both tiny.

Rules: the order goes straight to the child, so the keys of a file are never in the memory of the warm parent that forks
the next one. The answer comes from a process that a stranger's file may have taken over: it is parsed strictly, every
word in it is one of ours, and it can say nothing but "clean, of this type, this long, this was removed, this stayed",
"refused, for this reason, in these places" or "ask the one with the codecs". No text from inside.
"""

from __future__ import annotations

import builtins
import json
import struct
from collections.abc import Collection
from dataclasses import astuple, dataclass, field
from typing import Final, assert_never

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.text.encodings import BY_CODE
from fieldreport.scrub.verdicts import Area, Mode, Noted, Options, Redaction, Refusal, RefusedMember, Removed, View

# From the service to the warm parent: make a child ready. It carries the child's end of a channel and the writing end
# of an exit pipe.
PREPARE: Final = b"P"
PREPARE_DESCRIPTORS: Final = 2
EXIT_REPORT: Final = struct.Struct("<i")  # wait status as of waitpid(2), through the exit pipe

# Between the service and the child, through the channel: the order carries input and output, one answer comes back.
ORDER_DESCRIPTORS: Final = 2
ANSWER_BYTES: Final = 4096
_PLACES: Final = limits.ARCHIVE_DEPTH + 1
_ORDER: Final = struct.Struct(f"<B{_PLACES}HHB?8s16s16s32sQ32sQHH?")
_AREA: Final = struct.Struct("<HIIII")
_PAGE: Final = struct.Struct("<H")
ORDER_BYTES: Final = _ORDER.size + limits.REDACTION_AREAS * (_AREA.size + _PAGE.size)  # at most
_MODES: Final = tuple(Mode)
_VIEWS: Final = tuple(View)
_NOTES: Final = (*map(str, Noted), *BY_CODE)
_MOST_NOTES: Final = 20  # an archive's texts may be in more encodings; a manifest takes 64 codes
_MEMBERS: Final = 50  # refused files of one archive that an answer names; more fit on no page, either

# What the operator may learn about an unexpected exception: its class, if it is one of Python's own.
_KNOWN_KINDS: Final = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
) | {"error", "other", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How to clean, and how to read and write: keys of 32 bytes, sizes in bytes."""

    options: Options
    input_key: bytes = field(repr=False)
    input_size: int
    output_key: bytes = field(repr=False)
    output_limit: int

    def encode(self) -> bytes:
        """One message of at most ``ORDER_BYTES``."""
        redaction = self.options.redaction
        fixed = _ORDER.pack(
            _VIEWS.index(self.options.view),
            *self.options.place,
            *[0] * (_PLACES - len(self.options.place)),
            self.options.side,
            _MODES.index(self.options.mode),
            self.options.without_refused,
            self.options.language.encode("ascii", "ignore"),  # a letter may say anything
            *(codec.encode("ascii") for codec in self.options.reread),
            self.input_key,
            self.input_size,
            self.output_key,
            self.output_limit,
            len(redaction.areas),
            len(redaction.left_out),
            redaction.silent,
        )
        areas = (_AREA.pack(*astuple(area)) for area in redaction.areas)
        return b"".join((fixed, *areas, *map(_PAGE.pack, redaction.left_out)))

    @classmethod
    def decode(cls, data: bytes) -> Order:
        """In the child; the service is trusted."""
        view, *numbers, areas, pages, silent = _ORDER.unpack_from(data)
        place, side = tuple(filter(None, numbers[:_PLACES])), numbers[_PLACES]
        mode, without_refused, *words, input_key, input_size, output_key, output_limit = numbers[_PLACES + 1 :]
        left_out_at = _ORDER.size + areas * _AREA.size
        redaction = Redaction(
            areas=tuple(Area(*each) for each in _AREA.iter_unpack(data[_ORDER.size : left_out_at])),
            left_out=tuple(page for (page,) in _PAGE.iter_unpack(data[left_out_at : left_out_at + pages * 2])),
            silent=silent,
        )
        language, guessed, chosen = (word.rstrip(b"\0").decode("ascii") for word in words)
        return cls(
            options=Options(
                mode=_MODES[mode],
                language=language,
                without_refused=without_refused,
                reread=(guessed, chosen),
                view=_VIEWS[view],
                place=place,
                side=side,
                redaction=redaction,
            ),
            input_key=input_key,
            input_size=input_size,
            output_key=output_key,
            output_limit=output_limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The output is in the scratch file: its type (in ``registry.OUTPUTS``), length, what is gone and what stayed."""

    media_type: str
    length: int
    removed: tuple[Removed, ...]
    noted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCleaned:
    """Why not; for the operator, the class of an unexpected exception (of ``builtins``, "error" or "other").

    ``members``: of an archive, the first of the files in it that are to blame.
    """

    refusal: Refusal
    kind: str = ""
    members: tuple[RefusedMember, ...] = ()


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
                "noted": list(answer.noted),
            }
        case NotCleaned():
            kind = answer.kind if answer.kind in _KNOWN_KINDS else "other"
            members = [[each.place, each.refusal.value] for each in answer.members[:_MEMBERS]]
            document = {"refusal": answer.refusal.value, "kind": kind, "members": members}
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
        case {
            "media_type": str(media_type),
            "length": int(length),
            "removed": list(removed),
            "noted": list(noted),
            **rest,
        } if not rest:
            if media_type not in registry.OUTPUTS or not 0 < length <= limits.SCRUB_OUTPUT_BYTES:
                return crashed
            if isinstance(length, bool) or not _all_in(removed, set(Removed)) or not _all_in(noted, _NOTES):
                return crashed
            found, stayed = in_order({Removed(item) for item in removed}, set(noted))
            return Cleaned(media_type=media_type, length=length, removed=found, noted=stayed)
        case {"refusal": str(refusal), "kind": str(kind), "members": list(members), **rest} if not rest:
            blamed = [_member(each) for each in members]
            if refusal in set(Refusal) and kind in _KNOWN_KINDS and None not in blamed and len(blamed) <= _MEMBERS:
                return NotCleaned(refusal=Refusal(refusal), kind=kind, members=tuple(filter(None, blamed)))
        case {"elsewhere": True, **rest} if not rest:
            return NotHere()
    return crashed


def _all_in(untrusted_items: list[object], known: Collection[str]) -> bool:
    return all(isinstance(item, str) and item in known for item in untrusted_items)


def _member(untrusted_item: object) -> RefusedMember | None:
    match untrusted_item:
        case [int(place), str(refusal)] if not isinstance(place, bool) and 0 < place <= limits.ARCHIVE_MEMBERS:
            if refusal in set(Refusal):
                return RefusedMember(place, Refusal(refusal))
    return None


def in_order(removed: set[Removed], noted: set[str]) -> tuple[tuple[Removed, ...], tuple[str, ...]]:
    """Categories in the order of the vocabulary: what matters most to a source first."""
    return tuple(item for item in Removed if item in removed), tuple(item for item in _NOTES if item in noted)[
        :_MOST_NOTES
    ]
