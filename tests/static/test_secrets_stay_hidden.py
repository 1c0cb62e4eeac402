"""What must not be printed is in no ``repr``, and secrets are compared in constant time: read from the code itself.

A traceback, a log line or a failed assertion shows reprs. So every field of every dataclass that could hold a secret or
somebody's words is hidden, or stands in the list of what may be shown, with the reason.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fieldreport
from fieldreport.cli.demo_newsroom import Person
from fieldreport.cli.recovery_sheet import Sheet
from fieldreport.installation import Made, Member
from fieldreport.press.article import Article
from fieldreport.seal import Codename, HybridIdentity, Role, SourceKeys, TokenKey
from fieldreport.unseal import key_file, recovery

SOURCE = Path(fieldreport.__file__).parent

# Types that can hold anything, and names that say what they hold.
_RAW = re.compile(r"\b(bytes|bytearray|memoryview)\b")
_TELLING = re.compile(
    r"passphrase|password|secret|seed|totp|csrf|token|cookie|identit|private|codename|words|share|lookup|folded|note"
    r"|(^|_)(key|keys|text|body|content|title|standfirst|caption|correction|facts|protected|seat|staff)$"
)

# The parsers of ``scrub`` run in a locked child, from which nothing but an error's class comes out.
_NOT_READ = ("fieldreport.scrub.", "fieldreport.store.migrations")

_MAY_BE_SHOWN = {
    # random ids and counters, which the databases hold in the clear and logs may name
    "Answer.id", "ArticleAnswer.article_id", "ArticleAnswer.object_id", "ArticleCase.article_id", "ArticleCase.case_id",
    "ArticleFile.article_id", "ArticleFile.object_id", "ArticleHead.cases", "ArticleHead.id",
    "ArticleRevision.article_id", "ArticleRevision.object_id",
    "ArticleRow.draft", "ArticleRow.id", "ArticleSignOff.article_id", "Binding.instance", "Place.instance",
    "Binding.object", "Binding.thread", "Card.version", "Case.card", "Case.id", "CaseFile.item_id", "CaseRow.card",
    "CaseRow.id", "Collected.id", "Expected.instance", "Expected.object", "Expected.thread", "Item.case_id", "Item.id",
    "ItemRow.case_id", "ItemRow.id", "Letter.id", "LetterHead.id", "Mark.case_id", "Outgoing.item_id",
    "PublishRun.held", "PublishRun.published", "Collected.damaged", "Record.cases", "Record.files",
    "Record.object_id", "Reply.id", "Unsent.case_id", "Unsent.id", "Heading.corrects",
    "ShownSheet.case_id", "ShownSheet.id", "Contents.notes", "_Look.undelivered",
    "Roster.instance", "SealedLetter.id", "SealedObject.id", "SealedObject.thread", "SealedReply.id", "Staged.id",
    "SmallObject.id", "SmallObject.keys", "SmallObject.thread",
    "Staged.thread", "StoredObject.id", "StoredObject.thread", "Visit.shown",
    "EnrolmentRequest.instance", "Frame.letter", "HandOver.instance", "SealedObject.limited", "StoredObject.limited",
    "CaseReaders.case_id", "Limits.readers", "Limits.ended", "Mark.instance", "_Recipients.keys",
    "Opener.instance", "ExpectedOffline.instance", "ExpectedOffline.object", "_Group.case", "Kept.id",
    "KeptNote.place", "Neighbours.before", "Neighbours.after", "_Entry.card", "_Entry.id", "Due.id",
    # hashes, public keys and signatures
    "AdminPublic.ed25519", "AdminPublic.mldsa65", "ArticleSignOff.signature", "AuditRow.hash", "AuditRow.previous",
    "AuditRow.signature", "AuditRow.signer", "Binding.roster", "Entry.signing", "Expected.rosters", "Header.mac",
    "KeyRequest.signature", "Part.sha256", "PartSource.sha256", "Roster.previous", "Roster.sha256", "SigningKey.public",
    "VaultState.audit_hash", "EnrolmentRequest.signature", "EnrolmentRequest.signing", "Frame.sha256", "Tenure.key",
    "ExpectedOffline.rosters", "_Attachment.sha256", "AuditHead.hash",
    "Case.opener_signature", "CaseReaders.signature", "Unsigned.digest", "Unsigned.signature",
    # ids of public keys, and how those keys stand
    "RecipientSet.keys", "Staged.keys", "Standing.keys", "_Group.keys",
    # ciphertext, and what stands around it in the clear
    "PackedLetter.header", "Stanza.body", "_Sealed.body", "_Sealed.commitment", "_Sealed.head", "_Sealed.salt",
    # categories of what cleaning found
    "ReadPart.noted", "_Line.noted",
    # settings, sentences and names of ours
    "Desk.link_token", "Notice.password_file", "Desk.secure_cookie", "Intake.link_token", "Intake.machines_token",
    "Explanation.title", "Question.title", "Finding.key", "Piece.keys", "Problem.text", "Settings.keys",
}  # fmt: skip


def dataclasses_of_ours() -> Iterator[type]:
    for module in pkgutil.walk_packages(fieldreport.__path__, "fieldreport."):
        # Migrations run when they are imported, and `__main__` is the command.
        if "migrations" in module.name or module.name.endswith("__main__") or module.name.startswith(_NOT_READ):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and dataclasses.is_dataclass(value):
                yield value


def shown_fields(of: type) -> Iterator[str]:
    """The fields whose content stands in the class's ``repr`` and that may hold what must not stand there."""
    if "__repr__" in vars(of) and not of.__dataclass_params__.repr:  # type: ignore[attr-defined]
        return  # it says itself what it shows
    for field in dataclasses.fields(of):
        if field.repr and (_RAW.search(str(field.type)) or _TELLING.search(field.name)):
            yield f"{of.__name__}.{field.name}"


