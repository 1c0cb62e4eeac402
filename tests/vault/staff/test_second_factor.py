"""A one-time code works once."""

from __future__ import annotations

import threading

import pytest

from fieldreport.errors import UnlockRefused
from tests.vault.cast import Newsroom, everywhere

pytestmark = everywhere


def test_each_counter_works_once_and_never_an_older_one(newsroom: Newsroom) -> None:
    factors = newsroom.vault.second_factors
    assert factors.last_counter("mira") == 0
    factors.use("mira", 100)
    for used in (100, 99, 1):
        with pytest.raises(UnlockRefused):
            factors.use("mira", used)
    factors.use("mira", 101)
    factors.use("tomas", 5)
    assert (factors.last_counter("mira"), factors.last_counter("tomas")) == (101, 5)


def test_of_two_windows_with_the_same_code_one_gets_in(newsroom: Newsroom) -> None:
    newsroom.vault.second_factors.use("mira", 1)
    answers: list[bool] = []

    def use() -> None:
        try:
            newsroom.vault.second_factors.use("mira", 2)
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
