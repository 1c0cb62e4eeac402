"""PDF: forms, seals, remarks and layers: what is shown becomes part of the page, what is hidden goes."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, String

from fieldreport.scrub.verdicts import Refusal, Refused, Removed

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]

RECT = [50, 100, 350, 160]


def saved(document: pikepdf.Pdf) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def page_of(content: bytes = b"", **resources: Any) -> pikepdf.Pdf:
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(400, 200))
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    page.obj.Resources = Dictionary(Font=Dictionary(F0=font), **resources)
    page.obj.Contents = document.make_stream(content)
    return document


def drawing(document: pikepdf.Pdf, content: bytes) -> Any:
    stream = document.make_stream(content)
    stream.Type, stream.Subtype, stream.BBox = Name.XObject, Name.Form, Array([0, 0, 300, 60])
    stream.Resources = document.pages[0].obj.Resources
    return stream


def with_annotation(document: pikepdf.Pdf, subtype: str, **entries: Any) -> bytes:
    annotation = document.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name(subtype), Rect=Array(RECT), F=4))
    for key, value in entries.items():
        annotation[f"/{key}"] = value
    document.pages[0].obj.Annots = Array([annotation])
    if subtype == "/Widget":
        document.Root.AcroForm.Fields = Array([annotation])
    return saved(document)


def form(**entries: Any) -> pikepdf.Pdf:
    document = page_of()
    document.Root.AcroForm = Dictionary(Fields=Array([]), DA=String("/Helv 0 Tf 0 g"), **entries)
    return document


def seen(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    try:
        return str(document[0].get_textpage().get_text_range())
    finally:
        document.close()


def pixels(data: bytes) -> bytes:
    document = pypdfium2.PdfDocument(data)
    try:
        return bytes(document[0].render().to_pil().tobytes())
    finally:
        document.close()


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ({"FT": Name.Tx, "V": String("Bridge at 4")}, ["Bridge at 4"]),
        ({"FT": Name.Tx, "V": String("다리 국경")}, ["다리 국경"]),
        ({"FT": Name.Tx, "V": String("Мост на границе")}, ["Мост на границе"]),
        ({"FT": Name.Tx, "V": String("桥梁 Bridge café")}, ["桥梁 Bridge café"]),
        ({"FT": Name.Tx, "V": String("جسر على الحدود")}, ["جسر على الحدود"]),
        ({"FT": Name.Tx, "V": String("גשר בגבול 4")}, ["גשר בגבול 4"]),
        ({"FT": Name.Tx, "Ff": 1 << 12, "V": String("first line\rsecond " + "long " * 30)}, ["first line", "second long"]),
        ({"FT": Name.Tx, "Ff": 1 << 24, "MaxLen": 6, "V": String("A7K")}, ["A", "7", "K"]),
        ({"FT": Name.Tx, "Ff": 1 << 13, "V": String("secret")}, ["******"]),
        ({"FT": Name.Tx, "DA": String("/TiRo 9 Tf 1 0 0 rg"), "Q": 2, "V": String("right")}, ["right"]),
        ({"FT": Name.Ch, "Ff": 1 << 17, "V": String("de"), "Opt": Array([Array([String("de"), String("Germany")])])}, ["Germany"]),
        ({"FT": Name.Ch, "V": Array([String("one"), String("two")]), "Opt": Array([String("one"), String("two")])}, ["one", "two"]),
        ({"FT": Name.Btn, "Ff": 1 << 16, "MK": Dictionary(CA=String("Send"))}, ["Send"]),
        ({"FT": Name.Tx, "MK": Dictionary(R=90), "V": String("turned")}, ["turned"]),
    ],
    ids=lambda value: "".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_field_without_an_appearance_shows_its_value(clean: Clean, field: dict[str, Any], shown: list[str]) -> None:
    cleaned = clean(with_annotation(form(), "/Widget", T=String("PLANTED"), **field))
    assert all(words in seen(cleaned.data) for words in shown)
    assert b"PLANTED" not in cleaned.data
    assert "secret" not in seen(cleaned.data)


def test_a_field_that_is_its_own_parent_shows_its_value(clean: Clean) -> None:
    document = form()
    made = with_annotation(document, "/Widget", FT=Name.Tx, V=String("Shown"))
    with pikepdf.open(io.BytesIO(made)) as opened:
        field = opened.make_indirect(opened.pages[0].Annots[0])
        field.Parent, opened.pages[0].Annots = field, Array([field])
        made = saved(opened)
    assert seen(clean(made).data).strip() == "Shown"


@pytest.mark.parametrize("drawn", [b"BT /F0 9 Tf 5 5 Td (stale) Tj ET", b"/Tx BMC EMC"])
def test_a_value_that_is_newer_than_its_appearance_is_shown(clean: Clean, drawn: bytes) -> None:
    document = form(NeedAppearances=b"stale" in drawn)
    looks = Dictionary(N=drawing(document, drawn))
    cleaned = clean(with_annotation(document, "/Widget", FT=Name.Tx, V=String("newer"), AP=looks))
    assert seen(cleaned.data).strip() == "newer"


@pytest.mark.parametrize("flags", [0, 1 << 15], ids=["check box", "radio button"])
@pytest.mark.parametrize("drawn", [True, False], ids=["states drawn", "nothing drawn"])
def test_a_button_that_is_on_is_seen_to_be_on(clean: Clean, flags: int, *, drawn: bool) -> None:
    blank = pixels(saved(page_of()))
    for state, marked in ((Name.Yes, True), (Name.Off, False)):
        document = form()
        looks = Dictionary(N=Dictionary(Yes=drawing(document, b"0 0 30 30 re f")))
        entries = {"FT": Name.Btn, "Ff": flags, "V": state} | ({"AP": looks} if drawn else {})
        assert (pixels(clean(with_annotation(document, "/Widget", **entries)).data) != blank) is marked


def test_a_seal_stays_and_what_it_proves_goes(clean: Clean, unpacked: Unpacked) -> None:
    document = form()
    looks = Dictionary(N=drawing(document, b"BT /F0 9 Tf 5 5 Td (Signed at the bridge) Tj ET"))
    proof = Dictionary(Type=Name.Sig, Contents=String("PLANTED"), Name=String("PLANTED"), M=String("PLANTED"))
    cleaned = clean(with_annotation(document, "/Widget", FT=Name.Sig, V=proof, AP=looks))
    assert "Signed at the bridge" in seen(cleaned.data)
    assert Removed.AUTHOR in cleaned.removed
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))


def test_a_form_whose_words_are_only_in_xfa_is_refused_and_others_lose_the_second_copy(clean: Clean) -> None:
    document = form()
    document.Root.AcroForm.XFA = document.make_stream(b"<xdp:xdp>PLANTED</xdp:xdp>")
    with pytest.raises(Refused) as refused:
        clean(saved(document))
    assert refused.value.refusal is Refusal.FORM
    cleaned = clean(with_annotation(document, "/Widget", FT=Name.Tx, V=String("filled in")))
    assert "filled in" in seen(cleaned.data)
    assert Removed.HIDDEN_CONTENT in cleaned.removed


@pytest.mark.parametrize(
    ("subtype", "entries"),
    [
        ("/Highlight", {"QuadPoints": [60, 150, 340, 150, 60, 110, 340, 110]}),
        ("/Underline", {"QuadPoints": [60, 150, 340, 150, 60, 110, 340, 110]}),
        ("/StrikeOut", {"QuadPoints": [60, 150, 340, 150, 60, 110, 340, 110]}),
        ("/Ink", {"InkList": [[60, 110, 200, 150, 340, 110]]}),
        ("/Line", {"L": [60, 110, 340, 150]}),
        ("/Polygon", {"Vertices": [60, 110, 340, 150, 200, 110]}),
        ("/PolyLine", {"Vertices": [60, 110, 340, 150, 200, 110]}),
        ("/Square", {}),
        ("/Circle", {"IC": [0, 1, 0]}),
        ("/FreeText", {"Contents": String("a remark"), "DA": String("/Helv 9 Tf 0 0 1 rg")}),
        ("/Stamp", {"Name": Name.NotApproved}),
    ],
)  # fmt: skip
def test_a_remark_without_an_appearance_is_drawn(clean: Clean, subtype: str, entries: dict[str, Any]) -> None:
    cleaned = clean(with_annotation(page_of(), subtype, C=[1, 0, 0], T=String("PLANTED"), **entries))
    assert pixels(cleaned.data) != pixels(saved(page_of()))
    assert Removed.AUTHOR in cleaned.removed
    assert subtype != "/FreeText" or "a remark" in seen(cleaned.data)
    assert subtype != "/Stamp" or "NOT APPROVED" in seen(cleaned.data)


def test_a_remark_that_cannot_be_drawn_is_on_the_receipt(clean: Clean) -> None:
    assert Removed.COMMENTS in clean(with_annotation(page_of(), "/Ink")).removed


@pytest.mark.parametrize("flags", [2, 32], ids=["hidden", "no view"])
@pytest.mark.parametrize("subtype", ["/FreeText", "/Widget"])
def test_hidden_remarks_and_fields_go_and_are_on_the_receipt(
    clean: Clean, unpacked: Unpacked, subtype: str, flags: int
) -> None:
    document = form()
    looks = Dictionary(N=drawing(document, b"BT /F0 9 Tf 5 5 Td (PLANTED) Tj ET"))
    cleaned = clean(with_annotation(document, subtype, F=flags, FT=Name.Tx, V=String("PLANTED"), AP=looks))
    assert Removed.HIDDEN_CONTENT in cleaned.removed
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))


def test_a_value_of_a_field_that_is_on_no_page_is_on_the_receipt(clean: Clean) -> None:
    for value in ("PLANTED", ""):
        document = form()
        below = document.make_indirect(Dictionary(T=String("name"), Kids=Array([])))
        below.Kids.append(document.make_indirect(Dictionary(FT=Name.Tx, V=String(value), Parent=below)))
        document.Root.AcroForm.Fields.append(below)
        assert (Removed.HIDDEN_CONTENT in clean(saved(document)).removed) is bool(value)


ON_THE_LAYER = b"/OC /Lay BDC 1 0 0 1 30 0 cm BT /F0 9 Tf 20 20 Td (PLANTED) Tj (PLANTED) ' ET 0 0 9 9 re f /Fm Do EMC "
AROUND = b"q 0.5 0 0 0.5 0 0 cm " + ON_THE_LAYER + b"BT /F0 20 Tf 9 90 Td (Seen) Tj ET 40 40 20 20 re S Q"


def off(_on: Any, off: Any) -> Dictionary:
    return Dictionary(OFF=Array([off]))


def all_but_one_off(on: Any, _off: Any) -> Dictionary:
    return Dictionary(BaseState=Name.OFF, ON=Array([on]))


def off_by_use(_on: Any, off: Any) -> Dictionary:
    off.Usage = Dictionary(View=Dictionary(ViewState=Name.OFF))
    return Dictionary(AS=Array([Dictionary(Event=Name.View, OCGs=Array([off]))]))


def both(on: Any, off: Any, **entries: Any) -> Dictionary:
    return Dictionary(Type=Name.OCMD, OCGs=Array([on, off]), **entries)


@pytest.mark.parametrize(
    ("configuration", "membership", "shown"),
    [
        (off, lambda _, off: off, False),
        (off, lambda on, _: on, True),
        (all_but_one_off, lambda _, off: off, False),
        (all_but_one_off, lambda on, _: on, True),
        (off_by_use, lambda _, off: off, False),
        (off, both, True),
        (off, lambda on, off: both(on, off, P=Name.AllOn), False),
        (off, lambda on, off: both(on, off, VE=Array([Name.Not, Array([Name.Or, on, off])])), False),
        (off, lambda on, off: both(on, off, VE=Array([Name.And, on, Array([Name.Not, off])])), True),
    ],
    ids=["off", "on", "all but one off", "one on", "off by use", "any on", "all on", "none on", "one on, one off"],
)  # fmt: skip
def test_what_a_layer_that_is_off_holds_goes_and_nothing_else_changes(
    clean: Clean, unpacked: Unpacked, configuration: Any, membership: Any, *, shown: bool
) -> None:
    document = page_of(AROUND)
    on, off = (document.make_indirect(Dictionary(Type=Name.OCG, Name=String("PLANTED"))) for _ in range(2))
    document.Root.OCProperties = Dictionary(OCGs=Array([on, off]), D=configuration(on, off))
    resources = document.pages[0].obj.Resources
    resources.Properties = Dictionary(Lay=document.make_indirect(membership(on, off)))
    resources.XObject = Dictionary(Fm=drawing(document, b"BT /F0 9 Tf 5 5 Td (PLANTED) Tj ET"))
    data = saved(document)
    cleaned = clean(data)
    assert pixels(cleaned.data) == pixels(data)
    assert (Removed.HIDDEN_CONTENT in cleaned.removed) is not shown
    assert any(b"(PLANTED) Tj" in piece for piece in unpacked(cleaned.data)) is shown
    assert b"/OC" not in cleaned.data


@pytest.mark.parametrize("place", ["a form", "a remark"])
def test_what_belongs_to_a_layer_that_is_off_goes(clean: Clean, unpacked: Unpacked, place: str) -> None:
    document = page_of(b"/Fm Do")
    off = document.make_indirect(Dictionary(Type=Name.OCG, Name=String("PLANTED")))
    document.Root.OCProperties = Dictionary(OCGs=Array([off]), D=Dictionary(OFF=Array([off])))
    words = drawing(document, b"BT /F0 9 Tf 5 5 Td (PLANTED) Tj ET")
    if place == "a form":
        words.OC = off
        document.pages[0].obj.Resources.XObject = Dictionary(Fm=words)
        data = saved(document)
    else:
        data = with_annotation(document, "/FreeText", OC=off, AP=Dictionary(N=words))
    cleaned = clean(data)
    assert Removed.HIDDEN_CONTENT in cleaned.removed
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
