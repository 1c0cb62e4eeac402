"""The leak check: what in an article leads back to its source.

``check`` compares every public field with every case the article came from. It knows no keys and keeps nothing. A pass
does not mean safe, and every page that shows its result says so.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from fieldreport.press.article import Article
from fieldreport.press.leakcheck import contact, invisible
from fieldreport.press.leakcheck.copied_text import Reports
from fieldreport.press.leakcheck.findings import Finding, Hit, Rule, Severity
from fieldreport.press.leakcheck.markdown import resolve
from fieldreport.press.leakcheck.materials import Material
from fieldreport.press.leakcheck.notes import note_terms
from fieldreport.press.leakcheck.sounds import Sounds
from fieldreport.press.leakcheck.spans import Taken, without_overlaps
from fieldreport.press.leakcheck.terms import Terms
from fieldreport.press.leakcheck.warnings import Traces

__all__ = ["Finding", "Material", "Rule", "Severity", "check", "note_terms"]

_CONTEXT = 24  # characters on each side that belong to a finding's identity


def check(
    article: Article,
    materials: Sequence[Material],
    *,
    phone_regions: Sequence[str] = (),
    fresh_media: AbstractSet[str] = frozenset(),
) -> tuple[Finding, ...]:
    """Everything found, in reading order.

    ``phone_regions`` are ISO 3166 codes; ``fresh_media`` holds the hexadecimal SHA-256 of every file that was cleaned
    here for this article: any other is a finding.
    """
    texts = [(text, material.case) for material in materials for text in (material.text, material.protect_note)]
    protected = [(term, material.case) for material in materials for term in material.terms()]
    fields = article.public_fields()
    body = resolve(article.body)
    shown = {**fields, "body": body.text}  # the one field that is Markdown
    reports = Reports(texts, [text for field, text in shown.items() if field != "slug"])
    terms, sounds = Terms(protected, article.language), Sounds(protected)
    traces = Traces(texts, protected, article.language)
    findings: list[Finding] = []
    for field, text in fields.items():
        if text:
            # The random end of an address means nothing.
            hits = (
                terms.hits(text)
                if field == "slug"
                else _hits(shown[field], terms, sounds, reports, traces, phone_regions)
            )
            findings += _findings(field, text, body.at_origin(hits) if field == "body" else hits)
    for media in article.media:
        if media.sha256 not in fresh_media:
            findings.append(_whole(Rule.MEDIA, f"media.{media.name}", media.sha256))
    for material in materials:
        findings += _case_findings(material)
    return tuple(findings)


def _hits(
    text: str, terms: Terms, sounds: Sounds, reports: Reports, traces: Traces, phone_regions: Sequence[str]
) -> list[Hit]:
    blocks = [*terms.hits(text), *reports.hits(text), *contact.hits(text, phone_regions), *invisible.hits(text)]
    # A number inside a telephone number needs no second finding; a date inside a lifted sentence does.
    taken = Taken()
    for hit in blocks:
        if hit.rule not in {Rule.LIFTED_RUN, Rule.LIFTED_SHARE}:
            taken.add(hit.start, hit.end)
    by_rule: dict[Rule, list[Hit]] = {}
    for hit in sorted([*traces.hits(text), *sounds.hits(text)], key=lambda hit: (hit.start - hit.end, hit.start)):
        if not taken.meets(hit.start, hit.end):
            by_rule.setdefault(hit.rule, []).append(hit)
    return [*blocks, *(hit for hits in by_rule.values() for hit in without_overlaps(hits))]


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
