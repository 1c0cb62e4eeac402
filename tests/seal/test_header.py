"""The header: one spelling, bounds, no weak company, and a MAC that is verified before anything else."""

from __future__ import annotations

import io
import itertools
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.errors import NotARecipient, SealError
from fieldreport.seal import HybridIdentity, open_header
from fieldreport.seal.header import Header, build_header, read_header
from fieldreport.seal.stanza import Stanza, decode_base64, encode_base64, parse_stanzas

FILE_KEY = b"sixteen byte key"
FIRST = HybridIdentity((1).to_bytes(32, "big"))
SECOND = HybridIdentity((2).to_bytes(32, "big"))
STRANGER = HybridIdentity((3).to_bytes(32, "big"))
HEADER = build_header(FILE_KEY, [FIRST.recipient, SECOND.recipient])
LINES = HEADER.split(b"\n")
GREASE = Stanza("example.com/grease-1", ("a!", "~"), b"")
X25519 = Stanza("X25519", (encode_base64(bytes(range(32))).decode(),), bytes(32))


def with_lines(*lines: bytes) -> bytes:
    return b"\n".join([b"age-encryption.org/v1", *lines, LINES[-2], b""])


def test_every_recipient_opens_it_and_nobody_else() -> None:
    assert open_header(HEADER, [FIRST]) == FILE_KEY
    assert open_header(HEADER, [SECOND]) == FILE_KEY
    assert open_header(HEADER, [STRANGER, SECOND]) == FILE_KEY
    for identities in ([STRANGER], []):
        with pytest.raises(NotARecipient):
            open_header(HEADER, identities)


def test_a_recipient_named_twice_gets_one_stanza() -> None:
    assert len(Header.parse(build_header(FILE_KEY, [FIRST.recipient, FIRST.recipient])).stanzas) == 1


def test_a_decoy_stands_where_a_recipient_would_and_nobody_opens_it() -> None:
    header = build_header(FILE_KEY, [FIRST.recipient, SECOND.recipient], decoys={FIRST.recipient})
    assert len(header) == len(HEADER)
    assert open_header(header, [SECOND]) == FILE_KEY
    with pytest.raises(NotARecipient):
        open_header(header, [FIRST])
    with pytest.raises(SealError):
        build_header(FILE_KEY, [FIRST.recipient], decoys={FIRST.recipient})


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_file_key_has_16_bytes(length: int) -> None:
    for use in (Header.parse(HEADER).verify, lambda key: build_header(key, [FIRST.recipient])):
        with pytest.raises(SealError) as refused:
            use(bytes(length))
        assert refused.value.code == "file-key"


def test_a_header_has_one_to_sixty_four_recipients() -> None:
    with pytest.raises(SealError):
        build_header(FILE_KEY, [])
    many = [HybridIdentity(number.to_bytes(32, "big")).recipient for number in range(limits.STANZAS + 1)]
    full = build_header(FILE_KEY, many[:-1])
    assert len(full) < limits.HEADER_BYTES
    assert open_header(full, [HybridIdentity(bytes(32))]) == FILE_KEY
    with pytest.raises(SealError):
        build_header(FILE_KEY, many)


def test_too_many_stanzas_are_refused_before_they_are_tried() -> None:
    stanza = FIRST.recipient.wrap(FILE_KEY)
    assert len(parse_stanzas((stanza.encode() * 64).split(b"\n")[:-1], at_most=64)) == 64
    with pytest.raises(SealError, match="damaged"):
        Header.parse(b"age-encryption.org/v1\n" + GREASE.encode() * 65 + b"--- " + b"A" * 43 + b"\n")
    with pytest.raises(SealError):
        Header.build(FILE_KEY, [GREASE] * 65)


def test_a_header_over_the_bound_is_refused_unread() -> None:
    padded = Stanza("example.com/large", ("x" * limits.HEADER_BYTES,), b"")
    with pytest.raises(SealError) as caught:
        Header.parse(Header.build(FILE_KEY, [FIRST.recipient.wrap(FILE_KEY), padded]).encode())
    assert "too long" in caught.value.detail


def test_stanzas_of_unknown_types_are_ignored() -> None:
    header = Header.build(FILE_KEY, [GREASE, SECOND.recipient.wrap(FILE_KEY), GREASE])
    assert open_header(header.encode(), [SECOND]) == FILE_KEY


