"""A newsroom with three editors, letters in its vault, a site to publish on, and nothing imitated."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fieldreport import config
from fieldreport.press.article import Article
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import SourceKeys
from fieldreport.store import migrate, open_engine
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import drafts, overview, release, review
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.overview import ArticleHead
from fieldreport.vault.articles.questions import Question
from fieldreport.vault.articles.release import Site
from fieldreport.vault.cases import sort
from fieldreport.vault.cases.readings import Reader
from tests.cast import REPORT, a_source, copy_tables, settings_in
from tests.store.throwaway_postgres import fresh_database
from tests.vault.newsroom import Newsroom, open_newsroom

CLEAN_BODY = "People are leaving in the dark again, several witnesses said.\n\nNobody counts them."


ANSWERS = {question: f"About {len(question)}." for question in Question}


class Editor:
    """Somebody at the articles: every act on them, at this seat and with this site."""

    def __init__(self, seat: Seat, site: Site) -> None:
        self.create = partial(drafts.create, seat)
        self.load = partial(drafts.load, seat)
        self.load_revision = partial(drafts.load_revision, seat)
        self.revisions = partial(overview.revisions, seat.vault)
        self.save = partial(drafts.save, seat)
        self.add_media = partial(drafts.add_media, seat)
        self.open_media = partial(drafts.open_media, seat)
        self.discard = partial(drafts.discard, seat)
        self.check = partial(review.check, seat, press=site.press, reader=site.reader)
        self.check_typed = partial(review.check_typed, seat, press=site.press, reader=site.reader)
        self.answer = partial(review.answer, seat, press=site.press, reader=site.reader)
        self.submit = partial(review.submit, seat)
        self.return_to_draft = partial(review.return_to_draft, seat)
        self.clear_with = partial(review.clear, seat, press=site.press, reader=site.reader)
        self.safety_answers = partial(review.safety_answers, seat)
        self.publish = partial(release.publish, seat, site=site)
        self.hold = partial(release.hold, seat)
        self.let_go = partial(release.let_go, seat)
        self.publish_due = partial(release.publish_due, seat, site=site)
        self.correct = partial(release.correct, seat)
        self.cancel_correction = partial(release.cancel_correction, seat)
        self.withdraw = partial(release.withdraw, seat, site=site)

    def clear(self, article_id: bytes) -> ArticleHead:
        return self.clear_with(article_id, ANSWERS)


@dataclass(kw_only=True)
class House:
    """The newsroom, its settings, and its editors: Amira writes, Jonas clears, Ines publishes."""

    newsroom: Newsroom
    settings: config.Settings
    ines: StaffKey
    source: SourceKeys
    reader: Reader
    press: dict[str, object] = field(default_factory=dict)

    @property
    def amira(self) -> Editor:
        return self.desk(self.newsroom.amira)

    @property
    def jonas(self) -> Editor:
        return self.desk(self.newsroom.jonas)

    @property
    def ines_desk(self) -> Editor:
        return self.desk(self.ines)

    @property
    def site(self) -> Path:
        return self.settings.press.site / "current"

    def desk(self, staff: StaffKey) -> Editor:
        settings = replace(self.settings, press=replace(self.settings.press, **self.press))  # type: ignore[arg-type]
        return Editor(self.newsroom.seat(staff), Site.of(settings, reader=self.reader, clock=self.newsroom.clock))

    def send(self, text: str = REPORT, **fields: str) -> None:
        """A letter of the one source, collected and sorted."""
        newsroom = self.newsroom
        newsroom.send(self.source, text, fields=fields)
        newsroom.collect()
        sort.sort(newsroom.seat(newsroom.amira))

    @property
    def case_id(self) -> bytes:
        return self.newsroom.cases()[0].id

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


def open_house(directory: Path, *, vault_url: str, mailbox_url: str) -> Newsroom:
    vault, mailbox, clock = open_newsroom(directory, vault_url=vault_url, mailbox_url=mailbox_url)
    return Newsroom(directory=directory, vault=vault, mailbox=mailbox, clock=clock)


def build(directory: Path, vault_url: str, scrubber: Scrubber) -> House:
    """A newsroom with one case in its vault."""
    mailbox_url = copy_tables("fieldreport.mailbox", directory / "intake" / "mailbox.db")
    newsroom = open_house(directory, vault_url=vault_url, mailbox_url=mailbox_url)
    house = House(
        newsroom=newsroom,
        settings=settings_in(directory),
        ines=newsroom.hire("ines"),
        source=a_source(),
        reader=Reader(scrubber, directory),
    )
    house.send()
    return house


def close(house: House) -> None:
    house.newsroom.vault.close()
    house.newsroom.mailbox.close()


@pytest.fixture(scope="session")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber.start(directory=tmp_path_factory.mktemp("scratch"), require_sandbox=False) as scrubber:
        yield scrubber


@pytest.fixture(scope="session")
def model_house(tmp_path_factory: pytest.TempPathFactory, scrubber: Scrubber) -> House:
    """Built once; every test works in a copy of its directory."""
    directory = tmp_path_factory.mktemp("model")
    house = build(directory, copy_tables("fieldreport.vault", directory / "desk" / "vault.db"), scrubber)
    close(house)
    return house


@pytest.fixture
def house(model_house: House, tmp_path: Path) -> Iterator[House]:
    directory = tmp_path / "house"
    shutil.copytree(model_house.newsroom.directory, directory)
    newsroom = open_house(
        directory,
        vault_url=f"sqlite:///{directory / 'desk' / 'vault.db'}",
        mailbox_url=f"sqlite:///{directory / 'intake' / 'mailbox.db'}",
    )
    house = replace(
        model_house,
        newsroom=newsroom,
        settings=settings_in(directory),
        reader=replace(model_house.reader, scratch=tmp_path),
        press={},
    )
    yield house
    close(house)


@pytest.fixture
def house_on_postgresql(tmp_path: Path, scrubber: Scrubber) -> Iterator[House]:
    vault_url = fresh_database()
    engine = open_engine(vault_url)
    migrate(engine, "fieldreport.vault")
    engine.dispose()
    (tmp_path / "desk").mkdir()
    house = build(tmp_path, vault_url, scrubber)
    yield house
    close(house)
