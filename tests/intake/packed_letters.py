"""What comes sealed to the hand-in page, made by the product's own parts."""

from __future__ import annotations

import io
from collections.abc import Sequence

from fieldreport.seal import Codename, Frame, HybridRecipient, Letter, Roster, SourceKeys
from tests.cast import INSTANCE, age_sealed
from tests.intake.conftest import House

CODENAME = Codename.generate("en")
KEYS = SourceKeys.derive(CODENAME, instance=INSTANCE)


def a_letter(text: str = "Carried over the river.") -> Letter:
    return Letter(
        fields={"action": "report", "report_language": "en"},
        text=text.encode(),
        text_removed=(),
        files=(),
        form="00" * 16,
        keys=KEYS,
    )


def packed(
    house: House, text: str = "Carried over the river.", *, roster: Roster | None = None, epoch: int | None = None
) -> bytes:
    """A packed letter; ``epoch`` is what its frame claims, if not the truth."""
    roster = roster or house.rosters.newest(at_least=0)
    letter, payload = a_letter(text), io.BytesIO()
    header = letter.seal_to(roster, house.clock.hour, payload)
    epoch = roster.epoch if epoch is None else epoch
    return Frame.of(header, payload, epoch=epoch, letter=letter.id()).encode() + header + payload.getvalue()


def framed(header: bytes, payload: bytes) -> bytes:
    """Any header and payload in a frame that fits them."""
    frame = Frame.of(header, io.BytesIO(payload), epoch=1, letter=b"sixteen bytes id")
    return frame.encode() + header + payload


def locked(house: House, content: bytes, *, recipients: Sequence[HybridRecipient] | None = None) -> bytes:
    """A file as age would seal it, to the keys that the newsroom publishes if no others are given."""
    return age_sealed(content, recipients or house.rosters.newest(at_least=0).recipients())
