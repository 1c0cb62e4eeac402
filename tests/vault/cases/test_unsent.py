"""What an editor has typed on a case and not sent: theirs alone, and gone without a trace."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from fieldreport import limits
from fieldreport.errors import LimitExceeded, NotFound, SealError
from fieldreport.store import reading
from fieldreport.vault.archive.tables import Unsent
from fieldreport.vault.cases import unsent, workflow
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere

TYPED = {"text": "아직 쓰는 중 a half-written sentence", "item": "00" * 16}


@everywhere
def test_only_its_author_reads_it_and_nothing_of_it_is_plain(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    hers, his = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    unsent.keep(hers, case.id, "reply", TYPED, seen="")
    unsent.keep(his, case.id, "note", {"text": "his own"}, seen="")
    assert unsent.kept(hers, case.id) == {"reply": TYPED}
    assert unsent.kept(his, case.id) == {"note": {"text": "his own"}}
    assert not any(b"half-written" in file.read_bytes() for file in newsroom.files())
    unsent.drop(hers, case.id, "reply")
    assert unsent.kept(hers, case.id) == {}
    assert unsent.kept(his, case.id) == {"note": {"text": "his own"}}
    assert "half" not in str(newsroom.acts())


def test_it_cannot_be_put_under_another_case_or_into_another_hand(newsroom: Newsroom) -> None:
    case, other = newsroom.receive(a_source()), newsroom.receive(a_source())
    hers, his = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    unsent.keep(hers, case.id, "reply", TYPED, seen="")
    with newsroom.vault.change() as change:
        change.session.execute(update(Unsent).values(case_id=other.id))
    with pytest.raises(SealError):
        unsent.kept(hers, other.id)
    with newsroom.vault.change() as change:
        change.session.execute(update(Unsent).values(handle=his.handle))
    assert unsent.kept(his, other.id) == {}  # sealed to her key, not to his
    unsent.keep(his, other.id, "note", {"text": "mine"}, seen="")
    assert unsent.kept(his, other.id) == {"note": {"text": "mine"}}


def test_it_goes_with_its_case(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    unsent.keep(seat, case.id, "reply", TYPED, seen="")
    workflow.delete(newsroom.seat(newsroom.jonas), case.id)
    with reading(newsroom.vault.engine) as session:
        assert session.scalars(select(Unsent.id)).all() == []
    with pytest.raises(NotFound):
        unsent.keep(seat, case.id, "reply", TYPED, seen="")


def test_more_than_its_bound_is_refused_and_what_was_kept_stays(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    unsent.keep(seat, case.id, "reply", TYPED, seen="")
    with pytest.raises(LimitExceeded):
        unsent.keep(seat, case.id, "reply", {"text": "x" * limits.UNSENT_BYTES}, seen=unsent.edition(TYPED))
    assert unsent.kept(seat, case.id) == {"reply": TYPED}
