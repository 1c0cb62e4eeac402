"""DOCX: the text stays as it is read, and nothing of how it came about."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.shared import Inches
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.scrub.documents.ooxml.verify import verify
from fieldreport.scrub.documents.xml_verify import parse
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Refusal, Refused, Removed, Residue

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
NAMESPACES = (
    f'xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" mc:Ignorable="w14"'
)


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def with_body(body: str, *, parts: Mapping[str, bytes] | None = None, relations: str = "") -> bytes:
    """A document whose body is given as markup, with more parts and relationships where wanted."""
    found = members(saved(docx.Document()))
    found["word/document.xml"] = f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>".encode()
    path = "word/_rels/document.xml.rels"
    found[path] = found[path].replace(b"</Relationships>", relations.encode() + b"</Relationships>")
    return packed(found | dict(parts or {}))


def text_of(data: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs]


def relation(identifier: str, kind: str, target: str, *, external: bool = False) -> str:
    mode = ' TargetMode="External"' if external else ""
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return f'<Relationship Id="{identifier}" Type="{base}/{kind}" Target="{target}"{mode}/>'


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def planted(marks: Any, photo: bytes) -> bytes:
    """A marker in every place the format has for something that is not seen."""
    document = docx.Document()
    core = document.core_properties
    core.author, core.last_modified_by, core.comments = marks("author"), marks("last author"), marks("description")
    core.title, core.subject, core.keywords = marks("title"), marks("subject"), marks("keywords")
    core.category, core.content_status, core.identifier = marks("category"), marks("status"), marks("identifier")
    document.add_paragraph("Seen in the body.")
    document.add_picture(io.BytesIO(photo), width=Inches(1))
    for name in ("descr", "title", "name"):
        document.inline_shapes[0]._inline.docPr.set(name, marks(f"picture {name}"))
    document.styles.add_style(marks("own style"), 1)
    document.add_paragraph("Styled.", style=document.styles[[*marks.places][-1]])
    document.sections[0].header.paragraphs[0].text = "Seen in the header."
    paragraph = document.add_paragraph("Commented.")
    document.add_comment(paragraph.runs[0], text=marks("comment"), author=marks("comment author"), initials="PLANTED")
    found = members(saved(document))
    body = (
        f'<w:p w14:paraId="{marks("paragraph id")}" w:rsidR="{marks("revision id")}">'
        f'<w:ins w:id="1" w:author="{marks("insertion author")}" w:date="{marks("insertion date")}">{run("Inserted. ")}</w:ins>'
        f'<w:del w:id="2" w:author="{marks("deletion author")}"><w:r><w:delText>{marks("deleted")}</w:delText></w:r></w:del>'
        f'<w:moveFrom w:id="3" w:author="x">{run(marks("moved away"))}</w:moveFrom>'
        f'<w:bookmarkStart w:id="4" w:name="{marks("bookmark")}"/><w:bookmarkEnd w:id="4"/>'
        f'<w:sdt><w:sdtPr><w:alias w:val="{marks("control name")}"/><w:tag w:val="{marks("control tag")}"/></w:sdtPr>'
        f"<w:sdtContent>{run('In a control. ')}</w:sdtContent></w:sdt>"
        f'<w:smartTag w:uri="{marks("smart tag")}" w:element="x">{run("In a tag. ")}</w:smartTag>'
        f"{run(marks('hidden text'), '<w:vanish/>')}"
        f'<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>INCLUDEPICTURE "C:\\Users\\{marks("field path")}"'
        '</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        f'{run("Result. ")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        f'<w:fldSimple w:instr="DOCPROPERTY {marks("simple field")}">{run("Simple. ")}</w:fldSimple>'
        f'<w:hyperlink r:id="rPath" w:tooltip="{marks("link tip")}">{run("Linked. ")}</w:hyperlink>'
        f'<w:permStart w:id="9" w:ed="{marks("editor")}"/><w:proofErr w:type="spellStart"/>'
        f'<w:r><w:object><v:shape id="{marks("shape id")}" alt="{marks("shape text")}">'
        f'<v:imagedata r:id="rEmf" o:title="{marks("image title")}"/></v:shape>'
        f'<o:OLEObject Type="Embed" ProgID="{marks("program")}" r:id="rOle"/></w:object></w:r>'
        f'<w:r><w:rPr><w:lang w:val="{marks("language")}"/>'
        f"<w:rPrChange w:id='8' w:author='{marks('formatting author')}'><w:rPr/></w:rPrChange></w:rPr><w:t>Last.</w:t></w:r>"
        "</w:p>"
        f'<w:tbl><w:tblPr><w:tblCaption w:val="{marks("table caption")}"/>'
        f'<w:tblDescription w:val="{marks("table text")}"/></w:tblPr><w:tblGrid><w:gridCol w:w="9"/></w:tblGrid>'
        f'<w:tr w:rsidR="{marks("row revision")}"><w:tc><w:p>{run("Cell.")}</w:p></w:tc></w:tr>'
        f'<w:tr><w:trPr><w:del w:id="7" w:author="x"/></w:trPr><w:tc><w:p>{run(marks("deleted row"))}</w:p></w:tc></w:tr></w:tbl>'
        f'<w:altChunk r:id="rChunk"/>{marks("stray text")}'
    ).replace("<w:rPr></w:rPr>", "")
    found["word/document.xml"] = declared(found["word/document.xml"]).replace(
        b"<w:sectPr", f"<!-- {marks('xml comment')} -->".encode() + body.encode() + b"<w:sectPr", 1
    )
    found["word/settings.xml"] = re.sub(
        rb"(<w:settings[^>]*>)",
        lambda m: m[1] + (
            f'<w:attachedTemplate r:id="rTemplate"/><w:docVars><w:docVar w:name="{marks("variable name")}" '
            f'w:val="{marks("variable")}"/></w:docVars><w:rsids><w:rsidRoot w:val="{marks("revision root")}"/></w:rsids>'
            f'<w:mailMerge><w:query w:val="{marks("mail merge")}"/></w:mailMerge>'
            f'<w:documentProtection w:hash="{marks("password hash")}"/>'
        ).encode(),
        found["word/settings.xml"], count=1,
    )  # fmt: skip
    path = "word/_rels/document.xml.rels"
    found[path] = found[path].replace(
        b"</Relationships>",
        (
            relation("rPath", "hyperlink", f"file:///C:/Users/{marks('link path')}", external=True)
            + relation("rTemplate", "attachedTemplate", f"//server/{marks('template path')}", external=True)
            + relation("rOle", "oleObject", "embeddings/oleObject1.bin")
            + relation("rEmf", "image", "media/image9.emf")
            + relation("rChunk", "aFChunk", "afchunk.html")
            + relation("rXml", "customXml", "../customXml/item1.xml")
            + relation("rPeople", "people", "people.xml")
        ).encode()
        + b"</Relationships>",
    )
    found["word/embeddings/oleObject1.bin"] = marks("embedded object").encode()
    found["word/media/image9.emf"] = b"\x01\0\0\0" + bytes(36) + b" EMF" + marks("metafile").encode("utf-16-le")
    found["word/afchunk.html"] = marks("embedded page").encode()
    found["customXml/item1.xml"] = f"<x>{marks('custom xml')}</x>".encode()
    found["word/people.xml"] = f"<w:people xmlns:w='{W}'><w:person w:author='{marks('person')}'/></w:people>".encode()
    found["docProps/app.xml"] = f"<Properties><Company>{marks('company')}</Company></Properties>".encode()
    found["word/vbaProject.bin"] = marks("macro").encode()
    found[f"unreached/{marks('part name')}.xml"] = b"<x/>"
    return packed(found)


def declared(part: bytes) -> bytes:
    """The part with all namespaces of ``NAMESPACES`` on its root."""
    own = re.search(rb"<w:document([^>]*)>", part)
    assert own is not None
    known = set(re.findall(rb"xmlns:(\w+)=", own[1]))
    missing = [
        piece for piece in NAMESPACES.encode().split(b" ") if piece.split(b"=")[0].rpartition(b":")[2] not in known
    ]
    missing = [piece for piece in missing if piece.startswith(b"xmlns")]
    return part.replace(own[0], b"<w:document" + own[1] + b" " + b" ".join(missing) + b">", 1)


SEEN = ["Seen in the body.", "Styled.", "Commented.", "Inserted. In a control. In a tag. Result. Simple. Linked. Last."]


def test_a_marker_in_every_place_is_gone(clean: Clean, unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    cleaned = clean(planted(marks, phone_photo))
    assert marks.left_in(unpacked(cleaned.data)) == []
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
    assert cleaned.removed >= {
        Removed.AUTHOR, Removed.TIME, Removed.SOFTWARE, Removed.COMMENTS, Removed.HISTORY, Removed.PATHS, Removed.SCRIPT,
        Removed.EMBEDDED_FILE, Removed.DESCRIPTION, Removed.LINKS, Removed.DEVICE, Removed.HIDDEN_CONTENT,
    }  # fmt: skip


def test_the_planted_document_does_hold_its_markers(unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    data = planted(marks, phone_photo)
    assert set(marks.left_in(unpacked(data))) == set(marks.places.values())


def test_the_text_that_is_seen_is_the_same(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    cleaned = clean(planted(marks, phone_photo)).data
    assert [text for text in text_of(cleaned) if text] == SEEN
    document = docx.Document(io.BytesIO(cleaned))
    assert document.tables[0].cell(0, 0).text == "Cell."
    assert len(document.tables[0].rows) == 1
    assert document.sections[0].header.paragraphs[0].text == "Seen in the header."
    assert len(document.inline_shapes) == 1


def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    once = clean(planted(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


def test_formatting_lists_and_numbering_stay(clean: Clean) -> None:
    document = docx.Document()
    document.add_heading("A heading", level=2)
    document.add_paragraph("first", style="List Number").add_run(" in bold").bold = True
    cleaned = docx.Document(io.BytesIO(clean(saved(document)).data))
    assert [getattr(paragraph.style, "name", None) for paragraph in cleaned.paragraphs] == ["Heading 2", "List Number"]
    assert cleaned.paragraphs[1].runs[1].bold is True
    assert cleaned.part.numbering_part is not None


def test_a_deleted_paragraph_mark_joins_the_paragraphs(clean: Clean) -> None:
    mark = '<w:pPr><w:rPr><w:del w:id="1" w:author="x"/></w:rPr></w:pPr>'
    body = f"<w:p>{mark}{run('one ')}</w:p><w:p>{run('two')}</w:p>"
    assert text_of(clean(with_body(body)).data) == ["one two"]


def test_text_boxes_stay_once(clean: Clean) -> None:
    box = (
        '<w:p><w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><a:graphic><a:graphicData '
        'uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><wps:wsp><wps:txbx><w:txbxContent><w:p>'
        f"{run('In a box')}</w:p></w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:inline></w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict><v:rect><v:textbox><w:txbxContent><w:p>{run('In a box')}</w:p></w:txbxContent>"
        "</v:textbox></v:rect></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    cleaned = members(clean(with_body(box)).data)["word/document.xml"]
    assert cleaned.count(b"In a box") == 1
    assert b'Requires="wps"' in cleaned
    assert b"xmlns:wps=" in cleaned


def test_public_links_stay_and_inner_links_lead_to_numbered_bookmarks(clean: Clean) -> None:
    body = (
        f'<w:p><w:bookmarkStart w:id="1" w:name="PLANTED"/>{run("There")}<w:bookmarkEnd w:id="1"/>'
        f'<w:hyperlink w:anchor="PLANTED">{run("inner")}</w:hyperlink><w:hyperlink r:id="rWeb">{run("outer")}</w:hyperlink></w:p>'
    )
    web = relation("rWeb", "hyperlink", "https://example.org/page?utm_source=PLANTED&amp;id=7", external=True)
    parts = members(clean(with_body(body, relations=web)).data)
    assert b'Target="https://example.org/page?id=7"' in parts["word/_rels/document.xml.rels"]
    assert b'w:anchor="b1"' in parts["word/document.xml"]
    assert b'w:name="b1"' in parts["word/document.xml"]


@pytest.mark.parametrize("field", ["PAGE", "NUMPAGES \\* Arabic"])
def test_page_numbers_stay_fields(clean: Clean, field: str) -> None:
    body = (
        f'<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> {field} </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run("1")}<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )
    assert field.encode() in members(clean(with_body(body)).data)["word/document.xml"]


def test_invisible_marks_between_letters_go_and_joiners_that_letters_need_stay(clean: Clean) -> None:
    marked = "They\u200b said\u2060 no\U000e0041. can\u200dnot می\u200cخواهم \U0001f469\u200d\U0001f33e"
    cleaned = clean(with_body(f"<w:p>{run(marked)}</w:p>"))
    assert text_of(cleaned.data) == ["They said no. cannot می\u200cخواهم \U0001f469\u200d\U0001f33e"]
    assert Removed.COPY_MARKS in cleaned.removed


def test_what_no_writing_needs_goes_from_text_and_attributes_and_verify_refuses_it(clean: Clean) -> None:
    hidden = "\u3164\uffa0\u034f\xad\U000e0101\ufe03\U0001d173"
    link = f'<w:bookmarkStart w:id="1" w:name="seen{hidden}"/>'
    cleaned = clean(with_body(f"<w:p>{link}{run('한' + hidden + '글')}</w:p>"))
    assert text_of(cleaned.data) == ["한글"]
    assert Removed.COPY_MARKS in cleaned.removed
    found = members(cleaned.data)
    document = found["word/document.xml"].decode()
    assert not set(hidden) & set(document)
    for spelled in ("\u3164", "&#12644;", "&#x3164;"):
        with pytest.raises(Residue):
            parse(document.replace("한글", f"한{spelled}글").encode(), None, None)


def test_archives_have_one_date_and_no_extra_fields(clean: Clean) -> None:
    with zipfile.ZipFile(io.BytesIO(clean(saved(docx.Document())).data)) as archive:
        assert {(entry.date_time, entry.extra, entry.create_system) for entry in archive.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), b"", 0)
        }


def test_a_member_that_unpacks_a_thousandfold_is_a_bomb(clean: Clean) -> None:
    found = members(saved(docx.Document()))
    with pytest.raises(Refused) as refused:
        clean(packed(found | {"word/media/image1.png": bytes(64 << 20)}))
    assert refused.value.refusal is Refusal.BOMB


@pytest.mark.parametrize(
    "definition", ['<!DOCTYPE w:document [<!ENTITY a "aaaa">]>', "<!DOCTYPE w:document SYSTEM 'file:///etc/x'>"]
)
def test_document_types_and_entities_are_refused(clean: Clean, definition: str) -> None:
    found = members(saved(docx.Document()))
    body = f"{definition}<w:document {NAMESPACES}><w:body><w:p>{run('&a;')}</w:p></w:body></w:document>"
    with pytest.raises(Refused) as refused:
        clean(packed(found | {"word/document.xml": body.encode()}))
    assert refused.value.refusal is Refusal.DAMAGED


def test_markup_that_is_too_deep_is_refused(clean: Clean) -> None:
    body = "<w:sdt><w:sdtContent>" * 400 + "</w:sdtContent></w:sdt>" * 400
    with pytest.raises(Refused):
        clean(with_body(body))


def test_two_parts_of_one_name_are_refused(clean: Clean) -> None:
    file = io.BytesIO(saved(docx.Document()))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("word/document.xml", b"<x/>")
    with pytest.raises(Refused):
        clean(file.getvalue())


@pytest.mark.parametrize(
    "change",
    [
        ("word/document.xml", b"<w:p>", b'<w:p w:rsidR="00AA">'),
        ("word/document.xml", b"<w:p>", b"<w:p><!-- x -->"),
        ("word/document.xml", b"<w:p>", b'<w:p><w:ins w:author="x"/>'),
        ("word/styles.xml", b"<w:styles ", (b'<w:styles xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
                                           b'w14:paraId="1" ')),
        ("word/_rels/document.xml.rels", b"</Relationships>",
         relation("rId99", "hyperlink", "file:///x", external=True).encode() + b"</Relationships>"),
    ],
)  # fmt: skip
def test_the_second_reading_refuses_residue(clean: Clean, change: tuple[str, bytes, bytes]) -> None:
    name, old, new = change
    document = docx.Document()
    document.add_paragraph("x")
    parts = members(clean(saved(document)).data)
    rewritten = io.BytesIO()
    with zipfile.ZipFile(rewritten, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in parts.items():
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 0
            archive.writestr(entry, data.replace(old, new, 1) if path == name else data)
    assert old in parts[name]
    with pytest.raises(Residue):
        verify(Source.of(rewritten.getvalue()), DOCX)


def test_the_second_reading_refuses_parts_it_does_not_know(clean: Clean) -> None:
    with pytest.raises(Residue):
        verify(Source.of(packed(members(clean(saved(docx.Document())).data) | {"docProps/core.xml": b"<x/>"})), DOCX)


@settings(max_examples=30, deadline=None)
@given(place=st.integers(0, 10**6), value=st.binary(min_size=1, max_size=12), inside=st.booleans())
def test_damaged_files_raise_only_the_family_s_errors(clean: Clean, place: int, value: bytes, *, inside: bool) -> None:
    data = with_body(f"<w:p>{run('x')}</w:p>")
    if inside:
        parts = members(data)
        body = bytearray(parts["word/document.xml"])
        body[place % len(body) : place % len(body) + len(value)] = value
        data = packed(parts | {"word/document.xml": bytes(body)})
    else:
        start = place % len(data)
        data = data[:start] + value + data[start + len(value) :]
    refusal = None
    try:
        clean(data)
    except Refused as refused:
        refusal = refused.refusal
    assert refusal is not Refusal.RESIDUE


@pytest.mark.outside
def test_exiftool_finds_nothing_but_the_container(clean: Clean, marks: Any, phone_photo: bytes, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("needs exiftool")
    path = tmp_path / "document.docx"
    path.write_bytes(clean(planted(marks, phone_photo)).data)
    listed = subprocess.run(
        ["exiftool", "-a", "-G1", "-s", "-ee", str(path)], capture_output=True, text=True, check=True
    )
    assert "PLANTED" not in listed.stdout
    assert "[XMP" not in listed.stdout
    assert "[XML]" not in listed.stdout


def test_a_shape_drawn_by_hand_is_no_tracked_change(clean: Clean) -> None:
    """DrawingML calls a step of an outline ``moveTo``, as WordprocessingML does what was moved."""
    outline = (
        '<a:custGeom><a:pathLst><a:path w="9" h="9"><a:moveTo><a:pt x="0" y="0"/></a:moveTo><a:lnTo><a:pt x="9" y="9"/>'
        "</a:lnTo></a:path></a:pathLst></a:custGeom>"
    )
    drawn = (
        '<w:p><w:r><w:drawing><wp:inline><wp:extent cx="9" cy="9"/><wp:docPr id="1" name=""/><a:graphic><a:graphicData '
        'uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><wps:wsp><wps:cNvSpPr/><wps:spPr>'
        f"{outline}</wps:spPr><wps:bodyPr/></wps:wsp></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    kept = members(clean(with_body(drawn)).data)["word/document.xml"]
    assert b'<a:moveTo><a:pt x="0" y="0"/></a:moveTo>' in kept


def test_a_page_that_is_called_like_a_file_is_a_public_link(clean: Clean) -> None:
    address = "https://en.wikipedia.org/wiki/File:Bridge.jpg"
    body = f'<w:p><w:hyperlink r:id="r9">{run("See")}</w:hyperlink></w:p>'
    copy = clean(with_body(body, relations=relation("r9", "hyperlink", address, external=True)))
    assert f'Target="{address}"'.encode() in members(copy.data)["word/_rels/document.xml.rels"]


@pytest.mark.parametrize("kind", ["footnote", "endnote"])
def test_a_note_that_nothing_refers_to_goes(clean: Clean, unpacked: Unpacked, kind: str) -> None:
    body = f'<w:p><w:r><w:t>words</w:t></w:r><w:r><w:{kind}Reference w:id="2"/></w:r></w:p>'
    separator = f'<w:{kind} w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:{kind}>'
    notes = "".join(
        f'<w:{kind} w:id="{number}"><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:{kind}>'
        for number, words in {2: "a note", 9: "PLANTED"}.items()
    )
    part = f"<w:{kind}s {NAMESPACES}>{separator}{notes}</w:{kind}s>".encode()
    copy = clean(
        with_body(body, parts={f"word/{kind}s.xml": part}, relations=relation("rN", f"{kind}s", f"{kind}s.xml"))
    )
    assert b"a note" in members(copy.data)[f"word/{kind}s.xml"]
    assert b"separator" in members(copy.data)[f"word/{kind}s.xml"]
    assert not any(b"PLANTED" in piece for piece in unpacked(copy.data))
    assert Removed.HIDDEN_CONTENT in copy.removed
