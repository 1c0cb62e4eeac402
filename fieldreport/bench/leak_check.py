"""What the leak check finds of leaks planted in drafts, what it says of clean ones, and how long it takes.

The drafts are labelled files in the source tree, ``tests/press/leakcheck/drafts``, made for the purpose; they are not
installed. Each names its report, attachments, protected terms and note; in a draft each planted leak is written
``⟦class|words⟧``. The tables were tuned on the ``tuned`` ones; who wrote the dictionary knew the ``held`` ones,
too; the ``fresh`` ones, mostly translations, were written when all tables were there. The three are shown apart.
"""

from __future__ import annotations

import re
import statistics
import time
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.press.article import Article
from fieldreport.press.leakcheck import Finding, Material, Severity, check

DRAFTS: Final = Path(__file__).parents[2] / "tests" / "press" / "leakcheck" / "drafts"
SETS: Final = ("tuned", "held", "fresh")
PHONE_REGIONS: Final = ("KR", "CN", "RU", "JP", "US", "GB", "EG")
# Shares of the planted leaks that are to be found, by class; of rare phrases and short quotes none is promised.
BOUNDS: Final[Mapping[str, float | None]] = {
    "name": 0.9,
    "place": 0.9,
    "contact": 0.9,
    "number": 0.95,
    "date": 0.95,
    "time": 0.95,
    "lifted": 0.9,
    "edited": 0.9,
    "phrase": None,
    "translated": 0.5,
    "group": 0.7,
}
CLEAN_WARNINGS: Final = 3  # a clean article, on average
CLEAN_BLOCKS: Final = 0.02  # of the clean articles

_MARK: Final = re.compile(r"⟦(\w+)\|(.+?)⟧", re.DOTALL)
_ROUNDS: Final = 5
_WORDS, _REPORTS, _TERMS = 2000, 10, 200
_SPREAD: Final = 4
_MOST_MILLISECONDS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A planted leak: its class and its place in the draft's text."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A labelled draft with what it is compared with."""

    name: str
    article: Article = field(repr=False)
    material: Material = field(repr=False)
    leaks: tuple[Leak, ...]

    def findings(self) -> tuple[Finding, ...]:
        """Run the leak check on it."""
        return check(self.article, [self.material], phone_regions=PHONE_REGIONS)


@dataclass(slots=True)
class Tally:
    """Planted leaks of one class: blocked, only warned of, and missed."""

    caught: int = 0
    warned: int = 0
    missed: int = 0

    @property
    def share(self) -> float:
        """Of the leaks that were found."""
        return (self.caught + self.warned) / (self.caught + self.warned + self.missed)


@dataclass(slots=True)
class Score:
    """One run over some drafts. ``false``: findings by rule in which nothing was planted, in drafts with leaks."""

    classes: dict[str, Tally] = field(default_factory=dict)
    false: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    clean_warnings: int = 0
    clean_blocked: int = 0

    def add(self, draft: Draft) -> None:
        """Check one draft and count."""
        findings = draft.findings()
        blocks = any(finding.severity is Severity.BLOCK for finding in findings)
        if not draft.leaks:
            self.clean += 1
            self.clean_warnings += sum(finding.severity is Severity.WARN for finding in findings)
            self.clean_blocked += blocks
            return
        for leak in draft.leaks:
            met = {finding.severity for finding in findings if _meets(leak, finding)}
            tally = self.classes.setdefault(leak.kind, Tally())
            if Severity.BLOCK in met:
                tally.caught += 1
            elif met:
                tally.warned += 1
            else:
                tally.missed += 1
        for finding in findings:
            if not any(_meets(leak, finding) for leak in draft.leaks):
                self.false[finding.rule.value] += 1


def load(name: str) -> Iterator[Draft]:
    """Every draft of one of the ``SETS``; none where the source tree is not there."""
    for path in sorted(DRAFTS.glob(f"*-{name}.toml")):
        case: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        material = Material(
            case=path.stem,
            text="\n\n".join([case["report"], *case["attachments"]]),
            protected=tuple(case["protected"]),
            protect_note=case["note"],
        )
        for number, draft in enumerate(case["draft"], 1):
            text, leaks = _unmarked(draft["text"].strip())
            article = Article(language=draft["language"], slug="bcdfghjkmn", body=text)
            yield Draft(name=f"{path.stem} {number}", article=article, material=material, leaks=leaks)


