"""LibreOffice, which shares no code with ours, draws a clean office document as it drew the one that was sent."""

from __future__ import annotations

import collections
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from fieldreport.bench.samples import samples
from tests.scrub.conftest import clean_copy
from tests.scrub.documents.test_opendocument import slides_of_a_master

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.outside,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice"),
    pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="needs Poppler"),
]

DOCUMENTS: Mapping[str, Callable[[], bytes]] = {
    "sample.docx": samples()["docx"],
    "sample.xlsx": samples()["xlsx"],
    "sample.pptx": samples()["pptx"],
    "sample.odt": samples()["odt"],
    "sample.rtf": samples()["rtf"],
    "master.odp": lambda: slides_of_a_master("Kim"),
}
SEEN = 40  # levels of 255 by which a pixel differs
LETTERS = 0.0005  # of a page's pixels


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PDFs of all documents, in the folders ``before`` and ``after``."""
    directory = tmp_path_factory.mktemp("office")
    for folder in ("before", "after"):
        (directory / folder).mkdir()
        for name, make in DOCUMENTS.items():
            data = make()
            (directory / folder / name).write_bytes(data if folder == "before" else clean_copy(data).data)
        subprocess.run(
            [
                "soffice", f"-env:UserInstallation=file://{directory}/profile", "--headless", "--convert-to", "pdf",
                "--outdir", str(directory / folder), *(str(directory / folder / name) for name in DOCUMENTS),
            ],
            capture_output=True, check=True, timeout=240,
        )  # fmt: skip
    return directory


def pages(path: Path) -> list[Image.Image]:
    subprocess.run(["pdftoppm", "-q", "-r", "50", "-png", str(path), str(path.with_suffix(""))], check=True, timeout=60)
    return [Image.open(page).convert("RGB") for page in sorted(path.parent.glob(f"{path.stem}-*.png"))]


def words(path: Path) -> collections.Counter[str]:
    done = subprocess.run(["pdftotext", "-q", str(path), "-"], capture_output=True, check=True, timeout=60)
    return collections.Counter(re.findall(r"\w+", done.stdout.decode()))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_copy_is_drawn_as_the_original(drawn: Path, name: str) -> None:
    before, after = (Path(drawn / folder / name).with_suffix(".pdf") for folder in ("before", "after"))
    assert words(before) == words(after) != {}
    shown = pages(before)
    assert shown
    for one, other in zip(shown, pages(after), strict=True):
        differing = sum(ImageChops.difference(one, other).convert("L").histogram()[SEEN:])
        assert differing <= LETTERS * one.width * one.height
