"""From cases to a page for readers: writing, pictures, the leak check, sign-offs, publishing, taking back."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.articles.questions import Question
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.vault.cases import inbox, restriction
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import REPORT, File
from tests.desk.conftest import Browser, House, Page, photo

BODY = "People are leaving in the dark again, several witnesses said.\n\nNobody counts them."


ANSWERS = {f"question.{each}": "About forty, in two offices." for each in Question if not each.files}


def wav() -> bytes:
    """A tenth of a second of silence."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    return stream.getvalue()


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive(protect="Hyesan")


def start(house: House, browser: Browser, case: CaseRow) -> Page:
    return browser.press(browser.get(f"/cases/{case.id.hex()}"), "Start an article")


def written(house: House, browser: Browser, case: CaseRow, **values: str) -> str:
    """An article of ``browser``'s owner that is saved once; returns its path."""
    page = start(house, browser, case)
    browser.press(page, "Save", {"title": "Leaving in the dark", "body": BODY, **values})
    return page.path


def submitted(house: House, browser: Browser, case: CaseRow, **values: str) -> str:
    path = written(house, browser, case, **values)
    page = browser.press(browser.get(f"{path}/check"), "Submit for review")
    assert "Somebody who did not write it" in page.text
    return path


def published(house: House, case: CaseRow, **values: str) -> str:
    path = submitted(house, house.sign_in("amira"), case, **values)
    jonas, ines = house.sign_in("jonas"), house.sign_in("ines")
    jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
    page = ines.press(ines.get(f"{path}/check"), "Sign off: publish")
    assert "Signed off and published." in page.text, page.text
    return path


def site(house: House) -> list[str]:
    """Every page of the public site, as one text each."""
    directory: Path = house.settings.press.site / "current"
    return [path.read_text(encoding="utf-8") for path in directory.rglob("*.html")]


def state(house: House) -> ArticleState:
    return list_articles(house.vault)[0].state


