"""The floor for the intake's bench: the same server and form reader with an application that does nearly nothing.

Run as a process of its own: ``python -m fieldreport.bench.plain_server PORT DIRECTORY``. ``POST /nothing`` reads a
form, keeps no file of it, and answers. ``POST /seal`` takes one file the way of a report, through the scratch file into
a durable sealed blob, but cleans nothing: the way of a type that would pass through unparsed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO, Final, cast

from fieldreport import limits
from fieldreport.seal import Binding, HybridIdentity, Kind, PartSource, seal_envelope
from fieldreport.store import open_blobs, spooled
from fieldreport.web.application import Application
from fieldreport.web.request_body import current_request
from fieldreport.web.serve import serve

_ANSWER: Final = "received " * 1000  # about the size of a receipt
_RECIPIENTS: Final = 5


def build(directory: Path) -> Application:
    """The application; blobs and scratch files go to ``directory``."""
    app = Application("fieldreport.web", trusted_hosts=("127.0.0.1",))
    app.config.update(SCRATCH_DIRECTORY=directory, REQUEST_BYTES=limits.SCRATCH_BYTES)
    blobs = open_blobs(directory / "blobs")
    recipients = [HybridIdentity.generate().recipient for _ in range(_RECIPIENTS)]

    def nothing() -> str:
        current_request().typed()
        return _ANSWER

    def seal() -> str:
        (upload,) = current_request().uploads
        name = os.urandom(16)
        binding = Binding(kind=Kind.LETTER, epoch=1, roster=bytes(32), instance=name, thread=name, object=name)
        part = PartSource(
            name="file.bin",
            media_type="application/octet-stream",
            source=cast("BinaryIO", upload.source),
            length=upload.length,
        )

        def write(payload: BinaryIO) -> bytes:
            return seal_envelope(binding, hour=0, fields={}, parts=[part], recipients=recipients, payload_to=payload)

        with spooled(blobs, write, most_bytes=limits.SCRATCH_BYTES):
            return _ANSWER  # durable now; not kept, because the next round needs the room

    app.post("/nothing")(nothing)
    app.post("/seal")(seal)
    return app


if __name__ == "__main__":
    serve(lambda: build(Path(sys.argv[2])), listen=f"127.0.0.1:{int(sys.argv[1])}", threads=4)
