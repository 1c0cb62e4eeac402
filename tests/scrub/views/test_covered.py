"""Lines and passages of a reading give way to one mark; the rest stays, and nothing tells what is below."""

from __future__ import annotations

import pytest

from fieldreport import limits
from fieldreport.scrub.views.covered import MARK, Covering, cover, shown, standing
from fieldreport.scrub.views.document import Block, Piece, Reading


def reading(*lines: str | tuple[str, ...]) -> Reading:
    pieces = [Piece(Block.ROW, each) if isinstance(each, tuple) else Piece(Block.LINE, (each,)) for each in lines]
    return Reading(pieces=tuple(pieces))


def test_lines_that_follow_each_other_and_whole_rows_get_one_mark() -> None:
    made = cover(reading("먼저", "둘", "셋 longer", ("이름", "박"), "끝"), Covering(lines=frozenset({1, 2, 3})))
    assert made.text == f"먼저\n{MARK}\n끝\n"
    assert made.marks == 1


@pytest.mark.parametrize(
    ("text", "passage", "left"),
    [
        ("김철수 대위와 ＫＩＭ\u200b  Chol", "kim chol", f"김철수 대위와 {MARK}"),
        ("김철수 대위", "기", "김철수 대위"),  # half a syllable is another word
        ("\u1100\u1175\u11b7철수", "김철수", MARK),  # in jamo, as a Mac writes names of files
        ("قال مُحَمَّد ومحـــمد", "محمد", f"قال {MARK} و{MARK}"),
        ("ﾊﾞｽ と バス", "バス", f"{MARK} と {MARK}"),
        ("İSTANBUL, Straße", "istanbul", f"{MARK}, Straße"),
        ("İSTANBUL, Straße", "STRASSE", f"İSTANBUL, {MARK}"),
        ("Pak Yong-ho", "Pak Yong\nYong-ho", MARK),  # two that overlap
        ("葛\U000e0100城", "葛", f"{MARK}城"),  # the mark takes along which drawing of the character it was
        ("a proﬁt", "prof", f"a {MARK}t"),  # the ligature goes as a whole
    ],
)
def test_a_passage_goes_wherever_it_stands_however_it_is_written(text: str, passage: str, left: str) -> None:
    made = cover(reading(text), Covering(passages=tuple(passage.split("\n"))))
    assert made.text == f"{left}\n"
    assert made.missing == (() if MARK in left else (passage,))


def test_cells_stay_apart_and_places_and_controls_do_not_come_out() -> None:
    places = (Piece(Block.MEMBER, ("photo-1.jpg",)), Piece(Block.PICTURE, ("1-1",)))
    whole = Reading(
        pieces=(*places, Piece(Block.HEADING, ("제목\x1b",)), Piece(Block.ROW, ("이름\n둘째", "박 영호", "")))
    )
    assert cover(whole, Covering(passages=("박 영호",))).text == f"제목\n이름 둘째\t{MARK}\n"
    assert shown(whole.pieces[3], Covering(passages=("박",)))[1] == (("박", True), (" 영호", False))
    assert standing("Pak Yong-ho went", ["Kim", "PAK  YONG-HO"]) == ("PAK  YONG-HO",)
    assert cover(reading("x"), Covering(lines=frozenset({7}))).marks == 0


def test_passages_have_a_bound() -> None:
    for many in (("x",) * (limits.COVERED_PASSAGES + 1), ("x" * (limits.PASSAGE_CHARACTERS + 1),)):
        with pytest.raises(ValueError, match="pass"):
            Covering(passages=many)