@pytest.mark.parametrize("kind", ["X25519", "scrypt", "p256tag", "piv-p256", "yubikey", "ssh-rsa", "ssh-ed25519"])
def test_a_classical_recipient_beside_a_hybrid_one_is_refused(kind: str) -> None:
    hybrid, classical = FIRST.recipient.wrap(FILE_KEY), Stanza(kind, X25519.args, X25519.body)
    for stanzas in ([hybrid, classical], [classical, hybrid]):
        with pytest.raises(SealError) as caught:
            Header.build(FILE_KEY, stanzas)
        assert "classical" in caught.value.detail
        genuine = Header.build(FILE_KEY, [hybrid]).encode()
        mixed = b"age-encryption.org/v1\n" + b"".join(s.encode() for s in stanzas) + genuine[genuine.index(b"---") :]
        with pytest.raises(SealError) as caught:
            open_header(mixed, [FIRST])
        assert caught.value.code == "header-malformed"


def test_a_passphrase_stanza_is_alone_or_refused() -> None:
    scrypt = Stanza("scrypt", ("ajMFur+EJLGaohv/dLRGnw", "18"), bytes(32))
    assert Header.parse(Header.build(FILE_KEY, [scrypt]).encode()).stanzas == (scrypt,)
    with pytest.raises(SealError):
        Header.build(FILE_KEY, [scrypt, scrypt])
    with pytest.raises(SealError):
        Header.build(FILE_KEY, [scrypt, GREASE])


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ((), bytes(32)),
        ((encode_base64(bytes(1088) + b"\x09" + bytes(31)).decode(), "more"), bytes(32)),
        ((encode_base64(bytes(1087) + b"\x09" + bytes(31)).decode(),), bytes(32)),
        ((encode_base64(bytes(1089) + b"\x09" + bytes(31)).decode(),), bytes(32)),
        ((encode_base64(bytes(1088) + b"\x09" + bytes(31)).decode() + "=",), bytes(32)),
        ((encode_base64(bytes(1088) + b"\x09" + bytes(31)).decode() + "é",), bytes(32)),
        ((encode_base64(bytes(1088) + b"\x09" + bytes(31)).decode(),), bytes(31)),
        ((encode_base64(bytes(1088) + b"\x09" + bytes(31)).decode(),), bytes(33)),
        ((encode_base64(bytes(1088) + b"\x09" + bytes(31)).decode(),), bytes(48)),
    ],
    ids=["no-enc", "more", "short", "long", "padded", "foreign", "body-31", "body-33", "body-48"],
)
def test_a_hybrid_stanza_of_another_shape_cannot_exist(arguments: tuple[str, ...], body: bytes) -> None:
    with pytest.raises(SealError):
        Stanza("mlkem768x25519", arguments, body)


@pytest.mark.parametrize("argument", ["", "a b", "a\n", "\x7f", "é", "\x00"])
def test_an_argument_is_visible_ascii(argument: str) -> None:
    with pytest.raises(SealError):
        Stanza(argument, (), b"")
    with pytest.raises(SealError):
        Stanza("type", ("fine", argument), b"")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\n",
        b"age-encryption.org/v1",
        b"age-encryption.org/v1\n",
        b"age-encryption.org/v1\n---",
        with_lines(),
        HEADER[:-1],
        HEADER + b"\n",
        HEADER + b"x",
        HEADER + HEADER,
        b"\n" + HEADER,
        b" " + HEADER,
        HEADER.replace(b"v1", b"v2"),
        HEADER.replace(b"\n", b"\r\n"),
        HEADER.replace(b"-> ", b"->"),
        HEADER.replace(b"-> ", b"->  "),
        HEADER.replace(b"--- ", b"---"),
        HEADER.replace(b"--- ", b"---  "),
        HEADER.replace(b"--- ", b"---- "),
        HEADER[:-1] + b" \n",
        HEADER[:-2] + b"\n",
        HEADER[:-1] + b"A\n",
        HEADER[:-1] + b"=\n",
        with_lines(*LINES[1:5], b""),
        with_lines(LINES[1]),
        with_lines(LINES[2]),
        with_lines(b"-> a", b"A" * 64),
        with_lines(b"-> a", b"A" * 65, b""),
        with_lines(b"-> a", b"AAA=", b""),
        with_lines(b"-> a", b"AB"),
        with_lines(b"-> a", b"A"),
        with_lines(b"-> a", b"A_"),
        with_lines(b"-> a ", b""),
        with_lines(b"-> a  b", b""),
        with_lines(b"-> \xc3\xa9", b""),
        with_lines(b"-> ", b""),
        with_lines(b"->", b""),
    ],
    ids=map(str, itertools.count()),  # the cases hold a MAC that differs from run to run
)
def test_what_is_not_the_grammar_is_refused(header: bytes) -> None:
    with pytest.raises(SealError) as caught:
        open_header(header, [FIRST])
    assert caught.value.code == "header-malformed"


