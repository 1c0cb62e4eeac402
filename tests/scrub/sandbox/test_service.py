"""In the locked child every format does what it does outside: nothing on any path needs what the lock refuses."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from fieldreport import limits
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Removed
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.sandbox.service import Scrubber
from tests.scrub.conftest import Clean


def picture(mode: str = "RGB", size: tuple[int, int] = (320, 240)) -> Image.Image:
    gradient = Image.linear_gradient("L").resize(size)
    colour = Image.merge("RGB", (gradient, gradient.transpose(Image.Transpose.ROTATE_180), gradient))
    return colour.convert(mode)


def encode(form: str, mode: str = "RGB", **options: Any) -> bytes:
    with io.BytesIO() as file:
        picture(mode).save(file, form, **options)
        return file.getvalue()


def heic(mode: str) -> bytes:
    with io.BytesIO() as file:
        pillow_heif.from_pillow(picture(mode, (640, 480))).save(file)
        return file.getvalue()


def device_profile() -> bytes:
    profile = bytearray(icc_profiles._PROFILES[icc_profiles.Known.ADOBE_RGB])
    offset = struct.unpack_from(">I", profile, profile.index(b"rXYZ") + 4)[0]
    struct.pack_into(">i", profile, offset + 8, int(0.52 * 65536))
    return bytes(profile)


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    block.get_ifd(0x8825)[2] = (41.0, 24.0, 0.0)
    return block.tobytes()


SAMPLES: dict[str, Callable[[], bytes]] = {
    "text": lambda: "국경\u200b에서".encode() * 5000,
    "text-cp949": lambda: "어제 밤 국경에서 두 사람이 잡혔다.".encode("cp949"),
    "text-gb18030": lambda: "昨天晚上我们在边境看到了三辆卡车，他们没有说话。".encode("gb18030"),
    "text-iso2022": lambda: "昨日の夜、国境で二人が捕まりました。".encode("iso2022_jp"),
    "text-utf16": lambda: "국경에서".encode("utf-16"),
    "jpeg": lambda: encode("JPEG", exif=exif(1)),
    "jpeg-turned": lambda: encode("JPEG", exif=exif(6)),
    "jpeg-progressive-turned": lambda: encode("JPEG", exif=exif(8), progressive=True),
    "jpeg-device-profile": lambda: encode("JPEG", icc_profile=device_profile()),
    "jpeg-grey-turned": lambda: encode("JPEG", "L", exif=exif(3)),
    "jpeg-cmyk-turned": lambda: encode("JPEG", "CMYK", exif=exif(3)),
    "jpeg-cmyk-profile": lambda: encode("JPEG", "CMYK", icc_profile=device_profile()),
    "png": lambda: encode("PNG", "RGBA"),
    "png-palette": lambda: encode("PNG", "P"),
    "png-device-profile": lambda: encode("PNG", "RGBA", icc_profile=device_profile()),
    "png-turned": lambda: encode("PNG", exif=exif(6)),
    "gif": lambda: encode("GIF", "P"),
    "webp": lambda: encode("WEBP"),
    "webp-turned": lambda: encode("WEBP", exif=exif(6)),
    "webp-lossless-profile": lambda: encode("WEBP", lossless=True, icc_profile=device_profile()),
    "avif": lambda: encode("AVIF", exif=exif(6)),
    "avif-device-profile": lambda: encode("AVIF", icc_profile=device_profile()),
    "heic": lambda: heic("RGB"),
    "heic-transparent": lambda: heic("RGBA"),
    "bmp": lambda: encode("BMP"),
    "tiff": lambda: encode("TIFF", compression="tiff_lzw"),
    "tiff-jpeg": lambda: encode("TIFF", compression="jpeg"),
    "tiff-fax": lambda: encode("TIFF", "1", compression="group4"),
    "tiff-pages": lambda: encode("TIFF", save_all=True, append_images=[picture("L"), picture("CMYK")]),
    "tiff-profile": lambda: encode("TIFF", icc_profile=device_profile()),
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_bytes_come_out_of_the_locked_child(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch], clean: Clean, name: str, mode: Mode
) -> None:
    data = SAMPLES[name]()
    expected = clean(data, mode)
    scrubbed = scrubber.clean(scratch(data), mode=mode)
    with scrubbed.output:
        assert scrubbed.output.read() == expected.data
    assert scrubbed.length == len(expected.data)
    assert scrubbed.media_type == expected.media_type
    assert set(scrubbed.removed) == expected.removed


def test_what_was_removed_comes_in_a_fixed_order(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    block = Image.Exif()
    block[0x0131] = "software"
    block[0x010F] = "make"
    block.get_ifd(0x8825)[2] = (41.0, 24.0, 0.0)
    scrubbed = scrubber.clean(scratch(encode("JPEG", exif=block.tobytes())))
    scrubbed.output.close()
    assert scrubbed.removed == (Removed.LOCATION, Removed.DEVICE, Removed.SOFTWARE)
    assert scrubbed.extension == "jpg"


def test_the_typed_text_needs_no_child(scrubber: Scrubber) -> None:
    assert scrubber.clean_text("the gate\u200b opens") == ("the gate opens", (Removed.COPY_MARKS,))


def test_the_service_loads_no_decoder() -> None:
    """In a fresh interpreter, because this one has them all."""
    program = "import sys, fieldreport.scrub; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "fieldreport" in loaded
    assert not loaded & {"PIL", "pillow_heif", "pikepdf", "lxml", "av", "zipfile"}


def test_a_small_file_that_becomes_a_large_one_goes_to_the_disk(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SCRUB_IN_MEMORY_OUTPUT_BYTES", 1000)
    data = SAMPLES["text"]()
    with scrubber.clean(scratch(data)).output as output:
        assert output.read().decode() == data.decode().replace("\u200b", "")


def test_a_result_in_memory_can_no_longer_be_changed(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    with scrubber.clean(scratch(b"the gate opens at nine")).output as output:
        descriptor = output.share().fd
        with pytest.raises(PermissionError):
            os.pwrite(descriptor, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, 0)


def test_a_large_file_goes_through_the_disk(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    text = "the gate opens at nine\n" * (limits.SCRUB_IN_MEMORY_INPUT_BYTES // 20)
    with scrubber.clean(scratch(text.encode())).output as output:
        assert output.read() == text.encode()
