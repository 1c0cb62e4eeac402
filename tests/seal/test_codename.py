"""Nine words: what is printed is read again however it was typed, and a wrong word is told from a wrong codename."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import unicodedata
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.errors import CodenameError, PlatformError, SealError
from fieldreport.seal.codename import LANGUAGES, Codename, SourceKeys
from fieldreport.seal.word_lists import LIST_NAMES, word_list
from tests.cast import INSTANCE

EVERY_LANGUAGE = st.sampled_from(sorted(LANGUAGES))
WITH_CASE = ("en", "ru", "tr", "fr", "es", "pt", "it", "cs")
VECTORS = Path(__file__).parent.parent / "vectors" / "codename"


def words_of(language: str, *places: int) -> str:
    words = word_list(LANGUAGES[language]).words
    return " ".join(words[place] for place in places)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_codename_is_nine_words_of_the_pages_language(language: str) -> None:
    codename = Codename.generate(language)
    assert len(codename.words) == 9
    assert set(codename.words) <= set(word_list(LANGUAGES[language]).words)
    assert str(codename) == " ".join(codename.words)


def test_a_page_in_any_other_language_uses_english_words() -> None:
    assert set(Codename.generate("sw").words) <= set(word_list("english").words)


@settings(max_examples=120, deadline=None)
@given(language=EVERY_LANGUAGE)
def test_what_is_printed_is_read_again(language: str) -> None:
    codename = Codename.generate(language)
    assert codename in Codename.parse(str(codename))


@settings(max_examples=120, deadline=None)
@given(
    language=EVERY_LANGUAGE,
    form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
    separator=st.sampled_from([" ", "   ", "\n", "\u3000", " - ", ", ", "\t", ". ", "\u200b ", "\r\n"]),
)
def test_unicode_form_and_spacing_do_not_matter(language: str, form: str, separator: str) -> None:
    codename = Codename.generate(language)
    typed = unicodedata.normalize(form, separator.join(codename.words))  # type: ignore[arg-type]  # a Literal in typeshed
    assert codename in Codename.parse(f"  {typed}\n")


@pytest.mark.parametrize("language", WITH_CASE)
def test_case_does_not_matter(language: str) -> None:
    for _ in range(20):
        codename = Codename.generate(language)
        assert codename in Codename.parse(str(codename).title() if language != "tr" else str(codename))
        capitals = str(codename)
        if language == "tr":  # a Turkish keyboard's capitals
            capitals = capitals.replace("i", "İ").replace("ı", "I")
        assert codename in Codename.parse(capitals.upper())


@settings(max_examples=120, deadline=None)
@given(language=EVERY_LANGUAGE)
def test_the_first_four_letters_of_each_word_decide(language: str) -> None:
    codename = Codename.generate(language)
    assert codename in Codename.parse(" ".join(word[:4] for word in codename.words))


@pytest.mark.parametrize("name", LIST_NAMES)
def test_the_first_four_letters_are_unique_in_every_list(name: str) -> None:
    words = word_list(name).words
    assert len(words) == len({word[:4] for word in words}) == 2048


@pytest.mark.parametrize("name", LIST_NAMES)
def test_every_word_can_be_read_and_typed(name: str) -> None:
    for word in word_list(name).words:
        assert all(unicodedata.category(letter)[0] == "L" for letter in word)
        assert word == unicodedata.normalize("NFC", word) == unicodedata.normalize("NFKC", word)


@pytest.mark.parametrize("name", LIST_NAMES)
def test_every_word_is_among_those_its_first_four_letters_may_mean(name: str) -> None:
    words = word_list(name)
    assert [word for place, word in enumerate(words.words) if place not in words.find(word[:4])] == []


@pytest.mark.parametrize("name", LIST_NAMES)
def test_accents_may_be_left_out(name: str) -> None:
    words = word_list(name)
    for place, word in enumerate(words.words):
        letters = unicodedata.normalize("NFD", word)
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("ı", "i")
        found = words.find(plain)
        # Four letters may be the start of another word as well: both are tried.
        assert place in found
        assert len(plain) <= 4 or found == (place,)


def test_four_letters_that_fit_several_words_without_their_accents_are_all_tried() -> None:
    words = word_list("turkish")
    assert {words.words[place] for place in words.find("sakl")} == {"saklama"}  # written so, it is that
    assert {words.words[place] for place in words.find("şâkl")} == {"saklama", "şaklaban"}  # written so, neither


def test_a_list_that_is_not_the_one_earlier_codenames_came_from_is_not_used() -> None:
    """Its owners could not come back; the process does not start instead."""
    words = " ".join(word_list("english").words).replace("zoo", "zoology")
    with mock.patch.object(Path, "read_text", return_value=words), pytest.raises(PlatformError):
        word_list.__wrapped__("english")
    with mock.patch.object(Path, "read_text", side_effect=FileNotFoundError), pytest.raises(PlatformError):
        word_list.__wrapped__("english")


def test_a_turkish_word_typed_in_full_without_its_own_dots_is_not_taken_for_a_shorter_one() -> None:
    assert word_list("turkish").find("ARTIST") == (word_list("turkish").words.index("artist"),)
    assert word_list("turkish").find("ARTI") == (word_list("turkish").words.index("artı"),)


def test_a_numbered_list_is_read() -> None:
    codename = Codename.generate("en")
    typed = "\n".join(f"{number}. {word}" for number, word in enumerate(codename.words, start=1))
    assert codename in Codename.parse(typed)


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_chinese_needs_no_spaces(language: str) -> None:
    codename = Codename.generate(language)
    assert Codename.parse("".join(codename.words)) == (codename,)
    assert Codename.parse("".join(codename.words[:4]) + " " + "".join(codename.words[4:])) == (codename,)


def test_katakana_is_read_as_hiragana() -> None:
    codename = Codename.generate("ja")
    katakana = "".join(chr(ord(letter) + 0x60) if "ぁ" <= letter <= "ゖ" else letter for letter in str(codename))
    assert codename in Codename.parse(katakana)


def test_characters_of_both_chinese_lists_stand_at_the_same_place_so_that_either_list_gives_the_same_codename() -> None:
    simplified, traditional = word_list("chinese_simplified").words, word_list("chinese_traditional").words
    shared = [place for place, word in enumerate(simplified) if word in set(traditional)]
    assert len(shared) == 1275
    assert all(simplified[place] == traditional[place] for place in shared)


def test_nine_characters_of_both_chinese_lists_are_one_codename_with_one_set_of_keys() -> None:
    simplified, traditional = word_list("chinese_simplified"), word_list("chinese_traditional")
    shared = [word for word in simplified.words if word in set(traditional.words)]
    chance = random.Random(1)
    read: tuple[Codename, ...] = ()
    while not read:
        try:
            read = Codename.parse(" ".join(chance.choices(shared, k=9)))
        except CodenameError as refused:
            assert refused.code == "codename-checksum"  # noqa: PT017 - most, then the loop goes on
    assert len(read) == 1
    # Drawn from one list or from the other, the words are the same, and the keys come from the words.
    assert SourceKeys.derive(read[0], instance=INSTANCE) == SourceKeys.derive(
        Codename(tuple(traditional.words[simplified.find(word)[0]] for word in read[0].words)), instance=INSTANCE
    )


def test_two_words_that_have_changed_places_are_found_and_named() -> None:
    """All 36 pairs in every language, whatever the older checksum says of them; 1 in 57 could be another pair, too."""
    named = []
    for language in LANGUAGES:
        codename = Codename.generate(language)
        for one, other in itertools.combinations(range(9), 2):
            words = list(codename.words)
            words[one], words[other] = words[other], words[one]
            if words[one] == words[other]:
                continue
            with pytest.raises(CodenameError) as refused:
                Codename.parse(" ".join(words))
            assert refused.value.code == "codename-checksum"
            assert refused.value.positions in {(), (one + 1, other + 1)}
            named.append(bool(refused.value.positions))
    assert sum(named) > 0.9 * len(named)


def test_one_wrong_word_gives_no_codename_of_today() -> None:
    """Seven of eight are refused; the eighth fits the older checksum and is told from today's by its words alone."""
    chance, passed = random.Random(2), 0
    for language in LANGUAGES:
        words = word_list(LANGUAGES[language]).words
        for place in range(9):
            codename = Codename.generate(language)
            for other in chance.sample([word for word in words if word != codename.words[place]], 6):
                changed = (*codename.words[:place], other, *codename.words[place + 1 :])
                try:
                    readings = Codename.parse(" ".join(changed))
                except CodenameError as refused:
                    assert refused.code == "codename-checksum"  # noqa: PT017 - most are
                else:
                    assert all(reading.is_older for reading in readings if reading.words == changed)
                    passed += 1
    assert 40 < passed < 125  # of 648: 80 expected, standard deviation 8.4


