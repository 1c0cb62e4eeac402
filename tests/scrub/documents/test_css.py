"""Style sheets: what shapes a document stays, in one form; what leads outside, names something or is unknown goes."""

# ruff: noqa: E501  # a sheet is easier to read on a line of its own

from __future__ import annotations

import pytest

from fieldreport.scrub.documents.css import Styles
from fieldreport.scrub.documents.css_verify import verify_declarations, verify_sheet
from fieldreport.scrub.verdicts import Removed, Residue


class Names:
    """A document in which something is called "a", and that has a picture."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = {}

    def thing(self, name: str) -> str | None:
        return "a1" if name == "a" else None

    def class_name(self, name: str) -> str:
        return self.classes.setdefault(name, f"c{len(self.classes) + 1}")

    def address(self, untrusted: str) -> str | None:
        return {"#a": "#a1", "photo.jpg": "image1.jpg"}.get(untrusted)


def styles() -> tuple[Styles, set[Removed]]:
    removed: set[Removed] = set()
    return Styles(Names(), removed), removed


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("fill:red;stroke:blue", "fill:red;stroke:blue"),
        ("fill: url( '#a' ) ", "fill:url(#a1)"),
        ("fill:url(https://x.example/)", "fill:none"),
        ("fill:url(https://x.example/) red", "fill:red"),
        ("fill:Kim;stroke:Gold", "stroke:gold"),
        (
            "stroke-dasharray:1.5,2e1 3px;transform-origin:50% top",
            "stroke-dasharray:1.5,2e1 3px;transform-origin:50% top",
        ),
        ("fill:rgb(1, 2, 3)!important", "fill:rgb(1,2,3) !important"),
        ("stop-color:hsl(120deg 50% 50% / .5)", "stop-color:hsl(120deg 50% 50%/.5)"),
        ("fill:u\\rl(https://x.example/)", ""),
        ("-webkit-x:y;behavior:url(https://x.example/);--kim:1", ""),
        ("background:url(photo.jpg) no-repeat", "background:url(image1.jpg) no-repeat"),
        ("font-family:'Noto Sans', Kimfont, serif", 'font-family:"Noto Sans",serif'),
        ("font-family:Kimfont", 'font-family:"Arial"'),
        ("font-family:'\\5B8B\\4F53'", 'font-family:"宋体"'),
        ("font: italic bold 12px/30px Georgia, serif", 'font:italic bold 12px/30px "Georgia",serif'),
        ("font: inherit; font: 12px/30px; font: 1em Kim!important", 'font:inherit;font:1em "Arial" !important'),
        ("content:'\\201C'; quotes: '«' '»'", 'content:"“";quotes:"«" "»"'),
        ("content:'Kim 1'", ""),
        ("width:calc(100% - 2em)", "width:calc(100% - 2em)"),
        ("transform:translate(10px, 5px) rotate(4deg)", "transform:translate(10px,5px) rotate(4deg)"),
        ("color:RED;color:#AbC;color:#kim", "color:red;color:#AbC"),
        ("margin:0 auto/* kim */;;width", "margin:0 auto"),
        ("width:12345678901px", ""),
        ("fill:rgb(1", ""),
    ],
)
def test_only_declarations_of_the_table_stay(given: str, kept: str) -> None:
    made = styles()[0].declarations(given)
    assert made == kept
    if made:
        verify_declarations(made)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("p { color: red } .kim, #a > P:first-child { margin : 0 }", "p{color:red}\n.c1,#a1>p:first-child{margin:0}"),
        ("#gone { color: red } .x #gone, em{color:red}", "em{color:red}"),
        ("@import 'kim.css'; @charset \"utf-8\"; p{color:red}", "p{color:red}"),
        ("@font-face { font-family: Kim; src: url(kim.otf) } p{color:red}", "p{color:red}"),
        ("@media screen and (min-width: 30em) { .kim{color:red} } p{color:blue}", "@media screen and (min-width:30em){\n.c1{color:red}\n}\np{color:blue}"),
        ("@media kim { p{color:red} }", ""),
        ("@page { margin: 1cm }", "@page{margin:1cm}"),
        ("a[href='kim'] { color: red } a:hover, a::after{color:red}", "a:hover,a::after{color:red}"),
        ("li:nth-child(2n + 1){color:red} li:not(.kim){color:red}", "li:nth-child(2n + 1){color:red}"),
        ("<!-- p{color:red} -->", "p{color:red}"),
        ("kim{color:red} kim p{color:red}", ""),
        ("p{color:red", "p{color:red}"),
        ("linearGradient stop{stop-color:red}", "linearGradient stop{stop-color:red}"),
        (".a\\:b{color:red}", ""),
        ("p{color:red}}}q{color:red}", "p{color:red}"),
    ],
)  # fmt: skip
def test_only_rules_of_the_table_stay(given: str, kept: str) -> None:
    made = styles()[0].sheet(given)
    assert made.rstrip("\n") == kept
    verify_sheet(made)


def test_fonts_and_imports_are_told() -> None:
    made, removed = styles()
    made.sheet("@import 'x'; @font-face{src:url(x)} /* x */ p{content:'kim'}")
    assert removed == {Removed.LINKS, Removed.LAYOUT, Removed.COMMENTS}


@pytest.mark.parametrize(
    ("hides", "sheet"),
    [
        ("", "p{color:red;margin:0}"), ("x", ".k{display:none}"), ("x", ".k{visibility: hidden}"), ("x", "p{font-size:1px}"),
        ("", "p{font-size:1em;background:white}"), ("x", "p{color:#fff}"), ("x", "h1{text-indent:-9999px}"), ("", "h1{text-indent:-1em}"),
    ],
)  # fmt: skip
def test_a_sheet_that_may_hide_words_is_noticed(hides: str, sheet: str) -> None:
    made = styles()[0]
    made.sheet(sheet)
    assert made.hides is bool(hides)


@pytest.mark.parametrize(
    "sheet",
    [
        ".kim{color:red}", "#kim{color:red}", "kim{color:red}", "p{kim:red}", "p{color:kim}", "p{color:red}/* kim */", "@import 'kim';",
        "@media kim{\np{color:red}\n}", "@media screen{\np{color:red}", "p{background:url(kim.jpg)}", "p{background:url(https://x.example/a.jpg)}",
        'p{font-family:"Kim"}', 'p{content:"Kim"}', 'p{color:"-"}', "p:kim{color:red}", "p[kim]{color:red}", "p{color:red}\n\nq{color:red}",
        "p{width:123456789012px}", "p{color:kim(1)}", "p{color:red;}", "{color:red}", "p{}", "p{color:r\\ed}",
    ],
)  # fmt: skip
def test_the_second_reading_refuses_what_the_table_does_not_list(sheet: str) -> None:
    with pytest.raises(Residue):
        verify_sheet(sheet + "\n")


def test_a_sheet_of_many_steps_is_read_in_linear_time() -> None:
    made = styles()[0]
    assert made.sheet(">" * 50_000 + "!{fill:red}") == ""
    assert made.sheet("a" * 200_000) == ""
    assert made.sheet("{" * 50_000) == ""
