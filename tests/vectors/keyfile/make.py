"""Make keyfiles.json, bound.json and parts.json from FORMAT.md without the package.

Sections "Key file", "Machine secret" and "Part". What is sealed to a holder is drawn, so parts.json differs each time.

Run from the repository:  python tests/vectors/keyfile/make.py
Needs argon2-cffi, which is another binding (of the reference implementation) than the one in the package.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

PASSPHRASE = "slush sing credit sword sick muscle wet"
LABEL = b"fieldreport/v1/key-file\n"
SALT = hashlib.sha256(b"salt").digest()[:16]


def seed(name: str, length: int = 32) -> str:
    return hashlib.sha256(f"seed {name}".encode()).digest()[:length].hex()


SECRETS = {
    "admin": None,
    "identities": [seed("new"), seed("old")],
    "signing": seed("signing"),
    "totp": seed("totp", 20),
}
CODES = sorted(
    hashlib.sha256(b"fieldreport/v1/recovery-code\n" + code).hexdigest() for code in (b"7KQ2M9XWTD", b"012345678G")
)
ADMIN = SECRETS | {"admin": {"ed25519": seed("ed25519"), "ml-dsa-65": seed("ml-dsa")}, "identities": []}


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def expand(master: bytes, info: bytes) -> tuple[bytes, bytes]:
    """HKDF-Expand of RFC 5869 section 2.3, two blocks."""
    one = hmac.digest(master, info + b"\x01", "sha256")
    return one, hmac.digest(master, one + info + b"\x02", "sha256")


def build(
    *,
    handle: str = "alice",
    role: str = "editor",
    cost: tuple[int, int, int] = (64, 2, 2),
    secrets: object = SECRETS,
    version: str = "v1",
    part: bytes = b"",
    parts: str = "",
    spell: Callable[[str], str] = lambda text: text,
    after: Callable[[str], str] = lambda text: text,
) -> str:
    """A key file; ``spell`` changes the encrypted JSON, ``after`` the file before its checksum is put under it."""
    head = (
        f"fieldreport key file {version}\nhandle {handle}\nrole {role}\n"
        f"argon2id {cost[0]} {cost[1]} {cost[2]}\nsalt {b64(SALT)}\n{parts}"
    )
    master = hash_secret_raw(
        PASSPHRASE.encode(),
        SALT,
        time_cost=cost[1],
        memory_cost=cost[0],
        parallelism=cost[2],
        hash_len=32,
        type=Type.ID,
    )
    if part:  # HKDF-Extract of RFC 5869 section 2.2
        master = hmac.digest(part, master, "sha256")
    commitment, key = expand(master, LABEL + head.encode())
    content = spell(json.dumps(secrets, sort_keys=True, separators=(",", ":"))).encode()
    body = ChaCha20Poly1305(key).encrypt(bytes(12), content, LABEL + head.encode() + commitment)
    sealed = after(f"{head}commitment {b64(commitment)}\nbody {b64(body)}\n")
    return f"{sealed}checksum {b64(hashlib.sha256(sealed.encode('latin-1')).digest())}\n"


def case(name: str, expect: str, file: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "expect": expect, "passphrase": PASSPHRASE} | more | {"file": file}


def opens(name: str, file: str, secrets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return case(name, "opens", file, **{key: secrets[key] for key in ("identities", "signing", "totp")}, **more)


def malformed_secrets() -> list[dict[str, Any]]:
    changed = {
        "an unknown secret": SECRETS | {"note": "x"},
        "no second factor": {key: SECRETS[key] for key in ("admin", "identities", "signing")},
        "a seed of 31 bytes": SECRETS | {"signing": seed("signing", 31)},
        "a seed in capitals": SECRETS | {"signing": seed("signing").upper()},
        "seventeen identities": SECRETS | {"identities": [seed(str(number)) for number in range(17)]},
        "an editor without identities": SECRETS | {"identities": []},
        "an editor with the admin's keys": SECRETS | {"admin": ADMIN["admin"]},
        "a list instead of an object": [SECRETS],
        "an empty list of recovery codes": SECRETS | {"recovery_codes": []},
        "recovery codes out of order": SECRETS | {"recovery_codes": CODES[::-1]},
    }
    return [case(name, "damaged", build(secrets=secrets)) for name, secrets in changed.items()]


def malformed_files() -> list[dict[str, Any]]:
    good = build()
    changed = {
        "an unknown version": build(after=lambda text: text.replace("file v1", "file v2")),
        "an unknown line": build(after=lambda text: text.replace("role", "note x\nrole")),
        "lines in another order": build(
            after=lambda text: text.replace("handle alice\nrole editor", "role editor\nhandle alice")
        ),
        "carriage returns": build(after=lambda text: text.replace("\n", "\r\n")),
        "an unknown role": build(role="owner"),
        "the recovery role": build(role="recovery"),
        "a handle in capitals": build(handle="Alice"),
        "a salt without padding": build(after=lambda text: text.replace("==\ncommitment", "\ncommitment")),
        "too much memory": build(after=lambda text: text.replace("argon2id 64 2 2", "argon2id 1048577 2 2")),
        "too many passes": build(after=lambda text: text.replace("argon2id 64 2 2", "argon2id 64 11 2")),
        "too many lanes": build(after=lambda text: text.replace("argon2id 64 2 2", "argon2id 256 2 17")),
        "too little memory for its lanes": build(after=lambda text: text.replace("argon2id 64 2 2", "argon2id 15 2 2")),
        "a checksum that does not fit": good[:-8] + ("A" if good[-8] != "A" else "B") + good[-7:],
        "something after the end": good + "x",
        "no last line feed": good[:-1],
        "a second spelling of the secrets": build(spell=lambda text: text.replace(":", ": ", 1)),
        "a body of another head": build(
            after=lambda text: (
                text.split("body ")[0] + "body " + build(handle="bora").split("body ")[1].split("\n")[0] + "\n"
            )
        ),
    }
    return [case(name, "damaged", file) for name, file in changed.items()]


CASES = [
    opens("an editor with two identities", build(), SECRETS),
    opens("an admin", build(handle="admin", role="admin", secrets=ADMIN), ADMIN),
    opens("the passphrase in capitals with more space", build(), SECRETS, passphrase=f" {PASSPHRASE.upper()}  "),
    opens(
        "an editor with recovery codes",
        build(secrets=SECRETS | {"recovery_codes": CODES}),
        SECRETS,
        recovery_codes=["7KQ2M-9XWTD", "o1234-5678g"],
    ),
    case("a wrong passphrase", "refused", build(), passphrase=PASSPHRASE + "s"),
    case(
        "the commitment of another passphrase",
        "refused",
        build(
            after=lambda text: (
                text.replace("commitment ", f"commitment {b64(bytes(32))}\nx").split("\nx")[0]
                + "\nbody "
                + text.split("body ")[1]
            )
        ),
    ),
    case("another handle in front", "refused", build(after=lambda text: text.replace("alice", "bora"))),
    *malformed_files(),
    *malformed_secrets(),
]
NAME, SECRET = hashlib.sha256(b"name").digest()[:8].hex(), hashlib.sha256(b"machine secret").digest()
BOUND_LABEL = b"fieldreport/v1/machine-secret\n"


def bound(
    content: str, *, handle: str = "alice", name: str = NAME, secret: bytes = SECRET, sealed_as: str | None = None
) -> str:
    """A key file under a machine secret; ``sealed_as`` is the handle in the associated data, if not the one written."""
    head = f"fieldreport key file v2\nhandle {handle}\nsecret {name}\n"
    associated = BOUND_LABEL + (head if sealed_as is None else head.replace(handle, sealed_as)).encode()
    return f"{head}body {b64(ChaCha20Poly1305(secret).encrypt(bytes(12), content.encode('latin-1'), associated))}\n"


def bound_case(name: str, expect: str, file: str, **more: Any) -> dict[str, Any]:
    return (
        {"name": name, "expect": expect, "passphrase": PASSPHRASE, "secrets": {f"alice.{NAME}": SECRET.hex()}}
        | more
        | {"file": file}
    )


def malformed_bound() -> list[dict[str, Any]]:
    good, other = bound(build()), {f"alice.{'00' * 8}": SECRET.hex()}
    body = good.split("body ")[1]
    changed = {
        "an unknown version": good.replace("file v2", "file v3"),
        "an unknown line": good.replace("secret ", "note x\nsecret "),
        "lines in another order": good.replace(f"handle alice\nsecret {NAME}", f"secret {NAME}\nhandle alice"),
        "carriage returns": good.replace("\n", "\r\n"),
        "a handle in capitals": bound(build(), handle="Alice"),
        "a name of seven bytes": bound(build(), name=NAME[2:]),
        "a name in capitals": bound(build(), name="AB" * 8),
        "a way out of the directory": bound(build(), handle="../alice"),
        "a body without padding": good.rstrip("=\n") + "\n",
        "a second spelling of the body": f"{good[: -len(body)]}{respelt(body)}",
        "an altered body": alter(good),
        "no last line feed": good[:-1],
        "something after the end": good + "x",
        "another handle in front": bound(build(), sealed_as="bora"),
        "the key file of another handle under it": bound(build(handle="bora")),
        "another bound file under it": bound(bound(build())),
        "a damaged key file under it": bound(build()[:-1]),
        "nothing under it": bound(""),
        "another secret": bound(build(), secret=bytes(32)),
    }
    return [
        *(bound_case(name, "damaged", file) for name, file in changed.items()),
        bound_case("a secret of 31 bytes", "damaged", good, secrets={f"alice.{NAME}": SECRET[:31].hex()}),
        bound_case("a secret of 33 bytes", "damaged", good, secrets={f"alice.{NAME}": SECRET.hex() + "00"}),
        bound_case(
            "another name in front, and a secret of that name",
            "damaged",
            good.replace(NAME, "00" * 8),
            secrets=other,
        ),
        bound_case("no secret", "missing", good, secrets={}),
        bound_case("a secret of another name", "missing", good, secrets=other),
        bound_case("the secret of another handle", "missing", good, secrets={f"bora.{NAME}": SECRET.hex()}),
    ]


def alter(file: str) -> str:
    at = file.index("body ") + 5
    return file[:at] + ("A" if file[at] != "A" else "B") + file[at + 1 :]


def respelt(body: str) -> str:
    """The same bytes in base64 whose unused last bits are not zero; ``body`` must end with padding."""
    text = body.rstrip("=\n")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1] + body[len(text) :]


BOUND = [
    bound_case("an editor", "opens", bound(build()), signing=SECRETS["signing"]),
    bound_case(
        "an admin",
        "opens",
        bound(build(handle="admin", role="admin", secrets=ADMIN), handle="admin"),
        signing=ADMIN["signing"],
        secrets={f"admin.{NAME}": SECRET.hex()},
    ),
    bound_case("a wrong passphrase", "refused", bound(build()), passphrase=PASSPHRASE + "s"),
    *malformed_bound(),
]

PART = hashlib.sha256(b"part").digest()[:16]
CODE = "7KQ2M-9XWTD-01234-5678G-HJKMN-PQRST"
CREDENTIAL, OUTPUT = hashlib.sha256(b"credential").digest(), hashlib.sha256(b"prf output").digest()
DIGEST = hashlib.sha256(b"fieldreport/v1/recovery-code\n" + CODE.replace("-", "").encode()).hexdigest()


def key_pair(kind: bytes, secret: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """X-Wing's key pair of a holder: HKDF of RFC 5869 without a salt, one block, then SHAKE-256 to 96 bytes."""
    info = b"fieldreport/v1/key-part/" + kind + b"\n"
    seed_of = hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\x01", "sha256")
    expanded = hashlib.shake_256(seed_of).digest(96)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])


