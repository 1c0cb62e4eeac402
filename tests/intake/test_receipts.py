"""A source who lost the answer asks with the codename what has arrived: for a day, from memory, seen by nobody else."""

from __future__ import annotations

import os

from fieldreport import limits
from fieldreport.intake.receipts import Received, RecentReceipts
from fieldreport.seal import Codename, SourceKeys
from tests.cast import INSTANCE
from tests.intake.conftest import House, Seen, Source
from tests.intake.samples import photo

HOUR = 490_000


def keys() -> SourceKeys:
    return SourceKeys.derive(Codename.generate("en"), instance=INSTANCE)


def ask(source: Source, codename: str) -> Seen:
    return source.post("return/arrived", source.come_back(codename).form("/return/arrived"))


# --- the page ---


def test_what_was_sent_is_told_to_who_has_the_codename(source: Source) -> None:
    codename = source.send("Trucks.", [("a.jpg", photo()), ("b.jpg", photo())]).codename
    form = source.come_back(codename).form("/return/add")
    assert source.post("return/add", {**form, "report": "And a tank."}).status == 200
    page = ask(source, codename)
    assert page.status == 200
    assert sorted(item.text_content() for item in page.all('//ul[@id="arrived"]/li')) == [
        "11 characters",
        "7 characters · 2 files",
    ]
    assert "Answers to you" in source.post("return", page.form("/return")).text


def test_one_letter_that_was_posted_twice_is_told_once(source: Source) -> None:
    form = {**source.get("report").form("/report"), "report": "Trucks."}
    codename = source.post("report", form).codename
    source.post("report", form)
    assert len(ask(source, codename).all('//ul[@id="arrived"]/li')) == 1


def test_under_another_codename_nothing_is_told(source: Source) -> None:
    source.send("Trucks.")
    page = ask(source, source.get("report").codename)
    assert page.all('//p[@id="nothing-arrived"]')
    assert not page.all('//ul[@id="arrived"]')


def test_what_was_refused_has_not_arrived(source: Source) -> None:
    page = source.send("")
    assert page.status == 422
    assert ask(source, page.codename).all('//p[@id="nothing-arrived"]')


def test_a_day_later_it_is_forgotten(house: House, source: Source) -> None:
    codename = source.send("Trucks.").codename
    house.clock.now += 3600 * (limits.RECEIPT_HOURS - 1)
    assert ask(source, codename).all('//ul[@id="arrived"]')
    house.clock.now += 3600
    assert ask(source, codename).all('//p[@id="nothing-arrived"]')


def test_what_was_withdrawn_is_forgotten_at_once(source: Source) -> None:
    codename = source.send("Trucks.").codename
    asked = source.post("return/withdraw", source.come_back(codename).form("/return/withdraw"))
    assert source.post("return/withdrawn", asked.form("/return/withdrawn")).status == 200
    assert ask(source, codename).all('//p[@id="nothing-arrived"]')


def test_the_sizes_of_the_page_come_in_steps(source: Source) -> None:
    known, unknown = source.send("Trucks.").codename, source.get("report").codename
    assert len(ask(source, known).raw.encode()) == len(ask(source, unknown).raw.encode())


# --- the memory ---


def test_workers_share_what_was_made_before_the_fork() -> None:
    receipts, source = RecentReceipts(), keys()
    worker = os.fork()
    if not worker:
        receipts.keep(source, bytes(16), hour=HOUR, characters=7, files=2)
        os._exit(0)
    assert os.waitpid(worker, 0)[1] == 0
    assert receipts.of(source, hour=HOUR) == [Received(hour=HOUR, characters=7, files=2)]


def test_of_more_letters_than_are_shown_the_newest_stay() -> None:
    receipts, source = RecentReceipts(), keys()
    for number in range(limits.RECEIPTS_SHOWN + 2):
        receipts.keep(source, bytes([number]) * 16, hour=HOUR + number, characters=number, files=0)
    shown = receipts.of(source, hour=HOUR + 10)
    assert [each.characters for each in shown] == [6, 5, 4, 3, 2]


def test_the_memory_tells_neither_sizes_nor_what_belongs_together() -> None:
    receipts, source = RecentReceipts(), keys()
    for number in range(3):
        receipts.keep(source, bytes([number]) * 16, hour=HOUR, characters=0x41424344, files=0x4546)
    written = receipts._memory[:]
    assert written.count(HOUR.to_bytes(4, "big")) == 3
    for secret in (b"ABCD", b"EF" * 2, source.lookup, source.index, source.thread):
        assert secret not in written
    tags = source.receipt_tags(3)
    assert all(written.count(tag) == 1 for tag in tags)


def test_what_is_too_old_is_wiped_not_only_hidden() -> None:
    receipts, source = RecentReceipts(), keys()
    receipts.keep(source, bytes(16), hour=HOUR, characters=7, files=0)
    assert receipts.of(keys(), hour=HOUR + limits.RECEIPT_HOURS) == []
    assert receipts._memory[:] == bytes(len(receipts._memory))


def test_a_slot_that_was_written_over_halfway_is_nothing() -> None:
    receipts, source = RecentReceipts(), keys()
    receipts.keep(source, bytes(16), hour=HOUR, characters=7, files=0)
    at = receipts._memory.find(source.receipt_tags(1)[0]) + 30
    receipts._memory[at] ^= 1
    assert receipts.of(source, hour=HOUR) == []


def test_a_crowd_of_sources_is_remembered() -> None:
    receipts = RecentReceipts()
    crowd = [SourceKeys(lookup=bytes(32), thread=bytes(16), identity=keys().identity, _letters=os.urandom(32))]
    crowd = [*crowd, *(_somebody(crowd[0]) for _ in range(999))]
    for source in crowd:
        receipts.keep(source, bytes(16), hour=HOUR, characters=1, files=0)
    assert all(receipts.of(source, hour=HOUR) for source in crowd)


def _somebody(like: SourceKeys) -> SourceKeys:
    return SourceKeys(lookup=bytes(32), thread=bytes(16), identity=like.identity, _letters=os.urandom(32))