def test_no_dataclass_shows_what_nobody_has_allowed_it_to_show() -> None:
    found = {name for each in dataclasses_of_ours() for name in shown_fields(each)}
    assert found - _MAY_BE_SHOWN == set(), "hide it with field(repr=False), or say why it may be shown"


def test_nothing_is_allowed_that_is_not_there_any_more() -> None:
    found = {name for each in dataclasses_of_ours() for name in shown_fields(each)}
    assert found >= _MAY_BE_SHOWN


def test_a_secret_that_is_shown_is_found() -> None:
    @dataclasses.dataclass
    class Careless:
        handle: str
        seed: str
        raw: "bytes | None"  # noqa: UP037 - as all annotations are strings where modules say so
        hidden: bytes = dataclasses.field(default=b"", repr=False)

    assert set(shown_fields(Careless)) == {"Careless.seed", "Careless.raw"}


def secret_values() -> Iterator[tuple[object, list[str]]]:
    """Things that hold secrets, each with the spellings that must not be in its ``repr``."""

    def spellings(*secret: bytes | str) -> list[str]:
        return [spelled for one in secret for spelled in ([one] if isinstance(one, str) else [one.hex(), repr(one)])]

    identity = HybridIdentity.generate()
    yield identity, [*spellings(identity.seed), identity.encode()]
    editor, admin = (key_file.StaffKey.generate(str(role), role) for role in (Role.EDITOR, Role.ADMIN))
    yield editor, spellings(editor.identities[0].seed, editor.signing.seed, editor.totp)
    yield editor.signing, spellings(editor.signing.seed)
    assert admin.admin is not None
    for holder in (admin, admin.admin):
        yield holder, spellings(admin.admin.ed25519.seed, admin.admin.mldsa65_seed, admin.totp)
    codename = Codename.generate("en")
    yield codename, [word for word in codename.words if len(word) > 3]
    source = SourceKeys(lookup=b"l" * 32, thread=b"t" * 16, identity=identity, _letters=b"k" * 32)
    yield source, spellings(b"l" * 32, b"k" * 32, identity.seed)
    yield TokenKey(b"K" * 32), spellings(b"K" * 32)
    member = Member(handle="amira", role=Role.EDITOR, passphrase="slush sing credit", totp=b"T" * 20)
    yield member, spellings("slush", b"T" * 20)
    yield Person(handle="amira", role=Role.EDITOR, passphrase="slush sing", totp=b"T" * 20), spellings("slush")
    shares = recovery.split(identity, 2, 2)
    made = Made(settings=None, admin=member, recovery_key_id=identity.key_id, shares=shares)  # type: ignore[arg-type]
    yield made, spellings(*shares, "slush")
    yield (
        Sheet(
            newsroom="n", instance="i", key_id=identity.key_id, number=1, made=2, needed=2, month="m", share=shares[0]
        ),
        spellings(shares[0]),
    )
    yield Article(language="en", slug="qsrkwq59hs", title="The guard slept", body="We walked past"), ["guard", "walked"]