def public(name: str) -> str:
    return "".join(key.public_key().public_bytes_raw().hex() for key in HOLDERS[name])


HOLDERS = {
    hashlib.sha256(CREDENTIAL).hexdigest()[:16]: key_pair(b"passkey", OUTPUT),
    DIGEST[:16]: key_pair(b"recovery-code", CODE.replace("-", "").encode()),
}
ID_OF_PASSKEY, NAME_OF_CODE = HOLDERS
PASSKEY = {
    "credential": CREDENTIAL.hex(),
    "host": "desk.example",
    "name": "blue key",
    "prf": True,
    "public": ec.derive_private_key(7, ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    .hex(),
}


def sealed_to(name: str, part: bytes = PART) -> str:
    """The line of one holder: age's stanza ``mlkem768x25519`` around the part, as one base64 text."""
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    sealed = suite.encrypt(
        part, MLKEM768X25519PrivateKey(*HOLDERS[name]).public_key(), info=b"age-encryption.org/mlkem768x25519"
    )
    return f"part {name} {b64(sealed)}\n"


LINES = {name: sealed_to(name) for name in HOLDERS}
IN_ORDER = "".join(LINES[name] for name in sorted(LINES))
HELD: dict[str, Any] = SECRETS | {
    "holders": [{"name": name, "public": public(name)} for name in sorted(HOLDERS)],
    "passkeys": [PASSKEY],
    "recovery_codes": [DIGEST],
}


def held(**changed: Any) -> str:
    return build(**{"secrets": HELD, "version": "v3", "part": PART, "parts": IN_ORDER} | changed)


def held_case(name: str, expect: str, file: str, **more: Any) -> dict[str, Any]:
    by_passkey = {"credential": CREDENTIAL.hex(), "output": OUTPUT.hex()}
    return case(name, expect, file, **{"opener": by_passkey} | more)


def part_vectors() -> list[dict[str, Any]]:
    by_passkey = {"credential": CREDENTIAL.hex(), "output": OUTPUT.hex()}
    good = held()
    only_code = HELD | {"holders": [each for each in HELD["holders"] if each["name"] == NAME_OF_CODE], "passkeys": []}
    other_part, short = sealed_to(ID_OF_PASSKEY, bytes(16)), LINES[ID_OF_PASSKEY][:-5] + "\n"
    without_prf = {key: value for key, value in PASSKEY.items() if key != "prf"}
    swapped = "".join(
        f"part {name} {LINES[other].split()[2]}\n"
        for name, other in zip(sorted(LINES), sorted(LINES)[::-1], strict=True)
    )
    stripped = build(secrets=SECRETS, version="v3", part=PART, parts=IN_ORDER, after=strip)
    damaged = {
        "the first version with a part": held(version="v1"),
        "the third version without a part": held(parts="", part=b""),
        "parts in another order": held(parts="".join(LINES[name] for name in sorted(LINES)[::-1])),
        "a holder twice": held(parts=LINES[ID_OF_PASSKEY] * 2),
        "a part of 1,149 bytes": held(parts=IN_ORDER.replace(LINES[ID_OF_PASSKEY], short)),
        "a name in capitals": held(parts=IN_ORDER.replace(ID_OF_PASSKEY, ID_OF_PASSKEY.upper())),
        "holders that the secrets do not name": held(secrets=SECRETS),
        "a holder in the secrets without a part": held(parts=LINES[ID_OF_PASSKEY]),
        "a holder without a passkey": held(secrets=only_code, parts=LINES[ID_OF_PASSKEY]),
        "a passkey without PRF as holder": held(secrets=HELD | {"passkeys": [without_prf]}),
        "a recovery code that holds nothing": held(
            secrets=HELD | {"holders": [each for each in HELD["holders"] if each["name"] == ID_OF_PASSKEY]},
            parts=LINES[ID_OF_PASSKEY],
        ),
        "prf that is false": held(secrets=HELD | {"passkeys": [PASSKEY | {"prf": False}]}),
        "holders in another order": held(secrets=HELD | {"holders": HELD["holders"][::-1]}),
    }
    refused: dict[str, tuple[str, dict[str, str]]] = {
        "another output": (good, by_passkey | {"output": bytes(32).hex()}),
        "another credential": (good, by_passkey | {"credential": bytes(32).hex()}),
        "another code": (good, {"code": CODE[:-1] + "0"}),
        "a code of the app": (good, {"code": "123456"}),
        "a part that is not its own": (held(parts=IN_ORDER.replace(LINES[ID_OF_PASSKEY], other_part)), by_passkey),
        "the parts of each other's holder": (held(parts=swapped), by_passkey),
        "the parts taken out": (stripped, by_passkey),
        "one part taken out": (held(after=lambda text: text.replace(LINES[NAME_OF_CODE], "")), by_passkey),
    }
    return [
        held_case("with the passkey", "opens", good, signing=SECRETS["signing"]),
        held_case("with the code", "opens", good, signing=SECRETS["signing"], opener={"code": CODE}),
        held_case(
            "with the code in small letters, without hyphens",
            "opens",
            good,
            signing=SECRETS["signing"],
            opener={"code": CODE.lower().replace("-", " ")},
        ),
        held_case("a wrong passphrase", "refused", good, passphrase=PASSPHRASE + "s"),
        *(held_case(name, "refused", file, opener=opener) for name, (file, opener) in refused.items()),
        *(held_case(name, "damaged", file) for name, file in damaged.items()),
    ]


def strip(text: str) -> str:
    """As who writes the file would turn it into one that needs no part."""
    return text.replace(IN_ORDER, "").replace("file v3", "file v1")


for name, cases in (("keyfiles", CASES), ("bound", BOUND), ("parts", part_vectors())):
    text = json.dumps(cases, indent=1) + "\n"
    Path(__file__).with_name(f"{name}.json").write_text(text, encoding="utf-8")
