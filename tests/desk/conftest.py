"""The cast at the desk: a source, the editors amira and jonas, the admin lena, a stranger. Nothing is imitated.

Keys, rosters, sealed letters, mailbox, vault, the scrubber and its sandbox are the real ones; only the price of opening
a key file is lowered.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import pytest
from lxml import html
from PIL import Image
from werkzeug.test import Client, TestResponse

from fieldreport import config, limits
from fieldreport.desk import context, create_app
from fieldreport.mailbox import LocalMailbox
from fieldreport.scrub import Scrubber
from fieldreport.seal import Codename, Roster, RosterDirectory, SourceKeys
from fieldreport.store import FileBlobs, open_blobs, open_engine
from fieldreport.unseal import roster_changes, totp
from fieldreport.unseal.key_file import write_key_file
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import inbox, sort
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import (
    CHEAP,
    INSTANCE,
    PASSPHRASES,
    REPORT,
    ROLES,
    Clock,
    File,
    admin_key,
    cases_in,
    copy_first_keys,
    copy_tables,
    deposit_letter,
    open_rosters,
    read_replies,
    settings_in,
    staff,
)


def photo(*, size: tuple[int, int] = (320, 240), colour: str = "olive") -> bytes:
    """A small real JPEG."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


class Page:
    """One answer: its words, its forms."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.body = response.get_data()
        response.close()
        self._document: Any = html.document_fromstring(self.body) if response.mimetype == "text/html" else None

    @property
    def text(self) -> str:
        """All words of the page, white space folded."""
        return " ".join(str(self._document.text_content()).split())

    @property
    def title(self) -> str:
        return " ".join(str(self._document.findtext(".//title")).split())

    @property
    def path(self) -> str:
        return self.response.request.path

    def find(self, xpath: str) -> list[Any]:
        return list(self._document.xpath(xpath))

    def link(self, words: str) -> str:
        for anchor in self._document.iter("a"):
            if words in " ".join(str(anchor.text_content()).split()):
                return str(anchor.get("href"))
        raise AssertionError(f"no link {words!r} on {self.path}: {self.text}")

    def buttons(self) -> list[str]:
        return [" ".join(str(b.text_content()).split()) for b in self._document.iter("button")]

    def button(self, words: str) -> Any:
        """A button by its words or its accessible name."""
        for submit in self._document.iter("button"):
            if words in (submit.text_content().strip(), submit.get("aria-label")):
                return submit
        raise AssertionError(f"no button {words!r} on {self.path}, only {self.buttons()}")

    def values_elsewhere(self, form: str) -> Iterator[tuple[str, str]]:
        """What a form sends of the fields that name it and stand elsewhere on the page."""
        for control in self.find(f"//*[@form='{form}' and @name and not(self::button)]"):
            if control.get("type") != "checkbox" or control.get("checked") is not None:
                yield control.get("name"), control.value or ""

    def form_of(self, button: Any) -> Any:
        """The form it stands in, or the one it names."""
        named = button.get("form")
        return self._document.get_element_by_id(named) if named else next(button.iterancestors("form"))


class Browser:
    """One person at one browser without scripting: opens pages, fills in their forms, presses their buttons."""

    landed: Page  # what came first after unlocking, with what the desk had to say

    def __init__(self, app: flask.Flask) -> None:
        self.app = app
        self.client = Client(app)

    def get(self, path: str, *, follow: bool = True, headers: Mapping[str, str] | None = None) -> Page:
        return Page(self.client.get(path, headers=dict(headers or {}), follow_redirects=follow))

    def post(
        self,
        path: str,
        values: Mapping[str, str | list[str]] | None = None,
        *,
        follow: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        given = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"} if headers is None else dict(headers)
        return Page(self.client.post(path, data=values or {}, headers=given, follow_redirects=follow))

    def press(
        self, page: Page, button: str, values: Mapping[str, str | list[str]] | None = None, *, follow: bool = True
    ) -> Page:
        """Fill in the form behind a button and send it; every field named must be there."""
        submit = page.button(button)
        form = page.form_of(submit)
        fields: dict[str, Any] = {}
        for name, value in form.form_values():
            fields.setdefault(name, []).append(value)
        if form.get("id"):
            for name, value in page.values_elsewhere(form.get("id")):
                fields.setdefault(name, []).append(value)
        for name in values or {}:
            elsewhere = page.find(f"//*[@form='{form.get('id')}' and @name='{name}']")
            assert name in form.fields or elsewhere, f"no field {name!r} behind {button!r}"
        fields.update(values or {})
        if submit.get("name"):
            fields[submit.get("name")] = submit.get("value", "")
        return self.post(submit.get("formaction") or form.get("action") or page.path, fields, follow=follow)

    def confirm(self, page: Page, button: str, values: Mapping[str, str | list[str]] | None = None) -> Page:
        """Press the button of a dangerous act, with the admin's passphrase."""
        return self.press(page, button, {"passphrase": PASSPHRASES["lena"], **(values or {})})

    def order_key(self, handle: str) -> Page:
        """As the admin, order a new key for somebody."""
        button = f"Order a new key for {handle}"
        return self.confirm(self.press(self.get("/staff"), button), button)

    @property
    def cookie(self) -> str | None:
        found = self.client.get_cookie("desk")
        return found.value if found is not None else None


