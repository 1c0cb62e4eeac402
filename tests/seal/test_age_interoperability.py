"""Another implementation of age, the npm package age-encryption: it opens what we seal, and we open what it seals.

It is looked for in $FIELDREPORT_NODE_MODULES, then in .cache/node/node_modules under the repository.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldreport.errors import NotARecipient, SealError
from fieldreport.seal import (
    Binding,
    Expected,
    Frame,
    HybridIdentity,
    HybridRecipient,
    Kind,
    PartSource,
    open_envelope,
    open_header,
    seal_envelope,
)
from fieldreport.seal.header import build_header, read_header
from fieldreport.seal.stream import PayloadReader, PayloadWriter
from fieldreport.unseal import identity_file

pytestmark = pytest.mark.outside

ROOT = Path(__file__).parents[2]
CHUNK = 64 * 1024
LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 1000]
Run = Callable[..., bytes]

_SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const age = await import(process.argv[1]);
const [task, source, target, ...keys] = process.argv.slice(2);
if (task === "seal") {
    const encrypter = new age.Encrypter();
    for (const key of keys) encrypter.addRecipient(key);
    writeFileSync(target, await encrypter.encrypt(readFileSync(source)));
} else if (task === "open") {
    const decrypter = new age.Decrypter();
    for (const key of keys) decrypter.addIdentity(key);
    writeFileSync(target, await decrypter.decrypt(readFileSync(source)));
} else if (task === "new") {
    const identity = await age.generateHybridIdentity();
    writeFileSync(target, identity + " " + await age.identityToRecipient(identity));
} else if (task === "recipient") {
    writeFileSync(target, await age.identityToRecipient(keys[0]));
}
"""


@pytest.fixture(scope="module")
def module() -> Path:
    if shutil.which("node") is None:
        pytest.skip("needs node")
    given = os.environ.get("FIELDREPORT_NODE_MODULES")
    for directory in [*([Path(given)] if given else []), ROOT / ".cache" / "node" / "node_modules"]:
        found = directory / "age-encryption" / "dist" / "index.js"
        if found.is_file():
            return found
    pytest.skip("needs the npm package age-encryption in .cache/node or $FIELDREPORT_NODE_MODULES")


