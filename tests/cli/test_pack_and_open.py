"""A report packed offline, carried, and opened offline: ``pack``, ``open`` and ``keys export``."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click.testing
import pytest

import fieldreport.bench
import fieldreport.cli.pack
from fieldreport.cli import main
from fieldreport.cli.terminal import in_one_line, visible
from fieldreport.scrub.sandbox.lockdown import sandbox_status
from fieldreport.seal import (
    Binding,
    Codename,
    HybridIdentity,
    HybridRecipient,
    Kind,
    PackedLetter,
    PartSource,
    Role,
    RosterDirectory,
    SourceKeys,
    open_rosters,
    seal_envelope,
)
from fieldreport.unseal import identity_file, key_file, roster_changes
from tests.cast import CHEAP
from tests.cli.conftest import House, refused, run

SAMPLES = Path(fieldreport.bench.__file__).parent / "sample_files"
PHOTO, STATEMENT = SAMPLES / "photo.jpg", SAMPLES / "en" / "statement.docx"
SANDBOX = () if sandbox_status().complete else ("--without-sandbox",)
REPORT = "They moved eleven people at night.\n"
ACTING = "before\x1b[2J\x9b31m\u202eafter\rover\n"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def fingerprint(house: House) -> str:
    return house.settings.keys.admin_fingerprint


def pack(house: House, *arguments: str | Path, typed: str | None = None) -> click.testing.Result:
    keys = ("--roster", house.directory / "keys", "--admin-fingerprint", fingerprint(house))
    command = [str(each) for each in ("pack", *SANDBOX, *keys, *arguments)]
    return click.testing.CliRunner().invoke(main, command, input=typed)


@dataclass(frozen=True, slots=True)
class Card:
    """A packed report, what was said at packing, and the identity file of an editor."""

    path: Path
    said: str
    identity: Path

    @property
    def codename(self) -> str:
        return " ".join(re.findall(r"^  \d\. (.+)$", self.said, re.MULTILINE))


@pytest.fixture(scope="module")
def amira(staffed: House) -> key_file.StaffKey:
    found = re.search(r"passphrase +(.+)\n", staffed.printed)
    assert found is not None
    return key_file.unlock(staffed.settings.desk.keyfiles / "amira.key", found[1])


@pytest.fixture(scope="module")
def card(staffed: House, amira: key_file.StaffKey, tmp_path_factory: pytest.TempPathFactory) -> Card:
    base = tmp_path_factory.mktemp("card")
    (base / "report.txt").write_text(REPORT)
    done = pack(staffed, "--text", base / "report.txt", "-o", base / "letter.bin", PHOTO, STATEMENT)
    assert done.exit_code == 0, done.stderr
    identity_file.write(base / "amira.txt", amira.identities)
    return Card(path=base / "letter.bin", said=done.stdout, identity=base / "amira.txt")


# --- pack ---


def test_one_file_holds_the_cleaned_report_and_says_when_it_gets_stale(staffed: House, card: Card) -> None:
    done = run("open", card.path, "--key", card.identity, "--json")
    found = json.loads(done.stdout)
    assert (found["kind"], found["text"], found["epoch"]) == ("letter", REPORT, 2)
    assert found["instance"] == staffed.settings.instance.id
    names = [(each["name"], each["type"].partition("/")[0]) for each in found["attachments"]]
    assert names == [("photo-1.jpg", "image"), ("document-1.docx", "application")]
    assert "location" in found["attachments"][0]["removed"]
    roster = open_rosters(staffed.settings).load(now=datetime.now(UTC), at_least=0)
    assert f"{roster.not_after:%Y-%m-%d}" in card.said
    assert str(PHOTO) in card.said


def test_a_letter_that_was_packed_is_one_that_the_intake_makes(staffed: House, card: Card) -> None:
    """The fields of a form's letter, its keys those of the codename, its id in frame and inner header."""
    with card.path.open("rb", buffering=0) as file:
        packed = PackedLetter.read(file)
    found = json.loads(run("open", card.path, "--key", card.identity, "--json").stdout)
    (codename,) = Codename.parse(card.codename)
    keys = SourceKeys.derive(codename, instance=staffed.settings.instance_id)
    assert found["fields"] == {
        "action": "report",
        "report_language": "en",
        "lookup": keys.lookup.hex(),
        "thread": keys.thread.hex(),
        "reply_key": str(keys.identity.recipient),
        "addressee": 32 * " ",
        "read": 32 * " ",
    }
    assert "addressee" not in run("open", card.path, "--key", card.identity).stdout
    assert (packed.frame.epoch, packed.frame.letter) == (found["epoch"], bytes.fromhex(found["object"]))
    assert found["thread"] == found["object"]
    assert packed.readers == 2, "the editor and the recovery key"


