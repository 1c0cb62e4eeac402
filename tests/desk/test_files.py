"""Attachments: shown safely or not at all, played from any position, downloaded neutrally, exported sealed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from click.testing import CliRunner
from PIL import Image

from fieldreport.cli import main
from fieldreport.seal import Expected, Kind, open_envelope
from fieldreport.vault.cases import inbox, workflow
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import PASSPHRASES, REPORT, File
from tests.desk.conftest import Browser, House, Page, photo

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def letter_with(house: House, *files: tuple[Any, ...]) -> tuple[CaseRow, str]:
    """A case, and the path of its one letter."""
    case = house.receive(files=[File(*file) for file in files])
    return case, f"/items/{inbox.items(house.vault, case.id)[0].id.hex()}"


def photo_that_names_its_camera() -> bytes:
    """What an honest intake would have cleaned, and one that was taken over need not have."""
    exif = Image.Exif()
    exif[0x010F] = "Cam Maker"
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(stream, "JPEG", exif=exif, comment=b"written at home")
    return stream.getvalue()


class TestAPicture:
    def test_it_is_shown_on_the_page_with_what_was_removed(self, house: House, amira: Browser) -> None:
        case, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo(), ("location", "device")))
        page = amira.get(f"/cases/{case.id.hex()}")
        assert page.find("//img")[0].get("src") == f"{item}/1/look/1/card"
        assert page.find("//img")[0].get("alt") == "photo-1.jpg, as sent by the source"
        assert "Removed on arrival: place, device" in page.text

    @pytest.mark.parametrize("form", ["JPEG", "PNG"])
    def test_it_is_re_encoded_in_the_sandbox(self, house: House, amira: Browser, form: str) -> None:
        stream = io.BytesIO()
        Image.new("RGB", (64, 48), "teal").save(stream, form)
        kind = f"image/{form.lower()}"
        _, item = letter_with(house, ("photo-1.jpg", kind, stream.getvalue()))
        page = amira.get(f"{item}/1/picture")
        assert (page.status, page.headers["Content-Type"]) == (200, kind)
        with Image.open(io.BytesIO(page.body)) as shown:
            assert shown.size == (64, 48)

    def test_a_phones_photo_is_shown_as_one_that_every_browser_knows(self, house: House, amira: Browser) -> None:
        stream = io.BytesIO()
        pillow_heif.from_pillow(Image.new("RGB", (64, 48), "teal")).save(stream)
        case, item = letter_with(house, ("photo-1.heic", "image/heic", stream.getvalue()))
        assert amira.get(f"/cases/{case.id.hex()}").find("//img")[0].get("src") == f"{item}/1/look/1/card"
        page = amira.get(f"{item}/1/picture")
        assert (page.status, page.headers["Content-Type"]) == (200, "image/jpeg")
        with Image.open(io.BytesIO(page.body)) as shown:
            assert shown.size == (64, 48)

    def test_nothing_a_hostile_intake_put_into_it_arrives(self, house: House, amira: Browser) -> None:
        _, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo_that_names_its_camera()))
        page = amira.get(f"{item}/1/picture")
        assert page.status == 200
        assert b"Cam Maker" not in page.body
        assert b"written at home" not in page.body

    def test_nothing_in_it_can_act(self, house: House, amira: Browser) -> None:
        _, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo()))
        policy = amira.get(f"{item}/1/picture").headers["Content-Security-Policy"].split("; ")
        assert "sandbox" in [directive.strip() for directive in policy]
        assert "default-src 'none'" in policy
        assert not any(directive.startswith(("style-src", "img-src")) for directive in policy)

    @pytest.mark.parametrize(
        "content",
        [b"<html><script>alert(1)</script>", b"\xff\xd8\xff\xe0 cut off", b"", b"%PDF-1.7\n"],
        ids=["html", "cut", "empty", "pdf"],
    )
    def test_what_only_says_that_it_is_one_is_not_shown(self, house: House, amira: Browser, content: bytes) -> None:
        _, item = letter_with(house, ("photo-1.jpg", "image/jpeg", content))
        page = amira.get(f"{item}/1/picture")
        assert page.status == 422
        assert page.headers["Content-Type"].startswith("text/html")
        assert b"alert(1)" not in page.body

    def test_other_types_are_not_served_as_pictures(self, house: House, amira: Browser) -> None:
        _, item = letter_with(house, ("text-1.txt", "text/html", b"<script>alert(1)</script>"))
        assert amira.get(f"{item}/1/picture").status == 404
        assert amira.get(f"{item}/0/picture").status == 404


class TestADownload:
    def test_it_is_the_file_under_its_neutral_name(self, house: House, amira: Browser) -> None:
        content = bytes(range(256)) * 1000
        case, _ = letter_with(house, ("document-1.docx", WORD, content, ("author",)))
        page = amira.get(amira.get(f"/cases/{case.id.hex()}").link("document-1.docx"))
        warning = amira.get(page.link("The file itself"))
        assert "attack the program that opens it" in warning.text
        assert "Sealed file for an offline machine" in warning.text
        page = amira.get(warning.link("Save document-1.docx on this machine"))
        assert page.body == content
        assert page.headers["Content-Disposition"] == 'attachment; filename="document-1.docx"'
        assert page.headers["Content-Type"] == "application/octet-stream"
        assert page.headers["Content-Length"] == str(len(content))
        assert page.headers["Content-Security-Policy"].split("; ")[-1].strip() == "sandbox"

    def test_it_is_never_a_page(self, house: House, amira: Browser) -> None:
        _, item = letter_with(house, ("text-1.txt", "text/html", b"<script>alert(1)</script>"))
        page = amira.get(f"{item}/1/download")
        assert page.headers["Content-Type"] == "application/octet-stream"
        assert page.headers["Content-Disposition"].startswith("attachment")

    def test_a_short_text_can_be_read_in_place(self, house: House, amira: Browser) -> None:
        case, _ = letter_with(house, ("text-1.txt", "text/plain; charset=utf-8", b"Counted <twice>.", ("copy-marks",)))
        page = amira.get(f"/cases/{case.id.hex()}")
        assert "Counted <twice>." in page.text
        assert "invisible copy marks" in page.text

    def test_a_text_whose_encoding_was_guessed_can_be_read_another_way(self, house: House, amira: Browser) -> None:
        right = "국경에서 본 사람들"
        wrong = right.encode("cp949").decode("gb18030").encode()
        case, item = letter_with(house, ("text-1.txt", "text/plain", wrong, ("read-as-gb18030",)))
        page = amira.get(f"/cases/{case.id.hex()}")
        assert "read as gb18030" in page.text
        assert page.find('//select[@name="codec"]/option[@selected]')[0].get("value") == "gb18030"
        page = amira.get(f"{item}/1/reading?codec=cp949")
        assert page.body.decode() == right
        assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert page.headers["Content-Security-Policy"].split("; ")[-1].strip() == "sandbox"

    def test_it_is_read_another_way_only_where_that_was_a_guess(self, house: House, amira: Browser) -> None:
        case, item = letter_with(house, ("text-1.txt", "text/plain", b"words"), ("photo-1.jpg", "image/jpeg", photo()))
        assert amira.get(f"/cases/{case.id.hex()}").find("//select[@name='codec']") == []
        for rest in ("1/reading?codec=cp949", "2/reading?codec=cp949", "1/reading?codec=rot13", "1/reading"):
            assert amira.get(f"{item}/{rest}").status == 404

    def test_it_rejects_what_there_is_not(self, house: House, amira: Browser) -> None:
        _, item = letter_with(house)
        assert amira.get(f"{item}/1/download").status == 404
        assert amira.get(f"{item}/-1/download").status == 404
        assert amira.get(f"/items/{'0' * 32}/0/download").status == 404

    def test_after_deletion_it_is_gone(self, house: House, amira: Browser) -> None:
        case, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo()))
        workflow.delete(house.seat("jonas"), case.id)
        for rest in ("/1/download", "/1/picture", "/export"):
            assert amira.get(item + rest).status == 404


class TestSoundAndFilm:
    CONTENT = bytes(range(256)) * 600

    def play(self, house: House, amira: Browser, headers: Mapping[str, str] | None = None) -> Page:
        _, item = letter_with(house, ("audio-1.mp3", "audio/mpeg", self.CONTENT))
        return amira.get(f"{item}/1/play", headers=headers)

    def test_it_plays_whole(self, house: House, amira: Browser) -> None:
        page = self.play(house, amira)
        assert (page.status, page.body, page.headers["Content-Type"]) == (200, self.CONTENT, "audio/mpeg")
        assert page.headers["Accept-Ranges"] == "bytes"

    @pytest.mark.parametrize(
        ("asked", "answered"),
        [("bytes=0-9", (0, 10)), ("bytes=70000-70009", (70000, 70010)), ("bytes=153590-", (153590, 153600))],
    )
    def test_it_plays_from_any_position(
        self, house: House, amira: Browser, asked: str, answered: tuple[int, int]
    ) -> None:
        page = self.play(house, amira, {"Range": asked})
        assert page.status == 206
        assert page.body == self.CONTENT[slice(*answered)]
        assert page.headers["Content-Range"] == f"bytes {answered[0]}-{answered[1] - 1}/{len(self.CONTENT)}"

    def test_a_position_beyond_the_end_is_refused(self, house: House, amira: Browser) -> None:
        assert self.play(house, amira, {"Range": "bytes=999999-"}).status == 416

    def test_the_page_has_a_player_that_waits(self, house: House, amira: Browser) -> None:
        case, item = letter_with(house, ("audio-1.mp3", "audio/mpeg", self.CONTENT), ("video-1.mp4", "video/mp4", b"x"))
        page = amira.get(f"/cases/{case.id.hex()}")
        assert page.find("//audio[@preload='none']")[0].get("src") == f"{item}/1/play"
        assert page.find("//video[@preload='none']")[0].get("src") == f"{item}/2/play"

    def test_other_types_do_not_play(self, house: House, amira: Browser) -> None:
        _, item = letter_with(house, ("photo-1.jpg", "image/svg+xml", b"<svg/>"))
        assert amira.get(f"{item}/1/play").status == 404


class TestTheSealedFile:
    def test_it_opens_offline_with_the_persons_key(self, house: House, amira: Browser) -> None:
        case, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo()))
        page = amira.get(amira.get(f"/cases/{case.id.hex()}").link("Sealed file"))
        assert page.body.startswith(b"age-encryption.org/v1\n")
        assert REPORT.encode() not in page.body
        letter_id = bytes.fromhex(item.removeprefix("/items/"))
        stored = house.vault.objects.open(letter_id)
        stored.payload.close()
        payload = io.BytesIO(page.body.removeprefix(stored.header))
        expected = Expected(
            kind=Kind.LETTER,
            instance=house.settings.instance_id,
            thread=letter_id,
            object=letter_id,
            rosters=house.rosters.history(),
        )
        identities = house.staff["amira"].identities
        with open_envelope(stored.header, payload, identities=identities, expected=expected) as envelope:
            envelope.verify()
            assert envelope.read_part(1, 1_000_000) == photo()
        assert page.headers["Content-Disposition"].startswith(f'attachment; filename="{case.name}-')

    def test_exactly_that_file_opens_with_the_command_and_the_persons_key_file(
        self, house: House, amira: Browser, tmp_path: Path
    ) -> None:
        case, item = letter_with(house, ("photo-1.jpg", "image/jpeg", photo(), ("location",)))
        (tmp_path / "letter.age").write_bytes(amira.get(f"{item}/export").body)
        (tmp_path / "passphrase").write_text(PASSPHRASES["amira"])
        key = house.settings.desk.keyfiles / "amira.key"
        rosters = (
            "--roster",
            house.settings.keys.directory,
            "--admin-fingerprint",
            house.settings.keys.admin_fingerprint,
        )
        arguments = [
            "open",
            tmp_path / "letter.age",
            "--key",
            key,
            "--passphrase-file",
            tmp_path / "passphrase",
            *rosters,
        ]
        done = CliRunner().invoke(main, [str(each) for each in [*arguments, "-o", tmp_path / "out"]])
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(f"kind            letter {item.removeprefix('/items/')}\n")
        assert (tmp_path / "out" / "report.txt").read_text() == REPORT
        assert (tmp_path / "out" / "photo-1.jpg").read_bytes() == photo()
        assert case.letters == 1

    def test_taking_it_is_logged(self, house: House, amira: Browser) -> None:
        case, item = letter_with(house)
        amira.get(f"{item}/export")
        entry = house.vault.audit.page()[0]
        assert (entry.act, entry.actor, entry.subject) == ("case-exported", "amira", case.name)


def test_no_plaintext_of_an_attachment_is_left_on_disk(house: House, amira: Browser) -> None:
    marker = b"PLAINTEXT-MARKER-OF-THIS-TEST"
    case, item = letter_with(house, ("document-1.docx", WORD, marker * 5000))
    for rest in ("/1/download", "/1/picture", "/export"):
        amira.get(item + rest)
    amira.get(f"/cases/{case.id.hex()}")
    guilty = [path for path in house.directory.rglob("*") if path.is_file() and marker in path.read_bytes()]
    assert guilty == []