def older(language: str, number: int) -> Codename:
    """A codename as they were drawn at first: 96 bits and three bits of their SHA-256."""
    entropy = hashlib.sha256(f"{language} {number}".encode()).digest()[:12]
    bits = f"{int.from_bytes(entropy, 'big'):096b}" + f"{hashlib.sha256(entropy).digest()[0]:08b}"[:3]
    words = word_list(LANGUAGES[language]).words
    return Codename(tuple(words[int(bits[place : place + 11], 2)] for place in range(0, 99, 11)))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_older_codenames_stay_valid(language: str) -> None:
    doubtful = 0
    for number in range(40):
        codename = older(language, number)
        assert codename in Codename.parse(str(codename), as_written=True)
        assert Codename.from_exact(str(codename)) == codename
        try:
            assert codename in Codename.parse(str(codename))
        except CodenameError as refused:  # it looks like one of today with two words changed: 1 in 57
            assert refused.may_be_older  # noqa: PT017 - so its owner is asked
            doubtful += 1
    assert doubtful < 8


def test_what_the_source_confirms_makes_no_codename_of_other_words() -> None:
    words = list(Codename.generate("en").words)
    refused = 0
    for place in range(9):
        typed = [*words[:place], next(word for word in ("zoo", "wet") if word != words[place]), *words[place + 1 :]]
        try:
            (reading,) = Codename.parse(" ".join(typed), as_written=True)
        except CodenameError:
            refused += 1
        else:
            assert reading.is_older
    assert refused


