"""Decoded pictures: opening with one named decoder, turning upright, converting to sRGB, and encoding.

Rules: a picture gets here only after its format has checked its size from the header. Pillow is always told which
decoder to use, so that a file cannot choose one. What is encoded carries nothing but pixels: no profile, no text, no
comment.
"""

from __future__ import annotations

import base64
import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final, Literal, cast

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from fieldreport import limits
from fieldreport.scrub.format import check_image
from fieldreport.scrub.verdicts import Damaged, Noted, Refusal, Refused

JPEG_QUALITY: Final = 95
_UNKNOWN_SAMPLES: Final = "unknown pixel mode"  # what Pillow says of them, and of nothing else
_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

# Ours are stricter and come first; Pillow's own would only warn.
Image.MAX_IMAGE_PIXELS = limits.IMAGE_PIXELS

# Few threads can be started in the locked child, and one file has one processor.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.options.DECODE_THREADS = 1

# Exif orientation → what turns the stored picture upright.
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


_DECODERS: Final[Mapping[str, type[ImageFile.ImageFile]]] = {
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/png": PngImagePlugin.PngImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
    "image/dib": BmpImagePlugin.DibImageFile,
    "image/avif": AvifImagePlugin.AvifImageFile,
    "image/heic": pillow_heif.HeifImageFile,
    "image/jp2": Jpeg2KImagePlugin.Jpeg2KImageFile,
}


_BYTES_EACH: Final[Mapping[str, int]] = {"image/jp2": 16}  # numbers of four bytes, and the picture made of them