@dataclass
class House:
    """One installation, its people and the application over it."""

    directory: Path
    settings: config.Settings
    vault: Vault
    mailbox: LocalMailbox
    scrubber: Scrubber
    rosters: RosterDirectory
    clock: Clock
    staff: dict[str, StaffKey]
    app: flask.Flask
    source: SourceKeys = field(repr=False)
    another_source: SourceKeys = field(repr=False)

    @property
    def desk(self) -> context.Desk:
        return context.of(self.app)

    def stranger(self) -> Browser:
        return Browser(self.app)

    def code(self, handle: str) -> str:
        """A one-time code that was not used yet: half a minute goes by."""
        self.clock.forward(30)
        return totp.current_code(self.staff[handle].totp, self.clock())

    def sign_in(self, handle: str, browser: Browser | None = None, **values: str) -> Browser:
        browser = browser or self.stranger()
        given = {"handle": handle, "passphrase": PASSPHRASES[handle], "code": self.code(handle)}
        page = browser.press(browser.get("/sign-in"), "Unlock", {**given, **values})
        assert page.status == 200, page.text
        assert browser.cookie is not None
        browser.landed = page
        return browser

    def enter(self, handle: str) -> Browser:
        """A session as the door would begin it: most tests are about what lies behind."""
        browser = self.stranger()
        cookie, _ = self.desk.sessions.begin(handle=handle, role=ROLES[handle], seat=self.seat(handle))
        browser.client.set_cookie("desk", cookie)
        return browser

    @property
    def watch(self) -> RosterWatch:
        return RosterWatch(self.rosters, self.vault, clock=self.clock)

    def seat(self, handle: str) -> Seat:
        return Seat(self.vault, self.staff[handle], self.watch)

    # --- sources ---

    def send(
        self,
        text: str = REPORT,
        *,
        files: Sequence[File] = (),
        source: SourceKeys | None = None,
        damage: int | None = None,
        addressee: str = "",
        **fields: str,
    ) -> bytes:
        """Do what the intake does with a report, and return the letter's id; ``damage`` is where a bit flips."""
        return deposit_letter(
            self.mailbox,
            self.roster,
            source or self.source,
            hour=self.clock.hour,
            text=text,
            files=files,
            damage=damage,
            addressee=addressee,
            fields={"report_language": "en", **fields},
        )

    def receive(self, text: str = REPORT, **more: Any) -> CaseRow:
        """A letter that has been collected and sorted; returns its case."""
        letter_id = self.send(text, **more)
        collect(self.vault, self.mailbox, self.watch)
        sort.sort(self.seat("jonas"))
        case_id = inbox.item(self.vault, letter_id).case_id
        assert case_id is not None
        return inbox.get(self.vault, case_id, viewer="amira")

    def replies(self, source: SourceKeys | None = None) -> list[str]:
        """What the source reads when they come back."""
        return read_replies(self.mailbox, self.rosters, source or self.source)

    def cases(self) -> tuple[CaseRow, ...]:
        return cases_in(self.vault, self.watch)

    # --- rosters ---

    @property
    def roster(self) -> Roster:
        return self.rosters.newest(at_least=0)

    def publish(self, entries: Any) -> Roster:
        raw = roster_changes.next_roster(self.roster, entries, now=self.clock.moment)
        return self.rosters.publish(raw, admin_key().sign_roster(raw))

    def revoke(self, handle: str) -> None:
        self.publish(roster_changes.with_revoked(self.roster.entries, handle))


