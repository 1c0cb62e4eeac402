"""A one-time code works once."""

from __future__ import annotations

import threading

import pytest

from fieldreport.errors import UnlockRefused
from fieldreport.vault.staff import second_factor
from tests.vault.newsroom import Newsroom, everywhere

pytestmark = everywhere


def test_each_counter_works_once_and_never_an_older_one(newsroom: Newsroom) -> None:
    assert second_factor.last_counter(newsroom.vault, "amira") == 0
    second_factor.use(newsroom.vault, "amira", 100)
    for used in (100, 99, 1):
        with pytest.raises(UnlockRefused):
            second_factor.use(newsroom.vault, "amira", used)
    second_factor.use(newsroom.vault, "amira", 101)
    second_factor.use(newsroom.vault, "jonas", 5)
    assert (
        second_factor.last_counter(newsroom.vault, "amira"),
        second_factor.last_counter(newsroom.vault, "jonas"),
    ) == (101, 5)


def test_of_two_windows_with_the_same_code_one_gets_in(newsroom: Newsroom) -> None:
    second_factor.use(newsroom.vault, "amira", 1)
    answers: list[bool] = []

    def use() -> None:
        try:
            second_factor.use(newsroom.vault, "amira", 2)
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
