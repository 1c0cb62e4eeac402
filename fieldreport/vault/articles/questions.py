"""What a person is asked before they sign that an article puts no one at risk: what no program can see.

Rules: every question that fits the article is answered in the signer's own words; the answers are sealed, and the
signature is over them as over the text. The log says that there are answers, and no word of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

from fieldreport import limits
from fieldreport.errors import LimitExceeded, NotAllowed, SealError
from fieldreport.press.article import Article
from fieldreport.sentence import Sentence


class Question(StrEnum):
    """One question; ``text`` is what is asked, ``hint`` what to think of, ``files``: only of an article with files."""

    text: str
    hint: str
    files: bool

    def __new__(cls, code: str, text: str = "", hint: str = "", files: bool = False) -> Self:  # noqa: D102, FBT001, FBT002 - as in verdicts, a row of a table
        member = str.__new__(cls, code)
        member._value_ = code
        member.text, member.hint, member.files = text, hint, files
        return member

    PEOPLE = (
        "people",
        Sentence("How many people could know this?"),
        Sentence(
            "Count those who were there, were told, or had the paper in their hands. Fewer than ten is a small group."
        ),
    )
    ACCESS = (
        "access",
        Sentence("Who had access to it?"),
        Sentence("By role, not by name: one office, one shift, everybody with a login."),
    )
    SEEN = (
        "seen",
        Sentence("What can be recognised in the files?"),
        Sentence("Faces, voices, reflections, backgrounds, handwriting, printer marks."),
        True,
    )
    WHEN_WHERE = (
        "when-where",
        Sentence("What do the files say of time and place?"),
        Sentence("Shadows, weather, signs, clocks, screens, a view, an accent, a sound outside."),
        True,
    )
    NEWSROOM = (
        "newsroom",
        Sentence("Who in the newsroom knows who the source is?"),
        Sentence("Also who could guess it from the case, from an expense, or from a telephone."),
    )


_KEY: Final = "sign-off."


def asked(article: Article) -> tuple[Question, ...]:
    """The questions that fit an article."""
    return tuple(question for question in Question if article.media or not question.files)


def missing(article: Article, answers: Mapping[Question, str]) -> tuple[Question, ...]:
    """The questions that have no answer yet."""
    return tuple(question for question in asked(article) if not answers.get(question, "").strip())


def key(content: bytes) -> str:
    """Under which the answers for exactly this content are kept, among the answers to findings."""
    return _KEY + content.hex()


def encode(article: Article, answers: Mapping[Question, str]) -> str:
    """The answers as one text, which is sealed and signed.

    Raises:
        NotAllowed: (code "unanswered-questions") one is missing. LimitExceeded: (code "reason-size") one is too long.
    """
    if missing(article, answers):
        raise NotAllowed(Sentence("every question before a sign-off needs an answer"), code="unanswered-questions")
    if any(len(answers[question]) > limits.SIGN_OFF_ANSWER_CHARACTERS for question in asked(article)):
        raise LimitExceeded(Sentence("this answer is too long"), code="reason-size")
    document = {str(question): answers[question].strip() for question in asked(article)}
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def decode(signed: str) -> dict[Question, str]:
    """What ``encode`` made, in the order of the questions. Raises ``SealError``: it is something else."""
    try:
        document = json.loads(signed)
        return {question: str(document[question]) for question in Question if question in document}
    except (ValueError, KeyError, TypeError):
        raise SealError("the answers of a sign-off are damaged", code="article") from None
