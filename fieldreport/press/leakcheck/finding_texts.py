"""What each rule of the leak check says to editors: what the place gives away, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fieldreport.sentence import Sentence

TEXTS: Final[Mapping[str, tuple[Sentence, Sentence]]] = {
    "protected-term": (
        Sentence("The source or an editor asked that this is never printed."),
        Sentence("Leave it out, or use a wider term: the province instead of the town, a role instead of a name."),
    ),
    "lifted-run": (
        Sentence(
            "These words stand in the report exactly like this. People who know how the source writes will"
            " recognise it."
        ),
        Sentence("Write it in your own words, in another order, and leave out characteristic phrases."),
    ),
    "lifted-share": (
        Sentence("This paragraph follows the report almost word for word."),
        Sentence("Close the report and write the paragraph from memory, then check the facts only."),
    ),
    "phone": (
        Sentence("A telephone number leads to a person, and to everybody they have called."),
        Sentence("Leave the number out."),
    ),
    "e-mail": (
        Sentence("An e-mail address leads to a person."),
        Sentence("Leave the address out."),
    ),
    "address": (
        Sentence("An address on the internet can lead to a person, and its owner sees who follows it."),
        Sentence("Name the publication or the office in words."),
    ),
    "account": (
        Sentence("An account name leads to a person."),
        Sentence("Say on which service it was, not under which name."),
    ),
    "coordinates": (
        Sentence("Coordinates name a house, not a region."),
        Sentence("Name the province or the border section."),
    ),
    "id-number": (
        Sentence("A number this long belongs to one person, account, vehicle or device."),
        Sentence("Leave the number out, or give only what kind of number it was."),
    ),
    "invisible": (
        Sentence("There are invisible characters here. They can mark this copy and show who had it."),
        Sentence("Delete the place and type it again; do not paste it."),
    ),
    "look-alike": (
        Sentence("Letters of another alphabet stand here for those they look like. They mark a copy, or hide a word."),
        Sentence("Type the word again in one alphabet."),
    ),
    "media": (
        Sentence(
            "This file was not cleaned here for this article. It can still say where and with which device it was made."
        ),
        Sentence("Remove it and attach it again from the case, so that it is cleaned again."),
    ),
    "case-gone": (
        Sentence("A case of this article was deleted or withdrawn, so the article cannot be compared with it."),
        Sentence("Ask whether the article may appear at all; if the source withdrew, it should not."),
    ),
    "case-unread": (
        Sentence(
            "Part of a case of this article cannot be opened with your key, or is not signed by who it claims to"
            " be, so it was not compared."
        ),
        Sentence(
            "Let a colleague who can open it run this check and sign off. Where the case page says that something"
            " is not signed, ask the admin first."
        ),
    ),
    "case-unreadable": (
        Sentence("Part of a case of this article could not be read from the disk, so it was not compared."),
        Sentence(
            "Try again in a moment. If it stays, ask the admin: 'fieldreport doctor' names the file, and a backup"
            " has it."
        ),
    ),
    "case-partly": (
        Sentence(
            "Part of a case of this article is damaged, or names more than is looked for, so it was not compared."
        ),
        Sentence("Compare by hand with what can be read."),
    ),
    "near-spelling": (
        Sentence("This is close to a protected term: another spelling or another transcription of it."),
        Sentence("If it means the same, leave it out or use a wider term."),
    ),
    "exact-date": (
        Sentence("An exact day narrows down who was there."),
        Sentence("Say the month or the season, unless the day is known from elsewhere."),
    ),
    "clock-time": (
        Sentence("A time of day narrows down who was on duty or on the road."),
        Sentence("Say at night, in the morning."),
    ),
    "shared-number": (
        Sentence("The same number stands in the report. Few people know it."),
        Sentence("Round it, or say dozens, hundreds, several."),
    ),
    "rounded-number": (
        Sentence("This is a number of the report, rounded. Who knows the number knows it again."),
        Sentence("Say dozens, hundreds, several."),
    ),
    "noted": (
        Sentence("The source asked that something like this is not said."),
        Sentence("Leave it out, unless it means something else here."),
    ),
    "reworded": (
        Sentence("This sentence has the words of a sentence of the report, in another order or lightly edited."),
        Sentence(
            "Close the report and write it from memory. Change what is told first, and leave out what only one"
            " person could have seen."
        ),
    ),
    "translated": (
        Sentence("This sentence may be translated from the report: most of what it names stands together there."),
        Sentence(
            "Sum up instead of translating, and leave out details. Only everyday words in six languages are"
            " compared this way."
        ),
    ),
    "rare-wording": (
        Sentence("The report has these words, too, and few people use them. They can be recognised."),
        Sentence("Use a commoner word, or leave the detail out."),
    ),
    "small-group": (
        Sentence(
            "This makes the group that the source belongs to small: how many there are, who stands out, since when."
        ),
        Sentence("Say an employee, somebody who works there. How many people would a reader think of?"),
    ),
    "not-before": (
        Sentence("The source asked that nothing appears before a time that this program cannot read as a date."),
        Sentence("Read it in the case and wait until then."),
    ),
    "not-compared": (
        Sentence("Not all words of these files could be read here, so the article was not compared with them."),
        Sentence(
            "Open them on the case page, or on a machine without a network, and compare them by eye before you answer."
        ),
    ),
    "only-looks": (
        Sentence(
            "Nothing here compares what these files show or say aloud. A photo of a page, or a voice, may hold"
            " the very words."
        ),
        Sentence("Look at them and listen to them once more, with the article beside you."),
    ),
}
