"""Patterns, graphics states, pictures and forms, copied into the new document.

Rules: a new object is made for every old one and filled from an allowlist of keys; an object that is shared stays
shared; what is on a layer that is off goes; a picture is cut to the length its size demands.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from fieldreport.scrub.documents.embedded_jpeg import as_drawn
from fieldreport.scrub.documents.pdf import pictures, pixel_pages, values
from fieldreport.scrub.documents.pdf.colours import DEVICE, Colours, components
from fieldreport.scrub.documents.pdf.content import Rewriter
from fieldreport.scrub.documents.pdf.fonts import Fonts
from fieldreport.scrub.documents.pdf.layers import Layers
from fieldreport.scrub.format import Cleaning, check_image
from fieldreport.scrub.images import codecs, paper
from fieldreport.scrub.verdicts import Bomb, Damaged, Refused, Removed

_JPX_LOOKED_AT: Final = 2  # pages: one takes a second, and a printer marks them all
_BLEND: Final = values.matching(r"/[A-Z][A-Za-z]{2,20}")
_INTENT: Final = values.one_of("/AbsoluteColorimetric", "/RelativeColorimetric", "/Saturation", "/Perceptual")

_STATE: Final[dict[str, values.Copy]] = {
    **dict.fromkeys(("/LW", "/LC", "/LJ", "/ML", "/OPM", "/FL", "/SM", "/CA", "/ca"), values.number),
    **dict.fromkeys(("/OP", "/op", "/SA", "/AIS", "/TK"), values.boolean),
    "/D": values.nested_numbers,
    "/RI": _INTENT,
    "/BM": lambda value: _BLEND(value) or (
        Array([_BLEND(item) for item in value]) if isinstance(value, Array) and all(map(_BLEND, value)) else None
    ),
}  # fmt: skip
_TILING: Final[dict[str, values.Copy]] = {
    **dict.fromkeys(("/PatternType", "/PaintType", "/TilingType"), values.integer),
    **dict.fromkeys(("/BBox", "/Matrix"), values.numbers),
    **dict.fromkeys(("/XStep", "/YStep"), values.number),
}
_FORM: Final[dict[str, values.Copy]] = {"/BBox": values.numbers, "/Matrix": values.numbers}
_PICTURE: Final[dict[str, values.Copy]] = {
    **dict.fromkeys(("/Width", "/Height", "/BitsPerComponent", "/SMaskInData"), values.integer),
    **dict.fromkeys(("/ImageMask", "/Interpolate"), values.boolean),
    **dict.fromkeys(("/Decode", "/Matte"), values.numbers),
    "/Intent": _INTENT,
}
_FAX: Final[dict[str, values.Copy]] = {
    **dict.fromkeys(("/K", "/Columns", "/Rows", "/DamagedRowsBeforeError"), values.integer),
    **dict.fromkeys(("/EndOfLine", "/EncodedByteAlign", "/EndOfBlock", "/BlackIs1"), values.boolean),
}


class Graphics(Colours):
    """One old document's drawing resources on their way into a new one."""

    def __init__(self, old: pikepdf.Pdf, new: pikepdf.Pdf, cleaning: Cleaning) -> None:
        super().__init__(old, new, cleaning)
        self._layers = Layers(old.Root)
        self.pale = False
        self.read_aloud = False
        # What the original shows and is not on the receipt: pictures, masks included, and pieces of text.
        self.pictures: dict[tuple[int, int], None] = {}
        self.shown = 0
        self._unseen_jpx = _JPX_LOOKED_AT
        self._fonts = Fonts(
            plain=self._decoder.plain, new_stream=self._stream, glyph=self._glyph, removed=cleaning.removed
        )

    def content(self, untrusted: bytes, resources: Any) -> tuple[bytes, Dictionary]:
        """A content stream rewritten, and the resources it still uses, under neutral names."""
        rewriter = Rewriter(self._old, self, resources)
        new = rewriter.rewrite(untrusted)
        self.shown += rewriter.shown
        return new, rewriter.resources

    def plain(self, stream: Stream) -> bytes:
        """The decoded bytes of a stream that is not a picture."""
        return self._decoder.plain(stream)

    # --- fonts and graphics states ---

    def font(self, source: Any, resources: Any) -> Any:
        """A font. Where there is none, or it makes no sense, viewers take one of their own, and so does the copy."""
        if not isinstance(source, Dictionary):
            return self._viewers_font()
        key = ("font", source.objgen)
        if source.is_indirect and key in self._made:
            return self._made[key]
        # Made before it is filled: a Type 3 glyph may use its own font.
        font = self._new.make_indirect(Dictionary())
        if source.is_indirect:
            self._made[key] = font
        before = self.state_of_work()
        try:
            self._fonts.fill(source, font, resources)
        except Damaged:
            self.lost(before)
            font = self._viewers_font()
            self._made[key] = font
        return font

    def _viewers_font(self) -> Any:
        self._cleaning.removed.add(Removed.INCOMPLETE)
        return self._new.make_indirect(
            Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
        )

    def _glyph(self, stream: Stream, resources: Any) -> Stream:
        rewriter = Rewriter(self._old, self, resources)
        glyph = self._stream(rewriter.rewrite(self._decoder.plain(stream)))
        if len(rewriter.resources):
            glyph.Resources = rewriter.resources
        return glyph

    def state(self, source: Any, resources: Any) -> Any:
        """A graphics state; halftones and black generation belong to a printer and go."""
        if not isinstance(source, Dictionary):
            return None

        def make() -> Any:
            kept = values.dictionary(source, _STATE)
            self.pale |= "/ca" in kept
            font = source.get("/Font")
            if isinstance(font, Array) and len(font) == 2:
                kept.Font = Array([self.font(font[0], resources), values.number(font[1]) or 1])
            for key in ("/TR", "/TR2"):
                if (transfer := source.get(key)) is not None:
                    kept[key] = self._transfer(transfer)
            mask = source.get("/SMask")
            if isinstance(mask, Name):
                kept.SMask = Name("/None")
            elif isinstance(mask, Dictionary) and (group := self.form(mask.get("/G"), resources)) is not None:
                soft = values.dictionary(mask, {"/S": values.one_of("/Alpha", "/Luminosity"), "/BC": values.numbers})
                soft.G = group
                if isinstance(mask.get("/TR"), Dictionary):
                    soft.TR = self.function(mask.TR)
                kept.SMask = soft
            return self._new.make_indirect(kept)

        return self._once("state", source, make)

    def _transfer(self, source: Any) -> Any:
        if isinstance(source, Array):
            return Array([self._transfer(item) for item in list(source)[:4]])
        return Name.Default if values.spelled(source) == "/Default" else self.function(source)

    def pattern(self, source: Any, resources: Any) -> Any:
        """A tiling or shading pattern."""
        if not isinstance(source, Dictionary | Stream):
            return None

        def make() -> Any:
            if isinstance(source, Stream):
                tile, used = self.content(self._decoder.plain(source), source.get("/Resources", resources))
                kept: Any = self._stream(tile)
                values.keys(source, _TILING, kept)
                kept.Resources = used
                return kept
            shading = self.shading(source.get("/Shading"))
            if shading is None:
                return None
            kept = self._new.make_indirect(Dictionary(PatternType=2, Shading=shading))
            values.keys(source, {"/Matrix": values.numbers}, kept)
            if (state := self.state(source.get("/ExtGState"), resources)) is not None:
                kept.ExtGState = state
            return kept

        return self._once("pattern", source, make)

    # --- forms, pictures ---

    def form(self, source: Any, resources: Any) -> Any:
        """A form XObject. One without resources uses those of the page, as PDF 1.1 allowed."""
        if not isinstance(source, Stream) or self.hidden(source.get("/OC")):
            return None
        own = source.get("/Resources", resources)
        key = ("form", source.objgen, own.objgen if own is not None else None)
        if key in self._made:
            return self._made[key]
        form = self._stream(b"")
        self._made[key] = form  # before it is filled: a form that draws itself must end
        with self._deeper():
            data, used = self.content(self._decoder.plain(source), own)
        form.write(data)
        form.Type, form.Subtype, form.Resources = Name.XObject, Name.Form, used
        values.keys(source, _FORM, form)
        group = source.get("/Group")
        if isinstance(group, Dictionary) and group.get("/S") == Name.Transparency:
            form.Group = self.group(group)
        return form

    def group(self, source: Any) -> Dictionary:
        """A transparency group's attributes."""
        kept = values.dictionary(source, {"/I": values.boolean, "/K": values.boolean})
        kept.S = Name.Transparency
        if (space := self.colour_space(source.get("/CS"))) is not None:
            kept.CS = space
        return kept

    def picture(self, source: Any, resources: Any) -> Any:
        """An image XObject, or None for one that cannot be cleaned; it is reported then."""
        return self._once("picture", source, lambda: self._picture(source, resources))

    def inline_picture(self, image: Any, resources: Any) -> Any:
        """A picture from inside a content stream, as an image XObject of its own."""
        stream = Stream(self._old, bytes(image.read_raw_bytes()))
        for key, value in image.obj.items():
            if key != "/Length":
                stream[key] = value
        return self._picture(stream, resources)

    def _picture(self, source: Any, resources: Any) -> Any:
        if self.hidden(source.get("/OC")):
            self.pictures.pop(source.objgen, None)
            return None
        self.pictures[source.objgen] = None
        if (second := _mask(source)) is not None:
            self.pictures[second.objgen] = None
        width, height = values.integer(source.get("/Width")), values.integer(source.get("/Height"))
        space = source.get("/ColorSpace")
        if isinstance(space, Name) and values.spelled(space) not in DEVICE and isinstance(resources, Dictionary):
            space = resources.get("/ColorSpace", Dictionary()).get(space, space)
        space = self.colour_space(space)
        try:
            check_image(width or 0, height or 0)
            decoded = self._decoder.decode(source)
            kept = self._encode(decoded.data, decoded.codec, decoded.parameters)
        except Refused as refused:
            if isinstance(refused, Bomb):
                raise
            return self._drawn(source, resources)
        values.keys(source, _PICTURE, kept)
        kept.Type, kept.Subtype = Name.XObject, Name.Image
        if space is None and decoded.codec == "/JPXDecode" and (profile := pictures.jpx_profile(decoded.data)):
            space = self.profile(profile, {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}.get(profile[16:20], 0))
        mask = source.get("/ImageMask") is True
        if space is not None and not mask:
            kept.ColorSpace = space
        if decoded.codec is None:
            pixels = _cut(decoded.data, kept, 1 if mask else components(space))
            kept.write(pixels)
            if components(space) == 3 and kept.get("/BitsPerComponent") == 8 and paper.is_page(width or 0, height or 0):
                self._look(pixels, int(kept.Width))
        self._masks(source, kept, resources)
        return kept

    def _look(self, pixels: bytes, width: int) -> None:
        """Look for printer dots in the first rows of a picture that is stored as it is."""
        rows = min(len(pixels) // (3 * width), paper.strip_height(width))
        paper.look(Image.frombytes("RGB", (width, rows), pixels[: 3 * width * rows]), self._cleaning.noted)

    def _look_at_jpx(self, data: bytes) -> None:
        """The same for JPEG 2000, which has to be decoded as a whole: in the first pages of a document alone."""
        width, height = pictures.jpx_size(data)
        cost = 4 * width * height
        if self._unseen_jpx and paper.is_page(width, height) and cost < self._cleaning.decoded_bytes_left:
            self._unseen_jpx -= 1
            self._cleaning.spend(cost)
            with contextlib.suppress(Refused):  # it goes on as it is, decoded or not
                paper.look(codecs.decode(data, "image/jp2", set()), self._cleaning.noted)

    def _drawn(self, source: Any, resources: Any) -> Any:
        """A picture that cannot be cleaned, as PDFium draws it; None, and on the receipt, where it draws nothing."""
        pixels = None if values.boolean(source.get("/ImageMask")) else pixel_pages.picture(source, self._cleaning)
        if pixels is None:
            self._cleaning.removed.add(Removed.DRAWINGS)
            del self.pictures[source.objgen]
            if (mask := _mask(source)) is not None:
                self.pictures.pop(mask.objgen, None)
            return None
        self._cleaning.removed.add(Removed.CODING)
        if paper.is_page(*pixels.size):
            paper.look(pixels, self._cleaning.noted)
        kept = self._stream(pixels.tobytes())
        kept.Type, kept.Subtype, kept.BitsPerComponent = Name.XObject, Name.Image, 8
        kept.Width, kept.Height, kept.ColorSpace = pixels.width, pixels.height, Name.DeviceRGB
        self._masks(source, kept, resources)
        return kept

    def _masks(self, source: Any, kept: Any, resources: Any) -> None:
        if isinstance(soft := source.get("/SMask"), Stream):
            if (copied := self.picture(soft, resources)) is not None:
                kept.SMask = copied
        elif isinstance(hard := source.get("/Mask"), Stream):
            if (copied := self.picture(hard, resources)) is not None:
                kept.Mask = copied
        elif (key := values.numbers(hard)) is not None:
            kept.Mask = key

    def _encode(self, data: bytes, codec: str | None, parameters: Dictionary | None) -> Stream:
        """The picture's bytes under their own codec, cleaned."""
        if codec is None:
            return self._stream(b"")
        if codec == "/DCTDecode":
            start = max(data.find(b"\xff\xd8\xff"), 0)  # after a line end, or what else viewers skip
            upright = as_drawn(data[start:], self._cleaning, profile=False)
            data = self._cleaning.embedded(upright, accept={"image/jpeg"}).data
        elif codec == "/JPXDecode":
            check_image(*pictures.jpx_size(data))
            self._look_at_jpx(data)
            data, changed = pictures.clean_jpx(data)
            self._cleaning.removed |= {Removed.OTHER_METADATA} if changed else set()
        elif codec == "/JBIG2Decode":
            data, changed = pictures.clean_jbig2(data)
            self._cleaning.removed |= {Removed.OTHER_METADATA} if changed else set()
        kept = self._stream(data)
        kept.Filter = Name(codec)
        options = Dictionary()
        if parameters is not None and codec == "/CCITTFaxDecode":
            options = values.dictionary(parameters, _FAX)
        elif parameters is not None and codec == "/DCTDecode":
            options = values.dictionary(parameters, {"/ColorTransform": values.integer})
        elif parameters is not None and isinstance(common := parameters.get("/JBIG2Globals"), Stream):
            options.JBIG2Globals = self._stream(pictures.clean_jbig2(self._decoder.plain(common))[0])
        if len(options):
            kept.DecodeParms = options
        return kept

    def state_of_work(self) -> tuple[int, int, int]:
        """What has been copied and counted so far."""
        return len(self._made), len(self.pictures), self.shown

    def lost(self, before: tuple[int, int, int]) -> None:
        """Something that is drawn makes no sense: it counts as removed, and what was made for it goes."""
        self._cleaning.removed.add(Removed.INCOMPLETE)
        made, pictures, self.shown = before
        for key in list(self._made)[made:]:
            del self._made[key]
        for picture in list(self.pictures)[pictures:]:
            del self.pictures[picture]

    def hidden(self, layer: Any) -> bool:
        """Whether a layer is off. What is found on it counts as removed."""
        off = self._layers.hidden(layer)
        self._cleaning.removed |= {Removed.HIDDEN_CONTENT} if off else set()
        return off


def _mask(picture: Any) -> Stream | None:
    """The mask of a picture that is a picture itself."""
    masks = (picture.get("/SMask"), picture.get("/Mask"))
    return next((mask for mask in masks if isinstance(mask, Stream)), None)


def _cut(data: bytes, kept: Any, per_pixel: int | None) -> bytes:
    """Pixels without what was hidden below them."""
    if per_pixel is None:
        return data
    bits = 1 if kept.get("/ImageMask") is True else int(kept.get("/BitsPerComponent", 8))
    return data[: (int(kept.Width) * per_pixel * bits + 7) // 8 * int(kept.Height)]
