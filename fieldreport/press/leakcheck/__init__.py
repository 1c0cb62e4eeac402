"""The leak check: what in an article leads back to its source.

``check`` compares every public field with every case the article came from. It knows no keys and keeps nothing. A pass
does not mean safe, and every page that shows its result says so.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from fieldreport.press.article import Article
from fieldreport.press.leakcheck import contact, content, heard, invisible, names, sounds, text
from fieldreport.press.leakcheck.across import Across
from fieldreport.press.leakcheck.copied_text import Reports
from fieldreport.press.leakcheck.findings import Finding, Hit, Rule, Severity
from fieldreport.press.leakcheck.groups import Groups
from fieldreport.press.leakcheck.markdown import resolve
from fieldreport.press.leakcheck.materials import Material
from fieldreport.press.leakcheck.notes import note_terms
from fieldreport.press.leakcheck.numerals import numbers
from fieldreport.press.leakcheck.reworded import Reworded
from fieldreport.press.leakcheck.sounds import Sounds
from fieldreport.press.leakcheck.spans import Taken, without_overlaps
from fieldreport.press.leakcheck.terms import Terms
from fieldreport.press.leakcheck.warnings import Traces

__all__ = ["Finding", "Material", "Rule", "Severity", "check", "note_terms"]

_LIFTED: Final = frozenset({Rule.LIFTED_RUN, Rule.LIFTED_SHARE})
_SENTENCES: Final = frozenset({Rule.REWORDED, Rule.TRANSLATED})
# In the order of their weight: of two that meet in one place the first stays.
_WARNED: Final = (
    Rule.NEAR_SPELLING,
    Rule.NOTED,
    Rule.SMALL_GROUP,
    Rule.EXACT_DATE,
    Rule.CLOCK_TIME,
    Rule.SHARED_NUMBER,
    Rule.ROUNDED_NUMBER,
    Rule.REWORDED,
    Rule.TRANSLATED,
    Rule.RARE_WORDING,
)
_CONTEXT = 24  # characters on each side that belong to a finding's identity


def check(
    article: Article,
    materials: Sequence[Material],
    *,
    phone_regions: Sequence[str] = (),
    public_sites: Sequence[str] = (),
    fresh_media: AbstractSet[str] = frozenset(),
) -> tuple[Finding, ...]:
    """Everything found, in reading order, in every language of the article.

    ``phone_regions`` are ISO 3166 codes; ``public_sites`` are domains that may be linked to; ``fresh_media`` holds the
    hexadecimal SHA-256 of every file that was cleaned here for this article: any other is a finding.
    """
    original, *translations = article.each_language()
    findings: list[Finding] = []
    try:
        for each in (original, *translations):
            compared = _Compared(each, materials, phone_regions, public_sites)
            findings += _written(each, compared, prefix="" if each is original else f"{each.language}:")
    finally:
        for room in (text, content, names, sounds, heard):
            room.forget()
    for media in article.media:  # translations have the same files
        if media.sha256 not in fresh_media:
            findings.append(_whole(Rule.MEDIA, f"media.{media.name}", media.sha256))
    for material in materials:
        findings += _case_findings(material)
    return tuple(findings)


def _written(article: Article, compared: _Compared, *, prefix: str) -> Iterator[Finding]:
    """Everything found in one language; ``prefix``: of its fields, as ``Article.public_fields`` names them."""
    body = resolve(article.body)
    for field, written in article.public_fields().items():
        if written:
            if field == "slug":  # its random end means nothing
                hits = compared.terms.hits(written)
            elif field == "body":  # the one field that is Markdown
                hits = body.at_origin(compared.hits(body.text))
            else:
                hits = compared.hits(written)
            yield from _findings(f"{prefix}{field}", written, hits)


class _Compared:
    """All that each field of one article is compared with."""

    def __init__(
        self,
        article: Article,
        materials: Sequence[Material],
        phone_regions: Sequence[str],
        public_sites: Sequence[str],
    ) -> None:
        reports = [(material.text, material.case) for material in materials]
        notes = [(material.protect_note, material.case) for material in materials]
        protected = [(term, material.case) for material in materials for term in material.terms()]
        fields = {**article.public_fields(), "body": resolve(article.body).text}
        language = article.language
        self._phone_regions = phone_regions
        self._public_sites = public_sites
        self.terms = Terms(protected, language)
        self._sounds = Sounds(protected)
        self._across = Across(protected)
        self._reports = Reports([*reports, *notes], [text for field, text in fields.items() if field != "slug"])
        self._reworded = Reworded(reports, notes, language)
        self._language = language.partition("-")[0]
        counted = [(written, numbers(written, self._language), case) for written, case in (*reports, *notes)]
        self._traces = Traces(counted, protected, language)
        self._groups = Groups(counted, language)

    def hits(self, text: str) -> list[Hit]:
        """Everything found in one field, one finding for one thing."""
        lifted = self._reports.hits(text)
        reaching = contact.hits(text, self._phone_regions, self._public_sites)
        blocks = [*self.terms.hits(text), *reaching, *invisible.hits(text)]
        counted = numbers(text, self._language)
        warnings = [
            *self._sounds.hits(text),
            *self._across.hits(text),
            *self._traces.hits(text, counted),
            *self._groups.hits(text, counted),
            *self._reworded.hits(text),
        ]
        return [*lifted, *_one_each(blocks, [*lifted, *warnings])]


def _one_each(blocks: Sequence[Hit], others: Sequence[Hit]) -> list[Hit]:
    """The blocks, and of the warnings those that say something that no stronger finding says of the same words.

    A number inside a telephone number needs no second finding; a date inside a lifted sentence does, a rare word there
    does not.
    """
    taken, followed, kept = Taken(), Taken(), list(blocks)
    for hit in blocks:
        taken.add(hit.start, hit.end)
    for hit in others:
        if hit.rule in _LIFTED:
            followed.add(hit.start, hit.end)
    for rule in _WARNED:
        ours = [hit for hit in others if hit.rule is rule]
        # The longest name or number; of rare words those that stand closest together.
        longest = rule is not Rule.RARE_WORDING
        ours.sort(key=lambda hit: hit.start)
        ours.sort(key=lambda hit: hit.end - hit.start, reverse=longest)
        for hit in without_overlaps(ours):
            whole = rule in _SENTENCES
            if (followed if whole or rule is Rule.RARE_WORDING else taken).meets(hit.start, hit.end):
                continue
            if rule is Rule.RARE_WORDING and taken.meets(hit.start, hit.end):
                continue
            kept.append(hit)
            (followed if whole else taken).add(hit.start, hit.end)
    return kept


def _findings(field: str, text: str, hits: Sequence[Hit]) -> list[Finding]:
    seen: Counter[str] = Counter()
    findings = []
    for hit in sorted(set(hits), key=lambda hit: (hit.start, hit.end, hit.rule, hit.case or "")):
        around = text[max(0, hit.start - _CONTEXT) : hit.start], text[hit.end : hit.end + _CONTEXT]
        key = _key(hit.rule, field, hit.case or "", around[0], text[hit.start : hit.end], around[1])
        seen[key] += 1
        if seen[key] > 1:
            key = _key(key, str(seen[key]))
        findings.append(Finding(rule=hit.rule, field=field, start=hit.start, end=hit.end, key=key, case=hit.case))
    return findings


def _case_findings(material: Material) -> list[Finding]:
    findings = []
    if material.gone:
        findings.append(replace(_whole(Rule.CASE_GONE, "article", material.case), case=material.case))
    if material.unread:
        findings.append(replace(_whole(Rule.CASE_UNREAD, "article", material.case), case=material.case))
    if material.unreadable:
        findings.append(replace(_whole(Rule.CASE_UNREADABLE, "article", material.case), case=material.case))
    if material.damaged or material.terms_left_out():
        findings.append(replace(_whole(Rule.CASE_PARTLY, "article", material.case), case=material.case))
    for rule, files in ((Rule.NOT_COMPARED, material.uncompared), (Rule.ONLY_LOOKS, material.only_looks)):
        if files:
            whole = _whole(rule, "article", material.case, *files)
            findings.append(replace(whole, case=material.case, files=files))
    try:
        material.earliest()
    except ValueError:
        wish = _whole(Rule.NOT_BEFORE, "article", material.case, material.not_before)
        findings.append(replace(wish, case=material.case))
    return findings


def _whole(rule: Rule, field: str, *identity: str) -> Finding:
    return Finding(rule=rule, field=field, start=0, end=0, key=_key(rule, field, *identity))


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
