"""A one-time code works once."""

from __future__ import annotations

import threading

import pytest

from fieldreport.errors import UnlockRefused
from tests.vault.newsroom import Newsroom, everywhere

pytestmark = everywhere


def test_each_counter_works_once_and_never_an_older_one(newsroom: Newsroom) -> None:
    factors = newsroom.vault.second_factors
    assert factors.last_counter("amira") == 0
    factors.use("amira", 100)
    for used in (100, 99, 1):
        with pytest.raises(UnlockRefused):
            factors.use("amira", used)
    factors.use("amira", 101)
    factors.use("jonas", 5)
    assert (factors.last_counter("amira"), factors.last_counter("jonas")) == (101, 5)


def test_of_two_windows_with_the_same_code_one_gets_in(newsroom: Newsroom) -> None:
    newsroom.vault.second_factors.use("amira", 1)
    answers: list[bool] = []

    def use() -> None:
        try:
            newsroom.vault.second_factors.use("amira", 2)
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
