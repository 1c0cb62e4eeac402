"""A part is killed or frozen while sources write: a page within five seconds, every word kept, nothing doubled."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fieldreport.mailbox import LocalMailbox
from fieldreport.mailbox.letterbox import LetterboxState, keep_state, letterbox_state, set_letterbox_state
from fieldreport.store import migrate, open_blobs, open_engine
from tests.eventually import eventually
from tests.faults import fill
from tests.intake.conftest import House, Seen, Source
from tests.intake.samples import photo
from tests.store.throwaway_postgres import Faulty, fresh_database
from tests.store.throwaway_s3 import S3Server

WITHIN = 5.0


@pytest.fixture
def grown(house: House, faulty: Faulty, s3_server: S3Server) -> Iterator[House]:
    """The same house, with PostgreSQL and S3 of its own."""
    blobs, url = open_blobs(s3_server.bucket()), fresh_database(home=faulty.home)
    engine = open_engine(url)
    migrate(engine, "fieldreport.mailbox", blobs.row_keys)
    mailbox = LocalMailbox(engine, blobs, clock=house.clock)
    yield replace(house, mailbox=mailbox)
    engine.dispose()


def timed(ask: Callable[[], Seen]) -> Seen:
    began = time.monotonic()
    page = ask()
    assert time.monotonic() - began < WITHIN
    return page


def outages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.campaign
@pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
@pytest.mark.postgres
def test_a_frozen_database_keeps_what_was_typed_and_the_same_form_is_one_letter_afterwards(
    grown: House,
    faulty: Faulty,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source(grown.app())
    form = {**source.get("report").form("/report"), "report": "Three trucks."}
    faulty.freeze()
    page = timed(lambda: source.post("report", form))
    assert page.status == 503
    assert page.form("/report")["report"] == "Three trucks."
    grown.clock.now += 2  # it was found ready a second ago
    again = timed(lambda: source.get("report"))
    assert again.status == 503
    (line,) = outages(caplog)
    assert "PostgreSQL" in line
    faulty.thaw()
    eventually(lambda: source.get("report").status == 200)
    assert [source.post("report", page.form("/report")).status for _ in range(2)] == [200, 200]
    assert grown.mailbox.totals().letters == 1
    assert len(grown.letters()) == 1


@pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
@pytest.mark.postgres
def test_a_killed_database_loses_and_doubles_nothing(grown: House, faulty: Faulty) -> None:
    source = Source(grown.app())
    assert source.send("Before.").status == 200
    form = {**source.get("report").form("/report"), "report": "During."}
    faulty.kill()
    page = timed(lambda: source.post("report", form))
    assert page.status == 503
    faulty.restart()
    assert source.post("report", page.form("/report")).status == 200
    assert source.post("report", form).status == 200  # the first window, sent once more
    assert grown.mailbox.totals().letters == 2


@pytest.mark.campaign
@pytest.mark.postgres
def test_a_frozen_payload_store_keeps_what_was_typed(
    grown: House,
    s3_server: S3Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source(grown.app())
    form = {**source.get("report").form("/report"), "report": "With a photo."}
    s3_server.freeze()
    page = timed(lambda: source.post("report", form, [("a.jpg", photo())]))
    s3_server.thaw()
    assert page.status == 503
    assert page.form("/report")["report"] == "With a photo."
    assert len(outages(caplog)) == 1
    eventually(lambda: source.post("report", page.form("/report"), [("a.jpg", photo())]).status == 200)
    assert grown.mailbox.totals().letters == 1


@pytest.mark.postgres
def test_a_missing_bucket_is_an_outage_with_a_line_in_the_log_and_no_page_that_does_not_exist(
    grown: House,
    s3_server: S3Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    missing = replace(
        grown, mailbox=LocalMailbox(grown.mailbox._engine, open_blobs(s3_server.bucket().replace("news", "olds")))
    )
    source = Source(missing.app())
    for files in ([], [("a.jpg", photo())]):
        page = source.send("Words.", files)
        assert page.status == 503
        assert page.form("/report")["report"] == "Words."
    (line,) = outages(caplog)
    assert "the bucket is missing" in line


@pytest.mark.redis
def test_a_frozen_redis_costs_a_page_a_second_and_is_named_once(
    house: House,
    redis_server: tuple[str, subprocess.Popen[bytes]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    url, process = redis_server
    source = Source(house.with_intake(limiter=url).app())
    assert source.get("help").status == 200
    process.send_signal(signal.SIGSTOP)
    assert timed(lambda: source.send("Without Redis.")).status == 200
    process.send_signal(signal.SIGCONT)
    (line,) = outages(caplog)
    assert f"the store of counts does not work: {url}" in line


def test_on_a_full_disk_sources_are_told_before_they_type_and_closing_closes(small_disk: Path, house: House) -> None:
    keep_state(house.settings.intake.data)
    source = Source(house.with_intake(free_bytes=1_000_000, request_bytes=4_000_000).app())
    assert source.get("report").status == 200
    written = fill(small_disk)
    house.clock.now += 2  # it was found ready a second ago
    page = source.get("report")
    assert page.status == 503
    assert "Our mailbox is full" in page.text
    set_letterbox_state(house.settings.intake.data, LetterboxState.CLOSED)
    assert letterbox_state(house.settings.intake.data) is LetterboxState.CLOSED
    assert "We take no reports at the moment" in source.get("report").text
    set_letterbox_state(house.settings.intake.data, LetterboxState.OPEN)
    written.unlink()
    assert source.send("After.").status == 200
    assert house.mailbox.totals().letters == 1
