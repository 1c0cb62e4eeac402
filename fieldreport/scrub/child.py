"""The life of one locked child: take the order, lock, clean, answer, end.

Rules: nothing is imported and nothing opened here; the filter is on before the first byte of the file is read. Whatever
goes wrong becomes a word of the vocabulary: an exception's message may quote the file, so it is dropped where it is
caught.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from fieldreport.errors import FieldreportError
from fieldreport.scratch import Scratch, ScratchShare
from fieldreport.scrub import dispatch, wire
from fieldreport.scrub.family import Sink, Source
from fieldreport.scrub.lockdown import Lock
from fieldreport.scrub.vocabulary import Mode, Refusal, Refused
from fieldreport.scrub.wire import Answer, Cleaned, NotCleaned, Order

_WARM_TEXT: Final = "warm\u200bth".encode()


def run(lock: Lock, input_fd: int, output_fd: int, channel_fd: int) -> None:
    """Clean one file. Returns when the answer is written; the caller ends the process."""
    order = Order.decode(os.read(channel_fd, wire.ORDER_BYTES))
    untrusted_input = Scratch.adopt(ScratchShare(fd=input_fd, key=order.input_key, size=order.input_size))
    output = Scratch.adopt(ScratchShare(fd=output_fd, key=order.output_key, size=0), writable=True)
    lock.seal()
    os.write(channel_fd, wire.encode(clean(untrusted_input, output, order.mode)))


def clean(untrusted_input: Scratch, output: Scratch, mode: Mode) -> Answer:
    """One file through ``dispatch``, every failure turned into a refusal."""
    try:
        sink = Sink(output)
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


def warm() -> None:
    """Walk the whole path once in the warm parent, so that nothing on it is loaded or built late."""
    directory = Path(tempfile.gettempdir())
    with Scratch(directory) as source, Scratch(directory) as output:
        source.write(_WARM_TEXT)
        wire.encode(clean(source, output, Mode.LOSSLESS))
    refused = NotCleaned(refusal=Refusal.DAMAGED, kind="ValueError")
    wire.parse(wire.encode(refused))
    Order.decode(Order(mode=Mode.LOSSLESS, input_key=bytes(32), input_size=0, output_key=bytes(32)).encode())
