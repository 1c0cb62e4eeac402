"""Files that are kept under a form until it is sent, so that a source uploads each of them once.

What was cleaned waits in ``Mailbox.kept`` as ciphertext, under a key that follows from the codename and the number of
the form. Both stand in the page in the source's browser and nowhere else; between two posts this server can read none
of it. A post of the form, from any tab, sees all that waits for it.

Rules: a file is kept when it is durable, not before; the same file from the same form is one, however often and from
however many tabs it comes; the note of a file whose report has arrived stays for the hour, without the file, so that
the same form posted again gets the same receipt.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import BinaryIO

from fieldreport.errors import Conflict, LimitExceeded, MailboxFull, SealError, StoreError
from fieldreport.intake.context import Service
from fieldreport.seal import CleanFile, KeptFile, KeptState, SourceKeys, kept_name


class NotKept(StrEnum):
    """Why a file that could be cleaned is not kept: no room under this form, none at all, or its hour is over."""

    TOO_MUCH = "too-much"
    NO_ROOM = "no-room"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that waits for a form, or waited. ``place`` is its number among those of its source."""

    place: int
    file: KeptFile = field(repr=False)

    @property
    def same(self) -> tuple[str, bytes]:
        """What two posts of one file share."""
        return self.file.untrusted_name, self.file.original_sha256


def files_of(service: Service, keys: SourceKeys, form: str) -> list[Kept]:
    """The files that wait for this form or were sent with it, in the order in which they came. Raises ``StoreError``.

    Two tabs may have kept the same file at the same moment: it is listed once.
    """
    places = keys.kept_places()
    found: dict[tuple[str, bytes], Kept] = {}
    for each in service.mailbox.kept.notes(places, hour=service.hour):
        with contextlib.suppress(SealError):  # of another form of this source
            file = KeptFile.open_note(each.note, keys.kept_key(form), each.place)
            if file.state is not KeptState.OUT:
                kept = Kept(place=places.index(each.place), file=file)
                found.setdefault(kept.same, kept)
    return list(found.values())


def free_places(service: Service, keys: SourceKeys) -> deque[int] | None:
    """The numbers of this source's places at which nothing waits; ``None``: the store is away, and nobody knows."""
    places = keys.kept_places()
    try:
        taken = service.mailbox.kept.taken(places, hour=service.hour)
    except StoreError:
        return None
    return deque(number for number, place in enumerate(places) if place not in taken)


def keep(
    service: Service, keys: SourceKeys, form: str, clean: CleanFile, *, free: deque[int] | None, harder: bool
) -> Kept | NotKept:
    """Keep one cleaned file at the first of the ``free_places``, which are brought up to date.

    It is durable when this returns ``Kept``.
    """
    content = clean.output
    if content is None:
        raise ValueError("a file without content")
    file = KeptFile(
        untrusted_name=kept_name(clean.untrusted_name),
        media_type=clean.media_type,
        length=clean.length,
        removed=clean.removed,
        original_sha256=clean.original_sha256,
        harder=harder,
        original_size=clean.original_size,
    )
    places = keys.kept_places()
    if free is None or file.size > service.free_bytes:  # files that wait must not stop letters
        return NotKept.NO_ROOM
    while free:
        place = places[free[0]]

        def seal(payload: BinaryIO, place: bytes = place) -> bytes:
            file.seal_content(content, payload, original=clean.original)
            return file.seal_note(keys.kept_key(form), place)

        try:
            service.mailbox.kept.put(
                place, seal, size=file.size, places=places, most_bytes=most_bytes(service), hour=service.hour
            )
        except Conflict:  # the other tab was faster: the next place
            free.popleft()
            continue
        except (MailboxFull, StoreError):
            return NotKept.NO_ROOM  # the place stays free: the first one is never left out
        except LimitExceeded:
            return NotKept.TOO_MUCH
        return Kept(place=free.popleft(), file=file)
    return NotKept.TOO_MUCH


def most_bytes(service: Service) -> int:
    """Of all files of one report that is sent in several posts: as many as of one post."""
    return service.settings.intake.request_bytes


def touch(service: Service, keys: SourceKeys) -> None:
    """Let what waits for this source wait for another hour."""
    with contextlib.suppress(StoreError):  # what is gone is noticed, and asked about, before the form is sent
        service.mailbox.kept.touch(keys.kept_places(), hour=service.hour)


def open_clean(service: Service, keys: SourceKeys, kept: Kept, stack: contextlib.ExitStack) -> CleanFile:
    """A kept file as it will be sealed, for as long as ``stack`` lives. Raises ``NotFound``: it is gone."""
    sealed = stack.enter_context(service.mailbox.kept.open(keys.kept_places()[kept.place]))
    output, original = stack.enter_context(kept.file.content(sealed))
    return replace(without_content(kept), output=output, original=original)


def without_content(kept: Kept) -> CleanFile:
    """A kept file of a letter that has arrived: what its receipt says of it."""
    return CleanFile(
        untrusted_name=kept.file.untrusted_name,
        name="",
        media_type=kept.file.media_type,
        length=kept.file.length,
        removed=kept.file.removed,
        output=None,
        original_sha256=kept.file.original_sha256,
        original_size=kept.file.original_size,
    )


def take_out(service: Service, keys: SourceKeys, form: str, kept: Kept) -> None:
    """Delete a file that waits, wherever two tabs have put it. Raises ``StoreError``."""
    _empty(service, keys, form, {kept.same}, KeptState.OUT)


def spend(service: Service, keys: SourceKeys, form: str, kept: Iterable[Kept]) -> None:
    """Delete files whose report has arrived; their notes stay for the hour."""
    with contextlib.suppress(StoreError):  # the report has arrived, and the hour ends
        _empty(service, keys, form, {each.same for each in kept}, KeptState.SENT)


def take_out_all(service: Service, keys: SourceKeys, form: str) -> None:
    """Delete all that waits for a form. Raises ``StoreError``."""
    _empty(service, keys, form, None, KeptState.OUT)


def forget(service: Service, keys: SourceKeys) -> None:
    """Remove all that waits for any form of this source, and every note. Raises ``StoreError``."""
    service.mailbox.kept.remove(keys.kept_places())


def _empty(
    service: Service, keys: SourceKeys, form: str, which: set[tuple[str, bytes]] | None, state: KeptState
) -> None:
    key, places = keys.kept_key(form), keys.kept_places()
    notes = {}
    for each in service.mailbox.kept.notes(places, hour=service.hour):
        with contextlib.suppress(SealError):
            file = KeptFile.open_note(each.note, key, each.place)
            if which is None or (file.untrusted_name, file.original_sha256) in which:
                gone = replace(file, state=state, file_key=bytes(len(file.file_key)))
                if state is KeptState.OUT:
                    # A name and a hash are only for who may post this form again and get the receipt.
                    gone = replace(gone, untrusted_name="", original_sha256=bytes(len(file.original_sha256)))
                notes[each.place] = gone.seal_note(key, each.place)
    if notes:
        service.mailbox.kept.empty(notes)
