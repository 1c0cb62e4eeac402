"""Setting noise aside at the desk: rules, the list of what they caught, and the way back."""

from __future__ import annotations

from fieldreport.seal import Role
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.staff import roster_changes
from tests.desk.conftest import Browser, House, Page
from tests.eventually import eventually


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