@pytest.mark.parametrize(
    "typed", ["", "   ", "abandon", "abandon " * 8, "abandon " * 10, "x" * 3000, "1 2 3 4 5 6 7 8 9"]
)
def test_another_number_of_words_is_said_to_be_that(typed: str) -> None:
    with pytest.raises(CodenameError) as refused:
        Codename.parse(typed)
    assert refused.value.code == "codename-words"


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("number", [2, 8, 10])
def test_words_that_were_typed_are_counted(language: str, number: int) -> None:
    words = [*Codename.generate(language).words, *Codename.generate(language).words][:number]
    if number == 10:  # one of them with a mistake in it
        words[3] = "x" if language.startswith("zh") else words[3][:2] + "qq"
    with pytest.raises(CodenameError) as refused:
        Codename.parse(" ".join(words))
    assert (refused.value.code, refused.value.count) == ("codename-words", number)


def test_a_word_in_no_list_is_named_by_its_place_and_not_by_itself() -> None:
    words = ["zoo", "wet", "mango", "xylograph", "sword", "sick", "muscle", "credit", "zzz"]
    with pytest.raises(CodenameError) as refused:
        Codename.parse(" ".join(words))
    assert refused.value.code == "codename-unknown-word"
    assert refused.value.positions == (4, 9)
    assert not any(word in f"{refused.value!r} {refused.value.detail}".split() for word in words)


