"""A newsroom with three editors, letters in its vault, a site to publish on, and nothing imitated."""

from __future__ import annotations

import copy
import importlib.util
import io
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from fieldreport import config
from fieldreport.press.article import Article
from fieldreport.seal.codename import SourceKeys
from fieldreport.seal.envelope import PartSource, seal_envelope
from fieldreport.seal.inner_header import Binding, Kind
from fieldreport.store import migrate, open_engine
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.articles.newsdesk import Draft, Newsdesk

if TYPE_CHECKING:
    from tests.vault.cast import Newsroom


def load(folder: str, name: str) -> Any:
    """Load a module that lies beside other tests, once a run."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


REPORT = (
    "On the night I left, the guard at the second post had drunk too much and was asleep beside the fire, so we walked "
    "past him with the child wrapped in a blanket. There were 47 of us."
)
CLEAN_BODY = "People are leaving in the dark again, several witnesses said.\n\nNobody counts them."


@dataclass(kw_only=True)
class House:
    """The newsroom, its settings, and its editors: Amira writes, Jonas clears, Ines publishes."""

    newsroom: Newsroom
    settings: config.Settings
    ines: StaffKey
    source: SourceKeys
    press: dict[str, object] = field(default_factory=dict)

    @property
    def amira(self) -> Newsdesk:
        return self.desk(self.newsroom.amira)

    @property
    def jonas(self) -> Newsdesk:
        return self.desk(self.newsroom.jonas)

    @property
    def ines_desk(self) -> Newsdesk:
        return self.desk(self.ines)

    @property
    def site(self) -> Path:
        return self.settings.press.site / "current"

    def desk(self, staff: StaffKey) -> Newsdesk:
        settings = replace(self.settings, press=replace(self.settings.press, **self.press))  # type: ignore[arg-type]
        return Newsdesk(self.newsroom.seat(staff), settings, clock=self.newsroom.clock)

    def send(self, text: str = REPORT, **fields: str) -> None:
        """A letter of the one source, collected and sorted."""
        newsroom, roster, letter_id = self.newsroom, self.newsroom.roster, os.urandom(16)
        content = text.encode()
        told = {
            "action": "report",
            "lookup": self.source.lookup.hex(),
            "thread": self.source.thread.hex(),
            "reply_key": str(self.source.identity.recipient),
            **fields,
        }

        def seal(payload: BinaryIO) -> bytes:
            return seal_envelope(
                Binding(
                    kind=Kind.LETTER,
                    epoch=roster.epoch,
                    roster=roster.sha256,
                    instance=newsroom.vault.instance,
                    thread=letter_id,
                    object=letter_id,
                ),
                hour=newsroom.clock.hour,
                fields=told,
                parts=[
                    PartSource(
                        name="report.txt",
                        media_type="text/plain; charset=utf-8",
                        source=io.BytesIO(content),
                        length=len(content),
                    )
                ],
                recipients=roster.recipients(),
                payload_to=payload,
            )

        assert newsroom.mailbox.deposit(letter_id, roster.epoch, seal)
        newsroom.vault.collect(newsroom.mailbox, newsroom.rosters)
        newsroom.seat(newsroom.amira).sort()

    @property
    def case_id(self) -> bytes:
        from fieldreport.vault import CaseFilter

        return self.newsroom.vault.cases.page(CaseFilter(), viewer="amira").rows[0].id

    def draft(self, **changes: object) -> Draft:
        """A draft of Amira's from the one case, saved once."""
        draft = self.amira.create([self.case_id], "en")
        given: dict[str, Any] = {"title": "Leaving in the dark", "body": CLEAN_BODY, **changes}
        return self.amira.save(draft.head.id, replace(draft.article, **given), based_on=draft.head.revision)

    def cleared(self, **changes: object) -> bytes:
        article_id = self.draft(**changes).head.id
        self.amira.submit(article_id)
        self.jonas.clear(article_id)
        return article_id

    def published(self, **changes: object) -> bytes:
        article_id = self.cleared(**changes)
        self.ines_desk.publish(article_id)
        return article_id

    def page(self, article: Article) -> str:
        return (self.site / "articles" / f"{article.slug}.html").read_text(encoding="utf-8")

    def edit(self, article_id: bytes, **changes: object) -> Draft:
        draft = self.amira.load(article_id)
        given: dict[str, Any] = dict(changes)
        return self.amira.save(article_id, replace(draft.article, **given), based_on=draft.head.revision)


def settings_of(directory: Path, newsroom: Newsroom) -> config.Settings:
    document = {
        "instance": {"id": newsroom.vault.instance.hex(), "name": "The Far Bank"},
        "keys": {"directory": "keys", "admin_fingerprint": newsroom.fingerprint},
        "intake": {"data": "intake"},
        "desk": {"data": "desk", "keyfiles": "desk/keyfiles"},
        "press": {
            "site": "site",
            "base_url": "https://example.org",
            "minimum_age_hours": 0,
            "random_delay_hours": 0,
            "daily_slot": "",
        },
    }
    return config.parse(document, path=directory / "fieldreport.toml", environment={})


def build(directory: Path, vault_url: str) -> House:
    """A newsroom with one case in its vault."""
    cast = load("vault", "cast")
    for folder in ("desk", "intake"):
        (directory / folder).mkdir()
    mailbox_url = mailbox_of(directory)
    for url, package in ((vault_url, "fieldreport.vault"), (mailbox_url, "fieldreport.mailbox")):
        engine = open_engine(url)
        migrate(engine, package)
        engine.dispose()
    vault, mailbox, clock = cast.open_newsroom(directory, vault_url=vault_url, mailbox_url=mailbox_url)
    newsroom = cast.Newsroom(directory=directory, vault=vault, mailbox=mailbox, clock=clock)
    settings = settings_of(directory, newsroom)
    house = House(newsroom=newsroom, settings=settings, ines=newsroom.hire("ines"), source=cast.a_source())
    house.send()
    return house


def vault_of(directory: Path) -> str:
    return f"sqlite:///{directory / 'desk' / 'vault.db'}"


def mailbox_of(directory: Path) -> str:
    return f"sqlite:///{directory / 'intake' / 'mailbox.db'}"


def close(house: House) -> None:
    house.newsroom.vault.close()
    house.newsroom.mailbox.close()


@pytest.fixture(scope="session")
def model_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Built once; every test works in a copy of its directory."""
    directory = tmp_path_factory.mktemp("model")
    house = build(directory, vault_of(directory))
    close(house)
    return house


@pytest.fixture
def house(model_house: House, tmp_path: Path) -> Iterator[House]:
    cast = load("vault", "cast")
    directory = tmp_path / "house"
    shutil.copytree(model_house.newsroom.directory, directory)
    newsroom = copy.copy(model_house.newsroom)
    newsroom.directory = directory
    newsroom.vault, newsroom.mailbox, newsroom.clock = cast.open_newsroom(
        directory, vault_url=vault_of(directory), mailbox_url=mailbox_of(directory)
    )
    newsroom.rosters = newsroom.open_rosters()
    house = House(
        newsroom=newsroom,
        settings=settings_of(directory, newsroom),
        ines=model_house.ines,
        source=model_house.source,
    )
    yield house
    close(house)


@pytest.fixture
def house_on_postgresql(tmp_path: Path) -> Iterator[House]:
    house = build(tmp_path, str(load("store", "throwaway_postgres").fresh_database()))
    yield house
    close(house)
