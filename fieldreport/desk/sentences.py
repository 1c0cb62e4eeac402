"""Sentences that editors often write to sources, in every language of the letterbox: ``sentences.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fieldreport.sentence import Sentence

_ALL: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
LABELS: Final[Mapping[str, Sentence]] = {
    "thanks": Sentence("Thank you, we have it"),
    "checking": Sentence("We are still checking"),
    "answer": Sentence("Please answer, if it is safe"),
    "risk": Sentence("Do not take risks"),
    "cannot": Sentence("We cannot publish this"),
    "delete": Sentence("Please delete this answer"),
}
"""Name to what the desk calls a sentence."""


def sentence(name: str, language: str) -> str:
    """A sentence in a language of the letterbox. Raises ``KeyError``: there is no such sentence or language."""
    return _ALL[name][language]
