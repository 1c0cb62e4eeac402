"""The service's side of the sandbox: hand a file to the warm parent, wait, believe little.

Rules: no decoder is ever imported here. A warm parent is started again when it dies. Any number of threads may call
``clean``; ``limits.SCRUBS_AT_ONCE`` of them work at a time. Results are encrypted under a key of their own: small
ones in memory, large ones in a scratch file.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fieldreport import limits
from fieldreport.errors import PlatformError, ScrubRefused
from fieldreport.scratch import Scratch, ScratchShare
from fieldreport.scrub import registry
from fieldreport.scrub.sandbox.lockdown import SandboxStatus
from fieldreport.scrub.sandbox.parent import Output, WarmParent, WarmParentGone
from fieldreport.scrub.sandbox.wire import Answer, Cleaned, NotCleaned, NotHere
from fieldreport.scrub.text import invisible
from fieldreport.scrub.verdicts import Area, Mode, Options, Redaction, Refusal, Refused, Removed, View
from fieldreport.scrub.views import document, face_areas
from fieldreport.scrub.views.document import Reading

_log = logging.getLogger(__name__)

PICTURE_TYPES: Final = ("image/jpeg", "image/png")
"""What ``Scrubber.picture`` draws; which of them, the first bytes tell."""

# Arguments of the two warm parents. The second is started when the first recording or film arrives that takes FFmpeg:
# with it every fork is a third slower.
_LEAN: Final[tuple[str, ...]] = ()
_WITH_CODECS: Final = ("--codecs",)
_WITH_FACES: Final = ("--faces",)  # a third one, for those who look for faces


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """A clean copy. ``output`` is the caller's to close; ``removed`` and ``noted`` are in the vocabulary's order."""

    media_type: str
    extension: str
    output: Scratch
    length: int
    removed: tuple[Removed, ...]
    noted: tuple[str, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """What a manifest says of it: what is gone and, after that, what stayed."""
        return (*map(str, self.removed), *self.noted)


class Scrubber:
    """Owns the warm parents. Start it before threads; close it, or use it as a context manager."""

    def __init__(self, *, directory: Path, require_sandbox: bool, arguments: Sequence[str] = ()) -> None:
        self._directory = directory
        self._require_sandbox = require_sandbox
        self._arguments = tuple(arguments)
        self._places = threading.BoundedSemaphore(limits.SCRUBS_AT_ONCE)
        self._starting = {arguments: threading.Lock() for arguments in (_LEAN, _WITH_CODECS, _WITH_FACES)}
        self._closed = False
        self._parents = {_LEAN: self._start_parent(_LEAN)}

    @classmethod
    def start(cls, *, directory: Path, require_sandbox: bool) -> Self:
        """Start the warm parent and wait until it is ready (a second or two).

        ``directory`` takes the encrypted scratch files.

        Raises:
            PlatformError: it does not come up, or the kernel lacks Landlock or seccomp and ``require_sandbox`` is set.
        """
        return cls(directory=directory, require_sandbox=require_sandbox)

    @property
    def status(self) -> SandboxStatus:
        """What the running warm parent found and uses."""
        return self._parents[_LEAN].status

    def clean(
        self,
        source: Scratch,
        *,
        mode: Mode = Mode.LOSSLESS,
        language: str = "",
        without_refused: bool = False,
        reread: tuple[str, str] = ("", ""),
    ) -> Scrubbed:
        """Clean one file in a child of its own. ``source`` stays the caller's and is read only. See ``Options``.

        Raises:
            ScrubRefused: ``code`` is a ``Refusal``; nothing of a half-made result is left.
            PlatformError: the warm parent died and cannot be started again.
        """
        return self._make(source, Options(mode=mode, language=language, without_refused=without_refused, reread=reread))

    def read(self, source: Scratch) -> Reading:
        """The words of one file, taken in a child of its own. ``source`` stays the caller's and is read only.

        Raises:
            ScrubRefused, PlatformError: as ``clean``; it was not read.
        """
        try:
            return document.decode(_whole(self._make(source, Options(view=View.WORDS))))
        except Refused as refused:
            raise _refused(NotCleaned(refusal=refused.refusal)) from None

    def picture(self, source: Scratch, *, place: tuple[int, ...], side: int) -> bytes:
        """How a place in a file looks, drawn in a child of its own: JPEG or PNG, at most ``side`` pixels wide.

        ``place``: see ``views.places``. ``source`` stays the caller's and is read only.

        Raises:
            ScrubRefused, PlatformError: as ``clean``; it cannot be drawn.
        """
        made = self._make(source, Options(view=View.PICTURE, place=place, side=side))
        picture = _whole(made)
        if made.media_type not in PICTURE_TYPES:
            raise _refused(NotCleaned(refusal=Refusal.CRASHED))
        return picture

    def likeness(self, source: Scratch) -> int | None:
        """By what a picture is known again, told by a child of its own; nothing for one that is too plain.

        See ``views.likeness``. ``source`` stays the caller's and is read only.

        Raises:
            ScrubRefused, PlatformError: as ``clean``; it is no picture.
        """
        made = _whole(self._make(source, Options(view=View.LIKENESS)))
        if made == limits.NO_LIKENESS:
            return None
        if len(made) != limits.LIKENESS_BYTES:
            raise _refused(NotCleaned(refusal=Refusal.CRASHED))
        return int.from_bytes(made)

    @property
    def finds_faces(self) -> bool:
        """Whether the extra for that is installed; see ``views.faces``."""
        return face_areas.is_installed()

    def faces(self, source: Scratch, *, page: int) -> tuple[Area, ...]:
        """Where faces seem to be on a page, told by a child of its own. ``source`` stays the caller's and is read only.

        Raises:
            ScrubRefused, PlatformError: as ``clean``; it has no pages to draw, or the extra is not installed.
        """
        if not self.finds_faces:
            raise _refused(NotCleaned(refusal=Refusal.UNSUPPORTED))
        try:
            return face_areas.decode(_whole(self._make(source, Options(view=View.FACES, place=(page,)))), page)
        except Refused as refused:
            raise _refused(NotCleaned(refusal=refused.refusal)) from None

    def redact(self, source: Scratch, redaction: Redaction) -> Scrubbed:
        """Pixels of one file with areas filled, encoded in a child of its own. ``source`` is read only.

        Of a picture a picture comes out; of a PDF, or of several pages, a PDF of pictures.

        Raises:
            ScrubRefused, PlatformError: as ``clean``; ``unsupported`` for what has no pages to draw.
        """
        return self._make(source, Options(mode=Mode.STRONG, view=View.REDACTED, redaction=redaction))

    def clean_text(self, text: str) -> tuple[str, tuple[Removed, ...]]:
        """The typed report text: Unicode form C, newlines as line feeds, copy marks dropped. No child is needed."""
        text, marked = invisible.unmark(text)
        return text, ((Removed.COPY_MARKS,) if marked else ())

    def close(self) -> None:
        """End the warm parents, and with them any child still at work."""
        self._closed = True
        for arguments, starting in self._starting.items():
            with starting:
                if arguments in self._parents:
                    self._parents[arguments].end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _make(self, source: Scratch, options: Options) -> Scrubbed:
        if source.size > limits.SCRUB_INPUT_BYTES:
            raise _refused(NotCleaned(refusal=Refusal.TOO_LARGE))
        if not self._places.acquire(timeout=limits.SCRUB_WAIT_SECONDS):
            raise _refused(NotCleaned(refusal=Refusal.BUSY))
        try:
            return self._clean(source.share(), options)
        finally:
            self._places.release()

    def _clean(self, share: ScratchShare, options: Options) -> Scrubbed:
        if share.size <= limits.SCRUB_IN_MEMORY_INPUT_BYTES:
            key, descriptor = os.urandom(32), os.memfd_create("scrubbed", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            limit = limits.SCRUB_IN_MEMORY_OUTPUT_BYTES
            answer = self._into(descriptor, key, limit, share, options, in_memory=True)
            if not isinstance(answer, NotCleaned):
                return answer
            if answer.refusal is not Refusal.TOO_LARGE:
                raise _refused(answer)
            # A small file that became a large one: once more, onto the disk.
        with Scratch(self._directory) as output:
            made = output.share()
            descriptor = os.dup(made.fd)
            answer = self._into(descriptor, made.key, limits.SCRUB_OUTPUT_BYTES, share, options, in_memory=False)
        if isinstance(answer, NotCleaned):
            raise _refused(answer)
        return answer

    def _into(
        self, descriptor: int, key: bytes, limit: int, share: ScratchShare, options: Options, *, in_memory: bool
    ) -> Scrubbed | NotCleaned:
        """Clean into a file; its descriptor belongs to the result, or is closed."""
        output = Output(fd=descriptor, key=key, limit=limit, in_memory=in_memory)
        try:
            answer = self._ask(share, output, options)
        except BaseException:
            os.close(descriptor)
            raise
        if isinstance(answer, NotCleaned):
            os.close(descriptor)
            return answer
        return Scrubbed(
            media_type=answer.media_type,
            extension=registry.OUTPUTS[answer.media_type].extension,
            output=Scratch.adopt(ScratchShare(fd=descriptor, key=key, size=answer.length)),
            length=answer.length,
            removed=answer.removed,
            noted=answer.noted,
        )

    def _ask(self, share: ScratchShare, output: Output, options: Options) -> Cleaned | NotCleaned:
        for arguments in (_WITH_FACES,) if options.view is View.FACES else (_LEAN, _WITH_CODECS):
            answer = self._ask_one(arguments, share, output, options)
            if not isinstance(answer, NotHere):
                return answer
        return NotCleaned(refusal=Refusal.CRASHED)  # no honest child says so, or says so twice

    def _ask_one(self, arguments: tuple[str, ...], share: ScratchShare, output: Output, options: Options) -> Answer:
        for _ in range(2):
            parent = self._living_parent(arguments)
            try:
                return parent.clean(share, output, options)
            except WarmParentGone:
                parent.end()
        return NotCleaned(refusal=Refusal.CRASHED)

    def _living_parent(self, arguments: tuple[str, ...]) -> WarmParent:
        with self._starting[arguments]:
            if self._closed:
                raise PlatformError("the cleaner has been closed")
            parent = self._parents.get(arguments)
            if parent is not None and parent.has_ended():
                parent.end()
                _log.warning("the process that cleans files died and is started again")
                parent = None
            if parent is None:
                parent = self._parents[arguments] = self._start_parent(arguments)
            return parent

    def _start_parent(self, arguments: tuple[str, ...]) -> WarmParent:
        parent = WarmParent((*arguments, *self._arguments))
        problems = parent.status.problems
        if self._require_sandbox and not parent.status.complete:
            parent.end()
            raise PlatformError("this machine cannot lock up the cleaner: " + "; ".join(problems))
        for problem in problems:
            _log.warning("files are cleaned with a weaker lock: %s", problem)
        return parent


def _whole(made: Scrubbed) -> bytes:
    """What a child made that is small if it is honest."""
    with made.output as output:
        if made.length > limits.SCRUB_IN_MEMORY_OUTPUT_BYTES:
            raise _refused(NotCleaned(refusal=Refusal.TOO_LARGE))
        output.seek(0)
        return output.read(made.length) or b""


def _refused(answer: NotCleaned) -> ScrubRefused:
    detail = f"scrub: {answer.refusal.value}" + (f" ({answer.kind})" if answer.kind else "")
    members = tuple((each.place, each.refusal.value) for each in answer.members)
    return ScrubRefused(answer.refusal.text, detail=detail, code=answer.refusal.value, members=members)
