"""Setting noise aside at the desk: rules, the list of what they caught, and the way back."""

from __future__ import annotations

from fieldreport.seal import Role
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.staff import roster_changes
from tests.cast import File
from tests.desk.conftest import Browser, House, Page, photo
from tests.eventually import eventually
from tests.scenes import jpeg, scene


def names(page: Page) -> list[str]:
    return [anchor.text_content().split()[0] for anchor in page.find("//tbody//th/a")]


def looked(amira: Browser, path: str = "/inbox") -> Page:
    """The inbox, once the desk has looked into every case."""

    def look() -> Page | None:
        page = amira.get(path)
        return None if "looking into" in page.text else page

    found = eventually(look)
    assert found is not None
    return found


def test_noise_leaves_the_inbox_with_its_reason_and_comes_back(house: House, amira: Browser, jonas: Browser) -> None:
    report, noise = house.receive("They took him."), house.receive("Cheap watches here", source=house.another_source)
    page = amira.press(amira.get("/junk"), "Save these rules", {"phrases": "cheap  watches\n\n", "kind": ["empty"]})
    assert "looks at all letters by these rules" in page.text
    page = looked(amira)
    assert names(page) == [report.name]
    page = looked(amira, page.link("1 more is set aside as junk"))
    assert names(page) == [noise.name]
    assert "has “cheap watches”" in page.text
    assert names(looked(jonas)) == [report.name], "the rules are everybody's"
    page = amira.press(page, f"Not junk: {noise.name}")
    assert "is no junk" in page.text
    assert set(names(looked(jonas))) == {report.name, noise.name}


def test_two_who_save_at_once_both_keep_what_they_typed(house: House, amira: Browser, jonas: Browser) -> None:
    mine, theirs = amira.get("/junk"), jonas.get("/junk")
    jonas.press(theirs, "Save these rules", {"phrases": "대출"})
    page = amira.press(mine, "Save these rules", {"phrases": "watches"})
    assert page.status == 409
    assert page.find("//textarea")[0].text.strip() == "watches"
    assert "대출" in page.text
    amira.press(page, "Save these rules")
    assert jonas.get("/junk").find("//textarea")[0].text.strip() == "watches"


def test_a_newcomer_reads_that_the_rules_are_not_sealed_to_their_key_yet(house: House, amira: Browser) -> None:
    amira.press(amira.get("/junk"), "Save these rules", {"phrases": "cheap watches"})
    newcomer = StaffKey.generate("dana", Role.EDITOR)
    roster_changes.enrol(house.seat("lena"), newcomer.public_entry(), house.mailbox)
    house.staff["dana"] = newcomer
    dana = house.stranger()
    cookie, _ = house.desk.sessions.begin(
        handle="dana", role=Role.EDITOR, seat=Seat(house.vault, newcomer, house.watch)
    )
    dana.client.set_cookie("desk", cookie)
    assert "not sealed to your key yet" in dana.get("/junk").text
    assert "cannot be believed" not in looked(dana).text


def test_too_many_phrases_stay_in_the_form(amira: Browser) -> None:
    typed = "\n".join(f"phrase number {number}" for number in range(600))
    page = amira.press(amira.get("/junk"), "Save these rules", {"phrases": typed})
    assert page.status == 422
    assert "phrase number 599" in page.find("//textarea")[0].text


def test_a_picture_that_comes_again_is_named_on_its_page_and_taken_back_among_the_rules(
    house: House, amira: Browser, jonas: Browser
) -> None:
    poster = scene(1)
    first = house.receive("look", files=(File("image-1.jpg", "image/jpeg", jpeg(poster)),))
    again = house.receive(
        "look at this",
        source=house.another_source,
        files=(File("image-1.jpg", "image/jpeg", jpeg(poster.resize((200, 150)), 60)),),
    )

    def sees() -> Page | None:
        page = amira.get(f"/cases/{first.id.hex()}")
        return page if "1 picture that looks alike" in page.text else None

    page = eventually(sees)
    assert page is not None
    assert again.name in page.text
    page = amira.press(amira.get(page.link("image-1.jpg")), "Set such letters aside")
    assert "are set aside now" in page.text

    jonas.get("/search")  # a desk that runs begins by itself

    def aside() -> Page | None:
        page = looked(jonas, "/inbox?junk=1")
        return page if set(names(page)) == {first.name, again.name} else None

    page = eventually(aside)
    assert page is not None
    assert page.text.count("only known pictures") == 2
    assert names(looked(jonas)) == []
    page = jonas.get("/junk")
    assert f"Picture 1, from {first.name}" in page.text
    assert jonas.get(page.find("//img[@class='thumb']")[0].get("src")).headers["Content-Type"] == "image/jpeg"
    jonas.press(page, "Save these rules", {"phrases": "cheap watches"})
    assert "Picture 1" in jonas.get("/junk").text, "another rule leaves it"
    jonas.press(jonas.get("/junk"), "Save these rules", {"picture": [], "phrases": ""})
    assert set(names(looked(jonas))) == {first.name, again.name}


def test_an_old_page_of_rules_takes_no_picture_away_that_a_colleague_named(
    house: House, amira: Browser, jonas: Browser
) -> None:
    case = house.receive("look", files=(File("image-1.jpg", "image/jpeg", jpeg(scene(1))),))
    old = jonas.get("/junk")
    amira.press(amira.get(amira.get(f"/cases/{case.id.hex()}").link("image-1.jpg")), "Set such letters aside")
    page = jonas.press(old, "Save these rules", {"phrases": "cheap watches"})
    assert page.status == 409
    page = jonas.press(page, "Save these rules")
    page = jonas.get("/junk")
    assert "cheap watches" in page.text
    assert "Picture 1" in page.text


def test_a_plain_picture_is_not_named(house: House, amira: Browser) -> None:
    case = house.receive("look", files=(File("image-1.jpg", "image/jpeg", photo()),))
    page = amira.press(amira.get(amira.get(f"/cases/{case.id.hex()}").link("image-1.jpg")), "Set such letters aside")
    assert "too plain" in page.text
    assert "Picture 1" not in amira.get("/junk").text
