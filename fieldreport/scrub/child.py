"""The life of one locked child: take the order, lock, clean, answer, end.

Rules: nothing is imported and nothing opened here; the filter is on before the first byte of the file is read. Whatever
goes wrong becomes a word of the vocabulary: an exception's message may quote the file, so it is dropped where it is
caught.
"""

from __future__ import annotations

import os

from PIL import Image

from fieldreport.errors import FieldreportError
from fieldreport.scratch import Scratch, ScratchShare
from fieldreport.scrub import dispatch, pixels, wire
from fieldreport.scrub.family import Sink, Source
from fieldreport.scrub.lockdown import Lock
from fieldreport.scrub.vocabulary import Mode, Refusal, Refused
from fieldreport.scrub.wire import Answer, Cleaned, NotCleaned, Order


def run(lock: Lock, input_fd: int, output_fd: int, channel_fd: int) -> None:
    """Clean one file. Returns when the answer is written; the caller ends the process."""
    order = Order.decode(os.read(channel_fd, wire.ORDER_BYTES))
    lock.seal()
    os.write(channel_fd, wire.encode(_perform(order, input_fd, output_fd)))


def _perform(order: Order, input_fd: int, output_fd: int) -> Answer:
    share = ScratchShare(fd=input_fd, key=order.input_key, size=order.input_size)
    result = ScratchShare(fd=output_fd, key=order.output_key, size=0)
    with Scratch.adopt(share) as untrusted_input, Scratch.adopt(result, writable=True) as output:
        return clean(untrusted_input, Sink(output, limit=order.output_limit), output, order.mode)


def clean(untrusted_input: Scratch, sink: Sink, output: Scratch, mode: Mode) -> Answer:
    """One file through ``dispatch`` into the sink over ``output``, every failure turned into a refusal."""
    try:
        cleaning = dispatch.new_cleaning(mode)
        media_type = dispatch.clean(Source(untrusted_input, untrusted_input.size), sink, cleaning)
        output.flush()
    except Refused as refused:
        return NotCleaned(refusal=refused.refusal)
    except MemoryError:
        return NotCleaned(refusal=Refusal.MEMORY)
    except FieldreportError as error:  # of the scratch file: a full disk says nothing about the file
        return NotCleaned(refusal=Refusal.BUSY, kind=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like
        return NotCleaned(refusal=Refusal.DAMAGED, kind=type(error).__name__)
    return Cleaned(media_type=media_type, length=sink.size, removed=wire.in_order(cleaning.removed))


class Rehearsal:
    """A picture of ours, cleaned once in the warm parent and once in every child before its file arrives.

    The first time loads whatever libraries load late. After that, a child that has been forked shares its parent's
    memory until it touches it, and the first touch of every page is slow; a child that rehearses while nobody waits
    has these behind it. Both files are in memory only.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._input, self._output = os.memfd_create("rehearsal"), os.memfd_create("rehearsal")
        sample = pixels.encode_jpeg(Image.new("RGB", (16, 16), "gray"))
        with Scratch.adopt(ScratchShare(fd=os.dup(self._input), key=self._key, size=0), writable=True) as written:
            written.write(sample)
        self._size = len(sample)

    def perform(self) -> None:
        """Everything that ``run`` does but the lock."""
        order = Order(
            mode=Mode.LOSSLESS,
            input_key=self._key,
            input_size=self._size,
            output_key=self._key,
            output_limit=self._size * 2,
        )
        answer = _perform(Order.decode(order.encode()), os.dup(self._input), os.dup(self._output))
        wire.parse(wire.encode(answer))
