"""Makes the sample files that ship with the demo: ``python tests/samples/make_samples.py`` writes them again.

Every file is made for the purpose; the people and places are invented. Each carries, in the places where phones and
office programs put them, the markers that ``samples.toml`` lists under ``planted``: none may be left after cleaning.
"""

from __future__ import annotations

import io
import math
import random
import re
from array import array
from pathlib import Path
from typing import Any

import av
import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from PIL import Image, ImageDraw, ImageFilter
from PIL.TiffImagePlugin import IFDRational
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

SAMPLES = Path(__file__).resolve().parents[2] / "fieldreport" / "bench" / "sample_files"

AUTHOR = "Marta Velin"
DEVICE = "Fieldphone X7"
SERIAL = "SN-4471-QX"

STATEMENT = {
    "en": ("Statement", "The gate was opened at night and about twenty people were let through.", "The driver"),
    "ko": ("진술서", "밤에 문이 열렸고 스무 명쯤이 지나갔습니다.", "운전사"),
    "zh-Hans": ("陈述", "夜里大门打开，大约二十人通过。", "司机"),
}
ROTA = {
    "en": ("Night duty, second week", "Post 3: two guards. Post 4: nobody after midnight."),
    "ko": ("야간 근무, 둘째 주", "3초소: 두 명. 4초소: 자정 이후 없음."),
    "zh-Hans": ("夜班 第二周", "三号岗：两人。四号岗：午夜后无人。"),
}
NOTE = {
    "en": "They\u200b said to wait\u200b until the lights\u2063 went out.\U000e0041\n",
    "ko": "불이\u200b 꺼질 때까지\u2063 기다리라고 했습니다.\U000e0041\n",
    "zh-Hans": "他们\u200b说要等到\u2063灯灭。\U000e0041\n",
}


def photo() -> bytes:
    """A road to a fence at dusk, as a phone would have stored it: position, make, serial number, thumbnail."""
    picture = Image.new("RGB", (1600, 1200))
    draw = ImageDraw.Draw(picture)
    for y in range(1200):
        share = min(y / 640, 1.0)
        draw.line([(0, y), (1600, y)], fill=(int(28 + 170 * share), int(38 + 86 * share), int(74 + 20 * share)))
    chance = random.Random(7)
    for base, colour in ((640, (52, 48, 66)), (720, (36, 36, 50))):
        ridge = [(x, base - int(60 * chance.random()) - abs(800 - x) // 14) for x in range(0, 1601, 100)]
        draw.polygon([(0, 1200), *ridge, (1600, 1200)], fill=colour)
    draw.polygon([(690, 1200), (910, 1200), (812, 730), (788, 730)], fill=(70, 66, 68))
    for x in range(0, 1600, 64):
        draw.line([(x, 700), (x, 860)], fill=(18, 18, 22), width=7)
    for y in range(716, 850, 22):
        draw.line([(0, y), (1600, y)], fill=(24, 24, 28), width=2)
    picture = picture.filter(ImageFilter.GaussianBlur(1.2))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Fieldphone", DEVICE, "CameraApp 5.1"
    exif[0x0132], exif[0x013B] = "2026:09:14 21:47:03", AUTHOR
    details = exif.get_ifd(0x8769)
    details[0x9003], details[0xA431], details[0x927C] = "2026:09:14 21:47:03", SERIAL, b"maker " + SERIAL.encode()
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (IFDRational(41), IFDRational(24), IFDRational(1183, 100))
    place[3], place[4] = "E", (IFDRational(128), IFDRational(10), IFDRational(3921, 100))
    comment = f"taken by {AUTHOR}".encode()
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82, exif=exif, comment=comment)
    small = io.BytesIO()
    picture.resize((160, 120)).save(small, "JPEG", quality=60, comment=b"thumbnail " + SERIAL.encode())
    # Behind the end of the image, where phones keep a second picture.
    return out.getvalue() + small.getvalue()


def statement(language: str) -> bytes:
    """A Word file with an author, a comment, a tracked insertion and a tracked deletion."""
    title, text, who = STATEMENT[language]
    document = docx.Document()
    document.core_properties.author = AUTHOR
    document.core_properties.last_modified_by = AUTHOR
    document.core_properties.comments = f"draft of {AUTHOR}"
    document.add_heading(title, 1)
    paragraph = document.add_paragraph(text + " ")
    _tracked(paragraph, "w:ins", who + ".", "w:t")
    _tracked(paragraph, "w:del", f" {AUTHOR} was there.", "w:delText")
    document.add_comment(paragraph.runs, text="Is this safe to say?", author=AUTHOR, initials="MV")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _tracked(paragraph: Any, kind: str, text: str, text_tag: str) -> None:
    change = OxmlElement(kind)
    change.set(qn("w:id"), "7")
    change.set(qn("w:author"), AUTHOR)
    change.set(qn("w:date"), "2026-09-15T08:00:00Z")
    run, content = OxmlElement("w:r"), OxmlElement(text_tag)
    content.text = text
    content.set(qn("xml:space"), "preserve")
    run.append(content)
    change.append(run)
    paragraph._p.append(change)


def rota(language: str) -> bytes:
    """A PDF with an author, and an earlier version of its author in its history."""
    heading, line = ROTA[language]
    font = {"en": "Helvetica", "ko": "HYSMyeongJo-Medium", "zh-Hans": "STSong-Light"}[language]
    if language != "en":
        pdfmetrics.registerFont(UnicodeCIDFont(font))
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=A4)
    page.setAuthor(AUTHOR)
    page.setCreator(f"Office on {DEVICE}")
    page.setFont(font, 18)
    page.drawString(72, 760, heading)
    page.setFont(font, 12)
    page.drawString(72, 730, line)
    page.save()
    return _with_history(out.getvalue())


