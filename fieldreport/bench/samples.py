"""Files to measure and to test the scrubber with: of each format one as a phone or an office makes it, with metadata.

Where a file has a place for a name, it says "Somebody". Nothing here is random but the noise in the pictures, and that
comes from a fixed seed.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from importlib.resources import files

import pillow_heif
from PIL import Image

from fieldreport.bench import documents
from fieldreport.bench.recordings import recorded


def samples() -> Mapping[str, Callable[[], bytes]]:
    """The usual ending of each type's files to what makes one."""
    return {
        "jpg": lambda: _picture("JPEG", quality=90, exif=_exif()),
        "png": lambda: _picture("PNG", exif=_exif()),
        "gif": lambda: _picture("GIF", comment=b"by Somebody"),
        "webp": lambda: _picture("WEBP", exif=_exif()),
        "tiff": lambda: _picture("TIFF", tiffinfo={315: "Somebody"}),
        "bmp": lambda: _picture("BMP") + b"Somebody",
        "heic": _heic,
        "avif": lambda: _picture("AVIF", exif=_exif()),
        "pdf": lambda: _shipped("rota.pdf"),
        "docx": lambda: _shipped("statement.docx"),
        **documents.documents(lambda: _picture("JPEG", exif=_exif())),
        **recorded(),
    }


def _shipped(name: str) -> bytes:
    return (files("fieldreport.bench") / "sample_files" / "en" / name).read_bytes()


def _image() -> Image.Image:
    noise = random.Random(7).randbytes(160 * 120 * 3)  # noqa: S311 - a picture, not a secret
    return Image.frombytes("RGB", (160, 120), noise).resize((640, 480), Image.Resampling.BICUBIC)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[271], exif[272], exif[306] = "Somebody", "Model", "2026:09:14 21:47:03"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 24.0, 0.0), 3: "E", 4: (128.0, 10.0, 0.0)})
    return exif


def _picture(kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    _image().save(target, kind, **options)
    return target.getvalue()


def _heic() -> bytes:
    target = io.BytesIO()
    pillow_heif.from_pillow(_image()).save(target, exif=_exif().tobytes())
    return target.getvalue()
