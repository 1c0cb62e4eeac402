"""What a newsroom puts on its first page: no template is edited, nothing heavy, nothing that was not cleaned."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fieldreport import config, limits
from fieldreport.errors import SettingsError
from tests.intake.conftest import House, Source

GREETING = "Зд" * (limits.GREETING_CHARACTERS // 2)


def picture(kind: str = "PNG", *, size: int = 48) -> bytes:
    info = PngInfo()
    info.add_text("Author", "PLANTED")
    out = io.BytesIO()
    options = {"pnginfo": info} if kind == "PNG" else {}
    Image.new("RGB", (size, size), "teal").save(out, kind, **options)
    return out.getvalue()


def branded(house: House, logo: bytes | None = None, **changes: object) -> House:
    path = Path()
    if logo is not None:
        path = house.settings.path.with_name("logo.bin")
        path.write_bytes(logo)
    return house.with_intake(logo=path, **changes)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_the_logo_is_cleaned_and_shown_on_the_first_page(house: House, kind: str) -> None:
    source = Source(branded(house, picture(kind)).app())
    page = source.get("")
    (image,) = page.all("//img")
    assert (image.get("src"), image.get("alt")) == ("/logo", "The Border Post")
    assert "img-src 'self'" in page.response.headers["Content-Security-Policy"]
    shown = source.client.get("/logo")
    assert shown.content_type == f"image/{kind.lower()}"
    assert b"PLANTED" not in shown.data
    assert Image.open(io.BytesIO(shown.data)).size == (48, 48)
    assert shown.headers["Cache-Control"] == "no-store"
    assert not source.get("report").all("//img")


def test_without_one_there_is_none_and_nothing_may_be_loaded(source: Source) -> None:
    page = source.get("")
    assert not page.all("//img")
    assert "img-src" not in page.response.headers["Content-Security-Policy"]
    assert source.client.get("/logo").status_code == 404


def test_the_heaviest_first_view_is_within_one_round_trip(house: House) -> None:
    logo = picture() + bytes(limits.LOGO_BYTES)
    for language in house.settings.intake.languages:
        house = branded(house, logo[: limits.LOGO_BYTES], greetings={language: GREETING}, contact="x" * 400)
        source = Source(house.app(), language=language)
        page = source.get("")
        weight = len(page.raw.encode()) + sum(len(key) + len(value) + 4 for key, value in page.response.headers)
        picture_weight = limits.LOGO_BYTES + sum(
            len(key) + len(value) + 4 for key, value in source.client.get("/logo").headers
        )
        assert weight + picture_weight <= 14 * 1024, (language, weight, picture_weight)


@pytest.mark.parametrize(
    ("logo", "why"),
    [
        (picture() + bytes(limits.LOGO_BYTES), "larger than"),
        (picture("GIF"), "must be PNG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "must be PNG or WebP"),
        (picture()[:40], "cannot be cleaned"),
        (b"", "cannot be cleaned"),
    ],
)
def test_what_is_no_small_picture_is_refused_at_start(house: House, logo: bytes, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        branded(house, logo).app()
    with pytest.raises(SettingsError, match="cannot read"):
        house.with_intake(logo=house.settings.path.with_name("missing.png")).app()


def test_a_greeting_is_shown_in_its_language_and_in_no_other(house: House) -> None:
    app = house.with_intake(greetings={"ko": "안녕하세요 <b>"}).app()
    assert "안녕하세요 <b>" in Source(app, language="ko").get("").text
    assert "안녕하세요" not in Source(app, language="en").get("").text


def test_by_what_to_tell_the_newsroom_is_on_the_page_of_help(house: House) -> None:
    source = Source(house.with_intake(contact="OpenPGP 0123 4567").app())
    assert "Is this really us?" in source.get("help").text
    assert "OpenPGP 0123 4567" in source.get("help").text
    assert "Is this really us?" not in Source(house.app()).get("help").text


def test_the_settings_hold_it(house: House) -> None:
    document = {
        "instance": {"id": "ab" * 16},
        "keys": {"directory": "keys", "admin_fingerprint": "cd" * 32},
        "intake": {"data": "intake", "logo": "logo.png", "contact": "x", "greetings": {"en": "Hello"}},
        "desk": {"data": "desk", "keyfiles": "desk/keyfiles"},
        "press": {"site": "site"},
    }
    settings = config.parse(document, path=house.settings.path, environment={}).intake
    assert settings.logo == house.settings.path.parent.resolve() / "logo.png"
    assert dict(settings.greetings) == {"en": "Hello"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"greetings": {"xx": "Hello"}},
        {"greetings": {"en": "x" * (limits.GREETING_CHARACTERS + 1)}},
        {"greetings": {"en": 1}},
        {"greetings": "Hello"},
        {"answer_days": {"xx": "On Mondays."}},
        {"contact": "x" * (limits.CONTACT_CHARACTERS + 1)},
    ],
)
def test_what_does_not_fit_is_refused(house: House, wrong: dict[str, object]) -> None:
    document = {
        "instance": {"id": "ab" * 16},
        "keys": {"directory": "keys", "admin_fingerprint": "cd" * 32},
        "intake": {"data": "intake", **wrong},
        "desk": {"data": "desk", "keyfiles": "desk/keyfiles"},
        "press": {"site": "site"},
    }
    with pytest.raises(SettingsError, match=re.escape(next(iter(wrong)))):
        config.parse(document, path=house.settings.path, environment={})
    with pytest.raises(SettingsError, match="settings file"):
        config.parse(
            {**document, "intake": {"data": "intake"}},
            path=house.settings.path,
            environment={"FIELDREPORT_INTAKE_GREETINGS": "x"},
        )