def voice() -> bytes:
    """A voice note as a phone stores it: sound, and beside it place, device, author and the name of the recorder."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"brand": "M4A ", "movflags": "use_metadata_tags"}) as file:
        file.metadata.update(
            {
                "artist": AUTHOR,
                "comment": f"recorded by {AUTHOR}",
                "location": "+41.4199+128.1776/",
                "com.apple.quicktime.model": DEVICE,
                "encoder": "CameraApp 5.1",
                "creation_time": "2026-09-14T21:51:00Z",
            }
        )
        stream = file.add_stream("aac", rate=16_000, options={"b": "16000"})
        stream.layout = "mono"
        samples = array("h")
        for number in range(32_000):
            moment = number / 16_000
            samples.append(int(6000 * math.sin(2 * math.pi * (180 + 40 * math.sin(9 * moment)) * moment)))
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = 16_000
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=16_000, frame_size=1024)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return out.getvalue()


def _with_history(first: bytes) -> bytes:
    """Append an incremental update that replaces the document information; the first one stays in the file."""
    previous: bytes = re.findall(rb"startxref\s+(\d+)", first)[-1]
    info: bytes = re.findall(rb"/Info (\d+) 0 R", first)[-1]
    root: bytes = re.findall(rb"/Root (\d+) 0 R", first)[-1]
    size: bytes = re.findall(rb"/Size (\d+)", first)[-1]
    body: bytes = first if first.endswith(b"\n") else first + b"\n"
    start = len(body)
    body += info + b" 0 obj\n<< /Author (corrected by " + AUTHOR.encode() + b") >>\nendobj\n"
    table = len(body)
    body += b"xref\n" + info + b" 1\n" + f"{start:010d} 00000 n \n".encode()
    body += b"trailer\n<< /Size " + size + b" /Root " + root + b" 0 R /Info " + info + b" 0 R /Prev " + previous
    return body + b" >>\nstartxref\n" + str(table).encode() + b"\n%%EOF\n"


def main() -> None:
    """Write every sample."""
    for language in STATEMENT:
        folder = SAMPLES / language
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "statement.docx").write_bytes(statement(language))
        (folder / "rota.pdf").write_bytes(rota(language))
        (folder / "note.txt").write_text(NOTE[language], encoding="utf-8")
    (SAMPLES / "photo.jpg").write_bytes(photo())
    (SAMPLES / "voice.m4a").write_bytes(voice())


if __name__ == "__main__":
    main()
