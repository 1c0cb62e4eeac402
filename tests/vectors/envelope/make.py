"""Make the envelope vectors from FORMAT.md, sections "Sealed object" to "Padding", without the package.

Run from the repository:  python tests/vectors/envelope/make.py
Everything is the same in every run but the encapsulated keys of the two sealed objects, which HPKE draws itself; those
objects are left alone if they are there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

HERE = Path(__file__).parent
ROSTER, INSTANCE = hashlib.sha256(b"roster").digest(), hashlib.sha256(b"instance").digest()[:16]
THREAD, OBJECT = hashlib.sha256(b"thread").digest()[:16], hashlib.sha256(b"object").digest()[:16]
SEED = hashlib.sha256(b"seed").digest()
EXPECTED = {"kind": 1, "instance": INSTANCE.hex(), "thread": THREAD.hex(), "object": OBJECT.hex()}
EXPECTED_ROSTERS = {"6": bytes(32).hex(), "7": ROSTER.hex()}
REPORT = "They moved eleven people at night. Они. 그들. 他们.\n".encode()


def padded(length: int) -> int:
    size = 16_384
    while size < length:  # a second way to say it: the sizes are every 2^(E-S), E of the size itself
        exponent = size.bit_length() - 1
        size += 1 << exponent - exponent.bit_length()
    return size


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def part(name: str, content: bytes, **other: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    media_type = "text/plain; charset=utf-8"
    return {"length": len(content), "name": name, "removed": [], "sha256": digest, "type": media_type} | other


def manifest(*parts: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"fields": {"report_language": "en"}, "hour": 498_228, "parts": list(parts)} | other


def plaintext(
    manifest_bytes: bytes,
    contents: bytes,
    *,
    magic: bytes = b"fieldreport/v1\n",
    kind: int = 1,
    epoch: int = 7,
    roster: bytes = ROSTER,
    instance: bytes = INSTANCE,
    thread: bytes = THREAD,
    object_: bytes = OBJECT,
    content_length: int | None = None,
    manifest_length: int | None = None,
    size: Callable[[int], int] = padded,
) -> bytes:
    true_length = len(manifest_bytes) + len(contents)
    inner = magic + struct.pack(">BQ", kind, epoch) + roster + instance + thread + object_
    inner += struct.pack(
        ">QI",
        true_length if content_length is None else content_length,
        len(manifest_bytes) if manifest_length is None else manifest_length,
    )
    whole = inner + manifest_bytes + contents
    return whole + bytes(size(len(whole)) - len(whole))


def vector(
    name: str,
    reason: str,
    plain: bytes,
    expect: str = "opens",
    at: str = "open",
    more: dict[str, Any] | None = None,
) -> None:
    value = {
        "reason": reason,
        "expect": expect,
        "at": at,
        "expected": EXPECTED | {"rosters": EXPECTED_ROSTERS},
        "plaintext": base64.b64encode(zlib.compress(plain, 9)).decode(),
    } | (more or {})
    (HERE / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")


GOOD = manifest(
    part("report.txt", REPORT), part("photo-1.jpg", b"\xff\xd8" * 300, type="image/jpeg", removed=["location"])
)
GOOD_CONTENT = REPORT + b"\xff\xd8" * 300


ADDRESSED = manifest(part("report.txt", REPORT), fields={"addressee": "borders" + 25 * " "})


def good_vectors() -> None:
    vector("good", "two parts, one of them cleaned", plaintext(canonical(GOOD), GOOD_CONTENT))
    vector("good-no-parts", "a manifest without parts", plaintext(canonical(manifest()), b""))
    empty = manifest(part("report.txt", b""), fields={"action": "withdraw"})
    vector("good-empty-part", "a part of no bytes", plaintext(canonical(empty), b""))
    odd = manifest(fields={"where": '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028é界\U0001f47b', "protect": ""})
    vector(
        "good-escapes", "every escape that canonical JSON has, and none that it has not", plaintext(canonical(odd), b"")
    )
    numbered = manifest(part("report.txt", REPORT), fields={"number": "12"})
    vector("good-numbered", "the twelfth message", plaintext(canonical(numbered), REPORT))
    vector("good-addressed", "a letter to the desk borders", plaintext(canonical(ADDRESSED), REPORT))
    original = manifest(part("original.bin", REPORT, type="application/octet-stream"), fields={})
    vector(
        "good-original",
        "a file kept as it was uploaded",
        plaintext(canonical(original), REPORT, kind=15),
        more={"expected": EXPECTED | {"rosters": EXPECTED_ROSTERS, "kind": 15}},
    )
    for name, total in (("good-at-the-floor", 16_384), ("good-above-the-floor", 16_385), ("good-two-chunks", 70_000)):
        content = b""
        for _ in range(2):  # the number's own digits count
            head = canonical(manifest(part("report.txt", content)))
            content = bytes(total - 116 - len(head))
        vector(
            name, f"{total} bytes before padding", plaintext(canonical(manifest(part("report.txt", content))), content)
        )


def inner_vectors() -> None:
    def bad(name: str, reason: str, **changes: Any) -> None:
        plain = plaintext(canonical(GOOD), GOOD_CONTENT, **changes)
        vector(name, reason, plain, changes.pop("expect", "inner-header"))

    length = len(canonical(GOOD)) + len(GOOD_CONTENT)
    bad("inner-other-magic", "not ours", magic=b"fieldreporT/v1\n")
    bad("inner-version-2", "a version that does not exist", magic=b"fieldreport/v2\n")
    bad("inner-kind-0", "kind 0 is none", kind=0)
    bad("inner-kind-255", "kind 255 is none", kind=255)
    bad("inner-epoch-over-the-bound", "epoch 2^63", epoch=2**63)
    bad("inner-content-one-short", "the content ends inside the last part", content_length=length - 1)
    bad("inner-content-one-long", "a byte of padding is called content", content_length=length + 1)
    bad("inner-content-huge", "a content length of 2^64 - 1", content_length=2**64 - 1)
    bad("inner-content-empty", "content shorter than its manifest", content_length=0)
    bad("inner-manifest-longer-than-content", "the manifest would reach into the padding", manifest_length=length + 1)
    bad("inner-manifest-over-the-bound", "6 MiB and a byte", manifest_length=6_291_457, content_length=6_291_457)
    bad("inner-not-padded", "no padding at all", size=lambda length: length)
    bad("inner-padded-too-little", "a byte of padding is missing", size=lambda length: padded(length) - 1)
    bad("inner-padded-too-much", "padded to the next size", size=lambda length: padded(padded(length) + 1))
    vector("inner-cut-short", "115 bytes", plaintext(canonical(GOOD), b"")[:115], "inner-header")
    vector("inner-nothing", "an empty payload", b"", "inner-header")
    altered = bytearray(plaintext(canonical(GOOD), GOOD_CONTENT))
    altered[-1] = 1
    vector("padding-not-zero", "the last byte of the padding is 1", bytes(altered), "padding", "verify")
    altered = bytearray(plaintext(canonical(GOOD), GOOD_CONTENT))
    altered[116 + length] = 1
    vector("padding-begins-not-zero", "the first byte of the padding is 1", bytes(altered), "padding", "verify")


def binding_vectors() -> None:
    changes: dict[str, dict[str, Any]] = {
        "kind": {"kind": 2},
        "epoch-unknown": {"epoch": 8},
        "epoch-of-another-roster": {"epoch": 6},
        "roster": {"roster": bytes(31) + b"\x01"},
        "instance": {"instance": bytes(16)},
        "thread": {"thread": bytes(16)},
        "object": {"object_": bytes(16)},
        "thread-and-object-exchanged": {"thread": OBJECT, "object_": THREAD},
    }
    for name, change in changes.items():
        plain = plaintext(canonical(GOOD), GOOD_CONTENT, **change)
        vector(f"binding-{name}", "well formed, but not what the opener expects", plain, "binding")


def manifest_vectors() -> None:
    def raw(
        name: str, reason: str, manifest_bytes: bytes, contents: bytes = GOOD_CONTENT, code: str = "manifest"
    ) -> None:
        vector(f"manifest-{name}", reason, plaintext(manifest_bytes, contents), code)

    def value(name: str, reason: str, manifest_value: object, contents: bytes = b"", code: str = "manifest") -> None:
        raw(name, reason, canonical(manifest_value), contents, code)

    def one(**other: Any) -> dict[str, Any]:
        return manifest(part("report.txt", b"") | other)

    text = canonical(GOOD)
    raw("white-space", "a space behind a colon", text.replace(b'"hour":', b'"hour": '))
    raw("line-feed", "a line feed behind the value", text + b"\n")
    raw("byte-order-mark", "U+FEFF before the value", b"\xef\xbb\xbf" + text)
    raw("keys-unsorted", "hour before fields", b'{"hour":1,"fields":{},"parts":[]}', b"")
    raw("key-twice", "two hours", b'{"fields":{},"hour":1,"hour":1,"parts":[]}', b"")
    raw("escaped-letter", "a letter written as an escape", text.replace(b"report_language", rb"report_languag\u0065"))
    raw("escaped-slash", "a slash written as an escape", text.replace(b"text/plain", rb"text\/plain"))
    raw("capital-digits", "an escape with capital digits", b'{"fields":{"a":"\\u001F"},"hour":1,"parts":[]}', b"")
    raw("lone-surrogate", "half a character", b'{"fields":{"a":"\\ud800"},"hour":1,"parts":[]}', b"")
    raw("not-utf-8", "Latin-1", b'{"fields":{"a":"\xe9"},"hour":1,"parts":[]}', b"")
    raw("utf-16", "another encoding", text.decode().encode("utf-16-le"))
    raw("float", "an hour of 1.0", b'{"fields":{},"hour":1.0,"parts":[]}', b"")
    raw("exponent", "an hour of 1e2", b'{"fields":{},"hour":1e2,"parts":[]}', b"")
    raw("minus-zero", "an hour of -0", b'{"fields":{},"hour":-0,"parts":[]}', b"")
    raw("not-a-number", "NaN is not JSON", b'{"fields":{},"hour":NaN,"parts":[]}', b"")
    raw("huge-number", "five thousand digits", b'{"fields":{},"hour":' + b"9" * 5000 + b',"parts":[]}', b"")
    raw("deep", "arrays within arrays", b"[" * 100_000, b"")
    raw("empty", "no bytes", b"", b"")
    raw("not-json", "text", b"hello", b"")
    value("array", "an array", [])
    value("null", "null", None)
    value("key-missing", "no hour", {"fields": {}, "parts": []})
    value("key-unknown", "a key that nobody knows", manifest(more=1))
    value("hour-true", "true is not a number", manifest(hour=True))
    value("hour-text", "text is not a number", manifest(hour="1"))
    value("hour-negative", "before 1970", manifest(hour=-1))
    value("hour-over-the-bound", "2^31", manifest(hour=2**31))
    value("fields-array", "fields are an object", manifest(fields=[]))
    value("field-number", "a field is text", manifest(fields={"a": 1}))
    value("field-null", "a field is text", manifest(fields={"a": None}))
    value("field-name-capital", "field names are small", manifest(fields={"Where": ""}))
    value("field-name-empty", "field names are not empty", manifest(fields={"": ""}))
    value("field-name-long", "33 characters", manifest(fields={"a" * 33: ""}))
    value("fields-too-many", "65 fields", manifest(fields={f"a{number}": "" for number in range(65)}))
    value("parts-object", "parts are an array", manifest(parts={}))
    value("parts-too-many", "1,001 parts", manifest(*(part(f"{number}.txt", b"") for number in range(1001))))
    value("part-array", "a part is an object", manifest(parts=[[]]))
    value("part-key-missing", "no hash", manifest({"length": 0, "name": "a", "removed": [], "type": "a/b"}))
    value("part-key-unknown", "a key that nobody knows", one(path="/"))
    names = {
        "empty": "",
        "dot": ".",
        "up": "../report.txt",
        "absolute": "/report.txt",
        "backslash": "a\\b",
        "hidden": ".report",
        "two-dots": "a..txt",
        "end-dot": "a.",
        "space": "a b",
        "null": "a\0",
        "number": 1,
        "foreign": "отчёт.txt",
        "long": "a" * 101,
        "line-feed": "a\n",
    }
    for name, bad in names.items():
        value(f"name-{name}", "not a plain ASCII file name", one(name=bad))
    same = manifest(part("Report.txt", b""), part("report.txt", b""))
    value("names-differ-in-case", "one name on half of the world's disks", same)
    for name, bad in {
        "empty": "",
        "none": "text",
        "capital": "Text/plain",
        "parameter": "text/plain; q=1",
        "null": None,
    }.items():
        value(f"type-{name}", "not a media type of the drawn form", one(type=bad))
    for name, bad in {
        "short": "00" * 31,
        "long": "00" * 33,
        "capital": "AB" * 32,
        "space": "0" * 63 + " ",
        "number": 1,
    }.items():
        value(f"hash-{name}", "not 64 small hexadecimal digits", one(sha256=bad))
    for name, bad in {"negative": -1, "text": "0", "true": True, "over-the-bound": 2**53}.items():
        value(f"length-{name}", "not a length", one(length=bad))
    for name, bad in {
        "object": {}, "number": [1], "twice": ["author", "author"], "capital": ["Author"], "empty": [""],
        "too-many": [f"a{number}" for number in range(65)],
    }.items():  # fmt: skip
        value(f"removed-{name}", "not a list of different codes", one(removed=bad))
    value(
        "parts-too-short",
        "the parts end before the content",
        manifest(part("a", REPORT)),
        REPORT + b"x",
        "inner-header",
    )
    value(
        "parts-too-long", "the parts end behind the content", manifest(part("a", REPORT)), REPORT[:-1], "inner-header"
    )
    value("parts-overflow", "lengths that add up beyond 2^64",
          manifest(*(part(f"{n}", b"", length=2**53 - 1) for n in range(4))), b"", "inner-header")  # fmt: skip
    wrong = manifest(part("report.txt", REPORT, sha256=hashlib.sha256(b"").hexdigest()))
    vector(
        "part-other-hash", "the part is not what its hash says", plaintext(canonical(wrong), REPORT), "part", "verify"
    )
    exchanged = plaintext(canonical(manifest(part("a", b"one"), part("b", b"two"))), b"twoone")
    vector("part-exchanged", "two parts have changed places", exchanged, "part", "verify")


def author_vectors() -> None:
    """Objects that amira signed, and what is refused as hers."""
    amira, jonas = (
        Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name).digest()) for name in (b"amira", b"jonas")
    )
    signers = {name: [key.public_key().public_bytes_raw().hex()] for name, key in (("amira", amira), ("jonas", jonas))}
    content = manifest(part("text.txt", REPORT, removed=["author"]), fields={"author": "amira", "version": "2"})

    def signed(value: dict[str, Any], key: Ed25519PrivateKey = amira, label: str = "object", **place: Any) -> str:
        binding = plaintext(b"", b"", **place)[:104]
        return key.sign(f"fieldreport/v1/signature/{label}\n".encode() + binding + canonical(value)).hex()

    def with_fields(**fields: str) -> dict[str, Any]:
        return content | {"fields": content["fields"] | fields}

    def object_(
        name: str, reason: str, value: dict[str, Any], contents: bytes = REPORT, *, expect: str = "forged"
    ) -> None:
        vector(name, reason, plaintext(canonical(value), contents), expect, "author", {"signers": signers})

    object_("good-signed", "by amira", with_fields(author_signature=signed(content)), expect="opens")
    object_("author-unsigned", "an author and no signature", content, expect="unsigned")
    no_author = content | {"fields": {"version": "2"}}
    value = no_author | {"fields": {"version": "2", "author_signature": signed(no_author)}}
    object_("author-missing", "a signature and no author", value)
    object_("author-other-key", "signed by jonas in amira's name", with_fields(author_signature=signed(content, jonas)))
    other = with_fields(author="jonas")
    object_("author-exchanged", "amira's signature, jonas as the author",
            with_fields(author="jonas", author_signature=signed(content)))  # fmt: skip
    object_("author-key-of-another", "jonas as the author, with amira's key",
            with_fields(author="jonas", author_signature=signed(other)))  # fmt: skip
    for name, handle in (("stranger", "boris"), ("capital", "Amira"), ("space", "amira "), ("look-alike", "аmira")):
        named = with_fields(author=handle)
        object_(f"author-{name}", "nobody of that handle in the roster",
                with_fields(author=handle, author_signature=signed(named)))  # fmt: skip
    object_("author-other-label", "the signature of an audit entry",
            with_fields(author_signature=signed(content, label="audit-entry")))  # fmt: skip
    good = signed(content)
    object_("author-signature-capitals", "not lower-case", with_fields(author_signature=good.upper()))
    object_("author-signature-short", "63 bytes", with_fields(author_signature=good[:-2]))
    object_("author-signature-long", "65 bytes", with_fields(author_signature=good + "00"))
    object_("author-signature-altered", "its last bit flipped",
            with_fields(author_signature=good[:-1] + "0123456789abcdef"[int(good[-1], 16) ^ 1]))  # fmt: skip
    places: dict[str, dict[str, Any]] = {
        "kind": {"kind": 4}, "epoch": {"epoch": 6}, "roster": {"roster": bytes(32)},
        "instance": {"instance": bytes(16)}, "thread": {"thread": bytes(16)}, "object": {"object_": bytes(16)},
    }  # fmt: skip
    for name, place in places.items():
        object_(f"author-of-another-{name}", "signed for another place",
                with_fields(author_signature=signed(content, **place)))  # fmt: skip
    old = content["parts"][0]
    for name, before in {
        "hour": content | {"hour": 1},
        "field": with_fields(version="1"),
        "field-added": content | {"fields": {"author": "amira"}},
        "part-hash": content | {"parts": [old | {"sha256": hashlib.sha256(b"").hexdigest()}]},
        "part-name": content | {"parts": [old | {"name": "other.txt"}]},
        "part-type": content | {"parts": [old | {"type": "text/html"}]},
        "part-length": content | {"parts": [old | {"length": 1}]},
        "part-removed": content | {"parts": [old | {"removed": []}]},
        "part-added": content | {"parts": []},
    }.items():
        object_(f"author-altered-{name}", "altered after it was signed",
                with_fields(author_signature=signed(before)))  # fmt: skip


def hkdf(material: bytes, salt: bytes, info: bytes) -> bytes:
    return hmac.digest(hmac.digest(salt or bytes(32), material, "sha256"), info + b"\x01", "sha256")


def sealed_object(name: str, plain: bytes, recipients: int, decoys: frozenset[int] = frozenset()) -> None:
    """A whole age file; recipient n has the seed SHA-256("seed") with n added to the last byte.

    In the place of those in ``decoys`` stands a stanza to a key that is thrown away, around other bytes.
    """
    target = HERE / f"{name}.age"
    if target.exists():
        return
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    drawn = hashlib.sha256(name.encode()).digest()
    file_key, nonce = drawn[:16], drawn[16:]
    header = b"age-encryption.org/v1\n"
    for number in range(recipients):
        expanded = hashlib.shake_256(SEED[:31] + bytes([(SEED[31] + number) % 256])).digest(96)
        key = MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
        )
        content = file_key
        if number in decoys:
            content = os.urandom(16)
            key = MLKEM768X25519PrivateKey(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())
        wrapped = suite.encrypt(content, key.public_key(), info=b"age-encryption.org/mlkem768x25519")
        enc, body = (base64.b64encode(piece).rstrip(b"=") for piece in (wrapped[:1120], wrapped[1120:]))
        header += b"-> mlkem768x25519 " + enc + b"\n" + body + b"\n"
    header += b"---"
    mac = hmac.digest(hkdf(file_key, b"", b"header"), header, "sha256")
    payload = nonce
    cipher = ChaCha20Poly1305(hkdf(file_key, nonce, b"payload"))
    for number, start in enumerate(range(0, len(plain), 65_536)):
        last = start + 65_536 >= len(plain)
        payload += cipher.encrypt(number.to_bytes(11, "big") + bytes([last]), plain[start : start + 65_536], None)
    target.write_bytes(header + b" " + base64.b64encode(mac).rstrip(b"=") + b"\n" + payload)


if __name__ == "__main__":
    for old in HERE.glob("*.json"):
        old.unlink()
    good_vectors()
    inner_vectors()
    binding_vectors()
    manifest_vectors()
    author_vectors()
    sealed_object("one-recipient", plaintext(canonical(GOOD), GOOD_CONTENT), 1)
    long = REPORT * 1200
    sealed_object("three-recipients", plaintext(canonical(manifest(part("report.txt", long))), long), 3)
    sealed_object("three-stanzas-one-recipient", plaintext(canonical(ADDRESSED), REPORT), 3, frozenset({0, 2}))
