"""Rows of Excel as lines: cells in their columns, dates as dates."""

from __future__ import annotations

import pytest

from fieldreport.scrub.documents.extract import sheets
from fieldreport.scrub.documents.markup import parse

STYLES = b"""<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[Red]dd/mm/yyyy"/><numFmt numFmtId="165"
 formatCode='[Magenta]0.0" days"'/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/>
 <xf numFmtId="165"/></cellXfs></styleSheet>"""


def lines(row: str, workbook: str = "") -> list[str]:
    parts = {
        "xl/workbook.xml": f'<workbook>{workbook}<sheets><sheet name="Rota"/></sheets></workbook>'.encode(),
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": b"<sst><si><t>Kim</t></si></sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet><sheetData><row>{row}</row></sheetData></worksheet>".encode(),
    }
    return list(sheets.lines(lambda name: parse(parts[name]), parts))


def test_a_sheet_has_its_name_and_its_cells_their_columns() -> None:
    row = '<c r="A1" t="s"><v>0</v></c><c r="D1"><v>4</v></c><c><v>5</v></c>'
    assert lines(row) == ["[Rota]", "Kim\t\t\t4\t5", ""]


def test_a_cell_at_the_edge_of_the_sheet_makes_no_wide_line() -> None:
    assert lines('<c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c>')[1].count("\t") == 51


@pytest.mark.parametrize(
    ("style", "value", "shown"),
    [
        (1, "45363", "2024-03-12"),  # LibreOffice shows 12/03/2024
        (2, "45363.9", "2024-03-12 21:36"),
        (1, "0.5", "12:00"),
        (3, "45363", "45363"),
        (0, "45363", "45363"),
        (1, "tomorrow", "tomorrow"),
        (1, "1e300", "1e300"),
        (1, "nan", "nan"),
    ],
)
def test_a_date_is_written_as_one(style: int, value: str, shown: str) -> None:
    assert lines(f'<c r="A1" s="{style}"><v>{value}</v></c>')[1] == shown


def test_dates_may_count_from_1904() -> None:
    row = '<c r="A1" s="1"><v>43901</v></c>'
    assert lines(row, '<workbookPr date1904="1"/>')[1] == "2024-03-12"