@pytest.fixture
def age(module: Path, tmp_path: Path) -> Run:
    """Run one task of the script on some bytes; raises ``CalledProcessError`` when the package refuses."""

    def run(task: str, content: bytes, *keys: str) -> bytes:
        source, target = tmp_path / "source", tmp_path / "target"
        source.write_bytes(content)
        subprocess.run(
            ["node", "--input-type=module", "--eval", _SCRIPT, str(module), task, str(source), str(target), *keys],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return target.read_bytes()

    return run


def sealed_by_us(
    content: bytes, *recipients: HybridRecipient, decoys: frozenset[HybridRecipient] = frozenset()
) -> bytes:
    file_key = os.urandom(16)
    payload = io.BytesIO()
    writer = PayloadWriter(file_key, payload)
    writer.write(content)
    writer.close()
    return build_header(file_key, recipients, decoys=decoys) + payload.getvalue()


def opened_by_us(file: bytes, *identities: HybridIdentity) -> bytes:
    source = io.BytesIO(file)
    file_key = open_header(read_header(source), identities)
    return PayloadReader(file_key, source, len(file) - source.tell(), offset=source.tell()).read()


def test_both_make_the_same_recipient_of_an_identity(age: Run) -> None:
    identity = HybridIdentity.generate()
    assert age("recipient", b"", identity.encode()).decode() == str(identity.recipient)
    theirs, recipient = age("new", b"").decode().split()
    assert str(HybridIdentity.parse(theirs).recipient) == recipient


@pytest.mark.parametrize("length", LENGTHS)
def test_it_opens_what_we_seal(age: Run, length: int) -> None:
    content = random.Random(length).randbytes(length)
    first, second = HybridIdentity.generate(), HybridIdentity.generate()
    sealed = sealed_by_us(content, first.recipient, second.recipient)
    assert age("open", sealed, second.encode()) == content


def test_it_takes_decoys_for_stanzas_of_others(age: Run) -> None:
    meant, other = HybridIdentity.generate(), HybridIdentity.generate()
    sealed = sealed_by_us(b"words", other.recipient, meant.recipient, decoys=frozenset({other.recipient}))
    assert age("open", sealed, meant.encode()) == b"words"
    with pytest.raises(subprocess.CalledProcessError):
        age("open", sealed, other.encode())


@pytest.mark.parametrize("length", LENGTHS)
def test_we_open_what_it_seals(age: Run, length: int) -> None:
    content = random.Random(length).randbytes(length)
    first, second = HybridIdentity.generate(), HybridIdentity.generate()
    sealed = age("seal", content, str(first.recipient), str(second.recipient))
    assert opened_by_us(sealed, second) == content
    with pytest.raises(NotARecipient):
        opened_by_us(sealed, HybridIdentity.generate())


def test_both_refuse_what_was_altered(age: Run) -> None:
    identity = HybridIdentity.generate()
    sealed = bytearray(sealed_by_us(b"x" * CHUNK, identity.recipient))
    for place in (100, len(sealed) - CHUNK, len(sealed) - 1):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(SealError):
            opened_by_us(bytes(altered), identity)
        with pytest.raises(subprocess.CalledProcessError):
            age("open", bytes(altered), identity.encode())


def test_an_exported_object_is_read_without_this_program(age: Run, tmp_path: Path) -> None:
    """The last section of FORMAT.md, to the letter, on what a newsroom would export."""
    identity, own = HybridIdentity.generate(), bytes(16)
    report = b"They moved eleven people at night.\n"
    binding = Binding(kind=Kind.LETTER, epoch=1, roster=bytes(32), instance=own, thread=own, object=own)
    payload = io.BytesIO()
    header = seal_envelope(
        binding,
        hour=498_228,
        fields={"report_language": "en"},
        parts=[
            PartSource(name="report.txt", media_type="text/plain", source=io.BytesIO(report), length=len(report)),
        ],
        recipients=[identity.recipient],
        payload_to=payload,
    )
    (tmp_path / "plain").write_bytes(age("open", header + payload.getvalue(), identity.encode()))
    format_ = (ROOT / "fieldreport" / "seal" / "FORMAT.md").read_text(encoding="utf-8")
    recipe = format_.split("## Without this program")[1].split("\n    m=")[1].split("\n\n")[0]
    shell = "m=" + recipe.replace("\n    ", "\n").replace("head -c 5", f"head -c {len(report)}")
    done = subprocess.run(["sh", "-euc", shell], cwd=tmp_path, check=True, capture_output=True)
    expected = Expected(kind=Kind.LETTER, instance=own, thread=own, object=own, rosters={1: bytes(32)})
    with open_envelope(header, payload, identities=[identity], expected=expected) as envelope:
        assert done.stdout == envelope.manifest.encode() + report
    assert hashlib.sha256(report).hexdigest().encode() in done.stdout


def test_it_opens_a_packed_letter_behind_its_frame_with_an_exported_identity(age: Run, tmp_path: Path) -> None:
    identity, payload = HybridIdentity.generate(), io.BytesIO()
    own = os.urandom(16)
    binding = Binding(kind=Kind.LETTER, epoch=1, roster=bytes(32), instance=bytes(16), thread=own, object=own)
    header = seal_envelope(
        binding,
        hour=0,
        fields={},
        parts=[PartSource(name="report.txt", media_type="text/plain", source=io.BytesIO(b"needle"), length=6)],
        recipients=[identity.recipient, HybridIdentity.generate().recipient],
        payload_to=payload,
    )
    packed = Frame.of(header, payload, epoch=1, letter=own).encode() + header + payload.getvalue()
    identity_file.write(tmp_path / "identity.txt", [identity])
    lines = (tmp_path / "identity.txt").read_text().splitlines()
    (exported,) = [line for line in lines if not line.startswith("#")]
    plain = age("open", packed[57:], exported)
    assert plain.startswith(b"fieldreport/v1\n")
    assert b"needle" in plain
