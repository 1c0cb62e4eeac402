"""Write the desk's catalogues again, from the sentences in the program: ``.venv/bin/python .ci/catalogues.py``.

What was translated stays, what the program says no more goes, what is new is there without a translation and is named.
Entries are sorted. Where two people have added sentences, take either side of the conflict, run this, and translate
what it names. Run it again after translating: it compiles, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import escape, read_po

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.catalogues import DESK


def main() -> None:
    """Write each catalogue, and say what is not translated yet. Both languages have one plural form."""
    strings = sorted(DESK.strings(), key=lambda each: (each[0][0], each[0], each[1] or ""))
    for path in DESK.catalogues:
        with path.open("rb") as file:
            known = {(first(each.id), each.context): first(each.string) for each in read_po(file) if each.id}
        entries = [path.read_text(encoding="utf-8").partition("\n\n")[0]]
        for ids, context in strings:
            text = known.get((ids[0], context), "")
            if not text:
                print(f"{path.parts[-3]}: {ids[0]}")
            entries.append(entry(ids, context, text))
        path.write_text("\n\n".join(entries) + "\n", encoding="utf-8")
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parts[-3])
        with path.with_suffix(".mo").open("wb") as compiled:
            write_mo(compiled, catalogue)


def first(value: object) -> str:
    """The text, or the first of several forms."""
    return value if isinstance(value, str) else str(value[0])  # type: ignore[index]  # a list of forms, to babel an object


def entry(ids: tuple[str, ...], context: str | None, text: str) -> str:
    """One sentence as a catalogue holds it."""
    lines = ["#, python-format"] if "%(" in "".join(ids) else []
    if context:
        lines.append(f"msgctxt {escape(context)}")
    lines.append(f"msgid {escape(ids[0])}")
    lines += [f"msgid_plural {escape(each)}" for each in ids[1:]]
    lines.append(f"msgstr{'[0]' if ids[1:] else ''} {escape(text)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