def test_a_report_can_be_packed_for_those_alone_whom_the_roster_names(
    staffed: House, admin_key: key_file.StaffKey, amira: key_file.StaffKey, tmp_path: Path
) -> None:
    (tmp_path / "report.txt").write_text(REPORT)
    arguments = ("--text", tmp_path / "report.txt", "-o", tmp_path / "letter.bin", "--addressee")
    done = pack(staffed, *arguments, "borders")
    assert "can be addressed as: nobody in particular" in done.stderr
    assert done.exit_code != 0
    assert not (tmp_path / "letter.bin").exists()
    keys = shutil.copytree(staffed.directory / "keys", tmp_path / "keys")
    rosters = RosterDirectory(keys, fingerprint=fingerprint(staffed), instance=staffed.settings.instance_id)
    current = rosters.newest(at_least=0)
    listed = roster_changes.with_addressees(current.entries, "amira", ["borders"])
    raw = roster_changes.next_roster(current, listed, now=datetime.now(UTC))
    assert admin_key.admin is not None
    rosters.publish(raw, admin_key.admin.sign_roster(raw))
    command = ["pack", *SANDBOX, "--roster", keys, "--admin-fingerprint", fingerprint(staffed), *arguments, "borders"]
    done = click.testing.CliRunner().invoke(main, [str(each) for each in command])
    assert done.exit_code == 0, done.stderr
    assert "for borders alone" in done.stdout
    identity_file.write(tmp_path / "amira.txt", amira.identities)
    said = run("open", tmp_path / "letter.bin", "--key", tmp_path / "amira.txt").stdout
    assert re.search(r"^addressee +borders$", said, re.MULTILINE)


def test_nothing_on_the_card_names_the_newsroom_or_is_readable(staffed: House, card: Card) -> None:
    content = card.path.read_bytes()
    for told in (b"fieldreport", staffed.settings.instance_id, staffed.settings.instance.id.encode(), b"eleven people"):
        assert told not in content
    assert card.codename.split()[0].encode() not in content[:5000]
    assert mode(card.path) == 0o600


