"""A letter to some editors alone cannot be told from one to all, and is for nobody else."""

from __future__ import annotations

import io

import pytest

from fieldreport.errors import NotARecipient, RosterError
from fieldreport.seal import Expected, Kind, Letter, Roster, open_envelope
from fieldreport.seal.header import Header
from fieldreport.seal.roster import parse_roster, sort_entries
from fieldreport.unseal import roster_changes
from tests.cast import INSTANCE, NOON, a_source, recovery, staff

PEOPLE = ("amira", "jonas", "ines")
SOURCE = a_source()


def roster() -> Roster:
    entries = sort_entries(
        [*(staff()[handle].public_entry() for handle in PEOPLE), roster_changes.recovery_entry(recovery())]
    )
    entries = roster_changes.with_addressees(entries, "amira", ["amira", "borders"])
    entries = roster_changes.with_addressees(entries, "jonas", ["borders"])
    return parse_roster(roster_changes.first_roster(instance=INSTANCE, entries=entries, now=NOON))


def letter(addressee: str, *, text: bytes = b"At night.") -> Letter:
    return Letter(
        fields={"action": "report"},
        text=text,
        text_removed=(),
        files=(),
        form="0" * 32,
        keys=SOURCE,
        addressee=addressee,
    )


@pytest.mark.parametrize(
    ("addressee", "meant"), [("", {*PEOPLE}), ("borders", {"amira", "jonas"}), ("amira", {"amira"})]
)
def test_it_opens_for_those_who_are_meant_and_the_recovery_key(addressee: str, meant: set[str]) -> None:
    listed, sealed, payload = roster(), letter(addressee), io.BytesIO()
    header = sealed.seal_to(listed, 500_000, payload)
    expected = Expected(
        kind=Kind.LETTER,
        instance=INSTANCE,
        thread=sealed.id(),
        object=sealed.id(),
        rosters={listed.epoch: listed.sha256},
    )
    for handle in PEOPLE:
        if handle not in meant:
            with pytest.raises(NotARecipient):
                open_envelope(header, payload, identities=staff()[handle].identities, expected=expected)
    for identities in (*(staff()[handle].identities for handle in meant), [recovery()]):
        with open_envelope(header, payload, identities=identities, expected=expected) as envelope:
            assert envelope.manifest.addressee == addressee
            assert envelope.verify()


@pytest.mark.parametrize("fill", range(16_384 - 700, 16_384 - 100, 25))  # around the step at which padding grows
def test_it_looks_the_same_whoever_it_is_for(fill: int) -> None:
    shapes = set()
    for addressee in ("", "borders", "amira"):
        payload = io.BytesIO()
        header = letter(addressee, text=b"x" * fill).seal_to(roster(), 500_000, payload)
        stanzas = [(each.type, len(each.enc), len(each.body)) for each in Header.parse(header).stanzas]
        shapes.add((len(header), tuple(stanzas), len(payload.getvalue())))
    assert len(shapes) == 1


def test_who_is_meant_is_part_of_what_was_sent() -> None:
    assert len({letter(addressee).id() for addressee in ("", "borders", "amira")}) == 3


def test_nothing_is_sealed_for_a_name_that_means_nobody() -> None:
    payload = io.BytesIO()
    with pytest.raises(RosterError) as refused:
        letter("ports").seal_to(roster(), 500_000, payload)
    assert refused.value.code == "roster-no-addressee"
    assert not payload.getvalue()
