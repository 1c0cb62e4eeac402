"""Attachments and sealed files of an item: reading them without opening them, players, downloads, export.

Rules: no file is ever a page of this site; ``read`` and ``original`` are pages of ours that say what is in one. Every
other answer has a type from a list, a policy that allows nothing, and a neutral name; whatever is not known to be
harmless is a download. Plaintext is streamed from the sealed payload and is never on a disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import IO, BinaryIO, Final, cast

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from typing_extensions import override
from werkzeug.wsgi import FileWrapper

from fieldreport import limits
from fieldreport.desk import access, context
from fieldreport.desk.cases import readable_case, readable_item
from fieldreport.desk.item_view import FILMS, SOUNDS, Shape, base_type, guessed_codec, shape_of
from fieldreport.desk.previews import clean_copy, confined, picture_for_screen, reread_text
from fieldreport.desk.reading_view import sheet
from fieldreport.errors import NotARecipient, NotFound, SealError
from fieldreport.scrub import Mode
from fieldreport.scrub.text.encodings import BY_CODEC
from fieldreport.seal import OpenEnvelope, Part
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.cases import inbox, source_sealed
from fieldreport.vault.cases.inbox import CaseRow, ItemRow
from fieldreport.vault.cases.readings import PLAYED

blueprint = flask.Blueprint("files", __name__)

_ANYTHING: Final = "application/octet-stream"
_NOT_SEALED: Final = frozenset({"source-sealed", "header-malformed", "header-mac", "payload"})
_SIZES: Final = {"card": 540, "screen": 1400}  # pixels across; a card is 270 wide, on sharp screens twice that
_PLACE: Final = re.compile(r"[1-9][0-9]{0,4}(?:-[1-9][0-9]{0,4}){0,3}")


def _case_of(row: ItemRow) -> CaseRow | None:
    return None if row.case_id is None else readable_case(row.case_id)


def _open(stack: ExitStack, item_id: bytes, number: int) -> tuple[OpenEnvelope, Part]:
    envelope, part = _open_any(stack, item_id, number)
    if shape_of(part.media_type) is Shape.ORIGINAL:
        raise NotFound(Sentence("This file was kept unchanged, and is not opened here."))
    return envelope, part


def _open_any(stack: ExitStack, item_id: bytes, number: int) -> tuple[OpenEnvelope, Part]:
    """As ``_open``, also of what is only carried away from here, as it is sealed."""
    readable_item(item_id)
    envelope = stack.enter_context(context.seat().open_item(item_id))
    if number >= len(envelope.manifest.parts):
        raise NotFound(Sentence("This item has no such attachment."))
    return envelope, envelope.manifest.parts[number]


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/picture")
def picture(item_id: bytes, number: int) -> ResponseReturnValue:
    """A picture, decoded and re-encoded in the sandbox."""
    desk = context.desk()
    with ExitStack() as stack:
        envelope, part = _open(stack, item_id, number)
        if shape_of(part.media_type) is not Shape.IMAGE:
            raise NotFound(Sentence("This is not a picture."))
        media_type, body = picture_for_screen(
            envelope.open_part(number), scrubber=desk.scrubber, scratch=desk.settings.desk.data / "scratch"
        )
    response = flask.Response(body, mimetype=media_type)
    response.headers["Content-Disposition"] = f'inline; filename="{part.name}"'
    return confined(response)


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/look/<place>/<size>")
def look(item_id: bytes, number: int, place: str, size: str) -> ResponseReturnValue:
    """A page, picture, film or recording as a picture of the size of a card or a screen: drawn in the sandbox once."""
    if size not in _SIZES or not _PLACE.fullmatch(place):
        raise NotFound(Sentence("There is no such picture."))
    with ExitStack() as stack:
        envelope, part = _open(stack, item_id, number)
        body = context.desk().site.reader.picture(
            context.seat(), envelope, number, place=tuple(map(int, place.split("-"))), side=_SIZES[size]
        )
    response = flask.Response(body, mimetype="image/png" if body.startswith(b"\x89PNG") else "image/jpeg")
    response.headers["Content-Disposition"] = f'inline; filename="{part.name}"'
    return confined(response)


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/read")
def read(item_id: bytes, number: int) -> ResponseReturnValue:
    """What is in an attachment, without opening it: pages as pictures, and its words."""
    with ExitStack() as stack:
        row, (envelope, part) = readable_item(item_id), _open(stack, item_id, number)
        reading = context.desk().site.reader.words(context.seat(), envelope, number)
        with context.desk().site.reader.playable(context.seat(), item_id, number) as film:
            playable = film is not None
    return flask.render_template(
        "reading.html",
        row=row,
        case=_case_of(row),
        number=number,
        part=part,
        shape=shape_of(part.media_type),
        kind=part.media_type.partition("/")[0],
        reading=reading,
        sheet=None if reading is None else sheet(reading, flask.request.args.get("sheet", 1, int)),
        playable=playable,
        draws_no_letters=base_type(part) == "image/svg+xml",
        shortcuts=context.session().shortcuts,
    )


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/original")
def original(item_id: bytes, number: int) -> ResponseReturnValue:
    """Before an attachment leaves the desk as it is: what may happen, and the way that is safer."""
    with ExitStack() as stack:
        row, (_, part) = readable_item(item_id), _open(stack, item_id, number)
    return flask.render_template("original.html", row=row, case=_case_of(row), number=number, part=part)


@access.editor
@blueprint.post("/items/<id:item_id>/<int:number>/playable")
def make_playable(item_id: bytes, number: int) -> ResponseReturnValue:
    """Sound or film that browsers do not play, encoded again in the sandbox."""
    with ExitStack() as stack:
        envelope, _ = _open(stack, item_id, number)
        context.desk().site.reader.make_playable(context.seat(), envelope, number)
    return flask.redirect(flask.url_for(".read", item_id=item_id, number=number), code=303)


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/played")
def played(item_id: bytes, number: int) -> ResponseReturnValue:
    """What ``make_playable`` made, from any position."""
    stack = ExitStack()
    with stack:
        readable_item(item_id)
        film = stack.enter_context(context.desk().site.reader.playable(context.seat(), item_id, number))
        if film is None or film.manifest.parts[0].media_type not in PLAYED:
            raise NotFound(Sentence("This was not made playable."))
        part = film.manifest.parts[0]
        response = _stream(film, 0, part, opened=stack, mimetype=part.media_type)
        response.make_conditional(flask.request, accept_ranges=True, complete_length=part.length)
    return confined(response)


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/play")
def play(item_id: bytes, number: int) -> ResponseReturnValue:
    """Sound or film, from any position."""
    stack = ExitStack()
    with stack:
        envelope, part = _open(stack, item_id, number)
        base = part.media_type.partition(";")[0].lower()
        if base not in SOUNDS | FILMS:
            raise NotFound(Sentence("This is not sound or video."))
        response = _stream(envelope, number, part, opened=stack, mimetype=base)
        response.make_conditional(flask.request, accept_ranges=True, complete_length=part.length)
    return confined(response)


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/download")
def download(item_id: bytes, number: int) -> ResponseReturnValue:
    """An attachment as it was cleaned at the intake, or as it is sealed apart, under its neutral name."""
    stack = ExitStack()
    with stack:
        envelope, part = _open_any(stack, item_id, number)
        response = _stream(envelope, number, part, opened=stack, mimetype=_ANYTHING)
        response.headers["Content-Disposition"] = f'attachment; filename="{part.name}"'
    return confined(response)


@access.editor
@blueprint.get("/items/<id:item_id>/<int:number>/reading")
def reading(item_id: bytes, number: int) -> ResponseReturnValue:
    """A text whose encoding was guessed, from the same bytes in another one."""
    desk = context.desk()
    with ExitStack() as stack:
        envelope, part = _open(stack, item_id, number)
        guessed, chosen = guessed_codec(part), BY_CODEC.get(flask.request.args.get("codec", ""))
        if shape_of(part.media_type) is not Shape.TEXT or not guessed or chosen is None:
            raise NotFound(Sentence("This is no text that can be read another way."))
        text = reread_text(
            envelope.open_part(number),
            (guessed, chosen.codec),
            scrubber=desk.scrubber,
            scratch=desk.settings.desk.data / "scratch",
        )
    response = flask.Response(text, mimetype="text/plain")
    response.headers["Content-Disposition"] = f'inline; filename="{part.name}"'
    return confined(response)


@access.editor
@blueprint.post("/items/<id:item_id>/<int:number>/open")
def open_sealed(item_id: bytes, number: int) -> ResponseReturnValue:
    """Open a file that its source sealed: what the sandbox has cleaned is stored beside it, or why that failed."""
    desk, row = context.desk(), readable_item(item_id)
    clean = partial(
        clean_copy,
        mode=Mode.STRONG if desk.settings.scrub.strong else Mode.LOSSLESS,
        scrubber=desk.scrubber,
        scratch=desk.settings.desk.data / "scratch",
    )
    try:
        made = source_sealed.open_and_clean(context.seat(), item_id, number, clean)
    except NotARecipient:
        context.say(
            _(
                "None of your keys opens this file, and no colleague has opened it here. Ask a colleague to try. "
                "If nobody can, its source used an old list of keys: ask them to lock it again."
            )
        )
    except SealError as error:
        if error.code not in _NOT_SEALED:
            raise
        context.say(_("This file was damaged before it came, or age did not seal it. It stays as it is."))
    else:
        context.say(_("Opened and cleaned here.") if made.clean else _("It was opened, and could not be cleaned."))
    return flask.redirect(flask.url_for("cases.show", case_id=row.case_id), code=303)


class _ClosingWrapper(FileWrapper):
    """Reads a part in chunks, and closes its payload when the answer is sent or its reader is gone.

    The server closes what it iterates over, and with a range or a direct answer that is this object, not the response.
    """

    def __init__(self, source: IO[bytes], opened: ExitStack) -> None:
        super().__init__(source, limits.CHUNK_BYTES)
        self._opened = opened

    @override
    def close(self) -> None:
        self._opened.close()


def _stream(envelope: OpenEnvelope, number: int, part: Part, *, opened: ExitStack, mimetype: str) -> flask.Response:
    source = cast("IO[bytes]", envelope.open_part(number))
    response = flask.Response(_ClosingWrapper(source, opened.pop_all()), mimetype=mimetype, direct_passthrough=True)
    response.content_length = part.length
    return response


@access.editor
@blueprint.get("/items/<id:item_id>/export")
def export(item_id: bytes) -> ResponseReturnValue:
    """The sealed file as it is stored, to be opened on a machine without a network: header, then payload."""
    desk = context.desk()
    row = readable_item(item_id)
    stored = desk.vault.objects.open(item_id)
    case = inbox.get(desk.vault, row.case_id, viewer=context.session().handle) if row.case_id is not None else None
    name = case.name if case is not None else "unsorted"
    context.seat().record(Act.CASE_EXPORTED, name)
    response = flask.Response(_sealed(stored.header, stored.payload), mimetype=_ANYTHING)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{item_id.hex()[:8]}.age"'
    response.call_on_close(stored.payload.close)
    return confined(response)


def _sealed(header: bytes, payload: BinaryIO) -> Iterator[bytes]:
    yield header
    while chunk := payload.read(limits.CHUNK_BYTES):
        yield chunk
