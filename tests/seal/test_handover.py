"""The admin's key changes hands: who pinned the old one follows, who pins the new one never goes back."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.errors import RosterError
from fieldreport.seal import public_file
from fieldreport.seal.handover import AdminChain, verify_hand_over
from fieldreport.seal.roster import Roster
from fieldreport.seal.roster_directory import RosterDirectory
from fieldreport.unseal import roster_changes
from fieldreport.unseal.signing_keys import AdminKey, sign_hand_over
from tests.cast import INSTANCE, NOON
from tests.seal.conftest import Newsroom, editor

CAST = tuple(AdminKey.generate() for _ in range(4))
STRANGER = AdminKey.generate()


def directory(path: Path, pinned: AdminKey) -> RosterDirectory:
    return RosterDirectory(path, fingerprint=pinned.public.fingerprint, instance=INSTANCE)


def renew(newsroom: Newsroom, signer: AdminKey, current: Roster) -> Roster:
    raw = roster_changes.next_roster(current, current.entries, now=NOON)
    return newsroom.directory().publish(raw, signer.sign_roster(raw))


def hand_over(newsroom: Newsroom, old: AdminKey, new: AdminKey, current: Roster, number: int = 1) -> None:
    papers = sign_hand_over(old, new, instance=INSTANCE, number=number, epoch=current.epoch + 1)
    newsroom.directory().hand_over(*papers)


@pytest.fixture
def boris() -> AdminKey:
    return AdminKey.generate()


@pytest.fixture
def handed(newsroom: Newsroom, raw: bytes, boris: AdminKey) -> Roster:
    """Epochs 1 and 2 by the first admin, 3 and 4 by boris, to whom the key went."""
    second = renew(newsroom, newsroom.admin, newsroom.publish(raw))
    hand_over(newsroom, newsroom.admin, boris, second)
    return renew(newsroom, boris, renew(newsroom, boris, second))


def refuse(act: Callable[[], object], code: str) -> None:
    with pytest.raises(RosterError) as refused:
        act()
    assert refused.value.code == code


def test_who_pinned_the_old_key_follows(newsroom: Newsroom, handed: Roster, boris: AdminKey) -> None:
    reader = newsroom.directory()
    assert reader.load(now=NOON, at_least=4) == handed
    assert sorted(reader.history()) == [1, 2, 3, 4]
    assert reader.admin() == boris.public
    assert [(each.number, each.epoch) for each in reader.hand_overs()] == [(1, 3)]


def test_who_pins_the_new_key_reads_the_same_history(newsroom: Newsroom, handed: Roster, boris: AdminKey) -> None:
    reader = directory(newsroom.path, boris)
    assert reader.load(now=NOON, at_least=4) == handed
    assert reader.history() == newsroom.directory().history()
    assert reader.keys_at(1) == newsroom.directory().keys_at(1)


def test_a_reader_that_runs_while_the_key_changes_hands_never_closes(
    newsroom: Newsroom, raw: bytes, boris: AdminKey
) -> None:
    first = newsroom.publish(raw)
    reader = newsroom.directory()
    assert reader.load(now=NOON, at_least=0).epoch == 1
    hand_over(newsroom, newsroom.admin, boris, first)
    assert reader.load(now=NOON, at_least=1).epoch == 1  # signed by the old key in its own time
    renew(newsroom, boris, first)
    assert reader.load(now=NOON, at_least=1).epoch == 2


def test_the_old_key_signs_no_roster_any_more(newsroom: Newsroom, handed: Roster) -> None:
    raw = roster_changes.next_roster(handed, handed.entries, now=NOON)
    signatures = newsroom.admin.sign_roster(raw)
    refuse(lambda: newsroom.directory().publish(raw, signatures), "roster-handover")
    (newsroom.path / "roster.json").write_bytes(raw)
    (newsroom.path / "roster.json.sig").write_bytes(signatures)
    refuse(lambda: newsroom.directory().load(now=NOON, at_least=0), "roster-handover")


def test_the_new_key_signs_none_before_its_time(newsroom: Newsroom, raw: bytes, boris: AdminKey) -> None:
    first = newsroom.publish(raw)
    hand_over(newsroom, newsroom.admin, boris, first)
    (newsroom.path / "roster.json.sig").write_bytes(boris.sign_roster(raw))
    (newsroom.path / "history" / "00000001.json.sig").write_bytes(boris.sign_roster(raw))
    refuse(lambda: newsroom.directory().load(now=NOON, at_least=0), "roster-handover")


def test_a_roster_from_before_counts_for_who_pins_the_new_key_only_by_its_hash(
    newsroom: Newsroom, handed: Roster, boris: AdminKey, raw: bytes
) -> None:
    history = newsroom.path / "history"
    forged = roster_changes.first_roster(instance=INSTANCE, entries=[editor("mallory")], now=NOON)
    (history / "00000001.json").write_bytes(forged)
    (history / "00000001.json.sig").write_bytes(newsroom.admin.sign_roster(forged))
    refuse(directory(newsroom.path, boris).history, "roster-chain")
    # With the one between lost, nothing names it: it does not count, whoever signed it, and its hash is still known.
    (history / "00000001.json").write_bytes(raw)
    (history / "00000002.json").unlink()
    reader = directory(newsroom.path, boris)
    assert sorted(reader.history()) == [2, 3, 4]
    refuse(lambda: reader.keys_at(1), "roster-missing")
    assert handed.epoch == 4


def test_a_hand_over_that_was_seen_cannot_be_taken_back(newsroom: Newsroom, handed: Roster) -> None:
    reader = newsroom.directory()
    assert reader.load(now=NOON, at_least=0) == handed
    for path in newsroom.path.glob("handover-*"):
        path.unlink()
    refuse(lambda: reader.load(now=NOON, at_least=0), "roster-rolled-back")
    (newsroom.path / "admin.pub").write_text(newsroom.public.encode())
    refuse(lambda: newsroom.directory().load(now=NOON, at_least=0), "roster-signature")


@pytest.mark.parametrize("end", [".sig", ".accepted"])
def test_a_hand_over_without_one_of_its_signatures_closes(newsroom: Newsroom, handed: Roster, end: str) -> None:
    (newsroom.path / f"handover-0001.json{end}").unlink()
    refuse(lambda: newsroom.directory().load(now=NOON, at_least=handed.epoch), "roster-missing")


def test_handing_over_twice_changes_nothing(newsroom: Newsroom, raw: bytes, boris: AdminKey) -> None:
    first = newsroom.publish(raw)
    papers = sign_hand_over(newsroom.admin, boris, instance=INSTANCE, number=1, epoch=first.epoch + 1)
    newsroom.directory().hand_over(*papers)
    before = {path.name: path.stat().st_mtime_ns for path in newsroom.path.iterdir()}
    newsroom.directory().hand_over(*papers)
    renew(newsroom, boris, first)
    newsroom.directory().hand_over(*papers)
    after = {path.name: path.stat().st_mtime_ns for path in newsroom.path.iterdir()}
    assert {name: after[name] for name in before if name.startswith("handover")} == {
        name: stamp for name, stamp in before.items() if name.startswith("handover")
    }


def test_what_does_not_follow_is_not_handed_over(newsroom: Newsroom, handed: Roster, boris: AdminKey) -> None:
    def papers(old: AdminKey, new: AdminKey, number: int = 2, epoch: int = 5) -> tuple[bytes, bytes, bytes]:
        return sign_hand_over(old, new, instance=INSTANCE, number=number, epoch=epoch)

    for wrong in (
        papers(newsroom.admin, STRANGER),  # it is boris's to give
        papers(STRANGER, boris),
        papers(boris, newsroom.admin),  # and not back
        papers(boris, STRANGER, number=3),
        papers(boris, STRANGER, number=1),
        papers(boris, STRANGER, epoch=4),
        papers(boris, STRANGER, epoch=6),
    ):
        refuse(functools.partial(newsroom.directory().hand_over, *wrong), "roster-handover")
    assert newsroom.directory().load(now=NOON, at_least=4) == handed
    assert newsroom.directory().admin() == boris.public


def test_a_crash_anywhere_leaves_it_undone_or_done(newsroom: Newsroom, raw: bytes, boris: AdminKey) -> None:
    first = newsroom.publish(raw)
    papers = sign_hand_over(newsroom.admin, boris, instance=INSTANCE, number=1, epoch=first.epoch + 1)
    second = roster_changes.next_roster(first, first.entries, now=NOON)
    write, outcomes = public_file.write_public, []
    for cut_at in range(4):
        path = newsroom.path.with_name(f"{newsroom.path.name}-{cut_at}")
        shutil.copytree(newsroom.path, path)
        writes = iter([write] * cut_at)

        def cut(target: Path, content: bytes, writes: Iterator[Any] = writes) -> None:
            next(writes, power_off)(target, content)

        with mock.patch("fieldreport.seal.admin.write_public", cut), contextlib.suppress(KeyboardInterrupt):
            directory(path, newsroom.admin).hand_over(*papers)
        outcomes.append(directory(path, newsroom.admin).admin() == boris.public)
        assert directory(path, newsroom.admin).load(now=NOON, at_least=1).epoch == 1
        directory(path, newsroom.admin).hand_over(*papers)
        directory(path, newsroom.admin).publish(second, boris.sign_roster(second))
        assert directory(path, boris).load(now=NOON, at_least=2).epoch == 2
    assert outcomes == [False, False, False, True]  # it counts with its last file, and with no earlier one


def power_off(_target: Path, _content: bytes) -> None:
    raise KeyboardInterrupt


# --- properties ---


@settings(max_examples=60, deadline=None)
@given(epochs=st.lists(st.integers(2, 60), min_size=0, max_size=3, unique=True).map(sorted), pinned=st.integers(0, 3))
def test_at_every_epoch_exactly_one_key_of_the_chain_signs(epochs: Sequence[int], pinned: int) -> None:
    pinned = min(pinned, len(epochs))
    line = [
        verify_hand_over(
            *sign_hand_over(CAST[place], CAST[place + 1], instance=INSTANCE, number=place + 1, epoch=epoch),
            instance=INSTANCE,
        )
        for place, epoch in enumerate(epochs)
    ]
    chain = AdminChain.follow(CAST[pinned].public.fingerprint, CAST[len(epochs)].public, line)
    starts = [1, *epochs]
    for epoch in range(1, 62):
        turn = max(place for place, start in enumerate(starts) if start <= epoch)
        signers = []
        for place, key in enumerate((*CAST, STRANGER)):
            try:
                chain.check_signer(key.public, epoch)
            except RosterError:
                continue
            signers.append(place)
        assert signers == ([turn] if turn >= pinned else [])


PAPERS = sign_hand_over(CAST[0], CAST[1], instance=INSTANCE, number=1, epoch=2)


@settings(max_examples=150, deadline=None)
@given(which=st.integers(0, 2), place=st.integers(0), bit=st.integers(0, 7), cut=st.booleans())
def test_any_flipped_or_missing_byte_is_refused(which: int, place: int, bit: int, *, cut: bool) -> None:
    papers = list(PAPERS)
    content = bytearray(papers[which])
    if cut:
        del content[place % len(content)]
    else:
        content[place % len(content)] ^= 1 << bit
    papers[which] = bytes(content)
    refuse(lambda: verify_hand_over(papers[0], papers[1], papers[2], instance=INSTANCE), "roster-handover")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=100), st.binary(max_size=100))
def test_nothing_but_our_error_comes_of_arbitrary_bytes(one: bytes, two: bytes, three: bytes) -> None:
    refuse(lambda: verify_hand_over(one, two, three, instance=INSTANCE), "roster-handover")
    refuse(lambda: verify_hand_over(PAPERS[0], two, three, instance=INSTANCE), "roster-handover")


def test_a_document_that_is_too_long_is_not_parsed() -> None:
    with mock.patch("fieldreport.seal.handover.parse_hand_over") as parse:
        refuse(lambda: verify_hand_over(b" " * 20_000, b"", b"", instance=INSTANCE), "roster-handover")
    parse.assert_not_called()


def test_the_new_admin_replaces_every_one_before(newsroom: Newsroom, raw: bytes) -> None:
    from fieldreport.errors import UsageError
    from fieldreport.seal.roster import KeyState, Role
    from fieldreport.unseal.key_file import StaffKey

    entries = newsroom.verify(raw).entries
    boris = StaffKey.generate("boris", Role.ADMIN).public_entry()
    after = roster_changes.with_handed_over(entries, boris)
    assert {e.handle: e.state for e in after if e.role is Role.ADMIN} == {
        "admin": KeyState.REVOKED,
        "boris": KeyState.ACTIVE,
    }
    assert [e for e in after if e.role is not Role.ADMIN] == [e for e in entries if e.role is not Role.ADMIN]
    for wrong in (editor("boris"), dataclasses.replace(boris, handle="admin")):
        with pytest.raises(UsageError):
            roster_changes.with_handed_over(entries, wrong)