class TestWriting:
    def test_it_starts_from_a_case(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = start(house, amira, case)
        assert page.status == 200
        assert case.name in page.text
        assert list_articles(house.vault)[0].cases == (case.id,)

    def test_it_starts_from_several_ticked_cases(self, house: House, amira: Browser, case: CaseRow) -> None:
        other = house.receive(source=house.another_source)
        page = amira.get("/inbox")
        assert len(page.find("//input[@type='checkbox'][@form='ticked']")) == 2
        token = page.find("//form[@id='ticked']/input[@name='token']")[0].get("value")
        ticked = {"token": token, "language": "ko", "case": [case.id.hex(), other.id.hex()]}
        page = amira.post("/articles", ticked)
        assert set(list_articles(house.vault)[0].cases) == {case.id, other.id}
        assert page.find("//select[@id='language']/option[@selected]")[0].get("value") == "ko"

    @pytest.mark.parametrize("cases", [[], ["xyz"], ["0" * 32]], ids=["none", "garbage", "unknown"])
    def test_it_rejects_an_article_from_nothing(self, house: House, amira: Browser, cases: list[str]) -> None:
        token = amira.get("/inbox").find("//input[@name='token']")[0].get("value")
        page = amira.post("/articles", {"token": token, "language": "en", "case": cases})
        assert page.status in {404, 422}
        assert list_articles(house.vault) == ()

    def test_what_is_saved_comes_back(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(written(house, amira, case, standfirst="A night in autumn."))
        assert page.find("//input[@id='title']")[0].get("value") == "Leaving in the dark"
        assert page.find("//textarea[@id='body']")[0].text.strip() == BODY
        assert page.find("//textarea[@id='standfirst']")[0].text.strip() == "A night in autumn."

    def test_what_is_typed_is_previewed_and_not_saved(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case)
        page = amira.press(amira.get(path), "Preview", {"title": "Typed", "body": "**Loud** and <b>plain</b>."})
        assert page.status == 200
        assert page.find("//article//strong")[0].text_content() == "Loud"
        assert "<b>plain</b>" in page.find("//article")[0].text_content()
        assert page.find("//textarea[@id='body']")[0].text.strip() == "**Loud** and <b>plain</b>."
        assert amira.get(path).find("//input[@id='title']")[0].get("value") == "Leaving in the dark"
        amira.press(page, "Save")
        assert amira.get(path).find("//input[@id='title']")[0].get("value") == "Typed"

    def test_a_preview_does_not_hide_what_a_colleague_saved(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        path = written(house, amira, case)
        hers = amira.get(path)
        jonas.press(jonas.get(path), "Save", {"title": "His title"})
        page = amira.press(hers, "Preview", {"title": "Her title"})
        assert page.status == 409
        assert "His title" in page.text

    def test_case_notes_and_fact_sheet_stand_beside_the_text_and_the_source_is_named_as_they_asked(
        self, house: House, amira: Browser
    ) -> None:
        case = house.receive(describe="a trader in the north.", protect="Hyesan")
        page = amira.get(f"/cases/{case.id.hex()}?write=note")
        amira.press(page, "Seal the note", {"text": "Ask about the gate."})
        page = amira.get(f"/cases/{case.id.hex()}?write=facts")
        amira.press(page, "Seal the fact sheet", {"facts": "What is claimed", "protected": "Pak Yong-ho"})
        page = start(house, amira, case)
        beside = " ".join(page.find("//aside")[0].text_content().split())
        for words in ("Ask about the gate.", "What is claimed", "Pak Yong-ho", REPORT):
            assert words in beside
        asked = "a trader in the north, who cannot give their name because of safety reasons"
        page = amira.press(page, f"Add to the text: {asked}", {"body": "It is cold, says"})
        assert page.find("//textarea[@id='body']")[0].text.strip() == f"It is cold, says {asked}"

    def test_of_a_case_that_is_limited_to_others_nothing_stands_beside_the_text(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        path = written(house, amira, case)
        restriction.limit(house.seat("amira"), case.id, {"amira", "ines"})
        page = jonas.get(path)
        assert "1 of its cases is gone or limited to others." in page.text
        assert REPORT not in page.text

    def test_it_is_listed_by_title(self, house: House, amira: Browser, jonas: Browser, case: CaseRow) -> None:
        path = written(house, amira, case)
        assert jonas.get("/articles").link("Leaving in the dark") == path

    def test_the_address_is_random_and_takes_words_only_when_asked(
        self, house: House, amira: Browser, case: CaseRow
    ) -> None:
        path = written(house, amira, case)
        assert "leaving" not in amira.get(path).find("//span[@class='mono']")[0].text_content()
        amira.press(amira.get(path), "Save", {"slug_words": "Across the river"})
        assert "/across-the-river-" in amira.get(path).find("//span[@class='mono']")[0].text_content()

    def test_who_saves_second_sees_the_differences_keeps_what_they_typed_and_can_save_it(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        path = written(house, amira, case)
        hers, his = amira.get(path), jonas.get(path)
        amira.press(hers, "Save", {"title": "Her title"})
        typed = {"title": "His title", "slug_words": "his words", "body": f"{BODY}\n\nHis last line."}
        page = jonas.press(his, "Save", typed)
        assert page.status == 409
        assert [mark.text for mark in page.find("//del")] == ["Her title"]
        assert [mark.text.strip() for mark in page.find("//ins")] == ["His title", "His last line."]
        assert page.link("Back to the article as it is stored") == path
        assert page.find("//input[@id='slug_words']")[0].get("value") == "his words"
        assert amira.get(path).find("//input[@id='title']")[0].get("value") == "Her title"
        jonas.press(page, "Save")
        assert amira.get(path).find("//input[@id='title']")[0].get("value") == "His title"
        assert amira.get(path).find("//textarea[@id='body']")[0].text.strip().endswith("His last line.")

    def test_what_readers_do_not_get_is_named_with_its_line(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case, body="One.\n\n[two](javascript:alert(1)) and <b>three</b>.")
        for page in (amira.get(path), amira.get(f"{path}/check")):
            assert "Line 3: this link is no web address and leads nowhere: javascript:alert(1)" in page.text
            assert "Line 3: HTML is shown as letters: <b>" in page.text

    def test_its_length_is_told(self, house: House, amira: Browser, case: CaseRow) -> None:
        assert "17 words" in amira.get(written(house, amira, case)).text

    def test_an_earlier_revision_is_compared_and_put_back_as_a_new_one(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        path = written(house, amira, case)
        jonas.press(jonas.get(path), "Save", {"title": "His title", "body": "Only this."})
        page = amira.get(amira.get(path).link("Revision 2"))
        assert [mark.text for mark in page.find("//del")] == ["Leaving in the dark", BODY]
        assert [mark.text for mark in page.find("//ins")] == ["His title", "Only this."]
        page = amira.press(page, "Put revision 2 back")
        assert page.find("//textarea[@id='body']")[0].text.strip() == BODY
        assert list_articles(house.vault)[0].revision == 4
        assert "It says the same as the article now." in amira.get(page.link("Revision 2")).text
        assert "Only this." in amira.get(page.link("Revision 3")).text
        assert amira.get(f"{path}/revisions/9").status == 404

    def test_saving_nothing_new_keeps_the_revision(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case)
        before = list_articles(house.vault)[0].revision
        assert "Nothing has changed." in amira.press(amira.get(path), "Save").text
        assert list_articles(house.vault)[0].revision == before

    def test_it_rejects_what_is_too_long_and_gives_it_back(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case)
        page = amira.press(amira.get(path), "Save", {"body": "y" * 200_001})
        assert page.status == 413
        assert "y" * 200_001 in [area.text.strip() for area in page.find("//textarea[@readonly]")]

    def test_a_preview_shows_it_as_readers_will_see_it(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case, body="A **bold** word and <script>alert(1)</script>.")
        page = amira.get(f"{path}/preview")
        assert page.find("//article//strong")[0].text_content() == "bold"
        assert page.find("//script") == []
        assert "<script>alert(1)</script>" in page.text


class TestPictures:
    def attached(self, house: House, amira: Browser) -> str:
        case = house.receive("with a photo", files=[File("photo-1.jpg", "image/jpeg", self.marked())])
        path = written(house, amira, case)
        page = amira.press(amira.get(path), "Attach photo-1.jpg")
        assert "Attached: a fresh copy" in page.text
        return path

    def test_attaching_keeps_what_was_typed(self, house: House, amira: Browser) -> None:
        case = house.receive("with a photo", files=[File("photo-1.jpg", "image/jpeg", self.marked())])
        page = start(house, amira, case)
        page = amira.press(page, "Attach photo-1.jpg", {"title": "Typed", "body": BODY})
        assert page.find("//input[@id='title']")[0].get("value") == "Typed"
        assert page.find("//textarea[@id='body']")[0].text.strip() == BODY
        assert page.find("//fieldset//img")

    def test_a_colleague_who_saved_first_is_not_overwritten_by_attaching(
        self, house: House, amira: Browser, jonas: Browser
    ) -> None:
        case = house.receive("with a photo", files=[File("photo-1.jpg", "image/jpeg", self.marked())])
        path = written(house, amira, case)
        page = amira.get(path)
        jonas.press(jonas.get(path), "Save", {"title": "His title"})
        page = amira.press(page, "Attach photo-1.jpg", {"title": "Her title"})
        assert page.status == 409
        assert [mark.text for mark in page.find("//del")] == ["His title"]
        assert jonas.get(path).find("//fieldset//img") == []

    def test_without_a_description_and_a_caption_it_is_not_reviewed(self, house: House, amira: Browser) -> None:
        path = self.attached(house, amira)
        check = amira.get(f"{path}/check")
        assert "photo-1.jpg has no description and no caption" in check.text
        assert "Submit for review" not in check.buttons()
        amira.press(amira.get(path), "Save", {"alternative.photo-1.jpg": "A river bank"})
        token = check.find("//input[@name='token']")[0].get("value")
        page = amira.post(f"{path}/submit", {"token": token})
        assert page.status == 403
        assert "photo-1.jpg has no caption" in page.text
        amira.press(amira.get(path), "Save", {"caption.photo-1.jpg": "The far side"})
        assert "Submit for review" in amira.get(f"{path}/check").buttons()

    def test_a_recording_is_attached_with_a_word_about_voices(self, house: House, amira: Browser) -> None:
        case = house.receive("with a voice", files=[File("audio-1.wav", "audio/wav", wav())])
        path = written(house, amira, case)
        page = amira.press(amira.get(path), "Attach audio-1.wav")
        assert "A voice can be recognised" in page.text
        player = page.find("//fieldset//audio")[0]
        assert amira.get(player.get("src")).headers["Content-Type"].startswith("audio/")

    @staticmethod
    def marked() -> bytes:
        stream = io.BytesIO()
        Image.new("RGB", (64, 48), "teal").save(stream, "JPEG", comment=b"marked copy")
        return stream.getvalue()

    def test_one_of_the_case_becomes_a_fresh_rendition(self, house: House, amira: Browser) -> None:
        path = self.attached(house, amira)
        source = amira.get(path).find("//fieldset//img")[0].get("src")
        page = amira.get(source)
        assert page.headers["Content-Type"] == "image/jpeg"
        assert b"marked copy" not in page.body
        assert "sandbox" in page.headers["Content-Security-Policy"]

    def test_caption_and_description_are_saved(self, house: House, amira: Browser) -> None:
        path = self.attached(house, amira)
        values = {"alternative.photo-1.jpg": "A river bank", "caption.photo-1.jpg": "The far side"}
        amira.press(amira.get(path), "Save", values)
        page = amira.get(f"{path}/preview")
        assert page.find("//article//img")[0].get("alt") == "A river bank"
        assert "The far side" in page.text

    def test_it_can_be_taken_out_again(self, house: House, amira: Browser) -> None:
        path = self.attached(house, amira)
        amira.press(amira.get(path), "Save", {"remove.photo-1.jpg": "1"})
        assert amira.get(path).find("//fieldset//img") == []
        assert amira.get(f"{path}/media/photo-1.jpg").status == 404

    def test_one_of_another_case_is_refused(self, house: House, amira: Browser, case: CaseRow) -> None:
        file = File("photo-1.jpg", "image/jpeg", photo())
        other = house.receive("another source", source=house.another_source, files=[file])
        path = written(house, amira, case)
        page = amira.get(path)
        token = page.find("//input[@name='token']")[0].get("value")
        item = inbox.items(house.vault, other.id)[0].id.hex()
        values = {"token": token, "attach": f"{item}-1", "based_on": "2"}
        assert amira.post(f"{path}/media", values).status == 404

    def test_what_is_no_picture_is_refused_and_the_text_is_saved(self, house: House, amira: Browser) -> None:
        case = house.receive("x", files=[File("photo-1.jpg", "image/jpeg", b"<html>")])
        path = written(house, amira, case)
        page = amira.press(amira.get(path), "Attach photo-1.jpg", {"title": "Typed"})
        assert "Your text is saved. The file was not attached:" in page.text
        assert page.find("//input[@id='title']")[0].get("value") == "Typed"
        assert page.find("//fieldset") == []


class TestTheLeakCheck:
    def test_it_says_that_a_pass_is_not_safety(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(f"{written(house, amira, case)}/check")
        assert "A pass does not mean safe." in page.text
        assert "Nothing was found" in page.text

    def test_each_finding_stands_beside_the_text_with_what_it_gives_away(
        self, house: House, amira: Browser, case: CaseRow
    ) -> None:
        path = written(house, amira, case, body=f"They came through Hyesan. {REPORT} Call +82 10 1234 5678.")
        page = amira.get(f"{path}/check")
        headings = " ".join(head.text_content() for head in page.find("//article/h3"))
        assert "Protected term blocks" in " ".join(headings.split())
        assert "Words copied from the report" in headings
        assert "Phone number" in headings
        marks = [mark.text_content() for mark in page.find("//section[@aria-labelledby='h-text']//mark")]
        assert "Hyesan" in marks
        for article in page.find("//article[starts-with(@id, 'f-')]"):
            assert article.find(".//dd").text_content().strip()
        assert page.find("//article//mark")[0].getparent().getparent().get("id", "").startswith("f-")

    def test_a_writer_mends_a_block_and_cannot_override_it(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case, body="They came through Hyesan.")
        page = amira.get(f"{path}/check")
        assert "Override this block" not in page.buttons()
        key = page.find("//article[starts-with(@id, 'f-')]")[0].get("id").removeprefix("f-")
        token = page.find("//input[@name='token']")[0].get("value")
        values = {"token": token, f"reason-{key}": "I know better"}
        assert amira.post(f"{path}/check/{key}", values).status == 403
        amira.press(amira.get(path), "Save", {"body": "They came from the north."})
        assert "Nothing was found" in amira.get(f"{path}/check").text

    def test_who_clears_overrides_with_a_reason_that_is_shown(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        path = submitted(house, amira, case, body="They came through Hyesan.")
        page = jonas.get(f"{path}/check")
        field = page.find("//article//input[starts-with(@id, 'reason-')]")[0].get("name")
        page = jonas.press(page, "Override this block", {field: "The whole town knows <it>."})
        assert page.status == 200
        assert "jonas: The whole town knows <it>." in page.text
        page = jonas.press(page, "Sign off: safe to publish", ANSWERS)
        assert state(house) is ArticleState.CLEARED

    @pytest.mark.parametrize("reason", ["", "  ", "ok"])
    def test_an_answer_without_a_reason_is_refused(
        self, house: House, amira: Browser, case: CaseRow, reason: str
    ) -> None:
        path = written(house, amira, case, body="It was on 14 October 2026.")
        page = amira.get(f"{path}/check")
        field = page.find("//article//input[starts-with(@id, 'reason-')]")[0].get("name")
        page = amira.press(page, "Answer this warning", {field: reason})
        assert page.status == 422
        assert page.find(f"//*[@id='{field}-problem']")
        assert page.find(f"//a[@href='#{field}']")

    def test_findings_are_answered_one_at_a_time(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case, body="It was on 14 October 2026.\n\nAnd again on 3 May 2025.")
        page = amira.get(f"{path}/check")
        assert page.buttons().count("Answer this warning") == 2
        assert not any("all" in button.lower().split() for button in page.buttons())
        field = page.find("//article//input[starts-with(@id, 'reason-')]")[0].get("name")
        page = amira.press(page, "Answer this warning", {field: "It was on every front page."})
        assert page.buttons().count("Answer this warning") == 1

    def test_what_blocks_comes_first_and_what_is_answered_last(
        self, house: House, amira: Browser, case: CaseRow
    ) -> None:
        path = written(house, amira, case, body="On 14 October 2026 and 3 May 2025 they came through Hyesan.")
        page = amira.get(f"{path}/check")
        tags = "//article/h3/span"
        assert [tag.text_content() for tag in page.find(tags)] == ["blocks", "warning", "warning"]
        field = page.find("//article//input[starts-with(@id, 'reason-')]")[0].get("name")
        page = amira.press(page, "Answer this warning", {field: "It was on every front page."})
        assert [tag.text_content() for tag in page.find(tags)] == ["blocks", "warning", "answered"]

    def test_an_answer_to_nothing_is_refused(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case)
        page = amira.get(f"{path}/check")
        token = page.find("//input[@name='token']")[0].get("value")
        values = {"token": token, f"reason-{'0' * 16}": "a reason"}
        assert amira.post(f"{path}/check/{'0' * 16}", values).status == 404


class TestSigningOff:
    def test_an_empty_article_is_not_submitted(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = start(house, amira, case).path
        assert amira.press(amira.get(f"{path}/check"), "Submit for review").status == 403
        assert state(house) is ArticleState.DRAFT

    def test_every_question_is_answered_before_a_sign_off_and_read_by_the_next_signer(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        path = submitted(house, amira, case)
        page = jonas.get(f"{path}/check")
        assert len(page.find("//textarea[starts-with(@name, 'question.')]")) == 3
        page = jonas.press(page, "Sign off: safe to publish", {**ANSWERS, "question.access": " "})
        assert page.status == 422
        assert page.find("//textarea[@id='question.people']")[0].text.strip() == "About forty, in two offices."
        assert page.find("//a[@href='#question.access']")
        page = jonas.press(page, "Sign off: safe to publish", {"question.access": "كل من في المكتب"})
        assert state(house) is ArticleState.CLEARED
        assert "What jonas answered before signing" in house.sign_in("ines").get(f"{path}/check").text
        assert "كل من في المكتب" in page.text

    def test_the_writer_is_offered_no_sign_off_and_refused_one(
        self, house: House, amira: Browser, case: CaseRow
    ) -> None:
        path = submitted(house, amira, case)
        page = amira.get(f"{path}/check")
        assert "You wrote this" in page.text
        assert "Sign off: safe to publish" not in page.buttons()
        token = page.find("//input[@name='token']")[0].get("value")
        assert amira.post(f"{path}/clear", {"token": token, **ANSWERS}).status == 403
        assert amira.post(f"{path}/publish", {"token": token}).status == 403
        assert state(house) is ArticleState.REVIEW

    def test_open_findings_keep_it_from_being_cleared(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        path = submitted(house, amira, case, body="They came through Hyesan.")
        page = jonas.get(f"{path}/check")
        assert "Sign off: safe to publish" not in page.buttons()
        token = page.find("//input[@name='token']")[0].get("value")
        assert jonas.post(f"{path}/clear", {"token": token, **ANSWERS}).status == 403

    def test_three_people_bring_it_to_readers(self, house: House, case: CaseRow) -> None:
        published(house, case)
        assert state(house) is ArticleState.PUBLISHED
        assert any("Nobody counts them." in text for text in site(house))

    def test_who_cleared_does_not_publish(self, house: House, amira: Browser, jonas: Browser, case: CaseRow) -> None:
        path = submitted(house, amira, case)
        page = jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
        assert "a third person publishes it" in page.text
        token = page.find("//input[@name='token']")[0].get("value")
        assert jonas.post(f"{path}/publish", {"token": token}).status == 403

    def test_in_a_newsroom_of_two_one_colleague_does_both(self, build: Callable[..., House]) -> None:
        house = build(press={"sign_offs": 1})
        path = submitted(house, house.sign_in("amira"), house.receive())
        jonas = house.sign_in("jonas")
        page = jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
        assert "Signed off and published." in jonas.press(page, "Sign off: publish").text

    def test_an_edit_voids_what_was_signed(self, house: House, amira: Browser, jonas: Browser, case: CaseRow) -> None:
        path = submitted(house, amira, case)
        jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
        assert "voids every sign-off" in amira.get(path).text
        amira.press(amira.get(path), "Save", {"title": "Another title"})
        assert state(house) is ArticleState.DRAFT
        assert list_articles(house.vault)[0].cleared_by is None

    def test_it_can_be_taken_back_to_draft(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = submitted(house, amira, case)
        assert "Back to draft." in amira.press(amira.get(f"{path}/check"), "Back to draft").text
        assert state(house) is ArticleState.DRAFT

    def test_with_delays_it_waits_for_its_slot_and_goes_out_by_itself(self, build: Callable[..., House]) -> None:
        house = build(press={"minimum_age_hours": 72, "random_delay_hours": 0, "daily_slot": "06:00"})
        path = submitted(house, house.sign_in("amira"), house.receive())
        jonas, ines = house.sign_in("jonas"), house.sign_in("ines")
        jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
        page = ines.press(ines.get(f"{path}/check"), "Sign off: publish")
        assert "It is due on 2026-11-06 06:00 UTC" in page.text
        assert "amira or ines or jonas" in page.text
        assert not any("Nobody counts them." in text for text in site(house))
        house.clock.forward(4 * 24 * 3600)
        page = house.sign_in("jonas").get("/articles")
        assert "1 scheduled article is now published." in page.text
        assert any("Nobody counts them." in text for text in site(house))

    def test_a_day_and_a_hold_are_kept_and_a_wrong_day_voids_nothing(self, house: House, case: CaseRow) -> None:
        path = submitted(house, house.sign_in("amira"), case)
        jonas, ines = house.sign_in("jonas"), house.sign_in("ines")
        jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
        for day in ("soon", "2020-01-01"):
            page = ines.press(ines.get(f"{path}/check"), "Sign off: publish", {"not_before": day})
            assert page.status == 422
            assert page.find("//input[@name='not_before']")[0].get("value") == day
        page = ines.press(page, "Sign off: publish", {"not_before": "2026-12-24"})
        assert "It is due on 2026-12-24 00:00 UTC" in page.text
        page = jonas.press(jonas.get(f"{path}/check"), "Hold it back")
        assert "jonas holds it back" in page.text
        house.clock.forward(60 * 24 * 3600)
        assert state(house) is ArticleState.SCHEDULED
        ines = house.sign_in("ines")
        assert "It goes out at its slot." in ines.press(ines.get(f"{path}/check"), "Let it go").text


class TestAfterPublication:
    def test_withdrawing_takes_it_off_at_once(self, house: House, case: CaseRow) -> None:
        path = published(house, case)
        jonas = house.sign_in("jonas")
        page = jonas.get(jonas.get(path).link("Withdraw this article"))
        assert "Withdrawn." in jonas.press(page, "Withdraw it now").text
        assert state(house) is ArticleState.WITHDRAWN
        assert not any("Nobody counts them." in text for text in site(house))

    def test_a_correction_leaves_readers_the_old_version_until_it_is_signed(self, house: House, case: CaseRow) -> None:
        path = published(house, case)
        amira, jonas, ines = (house.sign_in(handle) for handle in ("amira", "jonas", "ines"))
        amira.press(amira.get(path), "Correct it")
        amira.press(amira.get(path), "Save", {"body": "Somebody counts them.", "correction": "We were wrong."})
        assert any("Nobody counts them." in text for text in site(house))
        amira.press(amira.get(f"{path}/check"), "Submit for review")
        jonas.press(jonas.get(f"{path}/check"), "Sign off: safe to publish", ANSWERS)
        ines.press(ines.get(f"{path}/check"), "Sign off: publish")
        assert state(house) is ArticleState.CORRECTED
        assert any("Somebody counts them." in text and "We were wrong." in text for text in site(house))

    def test_a_correction_can_be_dropped(self, house: House, case: CaseRow) -> None:
        path = published(house, case)
        amira = house.sign_in("amira")
        amira.press(amira.get(path), "Correct it")
        amira.press(amira.get(path), "Drop this correction")
        assert state(house) is ArticleState.PUBLISHED

    def test_a_draft_is_discarded_after_a_question(self, house: House, amira: Browser, case: CaseRow) -> None:
        path = written(house, amira, case)
        page = amira.press(amira.get(amira.get(path).link("Discard this article")), "Discard it")
        assert "permanently deleted" in page.text
        assert amira.get(path).status == 404

    def test_nothing_unpublished_is_in_the_clear(self, house: House, amira: Browser, case: CaseRow) -> None:
        written(house, amira, case)
        words = b"Nobody counts them"
        guilty = [p for p in house.directory.rglob("*") if p.is_file() and words in p.read_bytes()]
        assert guilty == []
