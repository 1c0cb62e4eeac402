"""``fieldreport demo --walkthrough``: every step once, through the pages that people use.

Three sources write in three languages; an editor reads, asks and writes an article; the leak check blocks a careless
sentence; a second editor signs off; the page is published; a key is rotated and everything is read again. Each step is
printed with what was seen. A step that fails ends the walkthrough with its reason.
"""

from __future__ import annotations

import json
import secrets
import time
import tomllib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any, Final

from fieldreport.cli.demo_newsroom import Demo
from fieldreport.cli.visitor import Attachment, Page, VisitFailed, Visitor

LANGUAGES: Final = ("en", "ko", "zh-Hans")
_SEND: Final = {"en": "Send the report", "ko": "제보 보내기", "zh-Hans": "发送"}
_CODE_SECONDS: Final = 30
_SORTING_SECONDS: Final = 1  # between two looks at whether new letters are sorted
_BLOCKS: Final = 3  # a name, copied words and a number, at least
_FILES: Final = ("statement.docx", "rota.pdf", "note.txt")
# What no file, page or database may hold: words of the reports, names of the files as the sources had them.
# What a phone calls them, and the samples they are.
_FROM_A_PHONE: Final = {"IMG_20260914_214703.jpg": "photo.jpg", "Voice 014 Kirsova.m4a": "voice.m4a"}
_FILE_NAMES: Final = (*_FROM_A_PHONE, *_FILES)


def walk(demo: Demo, say: Callable[[str], None]) -> None:
    """Drive the path through a running demo.

    Raises:
        VisitFailed: a step did not hold.

    """
    walking = Walk(demo, say)
    try:
        walking.run()
    finally:
        walking.close()


