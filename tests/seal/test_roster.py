"""A roster is exactly what the admin signed with both keys, in its one canonical form, within its bounds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.errors import NotFound, RosterError
from fieldreport.seal import canonical
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.roster import Entry, KeyState, Role, parse_roster, verify_roster
from fieldreport.seal.signatures import encode_signatures
from fieldreport.unseal import roster_changes
from fieldreport.unseal.signing_keys import AdminKey, SigningKey
from tests.cast import INSTANCE, NOON
from tests.seal.conftest import Newsroom, admin_entry, editor

Value = dict[str, Any]


def refuse(newsroom: Newsroom, raw: bytes, code: str) -> None:
    with pytest.raises(RosterError) as refused:
        newsroom.verify(raw)
    assert refused.value.code == code


def test_what_the_admin_signed_is_what_is_read(newsroom: Newsroom, raw: bytes, entries: tuple[Entry, ...]) -> None:
    roster = newsroom.verify(raw)
    assert roster.epoch == 1
    assert roster.instance == INSTANCE
    assert set(roster.entries) == set(entries)
    assert roster.not_after - roster.not_before == timedelta(days=limits.ROSTER_DAYS)


def test_editors_and_the_recovery_key_are_sealed_to_and_the_admin_is_not(newsroom: Newsroom, raw: bytes) -> None:
    roster = newsroom.verify(raw)
    handles = [roster.by_key(key).handle for key in roster.key_ids()]
    assert handles == ["amira", "jonas", "recovery"]
    assert [recipient.key_id for recipient in roster.recipients()] == list(roster.key_ids())


def test_keys_that_only_decrypt_or_are_revoked_are_not_sealed_to(newsroom: Newsroom) -> None:
    signing = SigningKey.generate()
    listed = (
        editor("amira", signing=signing),
        editor("amira", signing=signing, state=KeyState.DECRYPT_ONLY),
        editor("jonas", state=KeyState.REVOKED),
    )
    roster = newsroom.verify(roster_changes.first_roster(instance=INSTANCE, entries=listed, now=NOON))
    assert roster.key_ids() == (listed[0].key_id,)
    assert roster.entry("amira") == listed[0]
    with pytest.raises(NotFound):
        roster.entry("jonas")
    assert roster.by_key(listed[2].key_id).handle == "jonas"
    with pytest.raises(NotFound):
        roster.by_key("00" * 16)


def test_a_roster_without_an_active_editor_seals_to_nobody(newsroom: Newsroom) -> None:
    listed = [admin_entry(), roster_changes.recovery_entry(HybridIdentity.generate())]
    roster = newsroom.verify(roster_changes.first_roster(instance=INSTANCE, entries=listed, now=NOON))
    with pytest.raises(RosterError) as refused:
        roster.recipients()
    assert refused.value.code == "roster-no-editor"


@pytest.mark.parametrize(
    ("when", "code"),
    [(timedelta(days=-1), "roster-early"), (timedelta(days=90), "roster-expired"), (timedelta(days=89), "")],
)
def test_a_roster_is_valid_within_its_dates_only(newsroom: Newsroom, raw: bytes, when: timedelta, code: str) -> None:
    if not code:
        newsroom.verify(raw, at=NOON + when)
        return
    with pytest.raises(RosterError) as refused:
        newsroom.verify(raw, at=NOON + when)
    assert refused.value.code == code
    newsroom.verify(raw, at=None)


def test_another_newsrooms_roster_is_refused(newsroom: Newsroom, entries: tuple[Entry, ...]) -> None:
    refuse(newsroom, roster_changes.first_roster(instance=bytes(16), entries=entries, now=NOON), "roster-instance")


def test_neither_signature_suffices_alone(newsroom: Newsroom, raw: bytes) -> None:
    stranger = AdminKey.generate()
    signatures = {
        "ed25519": AdminKey(ed25519=newsroom.admin.ed25519, mldsa65_seed=stranger.mldsa65_seed),
        "ml-dsa-65": AdminKey(ed25519=stranger.ed25519, mldsa65_seed=newsroom.admin.mldsa65_seed),
        "neither": stranger,
    }
    for key in signatures.values():
        with pytest.raises(RosterError) as refused:
            verify_roster(raw, key.sign("roster", raw), newsroom.public, instance=INSTANCE, at=NOON)
        assert refused.value.code == "roster-signature"


def test_a_signature_for_another_purpose_is_refused(newsroom: Newsroom, raw: bytes) -> None:
    with pytest.raises(RosterError):
        verify_roster(raw, newsroom.admin.sign("audit", raw), newsroom.public, instance=INSTANCE, at=NOON)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_of_roster_or_signatures_is_refused(
    newsroom: Newsroom, raw: bytes, data: st.DataObject
) -> None:
    signatures = newsroom.admin.sign_roster(raw)
    files = [raw, signatures]
    which = data.draw(st.integers(0, 1))
    place = data.draw(st.integers(0, len(files[which]) - 1))
    changed = bytearray(files[which])
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    files[which] = bytes(changed)
    with pytest.raises(RosterError) as refused:
        verify_roster(files[0], files[1], newsroom.public, instance=INSTANCE, at=NOON)
    assert refused.value.code == "roster-signature"


@pytest.mark.parametrize("change", [b"", b"\n", b"x"], ids=["cut", "line-feed", "letter"])
def test_a_signature_file_has_one_form(newsroom: Newsroom, raw: bytes, change: bytes) -> None:
    signatures = newsroom.admin.sign_roster(raw)
    changed = signatures + change if change else signatures[:-1]
    with pytest.raises(RosterError):
        verify_roster(raw, changed, newsroom.public, instance=INSTANCE, at=NOON)


def test_signatures_of_the_wrong_length_are_refused(newsroom: Newsroom, raw: bytes) -> None:
    short = encode_signatures(ed25519=bytes(63), mldsa65=bytes(3309))
    with pytest.raises(RosterError):
        verify_roster(raw, short, newsroom.public, instance=INSTANCE, at=NOON)


def _set(*path: Any, to: Any) -> Callable[[Value], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


MALFORMED: dict[str, Callable[[Value], None]] = {
    "unknown-key": _set("note", to="x"),
    "unknown-format": _set("format", to="fieldreport-roster-v2"),
    "epoch-zero": _set("epoch", to=0),
    "epoch-text": _set("epoch", to="1"),
    "epoch-true": _set("epoch", to=True),
    "epoch-huge": _set("epoch", to=10**9),
    "epoch-two-without-a-previous": _set("epoch", to=2),
    "previous-of-the-first": _set("previous", to="11" * 32),
    "previous-short": _set("previous", to="00" * 31),
    "previous-capitals": _set("previous", to="AA" * 32),
    "instance-null": _set("instance", to=None),
    "instance-short": _set("instance", to="00" * 15),
    "valid-91-days": _set("not_after", to="2027-02-01T11:55:00Z"),
    "valid-never": _set("not_after", to="2026-11-02T11:55:00Z"),
    "time-without-zone": _set("not_after", to="2027-01-31T11:55:00"),
    "time-unpadded": _set("not_after", to="2027-1-31T11:55:00Z"),
    "time-number": _set("not_after", to=1),
    "no-entries": _set("entries", to=[]),
    "entries-object": _set("entries", to={}),
    "too-many-entries": lambda value: _set("entries", to=value["entries"] * 101)(value),
    "entry-text": _set("entries", 0, to="amira"),
    "entry-unknown-key": _set("entries", 0, "note", to="x"),
    "entry-missing-key": lambda value: value["entries"][0].pop("state"),
    "handle-capital": _set("entries", 1, "handle", to="Amira"),
    "handle-path": _set("entries", 1, "handle", to="a/../b"),
    "handle-number": _set("entries", 1, "handle", to=7),
    "handle-long": _set("entries", 1, "handle", to="a" * 33),
    "role-unknown": _set("entries", 1, "role", to="owner"),
    "role-with-the-wrong-keys": _set("entries", 1, "role", to="admin"),
    "an-editor-who-does-not-sign": _set("entries", 1, "signing", to=None),
    "state-unknown": _set("entries", 1, "state", to="asleep"),
    "admin-decrypt-only": _set("entries", 0, "state", to="decrypt-only"),
    "key-id-of-another": _set("entries", 1, "key_id", to="00" * 16),
    "recipient-missing": _set("entries", 1, "recipient", to=None),
    "recipient-malformed": _set("entries", 1, "recipient", to="age1pq1xyz"),
    "signing-missing": _set("entries", 1, "signing", to=None),
    "signing-short": _set("entries", 1, "signing", to="00" * 31),
    "out-of-order": lambda value: value["entries"].reverse(),
    "twice": lambda value: value["entries"].insert(0, value["entries"][0]),
    "shared-signing-key": lambda value: _set("entries", 2, "signing", to=value["entries"][1]["signing"])(value),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_signed_but_malformed_is_refused(newsroom: Newsroom, raw: bytes, name: str) -> None:
    value = json.loads(raw)
    MALFORMED[name](value)
    refuse(newsroom, canonical.encode(value), "roster-malformed")


@pytest.mark.parametrize(
    "spell",
    [
        lambda raw: raw + b"\n",
        lambda raw: b" " + raw,
        lambda raw: raw.replace(b":", b": ", 1),
        lambda raw: raw.replace(b'"epoch":1', b'"epoch":1.0'),
        lambda raw: raw.replace(b'"epoch":1', b'"epoch":1,"epoch":1'),
        lambda raw: raw.replace(b"amira", b"\\u0061lice"),
        lambda raw: json.dumps(json.loads(raw), indent=1).encode(),
        lambda _: b"[" * 100_000,
        lambda _: b"\xff",
        lambda _: b"",
        lambda _: b"null",
    ],
)
def test_another_spelling_of_the_same_value_is_refused(
    newsroom: Newsroom, raw: bytes, spell: Callable[[bytes], bytes]
) -> None:
    refuse(newsroom, spell(raw), "roster-malformed")


def test_a_roster_that_is_too_long_is_refused_before_its_signature_is_checked(newsroom: Newsroom) -> None:
    with pytest.raises(RosterError) as refused:
        verify_roster(bytes(limits.ROSTER_BYTES + 1), b"", newsroom.public, instance=INSTANCE, at=NOON)
    assert refused.value.code == "roster-malformed"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(canonical.encode))
def test_arbitrary_bytes_raise_only_our_error(untrusted: bytes) -> None:
    with pytest.raises(RosterError):
        parse_roster(untrusted)


def test_the_admin_does_not_sign_what_is_not_a_roster(newsroom: Newsroom) -> None:
    with pytest.raises(RosterError):
        newsroom.admin.sign_roster(b"{}")


def test_one_person_has_one_active_key_and_one_role() -> None:
    signing = SigningKey.generate()
    with pytest.raises(RosterError):
        roster_changes.first_roster(
            instance=INSTANCE, entries=[editor("amira", signing=signing), editor("amira", signing=signing)], now=NOON
        )
    former = editor("amira", state=KeyState.REVOKED)  # so that only one of the two is active
    with pytest.raises(RosterError) as refused:
        roster_changes.first_roster(instance=INSTANCE, entries=[former, admin_entry("amira")], now=NOON)
    assert refused.value.detail == "roster: one handle with two roles"


def test_nobody_but_an_admin_is_called_admin() -> None:
    with pytest.raises(RosterError) as refused:
        editor("admin")
    assert "the handle 'admin' is an admin's" in refused.value.detail


def test_a_signing_key_has_32_bytes() -> None:
    with pytest.raises(RosterError) as refused:
        dataclasses.replace(editor("amira"), signing=bytes(31))
    assert refused.value.detail == "roster: a signing key has 32 bytes"


def test_a_roster_that_would_be_too_long_to_be_read_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROSTER_BYTES", 500)
    with pytest.raises(RosterError) as refused:
        roster_changes.first_roster(instance=INSTANCE, entries=[editor("amira")], now=NOON)
    assert refused.value.detail == "roster: too long"


def test_one_key_belongs_to_one_person() -> None:
    amira = editor("amira")
    twin = dataclasses.replace(amira, handle="jonas", signing=SigningKey.generate().public)
    with pytest.raises(RosterError):
        roster_changes.first_roster(instance=INSTANCE, entries=[amira, twin], now=NOON)


def test_no_more_people_than_a_header_has_room_for() -> None:
    key = HybridIdentity.generate()
    crowd = [dataclasses.replace(editor(f"e{number}"), role=Role.EDITOR) for number in range(limits.STANZAS)] + [
        roster_changes.recovery_entry(key)
    ]
    assert roster_changes.first_roster(instance=INSTANCE, entries=crowd[1:], now=NOON)
    with pytest.raises(RosterError):
        roster_changes.first_roster(instance=INSTANCE, entries=crowd, now=NOON)
