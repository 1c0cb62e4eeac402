"""The directory answers with what the pinned admin signed, never with an older one, and never with less."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest

from fieldreport.errors import RosterError
from fieldreport.seal import roster_directory as roster_module
from fieldreport.seal.roster import Roster, verify_roster
from fieldreport.seal.roster_directory import RosterDirectory
from fieldreport.unseal import roster_changes
from fieldreport.unseal.signing_keys import AdminKey
from tests.cast import INSTANCE, NOON
from tests.seal.conftest import Newsroom, editor


def successor(roster: Roster, *, who: str = "ines") -> bytes:
    return roster_changes.next_roster(roster, roster_changes.with_added(roster.entries, editor(who)), now=NOON)


def refuse(directory: RosterDirectory, code: str, *, at_least: int = 0) -> None:
    with pytest.raises(RosterError) as refused:
        directory.load(now=NOON, at_least=at_least)
    assert refused.value.code == code


def test_what_is_published_is_loaded(newsroom: Newsroom, raw: bytes) -> None:
    published = newsroom.publish(raw)
    assert newsroom.directory().load(now=NOON, at_least=1) == published


def test_an_empty_directory_is_no_roster(newsroom: Newsroom, tmp_path: Path) -> None:
    refuse(newsroom.directory(), "roster-missing")
    refuse(RosterDirectory(tmp_path / "none", fingerprint="00" * 32, instance=INSTANCE), "roster-missing")


@pytest.mark.parametrize("name", ["roster.json", "admin.pub"])
def test_a_missing_file_closes(newsroom: Newsroom, raw: bytes, name: str) -> None:
    newsroom.publish(raw)
    directory = newsroom.directory()
    directory.load(now=NOON, at_least=0)
    (newsroom.path / name).unlink()
    refuse(directory, "roster-missing")
    refuse(newsroom.directory(), "roster-missing")


def test_another_admin_than_the_pinned_one_is_refused(newsroom: Newsroom, raw: bytes) -> None:
    newsroom.publish(raw)
    stranger = AdminKey.generate()
    (newsroom.path / "admin.pub").write_text(stranger.public.encode())
    for base in (newsroom.path, newsroom.path / "history"):
        for path in base.glob("*.sig"):
            path.write_bytes(stranger.sign_roster(raw))
    refuse(newsroom.directory(), "roster-admin")
    (newsroom.path / "admin.pub").write_text("not a key")
    refuse(newsroom.directory(), "roster-admin")


def test_dates_and_epoch_are_checked_at_every_use(newsroom: Newsroom, raw: bytes) -> None:
    newsroom.publish(raw)
    directory = newsroom.directory()
    assert directory.load(now=NOON, at_least=1).epoch == 1
    refuse(directory, "roster-rolled-back", at_least=2)
    with pytest.raises(RosterError) as refused:
        directory.load(now=NOON + timedelta(days=90), at_least=0)
    assert refused.value.code == "roster-expired"


def test_an_expired_roster_can_still_be_asked_who_was_listed_so_that_the_admin_can_renew_it(
    newsroom: Newsroom, raw: bytes
) -> None:
    newsroom.publish(raw)
    directory = newsroom.directory()
    late = NOON + timedelta(days=120)
    with pytest.raises(RosterError):
        directory.load(now=late, at_least=0)
    newest = directory.newest(at_least=1)
    newsroom.publish(roster_changes.next_roster(newest, newest.entries, now=late))
    assert directory.load(now=late, at_least=2).entries == newest.entries
    with pytest.raises(RosterError):
        directory.newest(at_least=3)


def test_an_unchanged_roster_is_not_verified_again_and_a_changed_one_is(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    directory = newsroom.directory()
    with mock.patch.object(roster_module, "verify_roster", wraps=verify_roster) as verify:
        for _ in range(5):
            directory.load(now=NOON, at_least=0)
        assert verify.call_count == 1
        newsroom.publish(successor(first))
        before = verify.call_count
        assert directory.load(now=NOON, at_least=0).epoch == 2
        assert verify.call_count == before + 1


def test_an_older_roster_put_back_is_refused_by_whoever_saw_the_newer(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    newsroom.publish(successor(first))
    directory = newsroom.directory()
    assert directory.load(now=NOON, at_least=0).epoch == 2
    for name in ("roster.json", "roster.json.sig"):
        shutil.copy(newsroom.path / "history" / name.replace("roster", "00000001"), newsroom.path / name)
    refuse(directory, "roster-rolled-back")
    refuse(newsroom.directory(), "roster-rolled-back", at_least=2)


def test_a_second_roster_of_the_same_epoch_is_refused(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    second, fork = successor(first), successor(first, who="dana")
    newsroom.publish(second)
    directory = newsroom.directory()
    directory.load(now=NOON, at_least=0)
    with pytest.raises(RosterError) as refused:
        newsroom.publish(fork)
    assert refused.value.code == "roster-chain"
    (newsroom.path / "roster.json").write_bytes(fork)
    (newsroom.path / "roster.json.sig").write_bytes(newsroom.admin.sign_roster(fork))
    refuse(directory, "roster-chain")


def test_a_roster_that_follows_another_than_the_known_one_is_refused(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    directory = newsroom.directory()
    directory.load(now=NOON, at_least=0)
    foreign = successor(dataclasses.replace(first, sha256=b"\1" * 32))
    (newsroom.path / "roster.json").write_bytes(foreign)
    (newsroom.path / "roster.json.sig").write_bytes(newsroom.admin.sign_roster(foreign))
    refuse(directory, "roster-chain")


def test_what_does_not_follow_the_roster_in_force_is_not_published(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    stranger = dataclasses.replace(first, sha256=b"\1" * 32)
    skipping = dataclasses.replace(first, epoch=2)
    for base in (stranger, skipping):
        with pytest.raises(RosterError) as refused:
            newsroom.publish(successor(base))
        assert refused.value.code == "roster-chain"
    assert newsroom.directory().load(now=NOON, at_least=0).epoch == 1


def test_what_is_not_signed_is_not_published(newsroom: Newsroom, raw: bytes) -> None:
    with pytest.raises(RosterError):
        newsroom.directory().publish(raw, AdminKey.generate().sign_roster(raw))
    assert not (newsroom.path / "roster.json").exists()


def test_the_history_knows_every_epoch_and_the_keys_of_its_letters(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    second = newsroom.publish(successor(first))
    third = newsroom.publish(
        roster_changes.next_roster(second, roster_changes.with_revoked(second.entries, "jonas"), now=NOON)
    )
    directory = newsroom.directory()
    assert directory.history() == {1: first.sha256, 2: second.sha256, 3: third.sha256}
    assert directory.keys_at(2) == second.key_ids()
    assert directory.keys_at(3) == third.key_ids()
    with pytest.raises(RosterError):
        directory.keys_at(4)


def test_the_history_grows_with_what_another_process_publishes(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    directory = newsroom.directory()
    assert directory.history() == {1: first.sha256}
    second = newsroom.publish(successor(first))
    assert directory.history() == {1: first.sha256, 2: second.sha256}


def test_a_lost_file_of_the_history_is_vouched_for_by_the_roster_after_it(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    second = newsroom.publish(successor(first))
    (newsroom.path / "history" / "00000001.json").unlink()
    directory = newsroom.directory()
    assert directory.history() == {1: first.sha256, 2: second.sha256}
    with pytest.raises(RosterError):
        directory.keys_at(1)


def test_an_altered_history_is_refused(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    newsroom.publish(successor(first))
    path = newsroom.path / "history" / "00000001.json"
    path.write_bytes(raw.replace(b"amira", b"alicf"))
    with pytest.raises(RosterError):
        newsroom.directory().history()
    # Signed by the admin, but not what the chain names: two rosters of one epoch were signed.
    other = roster_changes.first_roster(instance=INSTANCE, entries=[editor("dana")], now=NOON)
    path.write_bytes(other)
    path.with_name("00000001.json.sig").write_bytes(newsroom.admin.sign_roster(other))
    with pytest.raises(RosterError) as refused:
        newsroom.directory().history()
    assert refused.value.code == "roster-chain"


class Crash(Exception):
    pass


def dies_at(step: int) -> Callable[[Path, Path], Path]:
    rename, done = Path.replace, itertools.count()

    def replace(self: Path, target: Path) -> Path:
        if next(done) == step:
            raise Crash
        return rename(self, target)

    return replace


def test_a_crash_at_any_step_of_publishing_leaves_the_old_or_the_new_roster_in_force(tmp_path: Path) -> None:
    """Every rename is a step; the process dies before step n, for every n, and publishing again completes it."""
    for step in itertools.count():
        path = tmp_path / str(step)
        path.mkdir()
        newsroom = Newsroom(path=path)
        (path / "admin.pub").write_text(newsroom.public.encode())
        first = newsroom.publish(roster_changes.first_roster(instance=INSTANCE, entries=[editor("amira")], now=NOON))
        second = successor(first)
        with mock.patch.object(Path, "replace", dies_at(step)):
            try:
                newsroom.publish(second)
            except Crash:
                crashed = True
            else:
                crashed = False
        found = newsroom.directory().load(now=NOON, at_least=1)
        assert found.epoch in {1, 2}
        assert newsroom.directory().history()[1] == first.sha256
        assert newsroom.publish(second).epoch == 2
        newsroom.directory().load(now=NOON, at_least=2)
        if not crashed:
            break
    assert step >= 4


def test_an_unfinished_publication_gives_way_to_another(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.publish(raw)
    left_over = successor(first, who="dana")
    (newsroom.path / "history" / "00000002.json").write_bytes(left_over)
    (newsroom.path / "history" / "00000002.json.sig").write_bytes(newsroom.admin.sign_roster(left_over))
    assert newsroom.directory().history() == {1: first.sha256}
    second = newsroom.publish(successor(first))
    assert newsroom.directory().history() == {1: first.sha256, 2: second.sha256}


def test_readers_in_many_threads_see_only_whole_rosters_while_one_publishes(newsroom: Newsroom, raw: bytes) -> None:
    roster = newsroom.publish(raw)
    directory = newsroom.directory()
    stop, seen, failures = threading.Event(), set[int](), list[BaseException]()

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add(directory.load(now=NOON, at_least=0).epoch)
                directory.history()
            except BaseException as error:  # noqa: BLE001 - a thread has no other way to tell
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(5):
        roster = newsroom.publish(successor(roster, who=f"e{number}"))
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert directory.load(now=NOON, at_least=6).epoch == 6


def test_readable_copies_lie_beside_the_roster_and_go_with_the_person(newsroom: Newsroom, raw: bytes) -> None:
    roster = newsroom.publish(raw)
    copy = (newsroom.path / "amira.pub").read_text()
    assert str(roster.entry("amira").recipient) in copy
    assert (newsroom.path / "admin.pub").read_text() == newsroom.public.encode()
    newsroom.publish(roster_changes.next_roster(roster, roster_changes.with_revoked(roster.entries, "amira"), now=NOON))
    assert not (newsroom.path / "amira.pub").exists()
    assert (newsroom.path / "jonas.pub").exists()


def test_a_directory_that_is_not_there_cannot_be_published_to(newsroom: Newsroom, raw: bytes, tmp_path: Path) -> None:
    nowhere = RosterDirectory(tmp_path / "none", fingerprint=newsroom.public.fingerprint, instance=INSTANCE)
    with pytest.raises(RosterError):
        nowhere.publish(raw, newsroom.admin.sign_roster(raw))
