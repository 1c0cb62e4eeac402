"""Files as a source's phone and office would make them, with what gives them away inside."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

MAKER = "Spyphone 12"


def photo(*, shade: int = 120) -> bytes:
    """A JPEG with a camera's name, a time and a place."""
    image = Image.new("RGB", (64, 48), (shade, 40, 90))
    exif = image.getexif()
    exif[0x010F] = MAKER
    exif[0x0132] = "2026:10:31 07:45:12"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (42.0, 10.0, 30.0)
    gps[3], gps[4] = "E", (128.0, 5.0, 15.0)
    out = BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


OLD_WORD = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1024)
NONSENSE = bytes(range(128, 256)) * 8
