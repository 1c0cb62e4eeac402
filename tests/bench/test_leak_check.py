"""The labelled drafts are whole, and a planted leak is counted as what it is."""

from __future__ import annotations

import pytest

from fieldreport.bench.leak_check import BOUNDS, CLEAN_WARNINGS, SETS, Draft, Leak, Score, load
from fieldreport.press.article import Article
from fieldreport.press.leakcheck import Material


@pytest.mark.parametrize("name", SETS[:2])
def test_each_language_has_every_class_of_leak_and_a_clean_draft(name: str) -> None:
    drafts = list(load(name))
    for language in ("en", "ko", "zh", "ru", "ar", "ja"):
        own = [draft for draft in drafts if draft.name.startswith(language)]
        assert any(not draft.leaks for draft in own)
        assert {leak.kind for draft in own for leak in draft.leaks} == set(BOUNDS)


@pytest.mark.parametrize("name", SETS[:2])
def test_as_much_of_the_planted_leaks_is_found_as_is_promised(name: str) -> None:
    score = Score()
    for draft in load(name):
        score.add(draft)
    shares = {kind: tally.share for kind, tally in score.classes.items()}
    assert {kind: share for kind, share in shares.items() if share < (BOUNDS[kind] or 0)} == {}
    assert score.clean_blocked == 0
    assert score.clean_warnings <= CLEAN_WARNINGS * score.clean


def test_a_leak_is_caught_warned_of_or_missed_and_the_rest_is_false() -> None:
    text = "Hyesan, then Rye and on 3 May nothing."
    leaks = tuple(
        Leak(kind=kind, start=text.index(word), end=text.index(word) + len(word))
        for kind, word in (("place", "Hyesan"), ("place", "Rye"), ("time", "then"))
    )
    score = Score()
    score.add(
        Draft(
            name="one",
            article=Article(language="en", slug="bcdfghjkmn", body=text),
            material=Material(case="C", protected=("Hyesan",)),
            leaks=leaks,
        )
    )
    place = score.classes["place"]
    assert (place.caught, place.warned, place.missed, place.share) == (1, 0, 1, 0.5)
    assert score.classes["time"].share == 0
    assert score.false == {"exact-date": 1}
