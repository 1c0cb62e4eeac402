"""Who wrote, who cleared, who approved: signatures over exactly what a reader will see.

A signature covers the newsroom, the article, the role and the content hash, so none can be moved to another text,
article, role or newsroom. Sign-offs count while the roster names the signer as an active editor; a writer's signature
always counts, because it only ever takes rights away. Answers to findings are signed in the same way. A safety sign-off
is over the answers to the ``questions`` as well: without them, it does not count.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotAllowed, NotFound, SealError, Unavailable
from fieldreport.seal import Kind, PartSource, Role, Roster, encode_canonical, verify_signature
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import questions
from fieldreport.vault.articles.questions import Question
from fieldreport.vault.articles.tables import ArticleRow, ArticleSignOff

_SIGN_OFF_LABEL: Final = "article-sign-off"
_ANSWER_LABEL: Final = "article-answer"


class SignOff(StrEnum):
    """In which role a person signs an article."""

    WRITING = "writing"
    SAFETY = "safety"
    PUBLISHING = "publishing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Why a finding may stay, in the words of who answered."""

    by: str
    reason: str = field(repr=False)


def sign(seat: Seat, role: SignOff, article_id: bytes, content: bytes, *, answered: str = "") -> bytes:
    """This person's signature (64 bytes) in ``role`` over a content hash of 32 bytes, and what they answered."""
    return seat.staff.signing.sign(_SIGN_OFF_LABEL, _statement(seat, role, article_id, content, answered))


def author_is(
    seat: Seat, handle: str, article_id: bytes, content: bytes, signature: bytes, *, roster: Roster
) -> Literal[True]:
    """Check who wrote a revision, whether or not they still work here. ``roster``: the newest one.

    Raises:
        SealError: (code "signature") no person of that handle signed it.
    """
    statement = _statement(seat, SignOff.WRITING, article_id, content)
    return _signed_by_one_of(
        _keys_ever(roster, handle),
        _SIGN_OFF_LABEL,
        statement,
        signature,
    )


def add_sign_off(seat: Seat, change: Change, row: ArticleRow, role: SignOff, signature: bytes) -> None:
    """Store this person's signature over the current revision."""
    row.changed = change.hour
    change.session.add(ArticleSignOff(article_id=row.id, role=role.value, handle=seat.handle, signature=signature))


def check_sign_offs(
    seat: Seat,
    article_id: bytes,
    content: bytes,
    sign_offs: Mapping[SignOff, ArticleSignOff],
    *,
    answers: Mapping[str, Sequence[Answer]],
    writers: frozenset[str],
    readers: frozenset[str] | None,
    people: int,
) -> Literal[True]:
    """Check that an article may be published: both sign-offs, by editors of today, none of them a writer.

    ``answers``: all that were given, those to the questions before the safety sign-off among them.
    ``readers``: those who read every case behind it; nothing where none is limited.
    ``people``: 2 where safety and publishing must be two different colleagues, 1 where one may do both.

    Raises:
        NotAllowed: code "sign-off-missing", "sign-off-void", "own-article" or "same-person".
    """
    roster = seat.roster()
    for role in (SignOff.SAFETY, SignOff.PUBLISHING):
        row = sign_offs.get(role)
        if row is None:
            raise NotAllowed(Sentence("a sign-off is missing"), code="sign-off-missing")
        if row.handle in writers:
            raise NotAllowed(Sentence("a writer of an article cannot sign it off"), code="own-article")
        if readers is not None and row.handle not in readers:
            raise NotAllowed(
                Sentence("a sign-off does not count: its signer does not read every case"), code="sign-off-void"
            )
        try:
            entry = roster.entry(row.handle)
            if entry.role is not Role.EDITOR or entry.signing is None:
                raise NotAllowed(Sentence("only editors sign articles off"), code="sign-off-void")
            answered = _answered(row, answers.get(questions.key(content), ())) if role is SignOff.SAFETY else [""]
            signed_answers(seat, article_id, content, row, answered, [entry.signing])
        except (NotFound, SealError):
            raise NotAllowed(
                Sentence("a sign-off does not count: the text changed, or its signer has left"), code="sign-off-void"
            ) from None
    if people > 1 and sign_offs[SignOff.SAFETY].handle == sign_offs[SignOff.PUBLISHING].handle:
        raise NotAllowed(Sentence("safety and publishing are signed off by two people"), code="same-person")
    return True


