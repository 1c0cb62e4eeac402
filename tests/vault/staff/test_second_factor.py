"""A one-time code works once."""

from __future__ import annotations

import threading

import pytest

from fieldreport.errors import UnlockRefused
from fieldreport.vault.archive.tables import SecondFactor
from fieldreport.vault.staff import second_factor
from tests.vault.newsroom import Newsroom, everywhere

pytestmark = everywhere

SECRET = bytes(range(20))


def test_each_counter_works_once_and_never_an_older_one(newsroom: Newsroom) -> None:
    assert second_factor.last_counter(newsroom.vault, "amira", SECRET) == 0
    second_factor.use(newsroom.vault, "amira", SECRET, 100)
    for used in (100, 99, 1):
        with pytest.raises(UnlockRefused):
            second_factor.use(newsroom.vault, "amira", SECRET, used)
    second_factor.use(newsroom.vault, "amira", SECRET, 101)
    second_factor.use(newsroom.vault, "jonas", SECRET, 5)
    assert (
        second_factor.last_counter(newsroom.vault, "amira", SECRET),
        second_factor.last_counter(newsroom.vault, "jonas", SECRET),
    ) == (101, 5)


def test_of_two_windows_with_the_same_code_one_gets_in(newsroom: Newsroom) -> None:
    second_factor.use(newsroom.vault, "amira", SECRET, 1)
    answers: list[bool] = []

    def use() -> None:
        try:
            second_factor.use(newsroom.vault, "amira", SECRET, 2)
        except UnlockRefused:
            answers.append(False)
        else:
            answers.append(True)

    threads = [threading.Thread(target=use) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 4 + [True]


def test_the_row_tells_the_hour_and_nothing_finer_to_who_has_no_secret(newsroom: Newsroom) -> None:
    rows = set()
    for secret in (SECRET, bytes(20)):
        for counter in (120_000, 120_119):
            with newsroom.vault.change() as change:
                change.session.query(SecondFactor).delete()
            second_factor.use(newsroom.vault, "amira", secret, counter)
            with newsroom.vault.reading() as session:
                rows.add(session.get_one(SecondFactor, "amira").counter)
            assert second_factor.last_counter(newsroom.vault, "amira", secret) == counter
    assert len(rows) == 4
    assert {row >> 32 for row in rows} == {1000}  # hours
    assert second_factor.last_counter(newsroom.vault, "amira", b"a new secret of hers") == 119_999