def test_a_failed_checksum_says_so() -> None:
    assert Codename.parse(words_of("en", 0, 0, 0, 0, 0, 0, 0, 0, 0))
    with pytest.raises(CodenameError) as refused:
        Codename.parse(words_of("en", 0, 0, 0, 0, 0, 0, 0, 0, 1))  # SHA-256 of twelve zero bytes begins 000, not 001
    assert refused.value.code == "codename-checksum"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_arbitrary_text_raises_only_our_error(text: str) -> None:
    try:
        assert Codename.parse(text)
    except CodenameError as refused:
        assert refused.code.startswith("codename-")  # noqa: PT017 - either outcome is right


@settings(max_examples=100, deadline=None)
@given(language=EVERY_LANGUAGE, noise=st.text(max_size=3), place=st.integers(0, 40))
def test_a_damaged_codename_raises_only_our_error(language: str, noise: str, place: int) -> None:
    typed = str(Codename.generate(language))
    try:
        assert Codename.parse(typed[:place] + noise + typed[place:])
    except CodenameError as refused:
        assert refused.code.startswith("codename-")  # noqa: PT017 - either outcome is right


def test_no_word_is_in_a_repr() -> None:
    codename = Codename.generate("en")
    keys = SourceKeys.derive(codename, instance=INSTANCE)
    shown = f"{codename!r} {keys!r}"
    # "name" is a word of the list, and of the class.
    always = repr(Codename.generate("ko"))
    assert not any(word in shown for word in codename.words if word not in always)
    assert keys.lookup.hex() not in shown
    assert repr(keys.lookup) not in shown


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_words_that_are_not_set_apart_or_apart_in_the_wrong_place_are_read(language: str) -> None:
    for _ in range(20):
        codename = Codename.generate(language)
        run_together = "".join(codename.words)
        middle = len(run_together) // 2 + 1
        capitals = (run_together.replace("i", "İ") if language == "tr" else run_together).upper()
        starts = "".join(word[:4] for word in codename.words)
        mixed = "".join(word[: 4 + place % 2 * 9] for place, word in enumerate(codename.words))
        for typed in (run_together, f"{run_together[:middle]} {run_together[middle:]}", capitals, starts, mixed):
            assert codename in Codename.parse(typed), typed


def test_a_run_of_letters_that_is_no_nine_words_is_refused_quickly() -> None:
    for typed in ("act" * 8, "act" * 10, "ab" * 900, "zoo" * 9 + "x", "の" * 70, "가" * 40):
        with pytest.raises(CodenameError):
            Codename.parse(typed)


def test_the_words_that_differ_are_counted() -> None:
    codename = Codename.generate("en")
    words = list(codename.words)
    other = next(word for word in ("abandon", "ability", "able") if word not in words)
    assert codename.differences(" ".join(words).upper()) == ()
    assert codename.differences("".join(words)) == ()
    assert codename.differences(" ".join(word[:4] for word in words)) == ()
    assert codename.differences(" ".join([other, *words[1:8], "zzzzzz"])) == (1, 9)
    for typed in ("", " ".join(words[:8]), " ".join([*words, "abandon"])):
        with pytest.raises(CodenameError) as refused:
            codename.differences(typed)
        assert refused.value.code == "codename-words"


@pytest.mark.parametrize("language", ["ko", "zh-Hans", "zh-Hant", "ja"])
def test_differences_are_counted_in_every_script(language: str) -> None:
    codename, other = Codename.generate(language), Codename.generate(language)
    while codename.words[4] == other.words[4]:
        other = Codename.generate(language)
    typed = [*codename.words[:4], other.words[4], *codename.words[5:]]
    assert codename.differences(" ".join(typed)) == (5,)


def test_the_keys_follow_from_the_words_and_the_instance_alone() -> None:
    codename = Codename.generate("ko")
    keys = SourceKeys.derive(codename, instance=INSTANCE)
    again = SourceKeys.derive(Codename.parse(unicodedata.normalize("NFKD", str(codename)))[0], instance=INSTANCE)
    assert (keys.lookup, keys.thread, keys.index) == (again.lookup, again.thread, again.index)
    assert keys.identity == again.identity
    elsewhere = SourceKeys.derive(codename, instance=bytes(16))
    assert keys.lookup != elsewhere.lookup
    assert keys.identity != elsewhere.identity
    assert keys.thread != elsewhere.thread


