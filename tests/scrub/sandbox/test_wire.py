"""What a child says is believed only when every word of it is ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.sandbox import wire
from fieldreport.scrub.sandbox.wire import Cleaned, NotCleaned, NotHere, Order
from fieldreport.scrub.text.encodings import BY_CODE
from fieldreport.scrub.verdicts import Area, Noted, Options, Redaction, RefusedMember

CRASHED = NotCleaned(refusal=Refusal.CRASHED)


@pytest.mark.parametrize(
    "answer",
    [
        Cleaned(media_type="image/jpeg", length=1, removed=(Removed.LOCATION, Removed.TIME)),
        Cleaned(media_type="application/zip", length=1, removed=(Removed.TIME,), noted=(Noted.PLACES,)),
        NotCleaned(refusal=Refusal.MEMBER, members=(RefusedMember(3, Refusal.OLD_OFFICE),)),
        Cleaned(media_type="text/plain", length=limits.SCRUB_OUTPUT_BYTES, removed=()),
        NotCleaned(refusal=Refusal.BOMB),
        NotHere(),
        NotCleaned(refusal=Refusal.DAMAGED, kind="ValueError"),
    ],
)
def test_an_answer_comes_through(answer: wire.Answer) -> None:
    encoded = wire.encode(answer)
    assert len(encoded) <= wire.ANSWER_BYTES
    assert wire.parse(encoded) == answer


def test_an_answer_that_lists_everything_fits() -> None:
    everything = Cleaned(media_type="image/jpeg", length=1, removed=tuple(Removed), noted=(*Noted, *BY_CODE))
    assert len(wire.encode(everything)) < wire.ANSWER_BYTES


def test_of_many_refused_members_as_many_are_named_as_an_answer_holds() -> None:
    members = tuple(RefusedMember(limits.ARCHIVE_MEMBERS - 99 + place, Refusal.ACTIVE_CONTENT) for place in range(99))
    encoded = wire.encode(NotCleaned(refusal=Refusal.MEMBER, kind="ModuleNotFoundError", members=members))
    assert len(encoded) < wire.ANSWER_BYTES
    parsed = wire.parse(encoded)
    assert isinstance(parsed, NotCleaned)
    assert parsed.members == members[: len(parsed.members)]
    assert len(parsed.members) > 9


def test_an_order_comes_through_and_hides_its_keys() -> None:
    redaction = Redaction(areas=(Area(2, 0, 1, 2, 999_999), Area(1, 3, 4, 9_999, 7)), left_out=(3, 500), silent=True)
    options = Options(mode=Mode.STRONG, language="zh-Hant", without_refused=True, redaction=redaction)
    order = Order(options=options, input_key=b"i" * 32, input_size=1 << 40, output_key=b"o" * 32, output_limit=9)
    assert Order.decode(order.encode()) == order
    assert len(order.encode()) < wire.ORDER_BYTES
    assert "iii" not in repr(order)


def test_an_unknown_exception_is_called_other() -> None:
    encoded = wire.encode(NotCleaned(refusal=Refusal.DAMAGED, kind="Kim_lives_in_Hyesan"))
    assert wire.parse(encoded) == NotCleaned(refusal=Refusal.DAMAGED, kind="other")


@pytest.mark.parametrize(
    "document",
    [
        {"media_type": "application/x-evil", "length": 1, "removed": [], "noted": []},
        {"media_type": "image/jpeg", "length": 0, "removed": [], "noted": []},
        {"media_type": "image/jpeg", "length": -1, "removed": [], "noted": []},
        {"media_type": "image/jpeg", "length": True, "removed": [], "noted": []},
        {"media_type": "image/jpeg", "length": 1.0, "removed": [], "noted": []},
        {"media_type": "image/jpeg", "length": limits.SCRUB_OUTPUT_BYTES + 1, "removed": [], "noted": []},
        {"media_type": "image/jpeg", "length": 1, "removed": ["Hyesan"], "noted": []},
        {"media_type": "image/jpeg", "length": 1, "removed": [["location"]], "noted": []},
        {"media_type": "image/jpeg", "length": 1, "removed": [], "noted": [], "more": "text"},
        {"media_type": ["image/jpeg"], "length": 1, "removed": [], "noted": []},
        {"refusal": "because of Hyesan", "kind": "", "members": []},
        {"refusal": "damaged", "kind": "Hyesan", "members": []},
        {"refusal": "damaged", "members": []},
        {"refusal": "damaged", "kind": "", "members": [], "text": "Hyesan"},
        {"media_type": "image/jpeg", "length": 1, "removed": []},
        {"media_type": "image/jpeg", "length": 1, "removed": [], "noted": ["Hyesan"]},
        {"media_type": "image/jpeg", "length": 1, "removed": [], "noted": [["kept-places"]]},
        {"refusal": "member", "kind": "", "members": [[0, "damaged"]]},
        {"refusal": "member", "kind": "", "members": [[True, "damaged"]]},
        {"refusal": "member", "kind": "", "members": [[limits.ARCHIVE_MEMBERS + 1, "damaged"]]},
        {"refusal": "member", "kind": "", "members": [[1, "Hyesan"]]},
        {"refusal": "member", "kind": "", "members": ["Hyesan"]},
        {"refusal": "member", "kind": "", "members": [[1, "damaged"]] * 99},
        [],
        None,
        "clean",
    ],
)
def test_an_answer_with_anything_else_in_it_is_a_crash(document: object) -> None:
    assert wire.parse(json.dumps(document).encode()) == CRASHED


@pytest.mark.parametrize("untrusted", [b"", b"\xff", b"{", b"[" * 4000, b'{"refusal": "damaged", "kind": ""}x'])
def test_an_answer_that_is_no_document_is_a_crash(untrusted: bytes) -> None:
    assert wire.parse(untrusted) == CRASHED


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_are_a_crash(untrusted: bytes) -> None:
    assert wire.parse(untrusted) == CRASHED