@pytest.mark.parametrize(("value", "secrets"), [*secret_values()], ids=lambda value: type(value).__name__)
def test_a_secret_is_not_in_the_repr_of_what_holds_it(value: object, secrets: list[str]) -> None:
    shown = f"{value!r} {[value]!r}"
    assert secrets
    assert not [secret for secret in secrets if secret in shown]


# --- constant time ---

_COMPARED = {
    "commitment", "cookie", "csrf", "digest", "file_key", "hexdigest", "hmac", "lookup", "mac", "passphrase",
    "password", "secret", "seed", "session", "reply_tag", "token", "totp",
}  # fmt: skip
_KNOWS_NO_SECRET = ("scrub", "press")
_HARMLESS = {
    "hashlib.sha256(untrusted_raw).digest() != after.previous": "hashes of rosters, which are public",
    "_digest(hashlib.sha256(raw), buffered) != frame.sha256": "the hash of a file beside it, against a worn card",
    "base64.urlsafe_b64encode(raw).decode().rstrip('=') == untrusted_token": "with its own canonical form",
    "row.hash == head.hash == hashlib.sha256(statement_of(row)).digest()": "hashes that the audit log shows",
    "first.subject != listed.hexdigest()": "a hash that the audit log shows",
    "hashlib.file_digest(file, 'sha256').hexdigest() != known[name][1]": "the hash of a file, in the list beside it",
    "file_key != _FILE_KEY": "a known answer, printed in the specification",
    "digest.digest() == envelope.manifest.parts[number].sha256": "both halves come out of the same opened letter",
}


def careless_comparisons(code: str) -> Iterator[str]:
    """Comparisons with == or != in which a side is named like a secret, lengths and constants apart."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for at, operator in enumerate(node.ops):
            pair = sides[at : at + 2]
            if not isinstance(operator, ast.Eq | ast.NotEq) or any(isinstance(side, ast.Constant) for side in pair):
                continue
            if any(name.removeprefix("untrusted_").strip("_") in _COMPARED for side in pair for name in _names(side)):
                yield ast.unparse(node)


def _names(side: ast.expr) -> Iterator[str]:
    match side:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Call(func=ast.Name(id="len")):
            return
        case ast.Call(func=called):
            yield from _names(called)
        case ast.Subscript(value=inner):
            yield from _names(inner)
        case _:
            return


def test_secrets_are_compared_in_constant_time() -> None:
    found = {
        comparison
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] not in _KNOWS_NO_SECRET
        for comparison in careless_comparisons(path.read_text(encoding="utf-8"))
    }
    assert found == _HARMLESS.keys(), "use hmac.compare_digest, or say why the time tells nothing"


@pytest.mark.parametrize(
    ("code", "is_careless"),
    [
        ("if mac(key) != header.mac: pass", True),
        ("ok = untrusted_token == self._token", True),
        ("ok = hashlib.sha256(x).digest() == known", True),
        ("ok = hmac.compare_digest(mac, header.mac)", False),
        ("ok = len(mac) == 32", False),
        ("ok = token == ''", False),
        ("ok = seed is None", False),
    ],
)
def test_a_careless_comparison_is_found(code: str, is_careless: bool) -> None:  # noqa: FBT001 - a table's column
    assert bool([*careless_comparisons(code)]) == is_careless
