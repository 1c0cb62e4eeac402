"""Make the vectors of files that a source sealed, from FORMAT.md, section "Sealed by the source", without the package.

Run from the repository:  python tests/vectors/source-sealed/make.py
The npm package age-encryption in .cache/node draws the keys and seals to them, so every run makes other files. What it
does not make itself is put together from those.
"""

from __future__ import annotations

import base64
import json
import subprocess
import zlib
from pathlib import Path

HERE = Path(__file__).parent
CONTENT = b"They moved eleven people at night.\n"
SCRIPT = """
const age = await import(process.argv[1]);
const content = Buffer.from(process.argv[2], "base64");
const sealed = async (recipients, passphrase) => {
    const encrypter = new age.Encrypter();
    for (const each of recipients) encrypter.addRecipient(each);
    if (passphrase) encrypter.setPassphrase(passphrase);
    encrypter.setScryptWorkFactor(10);
    return await encrypter.encrypt(content);
};
const identities = [await age.generateHybridIdentity(), await age.generateHybridIdentity()];
const hybrid = await Promise.all(identities.map((each) => age.identityToRecipient(each)));
const classical = await age.identityToRecipient(await age.generateX25519Identity());
const text = (bytes) => Buffer.from(bytes).toString("base64");
console.log(JSON.stringify({
    identities,
    two: text(await sealed(hybrid)),
    one: text(await sealed(hybrid.slice(0, 1))),
    classical: text(await sealed([classical])),
    passphrase: text(await sealed([], "open sesame")),
    armored: age.armor.encode(await sealed(hybrid)),
}));
"""


def sealed(content: bytes) -> dict[str, bytes]:
    module = HERE.parents[2] / ".cache" / "node" / "node_modules" / "age-encryption" / "dist" / "index.js"
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", SCRIPT, str(module), base64.b64encode(content).decode()],
        check=True,
        capture_output=True,
    )
    made = json.loads(done.stdout)
    files = {name: base64.b64decode(made[name]) for name in ("two", "one", "classical", "passphrase")}
    return {**files, "armored": made["armored"].encode(), "identities": " ".join(made["identities"]).encode()}


def cases() -> list[dict[str, str | int | list[str]]]:
    made, empty = sealed(CONTENT), sealed(b"")
    identities = made["identities"].decode().split()
    two, one = made["two"], made["one"]
    end = two.index(b"\n", two.index(b"\n--- ") + 1) + 1
    first = two.index(b"-> ")
    stanza = made["classical"][made["classical"].index(b"-> ") : made["classical"].index(b"--- ")]
    rows: list[tuple[str, str, bytes]] = [
        ("sealed to two keys", "2", two),
        ("sealed to one key", "1", one),
        ("its last byte is another: only who opens it sees that", "2", two[:-1] + bytes([two[-1] ^ 1])),
        ("to a key of age before 1.3", "source-sealed", made["classical"]),
        ("to a passphrase", "source-sealed", made["passphrase"]),
        ("to two keys, and to one of age before 1.3", "header-malformed", two[:first] + stanza + two[first:]),
        ("a stanza of a type that nobody knows", "source-sealed", two[:first] + b"-> grease\n\n" + two[first:]),
        ("armoured", "header-malformed", made["armored"]),
        ("nothing is in it", "source-sealed", empty["two"]),
        ("the header alone", "payload", two[:end]),
        ("cut off in the nonce", "payload", two[: end + 15]),
        ("cut off in the header", "header-malformed", two[: end - 60]),
        ("a byte before the header", "header-malformed", b"\n" + two),
        ("nothing at all", "header-malformed", b""),
    ]
    return [
        {
            "reason": reason,
            "expect": expect,
            "file": base64.b64encode(zlib.compress(file, 9)).decode(),
            "identities": identities,
        }
        for reason, expect, file in rows
    ]


if __name__ == "__main__":
    document = {"content": CONTENT.decode(), "cases": cases()}
    (HERE / "source-sealed.json").write_text(json.dumps(document, indent=1) + "\n")
