"""One file from sniffing to verification. Runs in the locked child; knows nothing of processes.

Why ``verify`` runs in the same child that cleaned: it guards against *our* mistakes, a chunk the cleaner passed on, a
format feature nobody knew. For that it needs other code, not another process. What it cannot guard against is a child
that a hostile file has taken over: that one may write whatever it likes, and a second child would only tell us that
the result is well formed, which a hostile file usually is. Against such a result stand the editors' previews, which
are made of pixels in children of their own. So a second child would cost every honest file a fork and stop no
attacker.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.documents import extract
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.registry import Strong
from fieldreport.scrub.sniff import as_text, sniff
from fieldreport.scrub.verdicts import Damaged, Mode, Noted, Options, Refusal, Refused, Removed

# Why our own reader leaves a recording or film to FFmpeg: a codec that its format's container rarely holds, a structure
# that players forgive.
_FOR_FFMPEG: Final = frozenset({Refusal.UNSUPPORTED, Refusal.DAMAGED})

# Who writes these often puts the same into the pixels, where nobody sees it.
_MARKED: Final = frozenset({Removed.CREDENTIALS, Removed.SAYS_AI})
_JUDGED: Final = frozenset({Removed.FITS, Removed.CHANGED, Removed.UNCHECKED})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Sniff, clean and verify; the answer is the output's media type.

    Raises:
        Refused: and the sink's content is to be thrown away.
        Elsewhere: there is a recording or film for FFmpeg, or a signature to check, and neither was loaded here.
    """
    found = sniff(untrusted_source)
    row = registry.row(found, cleaning.mode)
    if cleaning.mode is Mode.STRONG and row.strong is Strong.TRANSCODE and row.package != registry.REMUX:
        return _transcode(untrusted_source, sink, cleaning)
    if cleaning.mode is Mode.STRONG and row.strong is Strong.EXTRACT:
        return _extract(untrusted_source, sink, cleaning)
    known = frozenset(cleaning.removed)
    try:
        media_type = registry.cleaner(row.package)(untrusted_source, sink, cleaning)
    except Refused as refused:
        if row.strong is not Strong.TRANSCODE or row.package == registry.REMUX or refused.refusal not in _FOR_FFMPEG:
            raise
        sink.seek(0)
        sink.truncate()
        cleaning.removed &= known  # what it would have left out may be kept now
        media_type = registry.cleaner(registry.REMUX)(untrusted_source, sink, cleaning)
    if media_type not in registry.OUTPUTS or not sink.size:
        raise Damaged
    if Removed.CREDENTIALS in cleaning.removed:
        _judge(untrusted_source, found, cleaning)
    if not cleaning.removed.isdisjoint(_MARKED):
        cleaning.noted.add(Noted.WATERMARKS)
    # The output may be of another format (an image made of a document): the one that owns the type verifies.
    if registry.verify(sink.source(), media_type) != cleaning.counted:
        raise Damaged  # a frame was lost on the way, or is one that only some players see
    return media_type


def _judge(untrusted_source: Source, media_type: str, cleaning: Cleaning) -> None:
    """Whether a file's own Content Credentials fit it. Those of a file inside it were judged with that file."""
    verdict = registry.judge()(untrusted_source, media_type)
    if verdict is not None:
        cleaning.removed.add(verdict)
    elif cleaning.removed.isdisjoint(_JUDGED):
        cleaning.removed.add(Removed.UNCHECKED)


def _transcode(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A recording or film: cleaned, so that decoders see what is allowed and no more; re-encoded; and cleaned again.

    What the second cleaning takes out is what our own encoders say, so it is not reported.
    """
    if untrusted_source.size > limits.PLAYED_BYTES:
        raise Refused(Refusal.TOO_LARGE)
    reencode = registry.reencoder()
    cleaned = Sink()
    media_type = clean(untrusted_source, cleaned, cleaning.lossless())
    made = reencode(cleaned.source(), registry.OUTPUTS[media_type].demuxer)
    cleaning.noted.discard(Noted.TRIMMED)  # what is encoded again is what is seen
    cleaning.spend(len(made))
    return clean(Source.of(made), sink, dataclasses.replace(cleaning.lossless(), removed=set()))


def _extract(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A document: cleaned, and of what is left the words, and the pictures with their pixels re-encoded."""
    cleaned = Sink()
    media_type = clean(untrusted_source, cleaned, cleaning.lossless())
    words, pictures = extract.words_and_pictures(cleaned.source().whole(limits.SCRUB_OUTPUT_BYTES), media_type)
    if not words.strip() and not pictures:
        raise Refused(Refusal.EMPTY)
    text = as_text(words or "\n").encode()
    cleaning.noted.discard(Noted.PRINTER_DOTS)  # the pictures are still to be cleaned in strong mode
    made = text if not pictures else extract.packed(text, pictures)
    cleaning.spend(len(made))
    cleaning.removed.add(Removed.LAYOUT)
    return clean(Source.of(made), sink, dataclasses.replace(cleaning, removed=set()))


def new_cleaning(options: Options | Mode) -> Cleaning:
    """The beginning of one file's way: full budget, nothing found. A mode stands for the options that are usual."""
    if isinstance(options, Mode):
        options = Options(mode=options)
    return Cleaning(dispatch=clean, options=options)