@pytest.fixture(scope="session")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber.start(directory=tmp_path_factory.mktemp("scratch"), require_sandbox=False) as running:
        yield running


@pytest.fixture(scope="session")
def sources() -> tuple[SourceKeys, ...]:
    """Two people with a codename each: deriving keys from it is slow on purpose."""
    return tuple(SourceKeys.derive(Codename.generate("en"), instance=INSTANCE) for _ in range(2))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's directory with keys, roster and empty stores: copying it is much faster than making it."""
    directory = tmp_path_factory.mktemp("furnished")
    for name in ("intake", "desk", "desk/keyfiles", "desk/scratch", "site"):
        (directory / name).mkdir(mode=0o700)
    copy_first_keys(directory / "keys", ROLES)
    for handle, person in staff().items():
        write_key_file(directory / "desk" / "keyfiles" / f"{handle}.key", person, PASSPHRASES[handle], cost=CHEAP)
    copy_tables("fieldreport.vault", directory / "desk" / "vault.db")
    copy_tables("fieldreport.mailbox", directory / "intake" / "mailbox.db")
    for zone in ("desk", "intake"):
        FileBlobs(directory / zone / "blobs")
    return directory


@pytest.fixture(autouse=True)
def _short_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal waits for a step of a quarter of a second; the one test about that puts it back."""
    monkeypatch.setattr(limits, "SIGN_IN_STEP_SECONDS", 0.01)


@pytest.fixture(autouse=True)
def _patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine sorting takes longer than a page waits for it; the tests about that shorten the time."""
    monkeypatch.setattr(limits, "SORT_WAIT_SECONDS", 60.0)


@pytest.fixture
def build(
    tmp_path: Path,
    scrubber: Scrubber,
    furnished: Path,
    sources: tuple[SourceKeys, ...],
) -> Iterator[Callable[..., House]]:
    """Builds a house; arguments are sections of the settings, such as ``desk={"idle_seconds": 5}``."""
    with contextlib.ExitStack() as stack:

        def made(**sections: Mapping[str, Any]) -> House:
            shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
            clock = Clock()
            settings = settings_in(tmp_path, **sections)
            published = open_rosters(tmp_path / "keys")
            # Opened without asking whether tables have to be migrated: they were, in the directory that was copied.
            desk, intake = settings.desk.data, settings.intake.data
            vault = Vault(
                open_engine(settings.desk.vault or f"sqlite:///{desk / 'vault.db'}"),
                open_blobs(settings.desk.blobs or desk / "blobs"),
                INSTANCE,
                clock=clock,
            )
            stack.callback(vault.close)
            mailbox = LocalMailbox(
                open_engine(settings.intake.mailbox or f"sqlite:///{intake / 'mailbox.db'}"),
                open_blobs(settings.intake.blobs or intake / "blobs"),
                clock=clock,
            )
            stack.callback(mailbox.close)
            watch = RosterWatch(published, vault, clock=clock)
            app = create_app(settings, vault=vault, mailbox=mailbox, scrubber=scrubber, rosters=watch, clock=clock)
            return House(
                directory=tmp_path,
                settings=settings,
                vault=vault,
                mailbox=mailbox,
                scrubber=scrubber,
                rosters=published,
                clock=clock,
                staff=dict(staff()),
                app=app,
                source=sources[0],
                another_source=sources[1],
            )

        yield made


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()


@pytest.fixture
def amira(house: House) -> Browser:
    return house.enter("amira")


@pytest.fixture
def jonas(house: House) -> Browser:
    return house.enter("jonas")


@pytest.fixture
def lena(house: House) -> Browser:
    return house.enter("lena")


@pytest.fixture
def stranger(house: House) -> Browser:
    return house.stranger()
