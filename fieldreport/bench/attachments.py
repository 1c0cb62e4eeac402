"""How long an editor waits for a case, for the first page of a document, and for any place of a film.

The desk is the whole application, in this process; letters come through the mailbox as a source's do.
"""

from __future__ import annotations

import io
import os
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pikepdf
import pypdfium2
from werkzeug.test import Client

from fieldreport import limits
from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.bench.samples import samples
from fieldreport.bench.sign_in import running_desk
from fieldreport.desk import context
from fieldreport.desk.context import Desk
from fieldreport.errors import FieldreportError
from fieldreport.installation import add_member, make
from fieldreport.mailbox import open_mailbox
from fieldreport.scratch import Scratch
from fieldreport.scrub.format import Sink
from fieldreport.scrub.registry import NeutralNames
from fieldreport.seal import Codename, Role, SourceKeys
from fieldreport.seal.letter import CleanFile, Letter
from fieldreport.seekable import SeekableReader
from fieldreport.unseal import key_file
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases import inbox, sort
from fieldreport.vault.cases.collect import collect

_MESSAGES: Final = 50
_ROUNDS: Final = 9
_PAGES: Final = 100
_FILM_BYTES: Final = 400 * limits.MIB
_PLACES: Final = 20
_TRIES: Final = 5  # at each place
_WIDE: Final = 1400
_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ATTACHED: Final = (
    *[("jpg", "image/jpeg")] * 8,
    *[("pdf", "application/pdf")] * 4,
    *[("docx", _WORD)] * 4,
    *[("txt", "text/plain")] * 4,
)
_DRAWN: Final = 12  # of them


def measure(sheet: Sheet) -> None:
    """Write the case, the first page over its own rendering, all words of a document, and the film's first bytes."""
    with tempfile.TemporaryDirectory() as name, _signed_in(Path(name)) as (desk, client):
        made = samples()
        case, item = _receive(desk, [(kind, _sink(made[ending]())) for ending, kind in _ATTACHED], before=_MESSAGES - 1)
        parts = range(1, len(_ATTACHED) + 1)
        for number in parts:
            _seconds(client, f"{item}/{number}/read")
            if number <= _DRAWN:
                _seconds(client, f"{item}/{number}/look/1/card")
        work = statistics.median(_work(client, case) for _ in range(_ROUNDS))
        sheet.figure("work for a case of 50 messages, 20 files shown before", work * 1000, "ms", at_most=100)
        cards = sum(_seconds(client, f"{item}/{number}/look/1/card") for number in parts[:_DRAWN])
        sheet.figure("the pictures of 12 of them, kept", cards * 1000, "ms")
        _document(sheet, desk, client)
        _film(sheet, desk, client, Path(name))


def _document(sheet: Sheet, desk: Desk, client: Client) -> None:
    content = _pages()
    # Each a letter of its own: a page that was drawn once is kept.
    items = iter([_receive(desk, [("application/pdf", _sink(content))])[1] for _ in range(_ROUNDS + 1)])
    shown: list[str] = []

    def first_page() -> None:
        shown.append(next(items))
        client.get(f"{shown[-1]}/1/look/1/screen")

    drawn = in_turn(first_page, lambda: _draw(content), rounds=_ROUNDS, warm=1)
    sheet.pair("first page of a document of 100, never shown before", drawn, "drawing it alone")
    over = (drawn.seconds - drawn.floor_seconds) * 1000
    sheet.figure("the same, over drawing it", over, "ms", at_most=300)
    words = statistics.median(_seconds(client, f"{item}/1/read") for item in shown)
    sheet.figure("the words of all its pages, never read before", words * 1000, "ms")


