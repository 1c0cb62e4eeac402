"""An exported chat still says which photo belongs to which message, and nowhere what the photo was called."""

from __future__ import annotations

import html
import io
import json
import unicodedata
import zipfile
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.scrub import Refusal
from fieldreport.scrub.archives.names_verify import OldNames
from fieldreport.scrub.archives.renames import Renames
from fieldreport.scrub.verdicts import Residue
from tests.scrub.archives.test_archives import photo, zip_of
from tests.scrub.conftest import Clean, RefusalOf

KOREAN = "사진 (1) 혜산 & '밤'.jpg"


def members_of(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def renamed(text: str, *names: str, folder: str = "") -> str:
    return Renames({name: f"photo-{number}.jpg" for number, name in enumerate(names, start=1)}).apply(
        text, folder=folder
    )


def in_every_spelling(name: str) -> list[str]:
    return [
        name,
        unicodedata.normalize("NFD", name),
        html.escape(name),
        name.encode("ascii", "xmlcharrefreplace").decode(),
        quote(name),
        quote(unicodedata.normalize("NFD", name)),
        quote(name, safe="").lower(),
        json.dumps(name)[1:-1],
        name.upper(),
    ]


def test_the_messages_of_a_phone_name_the_files_of_the_new_archive(clean: Clean) -> None:
    chat = (
        "[01/03/2026, 10:12:12] Kim: \u200e<attached: 00000012-PHOTO-2026-03-01-10-12-12.jpg>\n"
        "01.03.26, 10:13 - Kim: \u200eIMG-20260301-WA0001.jpg (file attached)\n"
        "01.03.26, 10:14 - Kim: IMG-20260301-WA0002.jpg was not sent\n"
    )
    photos = {"00000012-PHOTO-2026-03-01-10-12-12.jpg": photo(1), "IMG-20260301-WA0001.jpg": photo(2)}
    members = members_of(clean(zip_of({"_chat.txt": chat.encode(), **photos})).data)
    assert list(members) == ["photo-1.jpg", "photo-2.jpg", "text-1.txt"]
    assert members["text-1.txt"] == (
        "[01/03/2026, 10:12:12] Kim: <attached: photo-1.jpg>\n01.03.26, 10:13 - Kim: photo-2.jpg (file attached)\n"
        "01.03.26, 10:14 - Kim: IMG-20260301-WA0002.jpg was not sent\n"
    )


def test_an_exported_page_shows_its_pictures_from_the_new_archive_and_leads_to_the_next_page(clean: Clean) -> None:
    page = (
        '<!DOCTYPE html><body><a href="photos/photo_1@01-03-2026.jpg"><img src="photos/photo_1@01-03-2026_thumb.jpg">'
        '</a><a href="messages2.html">next</a><a href="video_files/other.mp4">gone</a></body>'
    )
    members = members_of(
        clean(
            zip_of(
                {
                    "Chat/messages.html": page.encode(),
                    "Chat/messages2.html": b"<!DOCTYPE html><body><p>two</p></body>",
                    "Chat/photos/photo_1@01-03-2026.jpg": photo(1),
                    "Chat/photos/photo_1@01-03-2026_thumb.jpg": photo(2),
                }
            )
        ).data
    )
    assert '<a href="photo-1.jpg"><img src="photo-2.jpg"></a><a href="page-2.html">next</a>' in members["page-1.html"]
    assert "other.mp4" not in members["page-1.html"]


@pytest.mark.parametrize("spelled", in_every_spelling(KOREAN))
@pytest.mark.parametrize("around", ["<{}>", '"chat/photos/{}"', "앞{}를 보세요", "see {}.", "../photos/{},", "{}"])
def test_a_name_is_found_in_every_spelling(spelled: str, around: str) -> None:
    found = renamed(around.format(spelled), f"chat/photos/{KOREAN}")
    assert found == around.replace("chat/photos/", "").replace("../photos/", "").format("photo-1.jpg")
    OldNames([f"chat/photos/{KOREAN}"]).verify(found)


def test_json_with_its_strokes_escaped() -> None:
    assert renamed(r'{"photo": "photos\/a b.jpg"}', "photos/a b.jpg") == '{"photo": "photo-1.jpg"}'
    assert renamed(r'{"photo": "photos\\a b.jpg"}', "photos/a b.jpg") == '{"photo": "photo-1.jpg"}'


def test_the_longest_name_wins_and_a_part_of_a_word_is_none() -> None:
    assert (
        renamed("a 12 1.jpg, 2 1.jpg, 1.jpg", "1.jpg", "2 1.jpg", "12 1.jpg")
        == "a photo-3.jpg, photo-2.jpg, photo-1.jpg"
    )
    assert renamed("x1.jpg 1.jpgs photo-1.jpg 1.jpg", "1.jpg") == "x1.jpg 1.jpgs photo-1.jpg photo-1.jpg"


def test_two_files_that_change_their_names_with_each_other() -> None:
    assert (
        Renames({"photo-1.jpg": "photo-2.jpg", "photo-2.jpg": "photo-1.jpg"}).apply(
            "photo-1.jpg photo-2.jpg", folder=""
        )
        == "photo-2.jpg photo-1.jpg"
    )


def test_of_two_files_of_one_name_the_one_in_the_same_folder_is_meant() -> None:
    names = ("a/1.jpg", "b/1.jpg")
    assert renamed("1.jpg a/1.jpg b/1.jpg", *names, folder="b") == "photo-2.jpg photo-1.jpg photo-2.jpg"
    assert renamed("1.jpg", *names, folder="c") == "photo-1.jpg"


def test_the_address_of_a_web_page_stays() -> None:
    text = "https://example.org/news/index.html and index.html"
    assert renamed(text, "site/index.html") == "https://example.org/news/index.html and photo-1.jpg"
    OldNames(["site/index.html"]).verify("https://example.org/news/index.html")


def test_a_file_without_an_ending_is_a_word() -> None:
    assert renamed("Kim says", "Kim") == "Kim says"
    OldNames(["Kim"]).verify("Kim says")


def test_what_is_left_out_has_no_name_in_the_texts_either(clean: Clean) -> None:
    data = zip_of({"chat.txt": b"see Thumbs.db and a.jpg", "Thumbs.db": b"\xd0\xcf\x11\xe0" * 9, "a.jpg": photo()})
    assert members_of(clean(data).data)["text-1.txt"] == "see left-out-2 and photo-1.jpg"


@pytest.mark.parametrize("spelled", in_every_spelling(KOREAN))
def test_the_second_reading_finds_a_name_in_every_spelling(spelled: str) -> None:
    with pytest.raises(Residue):
        OldNames(["folder/" + KOREAN]).verify(f"a {spelled} b")


def test_an_archive_whose_texts_still_name_a_file_is_refused(
    refusal_of: RefusalOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Renames, "apply", lambda _self, text, folder: text + folder)
    assert refusal_of(zip_of({"a.txt": b"see b.jpg", "b.jpg": photo()})) is Refusal.RESIDUE


def test_names_that_are_not_in_unicode_are_read_in_the_encoding_of_all_names(clean: Clean) -> None:
    """Windows writes the code page of the country into ZIP files and says so nowhere."""
    name = "사진첩 국경에서 찍은 사진 하나.jpg"
    data = zip_of({"chat.txt": f"보세요: {name}".encode(), "X" * len(name.encode("cp949")): photo()})
    data = data.replace(b"X" * len(name.encode("cp949")), name.encode("cp949"))
    assert members_of(clean(data).data)["text-1.txt"] == "보세요: photo-1.jpg"


NAMES = st.text(st.sampled_from("aB1 .-_/%&;\\é김u'"), min_size=1, max_size=9).map(lambda name: f"{name}.jpg")


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_files_are_called_the_second_reading_finds_nothing(names: list[str], data: st.DataObject) -> None:
    pieces = st.one_of(
        st.sampled_from(["\n", " ", '"', "x", "김"]), *(st.sampled_from(in_every_spelling(n)) for n in names)
    )
    text = "\n".join(data.draw(st.lists(pieces, max_size=6)))
    text = unicodedata.normalize("NFC", text)
    OldNames(names).verify(renamed(text, *names))
