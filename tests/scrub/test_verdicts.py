"""Every category and every refusal has words for editors, too."""

from __future__ import annotations

import pytest

from fieldreport.scrub import Refusal, Removed
from fieldreport.scrub.verdicts import READ_AS, Noted, codes_told, found_text, is_note


@pytest.mark.parametrize("found", [*Removed, *Noted])
def test_every_category_has_words_for_editors(found: Removed | Noted) -> None:
    assert found.text == found_text(found.value)
    assert found.text
    assert "-" not in found.text


def test_what_stayed_is_told_from_what_is_gone() -> None:
    assert all(map(is_note, Noted))
    assert is_note(f"{READ_AS}big5hkscs")
    assert not any(is_note(each) for each in Removed)
    assert codes_told(("time", "kept-places"), nothing="nothing") == "time; to know: kept-places"
    assert codes_told(("kept-places",), nothing="nothing") == "nothing; to know: kept-places"
    assert codes_told((), nothing="nothing") == "nothing"


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_words_for_editors(refusal: Refusal) -> None:
    assert Refusal(refusal.value) is refusal
    assert len(refusal.text.split()) > 3


def test_a_category_of_a_later_version_is_shown_by_its_code() -> None:
    assert found_text("from-the-future") == "from-the-future"