def _film(sheet: Sheet, desk: Desk, client: Client, directory: Path) -> None:
    with Scratch(directory) as film:
        for _ in range(_FILM_BYTES // limits.MIB):
            film.write(os.urandom(limits.MIB))
        _, item = _receive(desk, [("video/mp4", film)])
    places = [random.randrange(_FILM_BYTES) for _ in range(_PLACES)]  # noqa: S311 - no secret
    address = f"{item}/1/play"
    waits = [statistics.median(_first_byte(client, address, place) for _ in range(_TRIES)) for place in places]
    sheet.figure("first byte of a film of 400 MB, the slowest of 20 places", max(waits) * 1000, "ms", at_most=50)


@contextmanager
def _signed_in(directory: Path) -> Iterator[tuple[Desk, Client]]:
    made = make(directory / "newsroom", name="Bench")
    files = made.settings.desk.keyfiles
    admin = key_file.unlock(files / f"{made.admin.handle}.key", made.admin.passphrase)
    editor = add_member(made.settings, handle="editor", role=Role.EDITOR, admin_key=admin)
    key = key_file.unlock(files / "editor.key", editor.passphrase)
    with running_desk(made) as app:
        desk = context.of(app)
        cookie, _ = desk.sessions.begin(handle="editor", role=Role.EDITOR, seat=Seat(desk.vault, key, desk.rosters))
        client = Client(app)
        client.set_cookie(desk.cookie_name, cookie, secure=True)
        yield desk, client


def _receive(desk: Desk, files: Sequence[tuple[str, SeekableReader]], *, before: int = 0) -> tuple[str, str]:
    """The addresses of a new case and of its last letter, which has the files; ``before``: other letters."""
    keys = SourceKeys.derive(Codename.generate("en"), instance=desk.vault.instance)
    names = NeutralNames()
    given = tuple(
        CleanFile(
            untrusted_name="",
            name=names.next(kind),
            media_type=kind,
            length=file.seek(0, io.SEEK_END),
            removed=(),
            output=file,
            original_sha256=secrets.token_bytes(32),
        )
        for kind, file in files
    )
    mailbox = open_mailbox(desk.settings)
    roster = desk.rosters.newest()
    last = Letter(
        fields={"action": "report", "report_language": "en"},
        text=b"At night the gate was opened, and about twenty people were let through. " * 5,
        text_removed=(),
        files=given,
        form=secrets.token_hex(16),
        keys=keys,
        number=before + 1,
    )
    others = [replace(last, files=(), form=secrets.token_hex(16), number=number) for number in range(1, before + 1)]
    for letter in (*others, last):
        mailbox.deposit(letter.id(), roster.epoch, partial(letter.seal_to, roster, 0))
    mailbox.close()
    collect(desk.vault, desk.mailbox, desk.rosters)
    (session,) = desk.sessions.of_role(Role.EDITOR)
    sort.sort(session.seat)
    item = inbox.item(desk.vault, last.id())
    if item.case_id is None:
        raise FieldreportError("a letter was not sorted")
    return f"/cases/{item.case_id.hex()}", f"/items/{item.id.hex()}"


def _sink(content: bytes) -> Sink:
    sink = Sink()
    sink.write(content)
    return sink


def _pages() -> bytes:
    with pikepdf.new() as document, io.BytesIO() as file:
        kind = {"/Type": pikepdf.Name.Font, "/Subtype": pikepdf.Name.Type1, "/BaseFont": pikepdf.Name.Helvetica}
        font = document.make_indirect(pikepdf.Dictionary(kind))
        for number in range(1, _PAGES + 1):
            page = document.add_blank_page(page_size=(595, 842))
            page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            lines = " ".join(f"(Page {number}, line {line}: the gate was opened at night.) Tj T*" for line in range(50))
            page.obj.Contents = document.make_stream(f"BT /F1 11 Tf 14 TL 60 780 Td {lines} ET".encode())
        document.save(file)
        return file.getvalue()


def _draw(content: bytes) -> None:
    document = pypdfium2.PdfDocument(content)
    page = document[0]
    picture = page.render(scale=_WIDE / page.get_width()).to_pil().convert("RGB")
    picture.save(io.BytesIO(), "JPEG", quality=85, subsampling=2)
    document.close()


def _seconds(client: Client, address: str) -> float:
    began = time.monotonic()
    response = client.get(address)
    took = time.monotonic() - began
    if response.status_code != 200:  # noqa: PLR2004 - HTTP
        raise FieldreportError(f"{address} answered {response.status_code}")
    return took


def _work(client: Client, address: str) -> float:
    """Processor time of this process: what others do on the machine is no work for the case."""
    began = time.process_time()
    _seconds(client, address)
    return time.process_time() - began


def _first_byte(client: Client, address: str, place: int) -> float:
    began = time.monotonic()
    with client.get(address, headers={"Range": f"bytes={place}-"}, buffered=False) as response:
        next(response.iter_encoded())
        return time.monotonic() - began