def signed_answers(
    seat: Seat, article_id: bytes, content: bytes, row: ArticleSignOff, answered: Sequence[str], keys: Sequence[bytes]
) -> str:
    """The one of these answers that a sign-off is over.

    Raises:
        SealError: (code "signature") over none of them, or over another content, or by another key.
    """
    for text in answered:
        statement = _statement(seat, SignOff(row.role), article_id, content, text)
        try:
            _signed_by_one_of(keys, _SIGN_OFF_LABEL, statement, row.signature)
        except SealError:
            continue
        return text
    raise SealError("a signature does not fit", code="signature")


def questions_answered(
    seat: Seat, article_id: bytes, content: bytes, row: ArticleSignOff, answers: Mapping[str, Sequence[Answer]]
) -> dict[Question, str]:
    """What the signer of a safety sign-off answered. Raises ``SealError`` as ``signed_answers``."""
    answered = _answered(row, answers.get(questions.key(content), ()))
    keys = _keys_ever(seat.rosters.newest(), row.handle)
    return questions.decode(signed_answers(seat, article_id, content, row, answered, keys))


def _answered(row: ArticleSignOff, given: Sequence[Answer]) -> list[str]:
    return [answer.reason for answer in given if answer.by == row.handle]


def answer_parts(seat: Seat, article_id: bytes, key: str, reason: str) -> tuple[list[PartSource], dict[str, str]]:
    """An answer as the part and fields of a sealed note on the article."""
    data = reason.encode()
    part = PartSource(
        name="text.txt", media_type="text/plain; charset=utf-8", source=io.BytesIO(data), length=len(data)
    )
    signature = seat.staff.signing.sign(_ANSWER_LABEL, _answer_statement(seat, article_id, key, reason))
    return [part], {"finding": key, "by": seat.handle, "signature": signature.hex()}


def open_answers(seat: Seat, article_id: bytes, object_ids: Sequence[bytes]) -> dict[str, list[Answer]]:
    """All answers that are genuine, oldest first, by the key of their finding."""
    answers: dict[str, list[Answer]] = {}
    roster = seat.rosters.newest()
    for object_id in object_ids:
        try:
            with seat.open_object(object_id, kind=Kind.NOTE, thread=article_id) as envelope:
                reason = envelope.read_part(0, limits.ANSWER_BYTES).decode()
                key, by = envelope.manifest.fields["finding"], envelope.manifest.fields["by"]
                signature = bytes.fromhex(envelope.manifest.fields["signature"])
            statement = _answer_statement(seat, article_id, key, reason)
            _signed_by_one_of(_keys_ever(roster, by), _ANSWER_LABEL, statement, signature)
        except Unavailable:
            raise
        except (FieldreportError, KeyError, ValueError):  # an answer that cannot be read or trusted is none
            continue
        answers.setdefault(key, []).append(Answer(by=by, reason=reason))
    return answers


def _statement(seat: Seat, role: SignOff, article_id: bytes, content: bytes, answered: str = "") -> bytes:
    statement = {
        "article": article_id.hex(),
        "content": content.hex(),
        "instance": seat.vault.instance.hex(),
        "role": role.value,
    }
    if answered:
        statement["answers"] = hashlib.sha256(answered.encode()).hexdigest()
    return encode_canonical(statement)


def _answer_statement(seat: Seat, article_id: bytes, key: str, reason: str) -> bytes:
    return encode_canonical(
        {
            "article": article_id.hex(),
            "finding": key,
            "instance": seat.vault.instance.hex(),
            "reason": hashlib.sha256(reason.encode()).hexdigest(),
        }
    )


def _keys_ever(roster: Roster, handle: str) -> list[bytes]:
    """The signing keys of a person, revoked ones included: the roster keeps those for this."""
    return [entry.signing for entry in roster.entries if entry.handle == handle and entry.signing is not None]


def _signed_by_one_of(keys: Sequence[bytes], label: str, message: bytes, signature: bytes) -> Literal[True]:
    for public in keys:
        try:
            return verify_signature(public, label, message, signature)
        except SealError:
            continue
    raise SealError("a signature does not fit", code="signature")
