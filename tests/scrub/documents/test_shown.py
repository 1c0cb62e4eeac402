"""OpenDocument, books and drawings: what the original shows and what the clean copy shows are counted and compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fieldreport.scrub.documents import xml_rewrite
from fieldreport.scrub.verdicts import Damaged, Removed
from tests.scrub.conftest import clean_copy
from tests.scrub.documents.test_epub import SPINE, packed, small
from tests.scrub.documents.test_opendocument import document
from tests.scrub.documents.test_svg import HEAD

WRITTEN: dict[str, Callable[[str], bytes]] = {
    "text": lambda words: document("text", f"<text:p>{words}</text:p>"),
    "book": lambda words: packed(small(SPINE, f"<p>{words}</p>")),
    "drawing": lambda words: f"{HEAD}><text>{words}</text></svg>".encode(),
}
BETWEEN: dict[str, Callable[[str], bytes]] = {
    "text": lambda words: document("text", f"{words}<text:p>Seen</text:p>"),
    "drawing": lambda words: f"{HEAD}><g>{words}<text>Seen</text></g></svg>".encode(),
}


@pytest.mark.parametrize("make", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("words", ["국경 &amp; &lt;bridge&gt; 4", "a\u200bb\u3164c \u00a0", "می‌خواهم"])
def test_words_that_stay_are_counted_alike(make: Callable[[str], bytes], words: str) -> None:
    copy = clean_copy(make(words))
    assert Removed.HIDDEN_CONTENT not in copy.removed
    assert clean_copy(copy.data).data == copy.data


@pytest.mark.parametrize("make", WRITTEN.values(), ids=WRITTEN)
def test_a_copy_that_lost_words_on_the_way_is_refused(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[str], bytes]
) -> None:
    honest: Any = xml_rewrite.Rewriting._said

    def forgetful(self: Any, text: str, place: Any) -> str:
        return str(honest(self, text, place)).replace("bridge", "")

    monkeypatch.setattr(xml_rewrite.Rewriting, "_said", forgetful)
    clean_copy(make("the gate"))
    with pytest.raises(Damaged):
        clean_copy(make("the bridge"))


def test_words_in_an_element_that_nobody_knows_are_missing_and_the_receipt_says_so() -> None:
    unknown = '<x:note xmlns:x="urn:example">words</x:note>'
    assert Removed.INCOMPLETE in clean_copy(WRITTEN["text"](f"Seen {unknown}")).removed
    assert Removed.INCOMPLETE in clean_copy(f"{HEAD}><note>words</note><path d='M0 0'/></svg>".encode()).removed
    assert Removed.INCOMPLETE not in clean_copy(f"{HEAD}><title>t</title><path d='M0 0'/></svg>".encode()).removed


@pytest.mark.parametrize("make", BETWEEN.values(), ids=BETWEEN)
def test_words_where_a_document_has_none_go_and_are_on_the_receipt(make: Callable[[str], bytes]) -> None:
    copy = clean_copy(make("PLANTED"))
    assert Removed.HIDDEN_CONTENT in copy.removed
    assert Removed.HIDDEN_CONTENT not in clean_copy(make(" ")).removed
