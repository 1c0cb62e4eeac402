"""Every category and every refusal has words for editors, too."""

from __future__ import annotations

import pytest

from fieldreport.scrub import Refusal, Removed
from fieldreport.scrub.verdicts import removed_text


@pytest.mark.parametrize("found", list(Removed))
def test_every_category_has_words_for_editors(found: Removed) -> None:
    assert found.text == removed_text(found.value)
    assert found.text
    assert "-" not in found.text


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_words_for_editors(refusal: Refusal) -> None:
    assert Refusal(refusal.value) is refusal
    assert len(refusal.text.split()) > 3


def test_a_category_of_a_later_version_is_shown_by_its_code() -> None:
    assert removed_text("from-the-future") == "from-the-future"
