"""Settings are parsed once, strictly, and a wrong one is refused with its name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fieldreport import config, limits
from fieldreport.errors import SettingsError

_GOOD = f"""
[instance]
id = "{"ab" * 16}"
name = "The Border Post"

[keys]
directory = "keys"
admin_fingerprint = "{"cd" * 32}"

[intake]
data = "intake"

[desk]
data = "desk"
keyfiles = "desk/keyfiles"

[press]
site = "site"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fieldreport.toml"
    path.write_text(_GOOD)
    return path


def test_defaults_fill_what_the_file_leaves_out(file: Path) -> None:
    settings = config.load(file, {})
    assert settings.instance.name == "The Border Post"
    assert settings.press.minimum_age_hours == 72
    assert settings.instance_id == b"\xab" * 16
    assert settings.desk.secure_cookie


def test_relative_paths_are_relative_to_the_file(file: Path) -> None:
    assert config.load(file, {}).desk.keyfiles == file.parent.resolve() / "desk" / "keyfiles"


def test_the_sites_own_files_are_named_or_there_are_none(file: Path) -> None:
    press = config.load(file, {"FIELDREPORT_PRESS_ABOUT": "about.md"}).press
    assert (press.about, press.theme) == (file.parent.resolve() / "about.md", Path())


def test_the_environment_overrides_the_file(file: Path) -> None:
    environment = {
        "FIELDREPORT_INTAKE_LISTEN": "127.0.0.1:9000",
        "FIELDREPORT_INTAKE_THREADS": "8",
        "FIELDREPORT_INTAKE_PROXY_PROTOCOL": "true",
        "FIELDREPORT_INTAKE_TRUSTED_HOSTS": "example.onion, localhost",
        "FIELDREPORT_SCRUB_STRONG": "true",
    }
    assert not config.load(file, {}).scrub.strong
    assert config.load(file, environment).scrub.strong
    intake = config.load(file, environment).intake
    assert (intake.listen, intake.threads, intake.proxy_protocol) == ("127.0.0.1:9000", 8, True)
    assert intake.trusted_hosts == ("example.onion", "localhost")


def test_settings_cannot_be_changed_afterwards(file: Path) -> None:
    settings = config.load(file, {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.intake.listen = "0.0.0.0:80"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[press]", "[pres]", "[pres]"),
        ('site = "site"', 'site = "site"\nsights = 3', "sights"),
        ('site = "site"', "", "site"),
        ('site = "site"', "site = 3", "[press] site"),
        ('data = "intake"', 'data = "intake"\nthreads = true', "[intake] threads"),
        ('data = "intake"', 'data = "intake"\nlisten = "8000"', "[intake] listen"),
        ('data = "intake"', 'data = "intake"\nlisten = "localhost:99999"', "[intake] listen"),
        ('data = "intake"', 'data = "intake"\nrequest_bytes = 5', "request_bytes"),
        ('data = "intake"', 'data = "intake"\nproxy_peers = ["tor"]', "proxy_peers"),
        ('data = "intake"', 'data = "intake"\nproxy_protocol = true\nproxy_peers = []', "proxy_peers"),
        ('data = "intake"', 'data = "intake"\nmachines_token = "token"', "machines_token needs a limiter"),
        ('data = "intake"', 'data = "intake"\nexit_url = "javascript:alert(1)"', "[intake] exit_url"),
        ('site = "site"', 'site = "site"\nletterbox = "short.onion"', "[press] letterbox"),
        ('site = "site"', 'site = "site"\nsign_offs = 0', "sign_offs"),
        ('site = "site"', 'site = "site"\nrandom_delay_hours = -1', "negative"),
        ("ab" * 16, "xy" * 16, "[instance] id"),
        ("cd" * 32, "cd", "admin_fingerprint"),
        ("[desk]", "desk = 3\n[x]", "fieldreport.toml"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(file: Path, old: str, new: str, named: str) -> None:
    file.write_text(_GOOD.replace(old, new))
    with pytest.raises(SettingsError) as refused:
        config.load(file, {})
    assert named in refused.value.text


@pytest.mark.parametrize("variable", ["FIELDREPORT_INTAKE_THREADS", "FIELDREPORT_INTAKE_PROXY_PROTOCOL"])
def test_a_wrong_variable_is_refused_by_name(file: Path, variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        config.load(file, {variable: "many"})


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="fieldreport init"):
        config.load(tmp_path / "fieldreport.toml", {})


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fieldreport.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError):
        config.load(path, {})


def as_demo(file: Path, *, marked: bool, demo: str) -> Path:
    text = _GOOD.replace("ab" * 16, (b"demonstr" + bytes(8)).hex()) if marked else _GOOD
    file.write_text(text.replace('name = "The Border Post"', demo))
    return file


def test_a_demonstration_is_one_by_its_id(file: Path) -> None:
    assert config.load(as_demo(file, marked=True, demo="demo = true"), {}).is_demo
    assert not config.load(as_demo(file, marked=False, demo="demo = false"), {}).is_demo


@pytest.mark.parametrize("demo", ["", "demo = false"])
def test_no_setting_makes_a_newsroom_of_a_demonstration(file: Path, demo: str) -> None:
    with pytest.raises(SettingsError, match="make a real newsroom with 'fieldreport init DIR'"):
        config.load(as_demo(file, marked=True, demo=demo), {})
    with pytest.raises(SettingsError, match="make a real newsroom"):
        config.load(as_demo(file, marked=True, demo="demo = true"), {"FIELDREPORT_INSTANCE_DEMO": "false"})


def test_a_newsroom_is_no_demonstration_because_a_setting_says_so(file: Path) -> None:
    with pytest.raises(SettingsError, match="remove that line"):
        config.load(as_demo(file, marked=False, demo="demo = true"), {})


def test_retention_names_states_that_somebody_set_and_days(file: Path) -> None:
    file.write_text(_GOOD + "[desk.retention]\nclosed = 365\npublished = 730\n")
    assert dict(config.load(file, {}).desk.retention) == {"closed": 365, "published": 730}
    for wrong in ("new = 30", "closed = 0", "closed = -1", "gone = 3", 'closed = "30"', "closed = true"):
        file.write_text(_GOOD + f"[desk.retention]\n{wrong}\n")
        with pytest.raises(SettingsError, match=r"\[desk\] retention"):
            config.load(file, {})
    file.write_text(_GOOD.replace("[desk]", '[desk]\nretention_even = ["starred"]'))
    with pytest.raises(SettingsError, match="retention_even"):
        config.load(file, {})


def test_originals_are_kept_only_where_a_letter_has_room_for_them(file: Path) -> None:
    environment = {"FIELDREPORT_INTAKE_ORIGINALS": "recovery, amira"}
    assert config.load(file, environment).intake.originals == ("recovery", "amira")
    with pytest.raises(SettingsError, match="originals needs request_bytes"):
        config.load(file, environment | {"FIELDREPORT_INTAKE_REQUEST_BYTES": str(limits.REQUEST_BYTES + 1)})