def test_the_same_content_under_one_codename_is_the_same_letter_and_under_another_is_not() -> None:
    one, two = (SourceKeys.derive(Codename.generate("en"), instance=INSTANCE) for _ in range(2))
    form, other, digest = "00" * 16, "01" * 16, bytes(32)
    assert one.letter_id(form, digest) == one.letter_id(form, digest) != one.letter_id(form, b"\1" * 32)
    assert len({one.letter_id(form, digest), one.letter_id(other, digest), two.letter_id(form, digest)}) == 3
    assert len(one.letter_id(form, digest)) == 16


def test_letters_of_one_form_begin_alike_and_those_of_other_forms_and_sources_do_not() -> None:
    one, two = (SourceKeys.derive(Codename.generate("en"), instance=INSTANCE) for _ in range(2))
    form, other = "00" * 16, "01" * 16
    assert one.letter_id(form, bytes(32))[:8] == one.letter_id(form, b"\1" * 32)[:8] == one.form_tag(form)
    assert len({one.form_tag(form), one.form_tag(other), two.form_tag(form)}) == 3
    assert one.letter_id(form, bytes(32))[8:] != one.form_tag(form)


def test_an_instance_id_or_a_digest_of_the_wrong_length_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        SourceKeys.derive(Codename.generate("en"), instance=b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        SourceKeys.derive(Codename.generate("en"), instance=INSTANCE).letter_id("00" * 16, b"short")


@pytest.mark.parametrize("case", json.loads((VECTORS / "codenames.json").read_text(encoding="utf-8")), ids=str)
def test_codenames_given_out_long_ago_still_yield_their_keys(case: dict[str, str]) -> None:
    """The vectors were made by tests/vectors/codename/make.py, which shares no code with the package."""
    (codename,) = Codename.parse(case["codename"])
    assert codename.is_older == (case["kind"] == "older")
    keys = SourceKeys.derive(codename, instance=bytes.fromhex(case["instance"]))
    assert keys.lookup.hex() == case["lookup"]
    assert keys.index.hex() == case["index"]
    assert keys.thread.hex() == case["thread"]
    assert keys.identity.seed.hex() == case["reply_seed"]
    assert keys.letter_id(case["form"], bytes.fromhex(case["digest"])).hex() == case["letter_id"]
    assert keys.receipt_tags(4)[3].hex() == case["receipt_tag_3"]
    assert keys.open_receipt(bytes.fromhex(case["receipt_sealed"])).hex() == case["receipt"]


def test_a_receipt_opens_under_its_own_codename_and_only_whole() -> None:
    one, two = (SourceKeys.derive(Codename.generate("en"), instance=INSTANCE) for _ in range(2))
    sealed = one.seal_receipt(b"received")
    assert one.open_receipt(sealed) == b"received"
    assert one.seal_receipt(b"received") != sealed
    for keys, wrong in ((two, sealed), (one, sealed[:-1]), (one, bytes(len(sealed))), (one, b"")):
        with pytest.raises(SealError) as refused:
            keys.open_receipt(wrong)
        assert refused.value.code == "receipt"
    assert len({tag for keys in (one, two) for tag in keys.receipt_tags(5)}) == 10


def test_eight_whole_words_are_eight_although_one_of_them_is_two_others() -> None:
    drawn = Codename.generate("en").words
    wholes = set(word_list("english").words)
    assert {"car", "pet", "carpet"} <= wholes
    codename = next(
        found
        for last in wholes
        if (found := Codename.from_exact(" ".join(["car", "pet", *drawn[2:8], last]))) and not found.is_older
    )
    assert Codename.parse(str(codename)) == (codename,)
    with pytest.raises(CodenameError) as told:
        Codename.parse(" ".join(["carpet", *codename.words[2:]]))
    assert (told.value.code, told.value.count) == ("codename-words", 8)
    assert codename in Codename.parse("carpet" + "".join(codename.words[2:])), "run together"
