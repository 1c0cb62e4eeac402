"""Every category of what is removed has words for editors, too."""

from __future__ import annotations

import pytest

from fieldreport.scrub import Removed
from fieldreport.scrub.labels import in_words


@pytest.mark.parametrize("found", list(Removed))
def test_every_category_has_words_for_editors(found: Removed) -> None:
    assert "-" not in in_words(found)


def test_a_category_of_a_later_version_is_shown_by_its_code() -> None:
    assert in_words("from-the-future") == "from-the-future"