def check_decoded(width: int, height: int, *, bytes_each: int = 4) -> None:
    """Whether a picture can be decoded, by its sides and how many bytes a pixel takes meanwhile.

    Raises:
        Refused: ``pixels``, ``damaged``.
    """
    check_image(width, height, pixels=limits.IMAGE_DECODED_BYTES // bytes_each)


def decode(untrusted: bytes | BinaryIO, media_type: str, noted: set[str]) -> Image.Image:
    """The first frame of a picture, or the only one, by the decoder of this type and no other.

    One with more than ``limits.IMAGE_ENCODED_PIXELS`` comes out smaller by 2, 4 or 8, which goes to ``noted``. Rows
    that are missing from a JPEG that was cut off are grey, as every viewer shows them.

    Raises:
        Refused: ``damaged`` when it is not a picture, ``pixels`` for more than can be decoded.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = media_type == "image/jpeg"
    try:
        with any_error_is_damage():
            image = open_one(untrusted, media_type)
            whole, factor = image.size, _factor(image.size)
            if image.info.get("progressive"):  # libjpeg holds the whole picture before it can make it smaller
                check_decoded(*whole, bytes_each=3)
            if factor > 1:  # only JPEG can be decoded smaller
                image.draft(image.mode, (whole[0] // factor, whole[1] // factor))
            check_decoded(*image.size, bytes_each=_BYTES_EACH.get(media_type, 4))
            image.load()
            if image.size != whole:
                noted.add(Noted.SMALLER)
            return smaller(image, noted)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def decode_small(untrusted: bytes, mode: Literal["L", "RGB"], factor: int) -> Image.Image:
    """A JPEG in grey or in colours, smaller by a ``factor`` of 2, 4 or 8: in less time than all of it takes.

    Raises:
        Refused: as ``decode``.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with any_error_is_damage():
            image = open_one(untrusted, "image/jpeg")
            if image.info.get("progressive"):
                check_decoded(*image.size, bytes_each=3)
            image.draft(mode, (image.width // factor, image.height // factor))
            check_decoded(*image.size)
            return image.convert(mode)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _factor(size: tuple[int, int]) -> int:
    """By how much a picture has to be made smaller before it is encoded: 1, 2, 4, 8."""
    factor = 1
    while size[0] * size[1] > factor * factor * limits.IMAGE_ENCODED_PIXELS:
        factor *= 2
    return factor


def smaller(image: Image.Image, noted: set[str]) -> Image.Image:
    """With ``limits.IMAGE_ENCODED_PIXELS`` at most: each pixel is then the mean of 2 by 2, 4 by 4 or 8 by 8."""
    factor = _factor(image.size)
    if factor == 1:
        return image
    noted.add(Noted.SMALLER)
    if image.mode in {"1", "P", "PA"}:
        image = image.convert(
            {"1": "L", "PA": "RGBA"}.get(image.mode, "RGBA" if "transparency" in image.info else "RGB")
        )
    return image.reduce(factor)


def open_one(untrusted: bytes | BinaryIO, media_type: str) -> ImageFile.ImageFile:
    """Opened by the decoder of this type, nothing decoded yet. Raises whatever the decoder raises."""
    return _DECODERS[media_type](io.BytesIO(untrusted) if isinstance(untrusted, bytes) else untrusted)


def open_tiff(untrusted_file: BinaryIO) -> TiffImagePlugin.TiffImageFile:
    """Opened at its first page, nothing decoded yet.

    Raises:
        Refused: ``drawing`` for samples of a kind that only special programs show: fractions of 64 bits, 14 bits, CIE
            Lab with alpha; ``damaged`` when it is not a picture.
    """
    with any_error_is_damage():
        try:
            return TiffImagePlugin.TiffImageFile(untrusted_file)
        except SyntaxError as error:
            if str(error) == _UNKNOWN_SAMPLES:
                raise Refused(Refusal.DRAWING) from None
            raise


def turn_to(file: TiffImagePlugin.TiffImageFile, page: int) -> bool:
    """Go to a page without decoding it; false after the last.

    Raises:
        Damaged: its directory makes no sense.
    """
    with any_error_is_damage():
        try:
            file.seek(page)
        except EOFError:
            return False
        return True


def tiff_blocks(file: TiffImagePlugin.TiffImageFile) -> Mapping[int, bytes]:
    """The page's tags with their values as they lie in the file, whatever type they claim to have."""
    blocks: Mapping[int, bytes] = file.tag_v2._tagdata  # noqa: SLF001 - the public view converts, cuts and warns
    return blocks


def decoded(file: TiffImagePlugin.TiffImageFile) -> Image.Image:
    """The page that was turned to, upright.

    Raises:
        Damaged: its pixels cannot be decoded.
    """
    with any_error_is_damage():
        file.load()
        return shown(file._new(file.im))  # noqa: SLF001 - a copy would cost its size again


@contextlib.contextmanager
def any_error_is_damage() -> Iterator[None]:
    """Around a decoder: whatever it raises means that the file is damaged."""
    try:
        with warnings.catch_warnings(action="ignore"):  # they quote the file
            yield
    except (MemoryError, Refused):
        raise
    except Exception:  # noqa: BLE001 - Pillow's decoders raise SyntaxError, ValueError, struct.error and more
        raise Damaged from None


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turned as the Exif ``orientation`` (1 to 8) asks."""
    return image if orientation == 1 else image.transpose(_UPRIGHT[orientation])


def to_srgb(image: Image.Image, untrusted_profile: bytes) -> Image.Image:
    """Converted from its own profile; as it is when the profile is damaged or for other kinds of pixels."""
    if image.mode == "I;16":  # grey, and more levels of it than the colour machine keeps
        return image
    alpha = image.getchannel("A") if image.mode in {"RGBA", "LA"} else None
    plain = image.convert({"RGBA": "RGB", "LA": "L"}[image.mode]) if alpha is not None else image
    if plain.mode == "P":
        plain = plain.convert("RGB")
    converted = plain if plain.mode != "CMYK" else plain.convert("RGB")
    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
        profile = ImageCms.ImageCmsProfile(io.BytesIO(untrusted_profile))
        result = ImageCms.profileToProfile(
            plain, profile, _SRGB, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
        )
        if result is not None:
            converted = result.convert("L") if plain.mode == "L" else result
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def shown(image: Image.Image) -> Image.Image:
    """Pixels that no encoder here takes, as others with the same brightness: ``convert`` would cut them off at 255.

    Numbers of more than 16 bits have no white of their own, so the largest is white, as in programs that show them.
    """
    if image.mode.startswith("I;16") and image.mode != "I;16":
        return image.convert("I").convert("I;16")
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return ImageCms.profileToProfile(image, lab, _SRGB, outputMode="RGB") or image
    if image.mode not in {"I", "F"}:
        return image
    low, high = cast("tuple[float, float]", image.getextrema())
    if image.mode == "I" and low >= 0 and high <= 0xFFFF:
        return image.convert("I;16")
    scale = 255 / max(high - min(low, 0), 1e-9)
    return image.convert("F").point(lambda value: value * scale - min(low, 0) * scale).convert("L")


def encode(image: Image.Image) -> tuple[bytes, str]:
    """JPEG, or PNG where JPEG would lose something: transparency, more than eight bits, two colours; and its type."""
    if "A" in image.getbands() or "transparency" in image.info or image.mode in {"I;16", "1", "P"}:
        return encode_png(image), "image/png"
    return encode_jpeg(image), "image/jpeg"


def encode_jpeg(image: Image.Image, *, subsampling: int = 0, quality: int = JPEG_QUALITY) -> bytes:
    """``subsampling`` and ``quality`` as Pillow counts: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0; 100 is the best."""
    if image.mode not in {"L", "RGB", "CMYK"}:
        image = image.convert("RGB")
    return _save(image, "JPEG", quality=quality, subsampling=subsampling)


def encode_png(image: Image.Image) -> bytes:
    """Lossless, 8 bits a channel."""
    if image.mode not in {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}:
        image = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    return _save(image, "PNG")


def encode_webp(image: Image.Image, *, lossless: bool) -> bytes:
    """Lossless to the last bit, or quality 95."""
    if image.mode not in {"RGB", "RGBA"}:
        image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    return _save(image, "WEBP", lossless=lossless, exact=True, quality=JPEG_QUALITY)


def without_unseen(image: Image.Image) -> Image.Image:
    """The same picture, black where it is transparent: programs leave there what was erased or cut out."""
    if image.mode not in {"RGBA", "LA"}:
        return image
    alpha = image.getchannel("A")
    lowest, _ = cast("tuple[int, int]", alpha.getextrema())
    if lowest > 0:
        return image
    seen = Image.new(image.mode, image.size)
    seen.paste(image, mask=alpha.point([0] + [255] * 255))
    return seen


def _save(image: Image.Image, form: str, **options: Any) -> bytes:
    # Pillow would write what it remembers of the original: profile, comment, Exif, transparency of a palette apart.
    if isinstance(image, ImageFile.ImageFile):
        # Pillow compares where a picture came from with where it goes, and so asks for the working directory, which the
        # lock refuses. The same pixels as a picture from nowhere.
        image = image._new(image.im)  # noqa: SLF001 - a copy would cost its size again
    image.info = {name: value for name, value in image.info.items() if name == "transparency"}
    with io.BytesIO() as file:
        without_unseen(image).save(file, form, **options)
        return file.getvalue()


def warm() -> None:
    """Load the codecs and the colour machine."""
    Image.preinit()
    for mode in ("L", "RGB", "CMYK"):
        picture = Image.new(mode, (16, 16))
        picture.putpixel((3, 3), 99 if mode == "L" else (99,) * len(mode))
        decode(encode_jpeg(picture), "image/jpeg", set())
    profile = _SRGB.tobytes()
    to_srgb(decode(encode_png(Image.new("RGBA", (4, 4))), "image/png", set()), profile)
    to_srgb(Image.new("L", (4, 4)), profile)
    upright(Image.new("RGB", (4, 2)), 6)


def warm_webp() -> None:
    """Load the WebP codec, both ways it compresses."""
    for lossless in (True, False):
        decode(encode_webp(Image.new("RGBA", (16, 16)), lossless=lossless), "image/webp", set())


def warm_bmp() -> None:
    """Load the BMP decoder."""
    with io.BytesIO() as file:
        Image.new("RGB", (4, 4)).save(file, "BMP")
        file.seek(0)
        decode(file, "image/bmp", set())


def warm_tiff() -> None:
    """Load the TIFF decoder with its compressions."""
    for compression in ("raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate"):
        with io.BytesIO() as file:
            Image.new("RGB", (16, 16)).save(file, "TIFF", compression=compression)
            file.seek(0)
            page = open_tiff(file)
            turn_to(page, 0)
            decoded(page)
            turn_to(page, 1)


# A grey square, 16 by 16, as base64: encoding one would load an encoder that nothing else needs.
_HEIC_SAMPLE: Final = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABoAABAAAAAAAAACYAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA/GlwcnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNs"
    "eAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAEAAAAAEAAAAQAAAAAf///9AAAAAC////0AAAAAIAAAAQcGl4"
    "aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAAALm1kYXQAAAAiKAGvBBISIOD4AoY/WWlSvSCjGn1UYzRWdSCgM6mM"
    "kzC+YA=="
)


def warm_heif() -> None:
    """Load the decoders of HEIC and AVIF."""
    decode(base64.b64decode(_HEIC_SAMPLE), "image/heic", set())
    with io.BytesIO() as file:
        Image.new("RGB", (64, 64)).save(file, "AVIF")
        decode(file.getvalue(), "image/avif", set())
