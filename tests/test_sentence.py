"""A sentence is English text everywhere, and a page can show it in another language."""

from __future__ import annotations

import copy
import json

import pytest

from fieldreport.sentence import Sentence


def test_a_sentence_is_text() -> None:
    made = Sentence("roster %(epoch)s, %(why)s", epoch=3, why=Sentence("100% old"))
    assert made == "roster 3, 100% old"
    assert json.dumps({"seen": made}) == '{"seen": "roster 3, 100% old"}'


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_number_chooses_the_sentence(number: int) -> None:
    made = Sentence.counted("%(num)s case of %(handle)s", "%(num)s cases of %(handle)s", number, handle="amira")
    assert made == f"{number} {'case' if number == 1 else 'cases'} of amira"


def test_a_copy_remembers_how_it_was_made() -> None:
    made = Sentence.counted("%(num)s day", "%(num)s days", 2)
    other = copy.deepcopy(made)
    assert (other, other.message, other.many, other.values) == (made, "%(num)s day", "%(num)s days", {"num": 2})
