"""The cast at the letterbox: a source, two editors, an admin; a real roster, a real mailbox, a real scrubber."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlencode

import flask.testing
import pytest
from lxml import html
from werkzeug.test import TestResponse

from fieldreport import config
from fieldreport.intake.app import create_app
from fieldreport.mailbox import LocalMailbox, SealedReply, open_mailbox
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import (
    Binding,
    Codename,
    Entry,
    Expected,
    Kind,
    OpenEnvelope,
    PartSource,
    Roster,
    RosterDirectory,
    SourceKeys,
    open_envelope,
    seal_envelope,
)
from fieldreport.unseal import roster_changes
from fieldreport.unseal.staff_key import StaffKey
from tests.cast import INSTANCE, NOON, Clock, admin_key, copy_tables, open_rosters, settings_in, staff

HALF_PAST: Final = NOON.timestamp() + 1800
"""No full hour, so that a time that ought to be rounded to one shows."""


@dataclass
class Desk:
    """What only the newsroom has: the keys of two editors who can read."""

    editors: Mapping[str, StaffKey] = field(
        default_factory=lambda: {handle: staff()[handle] for handle in ("amira", "jonas")}
    )

    def entries(self) -> tuple[Entry, ...]:
        return tuple(editor.public_entry() for editor in self.editors.values())


@dataclass
class House:
    """One installation in a directory, and the application over it."""

    settings: config.Settings
    desk: Desk
    scrubber: Scrubber
    clock: Clock
    mailbox: LocalMailbox
    rosters: RosterDirectory

    def app(self, **changes: Any) -> flask.Flask:
        parts: dict[str, Any] = {
            "mailbox": self.mailbox,
            "scrubber": self.scrubber,
            "rosters": self.rosters,
            "clock": self.clock,
        }
        return create_app(self.settings, **(parts | changes))

    def with_intake(self, **changes: Any) -> House:
        return replace(self, settings=replace(self.settings, intake=replace(self.settings.intake, **changes)))

    def renew_roster(self) -> Roster:
        """The admin signs the next epoch."""
        current = self.rosters.newest(at_least=0)
        raw = roster_changes.next_roster(current, self.desk.entries(), now=self.clock.moment)
        return self.rosters.publish(raw, admin_key().sign_roster(raw))

    def with_addressees(self, labels: Mapping[str, str], **names: list[str]) -> House:
        """The admin says under which names the editors are addressed, and the settings what sources read of them."""
        current = self.rosters.newest(at_least=0)
        entries = current.entries
        for handle, listed in names.items():
            entries = roster_changes.with_addressees(entries, handle, listed)
        raw = roster_changes.next_roster(current, entries, now=self.clock.moment)
        self.rosters.publish(raw, admin_key().sign_roster(raw))
        return self.with_intake(addressees=labels)

    def letters(self, *, reader: str = "amira") -> list[OpenEnvelope]:
        """Every letter that waits, opened and verified by an editor."""
        opened = []
        for head in self.mailbox.waiting(1000):
            letter = self.mailbox.fetch(head.id)
            with letter.payload as payload:
                content = payload.read()
            envelope = open_envelope(
                letter.header,
                BytesIO(content),
                identities=self.desk.editors[reader].identities,
                expected=Expected(
                    kind=Kind.LETTER,
                    instance=INSTANCE,
                    thread=head.id,
                    object=head.id,
                    rosters=self.rosters.history(),
                ),
            )
            envelope.verify()
            opened.append(envelope)
        return opened

    def letter(self) -> OpenEnvelope:
        (only,) = self.letters()
        return only

    def reply(self, codename: str, text: str, *, number: int = 1, fields: Mapping[str, str] | None = None) -> bytes:
        """An editor answers the source who has this codename."""
        keys = self.keys(codename)
        roster = self.rosters.newest(at_least=0)
        reply_id = bytes([number]) * 16
        payload = BytesIO()
        content = text.encode()
        header = seal_envelope(
            Binding(
                kind=Kind.REPLY,
                epoch=roster.epoch,
                roster=roster.sha256,
                instance=INSTANCE,
                thread=keys.thread,
                object=reply_id,
            ),
            hour=self.clock.hour,
            fields=fields or {},
            parts=[
                PartSource(
                    name="text.txt",
                    media_type="text/plain; charset=utf-8",
                    source=BytesIO(content),
                    length=len(content),
                )
            ],
            recipients=[keys.identity.recipient],
            payload_to=payload,
        )
        self.mailbox.post_reply(
            SealedReply(id=reply_id, index=keys.index, header=header, payload=payload.getvalue(), hour=self.clock.hour)
        )
        return reply_id

    @staticmethod
    def keys(codename: str) -> SourceKeys:
        (only,) = Codename.parse(codename)
        return SourceKeys.derive(only, instance=INSTANCE)


class Seen:
    """A page as its reader sees it."""

    def __init__(self, response: TestResponse) -> None:
        self.status = response.status_code
        self.response = response
        self.raw = response.get_data(as_text=True)
        self._document: Any = html.document_fromstring(response.get_data())

    @property
    def text(self) -> str:
        return " ".join(str(self._document.find("body").text_content()).split())

    @property
    def title(self) -> str:
        return str(self._document.findtext(".//title"))

    @property
    def codename(self) -> str:
        return " ".join(word.text.strip() for word in self._document.xpath('//ol[@class="words"]/li'))

    def all(self, xpath: str) -> list[Any]:
        return cast("list[Any]", self._document.xpath(xpath))

    def form(self, ending: str) -> dict[str, str]:
        """The fields of the form that posts to a path with this ending, as a browser would send them unchanged."""
        (form,) = [form for form in self._document.forms if form.action.endswith(ending)]
        return {
            name: (value or "").removeprefix("\n") if isinstance(value, str) else ""
            for name, value in form.fields.items()
            if name and not (form.inputs[name].get("type") in {"checkbox", "file"} and not value)
        }

    def problem_of(self, name: str) -> str:
        """What is tied to a field as its error, through aria-describedby."""
        (element,) = self._document.xpath(f'//*[@id="{name}"]')
        tied = (element.get("aria-describedby") or "").split()
        return " ".join(
            part.text_content().strip()
            for identifier in tied
            for part in self._document.xpath(f'//*[@id="{identifier}"][@class="problem"]')
        )


def form_body(
    fields: Sequence[tuple[str, str]],
    files: Sequence[tuple[str, bytes]] = (),
    *,
    boundary: str = "----Boundary7MA4YWxk",
) -> tuple[bytes, str]:
    """A form as browsers encode it (Werkzeug's test client forgets a line end behind empty fields), and its type."""
    parts = [f'name="{name}"\r\n\r\n'.encode() + text.replace("\n", "\r\n").encode() for name, text in fields]
    # A file field in which nothing was chosen is still sent.
    for name, content in files or [("", b"")]:
        quoted = name.replace('"', "%22")
        kind = "Content-Type: application/octet-stream"
        parts.append(f'name="files"; filename="{quoted}"\r\n{kind}\r\n\r\n'.encode() + content)
    lines = [f"--{boundary}\r\nContent-Disposition: form-data; ".encode() + part + b"\r\n" for part in parts]
    return b"".join(lines) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Source:
    """Somebody at a browser with scripting off."""

    def __init__(self, app: flask.Flask, *, language: str = "en") -> None:
        self.client: flask.testing.FlaskClient = app.test_client(use_cookies=True)
        self.language = language

    def get(self, path: str = "", **options: Any) -> Seen:
        return Seen(self.client.get(f"/{self.language}/{path}", **options))

    def post(
        self, path: str, fields: Mapping[str, str], files: Sequence[tuple[str, bytes]] = (), **options: Any
    ) -> Seen:
        if path in {"report", "report/files", "return/add", "return/files", "hand-in"}:
            body, kind = form_body(list(fields.items()), files)
        else:
            body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        return Seen(self.client.post(f"/{self.language}/{path}", data=body, content_type=kind, **options))

    def send(self, report: str = "", files: Sequence[tuple[str, bytes]] = (), **fields: str) -> Seen:
        """Open the form, fill it in, send it."""
        form = self.get("report").form("/report")
        return self.post("report", {**form, "report": report, **fields}, files)

    def come_back(self, codename: str) -> Seen:
        return self.post("return", {"codename": codename})


@pytest.fixture(scope="session")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber.start(directory=tmp_path_factory.mktemp("scrub"), require_sandbox=False) as started:
        yield started


@pytest.fixture(scope="session")
def desk() -> Desk:
    return Desk()


def build_house(directory: Path, desk: Desk, scrubber: Scrubber, *, now: float = HALF_PAST) -> House:
    """An installation in an empty directory, with a roster that was signed just now."""
    settings = settings_in(
        directory,
        instance={"name": "The Border Post"},
        intake={"report_rate": "1000 per hour", "return_rate": "1000 per hour"},
    )
    keys, clock = directory / "keys", Clock(now)
    keys.mkdir()
    (keys / "admin.pub").write_text(admin_key().public.encode())
    rosters = open_rosters(keys)
    raw = roster_changes.first_roster(instance=INSTANCE, entries=desk.entries(), now=clock.moment)
    rosters.publish(raw, admin_key().sign_roster(raw))
    copy_tables("fieldreport.mailbox", directory / "intake" / "mailbox.db")
    return House(
        settings=settings,
        desk=desk,
        scrubber=scrubber,
        clock=clock,
        mailbox=open_mailbox(settings),
        rosters=rosters,
    )


@pytest.fixture
def house(tmp_path: Path, desk: Desk, scrubber: Scrubber) -> House:
    return build_house(tmp_path, desk, scrubber)


@pytest.fixture
def source(house: House) -> Source:
    return Source(house.app())


WORDS = re.compile(r"^\S+(?: \S+){8}$")
