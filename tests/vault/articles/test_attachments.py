"""Words of attachments count in the leak check, and what was not compared is named until somebody has answered."""

from __future__ import annotations

import pytest

from fieldreport.errors import NotAllowed, Unavailable
from fieldreport.press.leakcheck.findings import Finding, Rule, Severity
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.vault.cases import sort
from fieldreport.vault.cases.readings import Reader
from tests.scrub.samples import every_sample
from tests.vault.articles.conftest import House

SAMPLES = every_sample()
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LIFTED = "The gate was opened at night and about twenty people were let through."


def attach(house: House, *files: bytes) -> None:
    house.newsroom.send(house.source, "More.", files=files)
    house.newsroom.collect()
    sort.sort(house.newsroom.seat(house.newsroom.amira))


def findings(house: House, article_id: bytes) -> list[Finding]:
    return [checked.finding for checked in house.jonas.check(article_id)]


@pytest.mark.parametrize("media_type", [WORD, "message/rfc822"])
def test_words_that_stand_in_an_attached_file_are_found(house: House, media_type: str) -> None:
    body = {WORD: LIFTED}.get(media_type, "Write to somebody.")
    attach(house, SAMPLES[media_type]())
    rules = {finding.rule for finding in findings(house, house.draft(body=body).head.id)}
    assert (Rule.LIFTED_RUN in rules) is (media_type == WORD)
    assert Rule.NOT_COMPARED not in rules


def test_a_file_that_cannot_be_read_is_named_and_blocks_until_somebody_else_answers(house: House) -> None:
    attach(house, b"\0\1\2\3" * 100, b"The gate.")
    article_id = house.draft().head.id
    house.amira.submit(article_id)
    (finding,) = findings(house, article_id)
    assert (finding.rule, finding.severity, finding.case) == (
        Rule.NOT_COMPARED,
        Severity.BLOCK,
        house.case_id.hex(),
    )
    assert finding.files == ("document-1.bin of letter 2",)
    with pytest.raises(NotAllowed, match="1 finding"):
        house.jonas.clear(article_id)
    house.jonas.answer(article_id, finding.key, "Opened on the machine without a network: noise.")
    house.jonas.clear(article_id)


def test_pictures_and_sound_are_named_and_one_more_asks_again(house: House) -> None:
    attach(house, SAMPLES["image/jpeg"](), SAMPLES["audio/mpeg"]())
    article_id = house.draft().head.id
    (finding,) = findings(house, article_id)
    assert (finding.rule, finding.severity) == (Rule.ONLY_LOOKS, Severity.WARN)
    assert finding.files == ("image-1.jpg of letter 2 (pictures)", "document-2.bin of letter 2 (sound)")
    house.amira.answer(article_id, finding.key, "Seen and heard.")
    attach(house, SAMPLES["image/png"]())
    assert [checked.answer is None for checked in house.amira.check(article_id)] == [False, True]


def test_while_too_much_is_being_read_nothing_is_called_unread(
    house: House, scrubber: Scrubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(house, b"The gate.")
    article_id = house.draft().head.id
    monkeypatch.setattr("fieldreport.limits.SCRUB_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(scrubber, "_places", type(scrubber._places)(1))
    scrubber._places.acquire()
    house.reader = Reader(scrubber, house.newsroom.directory)
    with pytest.raises(Unavailable):
        house.amira.check(article_id)
