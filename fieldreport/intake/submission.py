"""What a posted form leads to: a receipt, or its page again with what has to be decided first.

The form of a first report and the one to add more share this, and both can be sent in several posts that add up to one
letter: files first, then "send". Nothing here knows about HTTP.

Rules: what can be cleaned is kept (``kept_files``) before a page asks anything, so that nobody uploads a good file
twice; a letter holds what its page has listed and what came with it, nothing else; if it would hold fewer files than
the source chose, the page asks first.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.errors import NotFound
from fieldreport.intake import kept_files
from fieldreport.intake.context import Service
from fieldreport.intake.deposit import (
    Cleaned,
    Receipt,
    RefusedFile,
    clean_files,
    earlier_letters,
    form_used,
    mode_of,
    send,
)
from fieldreport.intake.form import Chosen, Draft
from fieldreport.intake.kept_files import Kept, NotKept
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Refusal
from fieldreport.seal import CleanFile, KeptState, SourceKeys, kept_name
from fieldreport.web.form_reader import Upload
from fieldreport.web.forms import Problem

_REFUSALS: Final = frozenset(map(str, Refusal))
_REASONS: Final = _REFUSALS | frozenset(map(str, NotKept))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A form that was not sent, and what its page says.

    ``draft``: with the list of files brought up to date. ``refused``: files of this post. ``missing``: files that were
    chosen before and would not be sent. ``unseen``: files wait that the page had not listed. ``added``: files of this
    post that are kept now, or files that were taken out.
    """

    draft: Draft
    problems: tuple[Problem, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    missing: tuple[Chosen, ...] = ()
    unseen: bool = False
    added: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether something has to be decided or corrected first."""
        return bool(self.problems or self.refused or self.missing or self.unseen)


def submit(
    service: Service,
    keys: SourceKeys,
    draft: Draft,
    uploads: Sequence[Upload],
    *,
    admit: Callable[[bool], list[Problem]],
    language: str,
    read: bytes = b"",
) -> Receipt | Pending:
    """Send the form as one letter, with the files that wait for it, or say what is in the way.

    ``admit`` is told whether there are files, and raises or tells why nothing is taken of this source; it is not asked
    for a form that has arrived: who sent it and lost the answer gets the receipt, whatever happened since. ``read``: as
    ``Letter.read``.

    Raises:
        TokenError: the form was sent before with other words or files (``form-used``).
        RosterError, MailboxFull, StoreError: as ``send``.

    """
    kept, earlier = _look_up(service, keys, draft)
    if earlier:
        return _again(service, keys, draft, kept, uploads, earlier=earlier, language=language)
    if uninvited := admit(bool(uploads or kept)):
        return Pending(draft=draft, problems=tuple(uninvited))
    with contextlib.ExitStack() as stack:
        waiting, files = _open_all(service, keys, kept, stack)
        if len(waiting) < len(kept) and (earlier := earlier_letters(service, keys, draft.form)):
            # The same form was posted twice, and the other one was faster.
            return _again(service, keys, draft, kept, uploads, earlier=earlier, language=language)
        harder = _harder(service, draft, waiting, files, stack, language=language)
        new = _new(uploads, waiting)
        cleaned = clean_files(service, new, stack, draft, language=language)
        asked, missing = _missing(draft, waiting, cleaned)
        letter = Cleaned(
            files=(*_as_wished(draft, harder.files), *cleaned.files), refused=(*harder.refused, *cleaned.refused)
        )
        pending = Pending(
            draft=draft,
            problems=(
                *draft.problems(files=_that_may_go(draft, letter), addressees=service.addressees),
                *(_too_much(service, letter.files) if waiting else ()),
            ),
            refused=letter.refused if _must_ask(draft, letter) else (),
            missing=() if draft.without_missing else asked,
            unseen=_unseen(draft, waiting, uploads),
        )
        if pending.is_refusal:
            return _keep(service, keys, pending, waiting, cleaned, missing)
        letter = replace(letter, refused=(*_left_out(missing), *letter.refused))
        receipt = send(service, keys, draft, letter, language=language, earlier=(), read=read)
    if kept:
        kept_files.spend(service, keys, draft.form, kept)
    return receipt


def add_files(
    service: Service,
    keys: SourceKeys,
    draft: Draft,
    uploads: Sequence[Upload],
    *,
    admit: Callable[[bool], list[Problem]],
    language: str,
    take_out: str,
) -> Pending:
    """Keep the files of this post for the form. ``take_out``: the place of one that its source wants to be deleted.

    Raises:
        TokenError: the form was sent before (``form-used``). StoreError: nobody knows what was kept.

    """
    kept, earlier = _look_up(service, keys, draft)
    if earlier:
        raise form_used()
    if uploads and (uninvited := admit(True)):  # to take one out needs no leave
        return Pending(draft=draft, problems=tuple(uninvited))
    waiting = [each for each in kept if str(each.place) != take_out]
    for each in kept:
        if each not in waiting:
            kept_files.take_out(service, keys, draft.form, each)
            draft = replace(draft, chosen=tuple(listed for listed in draft.chosen if listed.place != each.place))
    problems = () if uploads or take_out else (Problem(field="files", text=_("No file was chosen.")),)
    with contextlib.ExitStack() as stack:
        cleaned = clean_files(service, _new(uploads, waiting), stack, draft, language=language)
        _asked, missing = _missing(draft, waiting, cleaned)
        pending = Pending(draft=draft, problems=problems, refused=cleaned.refused, added=not problems)
        return _keep(service, keys, pending, waiting, cleaned, missing)


def delete_files(service: Service, keys: SourceKeys, form: str) -> None:
    """Delete all files that wait for a form.

    Raises:
        TokenError: the form was sent, and its files with it (``form-used``). StoreError: nobody knows what is left.

    """
    if earlier_letters(service, keys, form):
        raise form_used()
    kept_files.take_out_all(service, keys, form)


def _look_up(service: Service, keys: SourceKeys, draft: Draft) -> tuple[list[Kept], list[bytes]]:
    """The files that wait for a form, and what has arrived from it."""
    (first,) = keys.kept_places(1)
    earlier, has_kept = service.mailbox.beginning_with_and_kept(keys.form_tag(draft.form), first, hour=service.hour)
    if not has_kept:
        return [], earlier
    kept = kept_files.files_of(service, keys, draft.form)
    # Asked after the files: they are deleted once the letter has arrived, never before.
    return kept, earlier_letters(service, keys, draft.form)


def relisted(service: Service, keys: SourceKeys, draft: Draft) -> Draft:
    """The draft with the files that wait for it and those that do not any more, for a page that shows it again."""
    kept = kept_files.files_of(service, keys, draft.form)
    waiting = [each for each in kept if each.file.state is KeptState.KEPT]
    _asked, missing = _missing(draft, waiting, Cleaned(files=(), refused=()))
    return _listed(draft, waiting, missing)


def _again(
    service: Service,
    keys: SourceKeys,
    draft: Draft,
    kept: Sequence[Kept],
    uploads: Sequence[Upload],
    *,
    earlier: Sequence[bytes],
    language: str,
) -> Receipt:
    """The receipt of a form that has arrived; its files were deleted and only their notes are left."""
    with contextlib.ExitStack() as stack:
        cleaned = clean_files(service, _new(uploads, kept), stack, draft, language=language)
        if _must_ask(draft, cleaned):
            raise form_used()
        _asked, missing = _missing(draft, kept, cleaned)
        letter = Cleaned(
            files=(*_as_wished(draft, map(kept_files.without_content, kept)), *cleaned.files),
            refused=(*_left_out(missing), *cleaned.refused),
        )
        receipt = send(service, keys, draft, letter, language=language, earlier=earlier)
    kept_files.spend(service, keys, draft.form, kept)  # a killed server may not have come to it
    return receipt


def _open_all(
    service: Service, keys: SourceKeys, kept: Iterable[Kept], stack: contextlib.ExitStack
) -> tuple[list[Kept], list[CleanFile]]:
    waiting, files = [], []
    for each in kept:
        with contextlib.suppress(NotFound):
            files.append(kept_files.open_clean(service, keys, each, stack))
            waiting.append(each)
    return waiting, files


def _new(uploads: Iterable[Upload], kept: Iterable[Kept]) -> list[Upload]:
    """The files of this post that are not kept already: a browser that loads the page again sends them once more."""
    known = {each.same for each in kept}
    return [each for each in uploads if (kept_name(each.untrusted_name), each.sha256) not in known]


def _harder(
    service: Service,
    draft: Draft,
    waiting: Sequence[Kept],
    files: Sequence[CleanFile],
    stack: contextlib.ExitStack,
    *,
    language: str,
) -> Cleaned:
    """The kept files; those that were kept before their source wished them to be cleaned harder are cleaned again."""
    mode = mode_of(service, draft)
    clean: list[CleanFile] = []
    refused: list[RefusedFile] = []
    for kept, file in zip(waiting, files, strict=True):
        if mode is Mode.LOSSLESS or kept.file.harder:
            clean.append(file)
            continue
        source = stack.enter_context(Scratch(service.settings.intake.data / "scratch"))
        if file.output is not None:
            shutil.copyfileobj(file.output, source, limits.READ_BYTES)
        upload = Upload(
            part="", untrusted_name=file.untrusted_name, source=source, length=file.length, sha256=file.original_sha256
        )
        # What was kept is no original: that was sealed before, or is gone.
        again = clean_files(service, [upload], stack, replace(draft, originals=False), language=language)
        refused += again.refused
        clean += (
            replace(
                each,
                removed=tuple(dict.fromkeys((*file.removed, *each.removed))),
                original=file.original,
                original_size=file.original_size,
            )
            for each in again.files
        )
    return Cleaned(files=tuple(clean), refused=tuple(refused))


def _as_wished(draft: Draft, files: Iterable[CleanFile]) -> Iterator[CleanFile]:
    """Kept files without the originals that were kept with them, where their source does not wish that any more."""
    return (each if draft.originals else replace(each, original=None, original_size=0) for each in files)


def _must_ask(draft: Draft, letter: Cleaned) -> bool:
    """Whether a file was refused and its source has not agreed to that, or nothing else would be left.

    Of an archive that was cleaned without the files that cannot be, they have agreed to that.
    """
    nothing_left = not letter.files and not draft.report.strip()
    return bool(letter.refused) and (nothing_left or not draft.without_refused)


def _that_may_go(draft: Draft, letter: Cleaned) -> int:
    """How many files the letter would have; refused ones count until their source agrees to leave them out."""
    return len(letter.files) + (0 if draft.without_refused else len(letter.refused))


def _missing(draft: Draft, waiting: Iterable[Kept], cleaned: Cleaned) -> tuple[tuple[Chosen, ...], tuple[Chosen, ...]]:
    """Which files were listed and would not be sent now: those to ask about, and all of them.

    A file that was kept is there again when its name and size are; ``order.pdf`` takes the place of ``order.doc`` that
    was refused. A file of another name does not: whether it is instead of that one, only its source knows.
    """
    here = {(each.place, each.file.untrusted_name) for each in waiting}
    missing = [
        replace(each, why=NotKept.GONE, place=-1) if each.is_kept else each
        for each in draft.chosen
        if not (each.is_kept and (each.place, each.untrusted_name) in here)
    ]
    for file in cleaned.files:
        name, stem = kept_name(file.untrusted_name), PurePath(file.untrusted_name).stem
        same = (each for each in missing if (each.untrusted_name, each.size) == (name, file.length))
        alike = (each for each in missing if each.why in _REFUSALS and PurePath(each.untrusted_name).stem == stem)
        if (replaced := next(itertools.chain(same, alike), None)) is not None:
            missing.remove(replaced)
    for each_refused in cleaned.refused:  # chosen once more, and listed with its reason of now
        name = kept_name(each_refused.untrusted_name)
        again = [each for each in missing if each.untrusted_name == name]
        if again:
            missing.remove(min(again, key=lambda each: each.why not in _REFUSALS))
    asked = (each for each in missing if not (draft.without_refused and each.why in _REFUSALS))
    return tuple(asked), tuple(missing)


def _left_out(missing: Iterable[Chosen]) -> tuple[RefusedFile, ...]:
    """What the receipt says of files that were not taken with an earlier post."""
    return tuple(
        RefusedFile(untrusted_name=each.untrusted_name, why=each.why) for each in missing if each.why in _REASONS
    )


def _unseen(draft: Draft, waiting: Iterable[Kept], uploads: Iterable[Upload]) -> bool:
    """Whether a file waits that the page had not listed, nor this post brought: an earlier answer was lost."""
    seen = {(each.place, each.untrusted_name) for each in draft.chosen}
    brought = {(kept_name(each.untrusted_name), each.sha256) for each in uploads}
    return any((each.place, each.file.untrusted_name) not in seen and each.same not in brought for each in waiting)


def _too_much(service: Service, files: Sequence[CleanFile]) -> list[Problem]:
    most = kept_files.most_bytes(service)
    if len(files) <= limits.FORM_FILES and sum(each.length for each in files) <= most:
        return []
    text = _(
        "These are more than %(megabytes)s MB or %(files)s files together. Take some out, and send them later with "
        "your codename.",
        megabytes=most // limits.MIB,
        files=limits.FORM_FILES,
    )
    return [Problem(field="files", text=text)]


def _keep(
    service: Service,
    keys: SourceKeys,
    pending: Pending,
    waiting: Sequence[Kept],
    cleaned: Cleaned,
    missing: Iterable[Chosen],
) -> Pending:
    """Keep what was cleaned, and bring the list of files up to date."""
    draft = pending.draft
    if waiting:
        kept_files.touch(service, keys)
    harder = mode_of(service, draft) is Mode.STRONG
    kept, missed = list(waiting), [*missing]
    missed += (Chosen(untrusted_name=kept_name(each.untrusted_name), why=each.why) for each in cleaned.refused)
    free = kept_files.free_places(service, keys) if cleaned.files else None
    for file in cleaned.files:
        result = kept_files.keep(service, keys, draft.form, file, free=free, harder=harder)
        if isinstance(result, NotKept):
            missed.append(Chosen(untrusted_name=kept_name(file.untrusted_name), size=file.length, why=result))
        else:
            kept.append(result)
    return replace(pending, draft=_listed(draft, kept, missed))


def _listed(draft: Draft, kept: Iterable[Kept], missed: Iterable[Chosen]) -> Draft:
    waiting = (
        Chosen(untrusted_name=each.file.untrusted_name, size=each.file.length, place=each.place) for each in kept
    )
    return replace(draft, chosen=(*waiting, *missed))
