"""A page that was filled in from a cut form is the page that would have been rendered."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import escape

from fieldreport import limits
from fieldreport.intake.form_cache import FormCache


class Page:
    """Counts its renderings."""

    def __init__(self, text: str = "<p>{word}</p><input value={token}><b>{word}</b>") -> None:
        self.text = text
        self.rendered: list[Mapping[str, str]] = []

    def __call__(self, values: Mapping[str, str]) -> str:
        self.rendered.append(values)
        return self.text.format_map({name: escape(value) for name, value in values.items()})


def test_it_is_filled_in_and_not_rendered_again() -> None:
    cache, page = FormCache(), Page()
    assert cache.page("key", {"word": "one", "token": "two"}, page) == "<p>one</p><input value=two><b>one</b>"
    before = len(page.rendered)
    assert cache.page("key", {"word": "three", "token": ""}, page) == "<p>three</p><input value=><b>three</b>"
    assert len(page.rendered) == before


def test_what_is_filled_in_is_escaped_and_never_read_as_a_place() -> None:
    cache, page = FormCache(), Page()
    cache.page("key", {"word": "a", "token": "b"}, page)
    filled = cache.page("key", {"word": "<script>{token}", "token": "word"}, page)
    assert filled == "<p>&lt;script&gt;{token}</p><input value=word><b>&lt;script&gt;{token}</b>"


def test_another_key_is_another_page() -> None:
    cache = FormCache()
    assert cache.page("en", {"word": "a"}, Page("en {word}")) == "en a"
    assert cache.page("ko", {"word": "b"}, Page("ko {word}")) == "ko b"
    assert cache.page("en", {"word": "c"}, Page("never")) == "en c"


def test_a_page_that_counts_its_value_is_rendered_each_time() -> None:
    cache = FormCache()

    def counting(values: Mapping[str, str]) -> str:
        return f"{values['word']} has {len(values['word'])}"

    assert cache.page("key", {"word": "four"}, counting) == "four has 4"
    assert cache.page("key", {"word": "three"}, counting) == "three has 5"


def test_no_value_stays_behind() -> None:
    cache, page = FormCache(), Page()
    cache.page("key", {"word": "PLANTED", "token": "MARKER"}, page)
    kept = [vars(cut) for cut in cache._cut.values() if cut is not None]
    assert kept
    assert "PLANTED" not in str(kept)
    assert "MARKER" not in str(kept)


def test_strangers_cannot_make_it_grow() -> None:
    cache = FormCache()
    for port in range(3 * limits.CACHED_FORMS):
        cache.page(port, {"word": "a", "token": "b"}, Page())
    assert len(cache._cut) <= limits.CACHED_FORMS
