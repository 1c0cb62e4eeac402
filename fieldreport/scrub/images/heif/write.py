"""Choosing what of a HEIF file is copied, and decoding a picture that cannot stay as it is."""

from __future__ import annotations

import struct
from typing import Final

from PIL import Image

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import animation, icc, icc_profiles, metadata
from fieldreport.scrub.images import codecs as pixels
from fieldreport.scrub.images.decoded import write
from fieldreport.scrub.images.heif import codecs
from fieldreport.scrub.images.heif.parse import Album, Item, described_by, parse
from fieldreport.scrub.images.heif.pieces import Piece, assemble
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Refusal, Refused, Removed

_ALPHA: Final = frozenset({b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"})
_CODED: Final = frozenset({b"hvc1", b"av01"})
_PICTURES: Final = _CODED | {b"grid", b"iden", b"iovl", b"jpeg"}
_ABOUT_ANOTHER: Final = frozenset({b"thmb", b"auxl", b"base"})
_TURNS: Final = frozenset({b"clap", b"irot", b"imir"})
_TILES: Final = 2048
_DERIVED: Final = 8  # pictures in a row, each the one before turned or cut


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The primary picture, in a new file of the same kind where it can stay as it is."""
    if untrusted_source.size > limits.SCRUB_WHOLE_BYTES:
        raise Refused(Refusal.TOO_LARGE)
    if untrusted_source.read_at(8, 4) == b"avis":
        return _animation(untrusted_source, sink, cleaning)
    album = parse(untrusted_source)
    cleaning.removed |= _categories(album)
    picture = _Copier(album, cleaning).copy_all()
    if picture.must_decode or cleaning.mode is Mode.STRONG:
        return _decode(picture, sink, cleaning)
    sink.write(assemble(picture.pieces))
    return "image/avif" if picture.is_av1 else "image/heic"


def _animation(source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """An AVIF that plays: its frames as an animated PNG."""
    data = source.whole()
    cleaning.removed |= metadata.in_credentials(data)  # and what else a film may say, not looked at
    with pixels.any_error_is_damage():
        opened = pixels.open_one(data, "image/avif")
        frames = int(getattr(opened, "n_frames", 1))
    check_image(*opened.size, frames=frames)
    cleaning.removed.add(Removed.OTHER_METADATA)
    made = animation.frames_as_png(data, "image/avif", size=opened.size, frames=frames, profile=None, cleaning=cleaning)
    return write_png.clean(Source.of(made), sink, cleaning.lossless())


def _categories(album: Album) -> set[Removed]:
    """What the rest of the file would say."""
    removed: set[Removed] = set()
    for number, item in album.items.items():
        if item.kind == b"Exif":
            removed |= metadata.in_exif(metadata.of_exif_item(album.data(number))).removed
        elif item.kind == b"mime":
            removed |= metadata.in_xmp(album.data(number))
        elif item.kind == b"uri ":
            removed.add(Removed.OTHER_METADATA)
    parts = {item for (kind, _), to in album.references.items() if kind == b"dimg" for item in to}
    parts |= {item for kind, item in album.references if kind in _ABOUT_ANOTHER} | {album.primary}
    if any(item.kind in _PICTURES and number not in parts for number, item in album.items.items()):
        removed.add(Removed.PICTURES)  # of a burst, or the other eye's
    if described_by(album, b"thmb", album.primary):
        removed.add(Removed.THUMBNAIL)
    layers = described_by(album, b"auxl", album.primary)
    if any(_alpha_kind(item) is None for item in layers.values()):
        removed.add(Removed.HIDDEN_CONTENT)  # depth, gain and portrait masks
    if b"moov" in album.top_level:
        removed.add(Removed.MOTION_VIDEO)
    for box in album.boxes:
        removed |= metadata.in_credentials(box)
    if album.top_level - {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"uuid"}:
        removed.add(Removed.TRAILING_DATA)
    return removed


def _alpha_kind(item: Item) -> bytes | None:
    for found in item.properties:
        if found.kind == b"auxC":
            name = found.payload[4:].partition(b"\0")[0]
            return name if name in _ALPHA else None
    return None


class _Copier:
    """Collects the pieces of the new file, and finds out whether it has to be decoded instead."""

    def __init__(self, album: Album, cleaning: Cleaning) -> None:
        self._album = album
        self._cleaning = cleaning
        self._numbers: dict[int, int] = {}  # of the old file to the new
        self._coded_pixels = 0
        self.pieces: list[Piece] = []
        self.must_decode = False
        self.is_av1 = False
        self.turns: list[tuple[bytes, bytes]] = []  # of pictures that are the first piece turned or cut
        self.untrusted_profile = b""

    def copy_all(self) -> _Copier:
        number = self._album.primary
        while (item := self._album.items.get(number)) is not None and item.kind == b"iden":
            number = self._underneath(number, item)
        self._copy(number, alpha_of=None)
        return self

    def _underneath(self, number: int, item: Item) -> int:
        """The picture that another one is, turned or cut (ISO/IEC 23008-12, 6.6.2.1)."""
        below = self._album.references.get((b"dimg", number), ())
        if len(below) != 1 or len(self.turns) > _DERIVED or below[0] == number:
            raise Damaged
        own = [(found.kind, found.payload) for found in item.properties if found.kind in _TURNS]
        strange = any(found.essential and found.kind not in _TURNS for found in item.properties)
        if not own or strange or described_by(self._album, b"auxl", number):
            raise Refused(Refusal.UNSUPPORTED)
        self.turns, self.must_decode = own + self.turns, True
        return below[0]

    def _transparency(self, number: int, new: Piece) -> None:
        """Copy what makes a picture, or a tile of one, transparent."""
        for layer, item in described_by(self._album, b"auxl", number).items():
            if _alpha_kind(item) is not None:
                self._copy(layer, alpha_of=new.number)
                return

    def _copy(self, number: int, *, alpha_of: int | None) -> int:
        """Copy an item and what it is made of; answers its new number."""
        if number in self._numbers:
            return self._numbers[number]
        item = self._album.items.get(number)
        if item is None:
            raise Damaged
        new = Piece(number=len(self.pieces) + 1, kind=item.kind, alpha_of=alpha_of)
        self._numbers[number] = new.number
        self.pieces.append(new)
        if len(self.pieces) > _TILES:
            raise Bomb
        sizes: list[tuple[int, int]] = []
        length_bytes = 0
        for found in item.properties:
            match found.kind:
                case b"hvcC" if item.kind == b"hvc1":
                    configuration, length_bytes, sizes = codecs.hevc_configuration(found.payload)
                    new.add(b"hvcC", configuration, essential=True)
                case b"av1C" if item.kind == b"av01":
                    configuration, sizes = codecs.av1_configuration(found.payload)
                    new.add(b"av1C", configuration, essential=True)
                case _:
                    self._property(new, found.kind, found.payload, essential=found.essential)
        self._content(new, number, length_bytes, sizes)
        if alpha_of is None:
            self._transparency(number, new)
        if new.size == (0, 0):
            raise Damaged
        check_image(*new.size)
        return new.number

    def _property(self, new: Piece, kind: bytes, payload: bytes, *, essential: bool) -> None:
        match kind:
            case b"ispe" if len(payload) == 12:
                new.size = int.from_bytes(payload[4:8], "big"), int.from_bytes(payload[8:12], "big")
                new.add(kind, bytes(4) + payload[4:])
            case b"pixi" if 5 < len(payload) == 5 + payload[4]:
                new.add(kind, bytes(4) + payload[4:])
            case b"irot" if len(payload) == 1:
                new.add(kind, bytes((payload[0] & 3,)), essential=True)
            case b"imir" if len(payload) == 1:
                new.add(kind, bytes((payload[0] & 1,)), essential=True)
            case b"colr" if payload[:4] == b"nclx" and len(payload) == 11:
                new.add(kind, payload[:10] + bytes((payload[10] & 0x80,)))
            case b"colr" if payload[:4] in {b"prof", b"rICC"}:
                self._profile(new, payload[4:])
            case b"clap":
                self.must_decode = True
                new.add(kind, payload, essential=True)
            case b"auxC" if new.alpha_of is not None:
                new.add(kind, bytes(4) + payload[4:].partition(b"\0")[0] + b"\0")
            case b"pasp" if len(payload) == 8 and payload[:4] == payload[4:]:
                pass  # pixels as high as wide, which every reader takes them for
            case _ if essential:
                raise Refused(Refusal.UNSUPPORTED)  # layers and the like: without it another picture would show
            case _:
                pass

    def _profile(self, new: Piece, untrusted_profile: bytes) -> None:
        if len(untrusted_profile) > limits.ICC_BYTES:
            raise Bomb
        known = icc.identify(untrusted_profile)
        if untrusted_profile not in icc_profiles.OURS:
            self._cleaning.removed.add(Removed.COLOUR_PROFILE)
        if new.number == 1:
            self.untrusted_profile = untrusted_profile
            self.must_decode |= known is None
        if known is not None and (ours := icc_profiles.profile_for(known)) is not None:
            new.add(b"colr", b"prof" + ours)

    def _content(self, new: Piece, number: int, length_bytes: int, sizes: list[tuple[int, int]]) -> None:
        data = self._album.data(number)
        if new.kind == b"grid":
            self._grid(new, number, data)
            return
        if new.kind == b"iovl":
            self._overlay(new, number, data)
            return
        if new.kind not in _CODED:
            raise Refused(Refusal.UNSUPPORTED)
        if new.kind == b"hvc1":
            if not sizes:
                raise Damaged
            new.data, is_sound = codecs.hevc_slices(data, length_bytes)
            self.must_decode |= not is_sound
        else:
            self.is_av1 = True
            new.data, more = codecs.av1_frames(data)
            sizes = sizes + more
            if not sizes:
                raise Damaged
        for width, height in sizes:
            check_image(width, height)
        self._coded_pixels += max(width * height for width, height in sizes)
        if self._coded_pixels > 2 * limits.IMAGE_PIXELS + limits.IMAGE_PIXELS // 2:  # colour, transparency, edges
            raise Bomb

    def _grid(self, new: Piece, number: int, data: bytes) -> None:
        """Rows and columns of tiles (ISO/IEC 23008-12, 6.6.2.3.2); tiles are coded pictures, not grids again."""
        if len(data) < 8 or data[0] or len(data) != (12 if data[1] & 1 else 8):
            raise Damaged
        tiles = self._album.references.get((b"dimg", number), ())
        if len(tiles) != (data[2] + 1) * (data[3] + 1) or len(tiles) > _TILES:
            raise Damaged
        new.data = data[:1] + bytes((data[1] & 1,)) + data[2:]
        if any(self._album.items.get(tile, new).kind not in _CODED for tile in tiles):
            raise Damaged
        new.tiles = [self._copy(tile, alpha_of=None) for tile in tiles]

    def _overlay(self, new: Piece, number: int, data: bytes) -> None:
        """Coded pictures on a canvas, one over the other (ISO/IEC 23008-12, 6.6.2.2); only the decoder puts them there.

        Raises:
            Refused: ``unsupported`` where one of them is turned or cut, which is not asked of the decoder.
        """
        below = self._album.references.get((b"dimg", number), ())
        wide = 4 if len(data) > 1 and data[1] & 1 else 2
        if data[:1] != b"\0" or not below or len(data) != 10 + (2 + 2 * len(below)) * wide:
            raise Damaged
        items = [self._album.items[each] for each in below if each in self._album.items]
        if len(items) != len(below) or any(item.kind not in _CODED for item in items):
            raise Damaged
        if any(found.kind in _TURNS for item in items for found in item.properties):
            raise Refused(Refusal.UNSUPPORTED)
        new.data = data
        new.tiles = [self._copy(each, alpha_of=None) for each in below]
        self.must_decode = True


def _decode(picture: _Copier, sink: Sink, cleaning: Cleaning) -> str:
    """Through a file of our making, so that the decoder never sees what lies around the picture."""
    width, height = picture.pieces[0].size
    cleaning.spend(width * height * 8)
    # Not every decoder turns and cuts, so none is asked to.
    turns = [(kind, payload) for kind, payload, _ in picture.pieces[0].properties if kind in _TURNS] + picture.turns
    for piece in picture.pieces:
        piece.properties = [found for found in piece.properties if found[0] not in _TURNS]
    data = assemble(picture.pieces)
    decoded = pixels.decode(data, "image/avif" if picture.is_av1 else "image/heic", cleaning.noted)
    for kind, payload in turns:
        decoded = _turn(decoded, kind, payload)
    return write(decoded, picture.untrusted_profile, sink, cleaning)


def _turn(image: Image.Image, kind: bytes, payload: bytes) -> Image.Image:
    """Apply one transformation: cut, turn or mirror (ISO/IEC 23008-12, 6.5.9, 6.5.10, 6.5.12)."""
    if kind == b"irot":
        quarter_turns = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
        turn = quarter_turns[payload[0] & 3]
        return image if turn is None else image.transpose(turn)
    if kind == b"imir":
        flips = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)
        return image.transpose(flips[payload[0] & 1])
    if len(payload) != 32:
        raise Damaged
    numbers = struct.unpack(">IIIIiIiI", payload)
    if not all(numbers[1::2]):
        raise Damaged
    width, height, right, down = (numbers[i] / numbers[i + 1] for i in range(0, 8, 2))
    left, top = round(right + (image.width - width) / 2), round(down + (image.height - height) / 2)
    cut = (max(left, 0), max(top, 0), min(left + round(width), image.width), min(top + round(height), image.height))
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        raise Damaged
    return image.crop(cut)


def warm() -> None:
    """Load both decoders."""
    pixels.warm_heif()
