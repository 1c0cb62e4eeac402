"""The work of one locked child: take the order, clean, answer, end.

Rules: nothing is imported and nothing opened here, for the lock is on before there is a file. Whatever goes wrong
becomes a word of the vocabulary: an exception's message may quote the file, so it is dropped where it is caught.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Final

from fieldreport.errors import FieldreportError
from fieldreport.scratch import Scratch, ScratchShare
from fieldreport.scrub import pipeline
from fieldreport.scrub.format import Clean, Sink, Source
from fieldreport.scrub.sandbox import wire
from fieldreport.scrub.sandbox.wire import Answer, Cleaned, NotCleaned, NotHere, Order
from fieldreport.scrub.verdicts import Elsewhere, Options, Refusal, Refused, View
from fieldreport.scrub.views import faces, likeness, pictures, redacted, words

_MAKERS: Final[Mapping[View, Clean]] = {
    View.COPY: pipeline.clean,
    View.WORDS: words.write,
    View.PICTURE: pictures.write,
    View.LIKENESS: likeness.write,
    View.FACES: faces.write,
    View.REDACTED: redacted.write,
}


def run(channel: socket.socket) -> None:
    """Wait for an order and carry it out. Returns when it is answered or none will come; the caller ends."""
    order, descriptors, _, _ = socket.recv_fds(channel, wire.ORDER_BYTES, wire.ORDER_DESCRIPTORS)
    if len(descriptors) == wire.ORDER_DESCRIPTORS:
        # With write(2), for the lock lets nothing be sent by a call that could pass a descriptor on.
        os.write(channel.fileno(), wire.encode(perform(Order.decode(order), *descriptors)))


def perform(order: Order, input_fd: int, output_fd: int) -> Answer:
    """One order, by descriptors that are closed with it."""
    share = ScratchShare(fd=input_fd, key=order.input_key, size=order.input_size)
    result = ScratchShare(fd=output_fd, key=order.output_key, size=0)
    with Scratch.adopt(share) as untrusted_input, Scratch.adopt(result, writable=True) as output:
        return make(untrusted_input, Sink(output, limit=order.output_limit), output, order.options)


def make(untrusted_input: Scratch, sink: Sink, output: Scratch, options: Options) -> Answer:
    """What the options ask for, into the sink over ``output``, every failure turned into a refusal."""
    try:
        cleaning = pipeline.new_cleaning(options)
        media_type = _MAKERS[options.view](Source(untrusted_input, untrusted_input.size), sink, cleaning)
        output.flush()
    except Refused as refused:
        return NotCleaned(refusal=refused.refusal, members=refused.members)
    except Elsewhere:
        return NotHere()
    except MemoryError:
        return NotCleaned(refusal=Refusal.MEMORY)
    except FieldreportError as error:  # of the scratch file: a full disk says nothing about the file
        return NotCleaned(refusal=Refusal.BUSY, kind=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like
        return NotCleaned(refusal=Refusal.DAMAGED, kind=type(error).__name__)
    removed, noted = wire.in_order(cleaning.removed, cleaning.noted)
    return Cleaned(media_type=media_type, length=sink.size, removed=removed, noted=noted)
