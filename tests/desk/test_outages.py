"""A part of the desk is frozen: a page within five seconds, what was typed is kept, nothing is doubled."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from fieldreport import limits
from fieldreport.errors import StoreAway, StoreError
from fieldreport.store import migrate, open_engine
from fieldreport.vault.archive.tables import SealedObject
from fieldreport.vault.cases.collect import collect
from tests.cast import PASSPHRASES
from tests.desk.conftest import House, Page
from tests.eventually import eventually
from tests.faults import fill
from tests.store.throwaway_postgres import Faulty, fresh_database
from tests.store.throwaway_s3 import S3Server

WITHIN = 5.0


def timed(ask: Callable[[], Page]) -> Page:
    began = time.monotonic()
    page = ask()
    assert time.monotonic() - began < WITHIN
    return page


def outages(caplog: pytest.LogCaptureFixture) -> list[str]:
    named = "fieldreport.store.outage"
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR and each.name == named]


@pytest.mark.redis
def test_a_frozen_redis_lets_nobody_in_at_once_and_is_named_once(
    build: Callable[..., House],
    redis_server: tuple[str, subprocess.Popen[bytes]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    url, process = redis_server
    house = build(desk={"limiter": url})
    browser = house.stranger()
    form = browser.get("/sign-in")
    process.send_signal(signal.SIGSTOP)
    typed = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    for _ in range(2):
        assert timed(lambda: browser.press(form, "Unlock", typed)).status == 503
    process.send_signal(signal.SIGCONT)
    (line,) = outages(caplog)
    assert f"the store of counts does not work: {url}" in line
    time.sleep(limits.AWAY_SECONDS)
    assert house.sign_in("amira").get("/inbox").status == 200


@pytest.mark.campaign
@pytest.mark.postgres
def test_a_frozen_database_keeps_what_was_typed_and_an_answer_is_one_answer_afterwards(
    build: Callable[..., House], faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    url = fresh_database(home=faulty.home)
    for package in ("fieldreport.vault", "fieldreport.mailbox"):
        engine = open_engine(url)
        migrate(engine, package)
        engine.dispose()
    house = build(desk={"vault": url}, intake={"mailbox": url})
    case = house.receive("First.")
    amira = house.enter("amira")
    page = amira.get(f"/cases/{case.id.hex()}?write=reply")
    house.send("Second.")
    faulty.freeze()
    refused = timed(lambda: amira.press(page, "Seal and send", {"text": "Thank you."}))
    assert refused.status == 503
    assert "Thank you." in refused.body.decode()
    began = time.monotonic()
    with pytest.raises(StoreAway):
        collect(house.vault, house.mailbox, house.watch)
    assert time.monotonic() - began < WITHIN
    assert 1 <= len(outages(caplog)) <= 2  # two engines, which are one server here
    faulty.thaw()
    eventually(lambda: amira.get("/inbox").status == 200)
    time.sleep(limits.AWAY_SECONDS)
    assert collect(house.vault, house.mailbox, house.watch).letters == 1
    for _ in range(2):
        amira.press(page, "Seal and send", {"text": "Thank you."})
    assert house.mailbox.totals().letters == 0
    with house.vault.reading() as session:
        assert session.scalar(select(func.count()).select_from(SealedObject)) == 3  # two letters and an answer
    assert house.replies() == ["Thank you."]


def test_on_a_full_disk_editors_sign_in_and_read_and_letters_wait_in_the_mailbox(
    small_disk: Path, build: Callable[..., House]
) -> None:
    house = build()
    case = house.receive("First.")
    house.send("Second.")
    house.vault.upkeep.start()
    reserve = house.settings.desk.data / "vault.db.reserve"
    eventually(lambda: reserve.exists() and reserve.stat().st_size == limits.RESERVE_BYTES)
    filled = fill(small_disk)
    for handle in ("amira", "jonas", "amira"):
        browser = house.sign_in(handle)
        assert "First." in browser.get(f"/cases/{case.id.hex()}").text
        house.clock.now += 60
        fill(small_disk).rename(small_disk / f"more-{house.clock.now}")  # what fills a disk does not stop
    assert "no letter is collected: make room" in house.sign_in("lena").get("/health").text
    assert 0 < reserve.stat().st_size < limits.RESERVE_BYTES
    with pytest.raises(StoreError, match="full") as full:
        collect(house.vault, house.mailbox, house.watch)
    assert "letters wait in the mailbox" in full.value.detail
    for each in (filled, *small_disk.glob("more-*")):
        each.unlink(missing_ok=True)
    assert collect(house.vault, house.mailbox, house.watch).letters == 1


def test_a_bucket_that_is_missing_is_said_on_the_page_and_named_once_in_the_log(
    build: Callable[..., House], s3_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The vault has a bucket of its own; with it go the keys of its rows, and nothing is taken for deleted."""
    bucket = s3_server.bucket()
    house = build(desk={"blobs": bucket})
    case = house.receive("In the bucket.")
    amira = house.enter("amira")
    address = f"/cases/{case.id.hex()}"
    assert "In the bucket." in amira.get(address).text
    client, name = s3_server.client(), bucket.removeprefix("s3://").partition("/")[0]
    there = [entry["Key"] for entry in client.list_objects_v2(Bucket=name)["Contents"]]
    kept = {key: client.get_object(Bucket=name, Key=key)["Body"].read() for key in there}
    for key in there:
        client.delete_object(Bucket=name, Key=key)
    client.delete_bucket(Bucket=name)
    for _ in range(2):
        assert timed(lambda: amira.get(address)).status == 503
    (line,) = outages(caplog)
    assert "the bucket is missing. To do: make the bucket" in line
    client.create_bucket(Bucket=name)
    for key, content in kept.items():
        client.put_object(Bucket=name, Key=key, Body=content)
    assert "In the bucket." in eventually(lambda: amira.get(address)).text