def test_a_codename_that_was_typed_is_used_and_never_shown(
    staffed: House, card: Card, amira: key_file.StaffKey, tmp_path: Path
) -> None:
    (tmp_path / "more.txt").write_text("More.")
    done = pack(
        staffed,
        "--existing-codename", "--text", tmp_path / "more.txt", "-o", tmp_path / "more.bin",
        typed=f"{card.codename.upper()}\n",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    # "that" and "letter" are words of the list, too: what the command always says, and the path, do not count.
    said = done.output.lower().replace(str(tmp_path).lower(), "")
    always = Path(fieldreport.cli.pack.__file__).read_text(encoding="utf-8").lower()
    assert [word for word in card.codename.split() if word in said and word not in always] == []
    assert "codename of this report" not in done.stdout
    first, more = (
        json.loads(run("open", each, "--key", card.identity, "--json").stdout)
        for each in (card.path, tmp_path / "more.bin")
    )
    assert first["fields"]["lookup"] == more["fields"]["lookup"]
    assert first["object"] != more["object"]
    assert amira.handle == "amira"


def test_a_codename_with_a_typo_packs_nothing_and_repeats_no_word(staffed: House, tmp_path: Path) -> None:
    arguments = ("--existing-codename", "-o", tmp_path / "card.bin", PHOTO)
    done = pack(staffed, *arguments, typed="zebra zebra zebra zebra zebra zebra zebra zebra wrongword\n")
    assert done.exit_code == 65
    assert "zebra" not in done.output
    assert not (tmp_path / "card.bin").exists()


def test_a_codename_of_another_language_is_drawn_from_its_list(staffed: House, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("밤에 트럭을 보았습니다.")
    done = pack(staffed, "--language", "ko", "--text", tmp_path / "t.txt", "-o", tmp_path / "card.bin")
    words = re.findall(r"^  \d\. (.+)$", done.stdout, re.MULTILINE)
    (codename,) = Codename.parse(" ".join(words))
    assert not str(codename).isascii()


def test_a_file_that_cannot_be_cleaned_is_named_and_nothing_is_packed(staffed: House, tmp_path: Path) -> None:
    (tmp_path / "old.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo at all")
    done = pack(staffed, "-o", tmp_path / "card.bin", PHOTO, tmp_path / "old.jpg")
    assert done.exit_code == 65
    assert "old.jpg: refused: " in done.stderr
    assert done.stderr.count("\n") == 2
    assert not (tmp_path / "card.bin").exists()


@pytest.mark.parametrize("what", ["other-fingerprint", "altered", "no-editor", "a-file"])
def test_nothing_is_sealed_to_keys_that_the_pinned_admin_has_not_signed_for(
    what: str, made: House, staffed_house: House, tmp_path: Path
) -> None:
    house = made if what == "no-editor" else staffed_house
    roster = house.directory / "keys"
    pinned = "ab" * 32 if what == "other-fingerprint" else fingerprint(house)
    if what == "altered":
        raw = (roster / "roster.json").read_bytes()
        (roster / "roster.json").write_bytes(raw.replace(b'"editor"', b'"Editor"'))
    if what == "a-file":
        roster = Path(shutil.copy(roster / "roster.json", tmp_path / "mine.json"))
    done = run("pack", *SANDBOX, "--roster", roster, "--admin-fingerprint", pinned, "-o", tmp_path / "card.bin", PHOTO)
    refused(done, 77)
    assert not (tmp_path / "card.bin").exists()


def test_the_roster_file_in_its_directory_does_as_well(staffed: House, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("x")
    arguments = ("--roster", staffed.directory / "keys" / "roster.json", "--admin-fingerprint", fingerprint(staffed))
    done = run("pack", *SANDBOX, *arguments, "--text", tmp_path / "t.txt", "-o", tmp_path / "card.bin")
    assert done.exit_code == 0, done.stderr


def test_what_cannot_be_packed_is_said_at_once(staffed: House, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    assert "nothing to pack" in refused(pack(staffed, "-o", tmp_path / "card.bin"), 64)
    assert "is there already" in refused(pack(staffed, "-o", tmp_path / "there", PHOTO), 64)
    assert "UTF-8" in refused(pack(staffed, "--text", tmp_path / "latin", "-o", tmp_path / "card.bin"), 64)
    refused(pack(staffed, "--text", tmp_path / "there", "-o", tmp_path / "no" / "folder"), 64)
    assert (tmp_path / "there").read_text() == "mine"


# --- keys export ---


def test_an_exported_identity_is_a_stock_file_that_opens(
    staffed: House, amira: key_file.StaffKey, card: Card, tmp_path: Path
) -> None:
    found = re.search(r"passphrase +(.+)\n", staffed.printed)
    assert found is not None
    (tmp_path / "passphrase").write_text(found[1])
    arguments = ("keys", "export", "amira", "--passphrase-file", tmp_path / "passphrase", "-o")
    done = staffed.run(*arguments, tmp_path / "amira.txt")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert "without a passphrase" in done.stderr
    assert mode(tmp_path / "amira.txt") == 0o600
    lines = (tmp_path / "amira.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [each.encode() for each in amira.identities]
    assert f"# public key: {amira.identities[0].recipient}" in lines
    assert json.loads(run("open", card.path, "--key", tmp_path / "amira.txt", "--json").stdout)["text"] == REPORT

    (tmp_path / "amira.txt").write_text("something of mine")
    assert "File exists" in refused(staffed.run(*arguments, tmp_path / "amira.txt"), 64)
    assert (tmp_path / "amira.txt").read_text() == "something of mine"
    shown = staffed.run(*arguments, "-")
    assert shown.stdout.splitlines()[-1] == amira.identities[-1].encode()


def test_an_admin_has_nothing_to_export_and_a_stranger_no_key_file(made: House, tmp_path: Path) -> None:
    done = made.as_admin("keys", "export", "admin", "-o", str(tmp_path / "x"))
    assert "opens nothing" in refused(done, 64)
    refused(made.run("keys", "export", "nobody", "-o", str(tmp_path / "x")), 66)
    assert not (tmp_path / "x").exists()


# --- open ---


@dataclass(frozen=True, slots=True)
class Airgap:
    """A machine with an identity file; ``seal`` makes a sealed file for it, of whatever kind and content."""

    directory: Path
    identity: HybridIdentity

    @property
    def key(self) -> Path:
        return self.directory / "identity.txt"

    def seal(self, kind: Kind = Kind.LETTER, *, to: HybridRecipient | None = None, **content: object) -> Path:
        own = os.urandom(16)
        parts = content.get("parts", [("report.txt", "text/plain; charset=utf-8", ACTING.encode())])
        payload = io.BytesIO()
        header = seal_envelope(
            Binding(kind=kind, epoch=5, roster=b"r" * 32, instance=b"i" * 16, thread=own, object=own),
            hour=int(str(content.get("hour", 500_000))),
            fields={"where": "at the\x1b]0;title\x07 river\nkind      reply", "lookup": "ab" * 32},
            parts=[
                PartSource(name=name, media_type=media_type, source=io.BytesIO(data), length=len(data))
                for name, media_type, data in parts  # type: ignore[attr-defined] # a list of triples
            ],
            recipients=[to or self.identity.recipient],
            payload_to=payload,
        )
        path = self.directory / f"{own.hex()}.age"
        path.write_bytes(header + payload.getvalue())
        return path


@pytest.fixture
def airgap(tmp_path: Path) -> Airgap:
    identity = HybridIdentity.generate()
    identity_file.write(tmp_path / "identity.txt", [identity])
    return Airgap(directory=tmp_path, identity=identity)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_opens_and_says_what_it_is_and_what_was_not_checked(airgap: Airgap, kind: Kind) -> None:
    path = airgap.seal(kind)
    shown = run("open", path, "--key", airgap.key)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith(
        f"kind            {kind.name.lower()} {path.stem}\nnewsroom        {b'i'.hex() * 16}\n"
    )
    assert "epoch 5" in shown.stdout
    assert "not checked: no roster was given" in shown.stdout
    assert "2027-01-15 08:00 UTC" in shown.stdout
    assert run("open", path, "--key", airgap.key, "-o", airgap.directory / "out").exit_code == 0
    names = {each.name for each in (airgap.directory / "out").iterdir()}
    text = {Kind.LETTER: "report.txt", Kind.REPLY: "message.txt", Kind.SENT: "message.txt", Kind.NOTE: "message.txt"}
    assert names == {"fields.json", text.get(kind, "text-1.txt")}


def test_nothing_that_a_stranger_wrote_acts_on_the_terminal(airgap: Airgap) -> None:
    for output in ((), ("--json",), ("-o", airgap.directory / "out")):
        shown = run("open", airgap.seal(), "--key", airgap.key, *output).stdout
        assert shown.replace("\n", "").isprintable(), output
    lines = run("open", airgap.seal(), "--key", airgap.key).stdout.rstrip("\n").splitlines()
    assert lines[-1] == r"before\u{1b}[2J\u{9b}31m\u{202e}after\u{d}over"
    assert sum(line.startswith("kind") for line in lines) == 1, "a field cannot forge a line of ours"
    assert not any(line.startswith("lookup") for line in lines)


@pytest.mark.parametrize(
    "number", [*range(32), 0x7F, *range(0x80, 0xA0), 0x200E, 0x202E, 0x2066, 0x2028, 0xFEFF, 0xE0041]
)
def test_every_character_that_acts_is_spelt_out(number: int) -> None:
    text = chr(number)
    assert visible(text) == (text if text in "\n\t" else f"\\u{{{number:x}}}")
    assert in_one_line(text).isprintable()


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("밤에 트럭을", "夜里", "می‌خواهم", "naïve – “so”", "👩‍🌾"):
        assert visible(text) == text


def test_a_folder_holds_the_exact_bytes_under_names_of_ours_for_nobody_else(airgap: Airgap) -> None:
    page, photo = b"<script>", os.urandom(300_000)
    parts = [
        ("report.txt", "text/plain; charset=utf-8", ACTING.encode()),
        ("fields.json", "application/json", b"{}"),
        ("evil.desktop", "text/html", page),
        ("photo-1.jpg", "image/jpeg", photo),
        ("another.jpg", "image/jpeg", b""),
    ]
    folder = airgap.directory / "out"
    assert run("open", airgap.seal(parts=parts), "--key", airgap.key, "-o", folder).exit_code == 0
    content = {each.name: each.read_bytes() for each in folder.iterdir()}
    fields = json.loads(content.pop("fields.json"))
    assert fields["lookup"] == "ab" * 32
    assert content == {
        "report.txt": ACTING.encode(),
        "file-1.bin": b"{}",
        "file-2.bin": page,
        "photo-1.jpg": photo,
        "photo-2.jpg": b"",
    }
    assert mode(folder) == 0o700
    assert {mode(each) for each in folder.iterdir()} == {0o600}


def test_a_folder_that_is_there_is_left_alone(airgap: Airgap) -> None:
    folder = airgap.directory / "out"
    folder.mkdir()
    assert "File exists" in refused(run("open", airgap.seal(), "--key", airgap.key, "-o", folder), 64)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("place", ["first", "middle", "last", "cut", "longer"])
def test_nothing_of_a_damaged_file_is_shown_or_written(airgap: Airgap, place: str) -> None:
    path = airgap.seal(parts=[("report.txt", "text/plain", b"needle" * 50_000)])
    content = bytearray(path.read_bytes())
    match place:
        case "cut":
            del content[-70_000:]
        case "longer":
            content += b"\0"
        case _:
            content[{"first": 60, "middle": len(content) // 2, "last": -1}[place]] ^= 1
    path.write_bytes(content)
    done = run("open", path, "--key", airgap.key, "-o", airgap.directory / "out")
    assert done.exit_code in {65, 77}
    assert done.stdout == ""
    assert "needle" not in done.stderr
    assert not (airgap.directory / "out").exists()


def test_an_hour_that_no_calendar_has_is_shown_as_a_number(airgap: Airgap) -> None:
    path = airgap.seal(hour=2**31 - 1)
    assert "sealed          hour 2147483647" in run("open", path, "--key", airgap.key).stdout


def test_a_letter_with_nothing_in_it_opens(airgap: Airgap) -> None:
    found = json.loads(run("open", airgap.seal(parts=[]), "--key", airgap.key, "--json").stdout)
    assert (found["text"], found["attachments"]) == (None, [])


def test_a_key_that_does_not_open_says_so(airgap: Airgap) -> None:
    refused(run("open", airgap.seal(to=HybridIdentity.generate().recipient), "--key", airgap.key), 77)


def test_a_key_that_others_may_read_is_refused(airgap: Airgap) -> None:
    airgap.key.chmod(0o644)
    assert "chmod 600" in refused(run("open", airgap.seal(), "--key", airgap.key), 65)


@pytest.mark.parametrize("content", ["", "# nothing\n", "AGE-SECRET-KEY-PQ-1QQQ\n", "AGE-SECRET-KEY-1QQQ\n", "x\n" * 5])
def test_what_is_neither_a_key_file_nor_an_identity_is_refused(airgap: Airgap, content: str) -> None:
    airgap.key.write_text(content)
    refused(run("open", airgap.seal(), "--key", airgap.key), 65)


def test_a_key_file_opens_with_its_passphrase_and_an_admins_opens_nothing(airgap: Airgap) -> None:
    (airgap.directory / "passphrase").write_text("amira walks along the river")
    for role, status in ((Role.EDITOR, 0), (Role.ADMIN, 64)):
        staff = key_file.StaffKey.generate("amira", role)
        key_file.write_key_file(airgap.directory / "amira.key", staff, "amira walks along the river", cost=CHEAP)
        to = staff.identities[0].recipient if staff.identities else None
        done = run(
            "open", airgap.seal(to=to),
            "--key", airgap.directory / "amira.key", "--passphrase-file", airgap.directory / "passphrase",
        )  # fmt: skip
        assert done.exit_code == status, done.stderr


def test_with_the_directory_and_the_fingerprint_the_roster_is_checked(
    staffed: House, card: Card, airgap: Airgap
) -> None:
    known = ("--roster", staffed.directory / "keys", "--admin-fingerprint", fingerprint(staffed))
    done = run("open", card.path, "--key", card.identity, *known)
    assert "signed by the admin you named" in done.stdout
    assert "does not belong here" in refused(run("open", airgap.seal(), "--key", airgap.key, *known), 65)
    refused(run("open", card.path, "--key", card.identity, *known[:2]), 64)
    refused(run("open", card.path, "--key", card.identity, *known[:3], "ab" * 32), 77)


@pytest.mark.parametrize("place", [8, 20], ids=["epoch", "letter"])
def test_a_frame_that_is_not_its_letters_is_refused(card: Card, tmp_path: Path, place: int) -> None:
    content = bytearray(card.path.read_bytes())
    content[place] ^= 1
    (tmp_path / "card.bin").write_bytes(content)
    refused(run("open", tmp_path / "card.bin", "--key", card.identity), 65)


# --- what gets loaded ---


@pytest.mark.parametrize("module", ["open_", "pack"])
def test_neither_a_database_nor_a_web_framework_is_loaded(module: str) -> None:
    script = f"import sys, fieldreport.cli.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"sqlalchemy", "flask", "werkzeug", "jinja2", "httpx", "gunicorn", "PIL", "pikepdf"}
    assert "cryptography" in loaded


def test_a_card_opens_where_none_of_them_can_be_imported(card: Card) -> None:
    script = (
        "import sys\n"
        "for name in ('sqlalchemy', 'flask', 'werkzeug', 'jinja2', 'httpx', 'PIL'):\n"
        "    sys.modules[name] = None\n"
        "from fieldreport.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    arguments = ["open", str(card.path), "--key", str(card.identity)]
    done = subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True)
    assert REPORT in done.stdout