def measure(sheet: Sheet) -> None:
    """Write the share found of each class in each set, what clean drafts bring up, and the time of a large check."""
    drafts = {name: list(load(name)) for name in SETS}
    if not any(drafts.values()):
        sheet.note("the labelled drafts are in the source tree only: nothing to measure here")
        return
    for name, labelled in drafts.items():
        score = Score()
        for draft in labelled:
            score.add(draft)
        for kind, bound in BOUNDS.items():
            if (tally := score.classes.get(kind)) is not None:
                label = f"{name}, {kind}: {tally.caught} caught, {tally.warned} warned, {tally.missed} missed"
                sheet.figure(label, tally.share, "of 1", at_least=bound)
        sheet.figure(f"{name}, findings beside every planted leak", sum(score.false.values()), "")
        if score.clean:
            warnings = score.clean_warnings / score.clean
            sheet.figure(f"{name}, warnings in a clean draft", warnings, "", at_most=CLEAN_WARNINGS)
            blocked = score.clean_blocked / score.clean
            sheet.figure(f"{name}, clean drafts that are blocked", blocked, "of 1", at_most=CLEAN_BLOCKS)
    article, materials = _large(drafts["tuned"])
    text = " ".join([article.body, *(material.text for material in materials)])
    run = partial(check, article, materials, phone_regions=PHONE_REGIONS)
    pair = in_turn(run, partial(unicodedata.normalize, "NFKC", text * 20), rounds=_ROUNDS)
    sheet.figure("check of 2,000 words, 10 reports, 200 terms", pair.seconds * 1000, "ms", at_most=_MOST_MILLISECONDS)
    sheet.pair("the same", pair, "20 × NFKC of all text")
    sheet.figure("the same, of the processor alone", _processor_seconds(run) * 1000, "ms")


def _processor_seconds(run: Callable[[], object]) -> float:
    """The median of what this process itself spends: other programs on the machine do not count."""
    took = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        run()
        took.append(time.process_time() - started)
    return statistics.median(took)


def _large(drafts: list[Draft]) -> tuple[Article, list[Material]]:
    """An article of 2,000 words, ten reports as long as the drafts', 200 terms; in the languages of all drafts."""
    # Some of each language: they stand in the order of their names.
    paragraphs = [part for draft in drafts[::_SPREAD] for part in draft.article.body.split("\n\n")]
    words = " \n\n".join(paragraphs * 10).split(" ")
    reports = list({draft.material.case: draft.material for draft in drafts}.values())[::_SPREAD]
    terms = [term for report in reports for term in report.protected]
    per_report = _TERMS // _REPORTS
    materials = [
        Material(
            case=f"report {number}",
            text=f"{number}. {reports[number % len(reports)].text}\n\n{paragraphs[number]}" * 3,
            # Enough of them only by counting on: the first are terms as they are, later ones have a number behind them.
            protected=tuple(
                f"{terms[place % len(terms)]} {place}" if place >= len(terms) else terms[place]
                for place in range(number * per_report, (number + 1) * per_report)
            ),
        )
        for number in range(_REPORTS)
    ]
    return Article(language="en", slug="bcdfghjkmn", body=" ".join(words[:_WORDS])), materials


def _meets(leak: Leak, finding: Finding) -> bool:
    return finding.field == "body" and leak.start < finding.end and finding.start < leak.end


def _unmarked(marked: str) -> tuple[str, tuple[Leak, ...]]:
    pieces: list[str] = []
    leaks: list[Leak] = []
    length = done = 0
    for match in _MARK.finditer(marked):
        before = marked[done : match.start()]
        start = length + len(before)
        length = start + len(match[2])
        pieces += [before, match[2]]
        leaks.append(Leak(kind=match[1], start=start, end=length))
        done = match.end()
    return "".join([*pieces, marked[done:]]), tuple(leaks)