class Walk:
    """One walk: its people at their browsers, and what they remember from step to step."""

    def __init__(self, demo: Demo, say: Callable[[str], None]) -> None:
        self._demo = demo
        self._say = say
        self._story: Mapping[str, Any] = tomllib.loads(_sample("samples.toml").decode())
        self._planted = tuple(self._story["planted"])
        self._visitors: list[Visitor] = []
        # Stored with the demo: a code works once, and the next walkthrough may begin within the same half minute.
        self._counters_file = demo.directory / "walkthrough.json"
        self._last_counter: dict[str, int] = {}
        if self._counters_file.exists():
            self._last_counter = json.loads(self._counters_file.read_text(encoding="utf-8"))
        self._step = 0
        # Tells this walk's report from those of earlier walks in the same directory.
        self._mark = secrets.token_hex(6)

    def run(self) -> None:
        """Every step in its order."""
        source = self._visitor()
        codenames = [self._send(source if language == "en" else self._visitor(), language) for language in LANGUAGES]
        amira = self._sign_in("amira")
        case, photo = self._read(amira)
        self._ask(amira, case)
        self._answer(source, codenames[0])
        article = self._write(amira, case)
        jonas = self._sign_in("jonas")
        public = self._sign_off(jonas, article)
        self._look_at_site(public, photo)
        self._rotate(jonas, case)
        self._look_at_disks(codenames)
        self._say(f"\nThe published site is in {self._demo.settings.press.site / 'current'}.")
        self._say("Everything held.")

    def close(self) -> None:
        """Close every browser."""
        for visitor in self._visitors:
            visitor.close()

    def _visitor(self) -> Visitor:
        visitor = Visitor()
        self._visitors.append(visitor)
        return visitor

    # --- the source ---

    def _send(self, visitor: Visitor, language: str) -> str:
        story = self._story[language]
        form = visitor.get(f"{self._demo.url('intake')}/{language}/report")
        codename = " ".join(form.all("//ol[@class='words']/li"))
        phone = _FROM_A_PHONE if language == "en" else {}
        files = [Attachment(name=name, content=_sample(sample)) for name, sample in phone.items()]
        files += [Attachment(name=name, content=_sample(f"{language}/{name}")) for name in _FILES]
        typed = {name: story[name].strip() for name in ("report", "when", "where", "protect", "describe")}
        typed["report"] += f"\n{self._mark}"
        receipt = visitor.press(form, _SEND[language], typed, files)
        _check(" ".join(receipt.all("//ol[@class='words']/li")) == codename, "the receipt shows the same codename")
        again = visitor.press(form, _SEND[language], typed, files)
        _check(again.all("//dl[@id='received']") == receipt.all("//dl[@id='received']"), "a second post is one letter")
        self._tell(f"a source sent a report in {language}, with {len(files)} files, and posted it twice by mistake")
        for name, removed in zip(
            receipt.all("//dl[@id='received']/dt"), receipt.all("//dl[@id='received']/dd"), strict=True
        ):
            self._say(f"      {name}: {removed}")
        _check(not receipt.headers.get("set-cookie"), "no cookie was set")
        return codename

    def _answer(self, source: Visitor, codename: str) -> None:
        story = self._story["en"]
        page = source.get(f"{self._demo.url('intake')}/en/return")
        page = source.press(page, "Open", {"codename": codename})
        _check(story["question"] in page.text, "the answer is there for the codename")
        page = source.press(page, "Send", {"report": story["more"]})
        self._tell("the source came back with the codename, read the question and added to the report")

    # --- the editors ---

    def _sign_in(self, handle: str) -> Visitor:
        person, visitor = self._demo.people[handle], self._visitor()
        status: int | None = None
        for _ in range(2):
            now = self._next_code_time(handle)
            page = visitor.get(f"{self._demo.url('desk')}/sign-in")
            values = {"handle": handle, "passphrase": person.passphrase, "code": person.code(now)}
            page = visitor.press(page, "Unlock", values, expect=None)
            status = page.status
            if status == HTTPStatus.OK:
                self._tell(f"{handle} unlocked the desk with passphrase and one-time code")
                return visitor
            # Somebody used this code at the desk meanwhile: the next one.
        raise VisitFailed(f"{handle} could not unlock: {status}")

    def _next_code_time(self, handle: str) -> float:
        now = time.time()
        counter = max(int(now // _CODE_SECONDS), self._last_counter.get(handle, 0) + 1)
        # The desk takes the code of the next half minute too, for clocks that are ahead.
        wait = (counter - 1) * _CODE_SECONDS - now
        if wait > 0:
            self._say(f"      (waiting {wait:.0f} seconds for the next one-time code of {handle})")
            time.sleep(wait)
        self._last_counter[handle] = counter
        self._counters_file.write_text(json.dumps(self._last_counter), encoding="utf-8")
        return counter * float(_CODE_SECONDS)

    def _inbox(self, editor: Visitor) -> Page:
        address = f"{self._demo.url('desk')}/inbox"
        page = editor.press(editor.get(address), "Fetch now")
        while "New letters are being sorted" in page.text:
            time.sleep(_SORTING_SECONDS)
            page = editor.get(address)
        return page

    def _read(self, editor: Visitor) -> tuple[str, bytes]:
        first_line = self._first_line("en")
        page = self._inbox(editor)
        for address in page.links("/cases/"):
            case = editor.get(address)
            if self._mark in case.text and first_line in case.text:
                break
        else:
            raise VisitFailed("the report is not in the inbox")
        photo = b""
        pages = case.links("/read")
        for page_of_file in pages:
            link = editor.get(editor.get(page_of_file).link("The file itself")).link("Save ")
            content = editor.download(link)
            for mark in self._planted:
                _check(mark.encode() not in content, f"{link} is clean of what was planted")
            if content.startswith(b"\xff\xd8") and b"Exif" not in content:
                photo = content
        _check(photo != b"", "the photo arrived, without Exif")
        self._tell(f"amira read the report; {len(pages)} attachments hold nothing of what was planted in them")
        return address, photo

    def _ask(self, editor: Visitor, case: str) -> None:
        editor.press(editor.get(f"{case}?write=reply"), "Seal and send", {"text": self._story["en"]["question"]})
        editor.press(editor.get(f"{case}?write=note"), "Seal the note", {"text": "Second person says the same."})
        facts = {"facts": "The gate at night\nTwo accounts agree.", "protected": "Brezny"}
        editor.press(editor.get(f"{case}?write=facts"), "Seal the fact sheet", facts)
        self._tell("amira asked a question, left a note for colleagues and added a protected term; all of it sealed")

    def _write(self, editor: Visitor, case: str) -> str:
        story = self._story["en"]["article"]
        self._inbox(editor)
        _check(self._story["en"]["more"] in editor.get(case).text, "what was added is in the same case")
        page = editor.press(editor.get(case), "Start an article", {"language": "en"})
        address = page.url
        page = editor.press(page, "Attach photo-1.jpg")
        draft = {"title": story["title"], "standfirst": story["standfirst"], "body": story["body"] + story["leak"]}
        for name in page.fields("Save and check"):
            if name.startswith("caption."):
                draft[name] = story["caption"]
            if name.startswith("alternative."):
                draft[name] = story["alternative"]
        check = editor.press(page, "Save and check", draft)
        blocked = [heading for heading in check.all("//article//h3") if heading.endswith("blocks")]
        _check(len(blocked) >= _BLOCKS, "the leak check blocks a name, copied words and a number")
        self._tell("the leak check blocked the draft:")
        for heading in sorted(set(blocked)):
            self._say(f"      {heading}")
        page = editor.get(address)
        check = editor.press(page, "Save and check", {"body": story["body"]})
        _check(
            not [h for h in check.all("//article//h3") if h.endswith("blocks")], "the corrected draft is not blocked"
        )
        editor.press(self._answer_warnings(editor, check), "Submit for review")
        self._tell("amira corrected it, answered every warning and submitted it for review")
        return address

    def _answer_warnings(self, editor: Visitor, check: Page) -> Page:
        while check.has_button("Answer this warning"):
            (reason,) = (name for name in check.fields("Answer this warning") if name.startswith("reason-"))
            check = editor.press(check, "Answer this warning", {reason: "Seen, heard, and it names nobody."})
        return check

    def _sign_off(self, editor: Visitor, article: str) -> str:
        check = editor.get(editor.get(article).link("Leak check"))
        check = self._answer_warnings(editor, check)
        asked = [name for name in check.fields("Sign off: safe to publish") if name.startswith("question.")]
        answers = dict.fromkeys(asked, "About forty, in two offices.")
        check = editor.press(check, "Sign off: safe to publish", answers)
        editor.press(check, "Sign off: publish")
        page = editor.get(article)
        _check("online" in page.text, "the article is published")
        slug = next(word for word in page.text.split() if word.endswith(".html"))
        self._tell("jonas, who did not write it, signed it off; it is published")
        return slug

    def _look_at_site(self, public: str, photo: bytes) -> None:
        reader = self._visitor()
        page = reader.get(public)
        _check(self._story["en"]["article"]["title"] in page.text, "the page shows the article")
        pictures = page.pictures()
        _check(len(pictures) == 1, "the page shows one picture")
        picture = reader.download(pictures[0])
        for mark in (*self._planted, "Exif", "GPS"):
            _check(mark.encode() not in picture + page.content, f"{mark} is not on the published page")
            _check(mark.encode() not in photo, f"{mark} is not in the vault's photo")
        feed = reader.download(f"{self._demo.url('press')}/feed.xml")
        _check(self._story["en"]["article"]["title"].encode() in feed, "the feed names the article")
        self._tell(f"the published page holds a photo without position or device: {public}")

    # --- the admin ---

    def _rotate(self, jonas: Visitor, case: str) -> None:
        desk = self._demo.url("desk")
        lena = self._sign_in("lena")
        page = lena.get(f"{desk}/staff")
        _check(self._first_line("en") not in page.text, "the admin sees no report")
        passphrase = self._demo.people["lena"].passphrase
        page = lena.press(page, "Order a new key for jonas")
        lena.press(page, "Order a new key for jonas", {"passphrase": passphrase})
        self._tell("lena, the admin, ordered a new key for jonas")
        jonas = self._sign_in("jonas")
        page = lena.get(f"{desk}/staff")
        page = lena.get(page.link("Approve the new key of jonas"))
        lena.press(page, "The words are the same: approve", {"passphrase": passphrase})
        self._tell("jonas's unlock made the new key; lena compared the words and added it to the roster")
        deadline = time.monotonic() + 60
        while not (page := jonas.get(f"{desk}/keys")).has_button("Destroy the old key"):
            if time.monotonic() > deadline:
                raise VisitFailed("re-wrapping did not end")
            # The desk begins by itself, too, and may have done so, or be done, when the page is asked for.
            for words in ("Re-wrap now", "Check that the old key can go"):
                if page.has_button(words):
                    jonas.press(page, words)
            time.sleep(0.3)
        jonas.press(page, "Destroy the old key", {"passphrase": self._demo.people["jonas"].passphrase})
        _check("Everything you can open" in jonas.get(f"{desk}/keys").text, "nothing is left to re-wrap")
        _check(self._first_line("en") in jonas.get(case).text, "the report opens with the new key")
        self._tell("every object was re-wrapped, the old key destroyed, and the report read again with the new one")

    def _look_at_disks(self, codenames: list[str]) -> None:
        story = self._story["en"]
        unseen = [
            self._mark,
            self._first_line("en"),
            story["more"],
            story["question"],
            "Brezny",
            *_FILE_NAMES,
            *self._planted,
        ]
        unseen += [self._first_line(language) for language in LANGUAGES]
        unseen += codenames
        for zone in (self._demo.settings.intake.data, self._demo.settings.desk.data):
            for path in sorted(file for file in zone.rglob("*") if file.is_file()):
                _check_file(path, [text.encode() for text in unseen])
        self._tell("no file of the intake or the desk holds a word of a report, a file name or a codename")

    def _first_line(self, language: str) -> str:
        """Words of a report as they stand on a page: text from one line only, since pages fold white space."""
        return str(self._story[language]["report"]).splitlines()[0]

    def _tell(self, what: str) -> None:
        self._step += 1
        self._say(f"{self._step:3}. {what}")


def _sample(name: str) -> bytes:
    return resources.files("fieldreport.bench").joinpath("sample_files", *name.split("/")).read_bytes()


def _check(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise VisitFailed(f"does not hold: {what}")


def _check_file(path: Path, unseen: list[bytes]) -> None:
    content = path.read_bytes()
    for words in unseen:
        _check(words not in content, f"{path.name} holds nothing in the clear")