def test_every_flipped_bit_is_refused() -> None:
    header = build_header(FILE_KEY, [FIRST.recipient])
    for place in range(len(header)):
        altered = bytearray(header)
        altered[place] ^= 1 << place % 8
        with pytest.raises(SealError):
            open_header(bytes(altered), [FIRST])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_cut_out_or_put_in_is_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(HEADER)))
    end = data.draw(st.integers(start, len(HEADER)))
    insertion = data.draw(
        st.one_of(st.binary(max_size=70), st.sampled_from([b"\n", b" ", b"A", b"=", GREASE.encode()]))
    )
    altered = HEADER[:start] + insertion + HEADER[end:]
    if altered != HEADER:
        with pytest.raises(SealError):
            open_header(altered, [SECOND])


def test_stanzas_that_were_exchanged_added_or_dropped_are_refused() -> None:
    header = Header.parse(HEADER)
    first, second = header.stanzas
    foreign = SECOND.recipient.wrap(b"another file key")
    for stanzas in (
        [second, first],
        [first],
        [second],
        [first, second, second],
        [first, foreign],
        [first, second, GREASE],
    ):
        altered = b"age-encryption.org/v1\n" + b"".join(s.encode() for s in stanzas) + HEADER[HEADER.index(b"---") :]
        assert len(Header.parse(altered).stanzas) == len(stanzas)
        for identity in (FIRST, SECOND):
            with pytest.raises(SealError):
                open_header(altered, [identity])


def test_the_first_stanza_that_opens_decides() -> None:
    """Two stanzas for one identity under different file keys: no other is tried when the MAC does not match."""
    stanzas = [FIRST.recipient.wrap(b"another file key"), FIRST.recipient.wrap(FILE_KEY)]
    with pytest.raises(SealError) as caught:
        open_header(Header.build(FILE_KEY, stanzas).encode(), [FIRST])
    assert caught.value.code == "header-mac"


def test_the_mac_of_another_header_is_refused() -> None:
    other = build_header(b"another file key", [FIRST.recipient, SECOND.recipient])
    with pytest.raises(SealError) as caught:
        open_header(HEADER[: HEADER.index(b"---")] + other[other.index(b"---") :], [FIRST])
    assert caught.value.code == "header-mac"
    assert not isinstance(caught.value, NotARecipient)


def test_the_header_is_read_off_the_front_of_a_file() -> None:
    source = io.BytesIO(HEADER + b"nonce and chunks\n--- and more\n")
    assert read_header(source) == HEADER
    assert source.read() == b"nonce and chunks\n--- and more\n"


@pytest.mark.parametrize(
    "content", [b"", b"hello\nworld", b"age-encryption.org/v1\n-> a", HEADER[:-10], LINES[0] + b"\nx" * 70_000]
)
def test_a_file_without_a_header_is_refused(content: bytes) -> None:
    with pytest.raises(SealError):
        read_header(io.BytesIO(content))


@settings(max_examples=300, deadline=None)
@given(
    untrusted=st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from([*LINES, b"-> a", b"---", b"--- ", b"", b"AAAA", b"A" * 64]), max_size=12).map(
            b"\n".join
        ),
    )
)
def test_arbitrary_bytes_raise_only_our_error(untrusted: bytes) -> None:
    if untrusted == HEADER:
        return
    with pytest.raises(SealError):
        open_header(untrusted, [FIRST, SECOND])
    with suppress(SealError):
        assert untrusted.startswith(read_header(io.BytesIO(untrusted)))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_base64_comes_back_the_same(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(st.binary(max_size=40), st.text("ABab09+/=-_ \n", max_size=12).map(str.encode)))
def test_base64_has_one_spelling(text: bytes) -> None:
    try:
        data = decode_base64(text)
    except SealError:
        return
    assert encode_base64(data) == text


@settings(max_examples=60, deadline=None)
@given(
    stanzas=st.lists(
        st.builds(
            Stanza,
            st.from_regex(r"[!-~]{1,20}", fullmatch=True).filter(lambda kind: kind not in {"mlkem768x25519", "scrypt"}),
            st.lists(st.from_regex(r"[!-~]{1,20}", fullmatch=True), max_size=3).map(tuple),
            st.binary(max_size=150),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_header_comes_back_the_same(stanzas: list[Stanza]) -> None:
    header = Header.build(FILE_KEY, stanzas)
    parsed = Header.parse(header.encode())
    assert parsed == header
    parsed.verify(FILE_KEY)
    with pytest.raises(SealError):
        parsed.verify(b"another file key")
