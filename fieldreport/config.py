"""Frozen settings, parsed once from a TOML file and the environment, and handed down as a value.

Rules: no globals and no default instance; an unknown key is an error, not a silence; relative paths are relative to the
settings file; a secret is never in the file but in a file of its own, named by ``*_file``. An environment variable
``FIELDREPORT_<SECTION>_<KEY>`` overrides the file, so that a container needs no second file.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from fieldreport import limits
from fieldreport.errors import SettingsError

_ONION = re.compile(r"[a-z2-7]{56}\.onion")  # rend-spec-v3, section 6: the letterbox's host, not a page of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The newsroom: ``id`` is public, 32 hexadecimal digits, drawn at ``init``, bound into every sealed object."""

    id: str
    name: str = "fieldreport"
    demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Where the published roster lies and which admin may sign it (SHA-256 fingerprint, hexadecimal).

    ``rotate_days``: an active key that is older is due for replacement; the admin is reminded.
    """

    directory: Path
    admin_fingerprint: str
    rotate_days: int = limits.KEY_ROTATE_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The exposed zone. ``listen`` is HOST:PORT; ``mailbox`` an SQLAlchemy URL, empty for SQLite in ``data``.

    ``onion``: this letterbox's own onion host, told to those who come another way. ``https``: whatever reaches it by
    another name than an onion address came through TLS, which a proxy here ends; otherwise such visitors are warned
    and get no form. ``logo``: a PNG or WebP of at most ``limits.LOGO_BYTES``; ``greetings``: language → a sentence for
    the first page; ``contact``: by what sources can tell that this is really the newsroom, such as a fingerprint.
    """

    data: Path
    listen: str = "127.0.0.1:8000"
    mailbox: str = ""
    blobs: str = ""
    trusted_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    onion: str = ""
    https: bool = False
    request_bytes: int = limits.REQUEST_BYTES
    limiter: str = "memory://"
    report_rate: str = "30 per hour"
    return_rate: str = "60 per hour"
    hand_in_rate: str = "30 per hour"
    page_rate: str = "600 per hour"
    proxy_protocol: bool = False
    proxy_peers: tuple[str, ...] = ("127.0.0.1", "::1")  # addresses or networks whose PROXY line is believed
    workers: int = 1
    threads: int = 256  # one worker's; each upload holds one for as long as it takes
    languages: tuple[str, ...] = (
        *("en", "ko", "zh-Hans", "zh-Hant", "ja", "ru"),
        *("ar", "fa", "fr", "es", "pt", "tr"),
    )
    logo: Path = Path()
    greetings: Mapping[str, str] = field(default_factory=dict)
    contact: str = ""
    exit_url: str = "https://www.bing.com/search?q=weather"  # reachable and harmless nearly everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The newsroom's own ground. ``keyfiles`` holds one key file a person; ``vault`` is an SQLAlchemy URL."""

    data: Path
    keyfiles: Path
    listen: str = "127.0.0.1:8001"
    vault: str = ""
    blobs: str = ""
    trusted_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    limiter: str = "memory://"
    idle_seconds: int = limits.DESK_IDLE_SECONDS
    collect_seconds: int = 30
    secure_cookie: bool = False
    threads: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """The public site. Delays are the newsroom's protection against matching a report's hour with a publication's."""

    site: Path
    listen: str = "127.0.0.1:8002"
    base_url: str = "http://127.0.0.1:8002"
    byline: str = "our reporters"
    minimum_age_hours: int = 72
    random_delay_hours: int = 48
    daily_slot: str = "06:00"
    sign_offs: int = 2
    phone_regions: tuple[str, ...] = ("KR", "CN", "RU", "JP", "US", "GB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrub:
    """``require_sandbox``: refuse to start where the kernel lacks Landlock or seccomp; otherwise only warn.

    ``strong``: make the content of every file anew, whatever its source chose; what cannot be made anew is refused.
    """

    require_sandbox: bool = True
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything one installation needs to know. ``path`` is the file it came from."""

    path: Path
    instance: Instance
    keys: Keys
    intake: Intake
    desk: Desk
    press: Press
    scrub: Scrub = field(default_factory=Scrub)

    @property
    def instance_id(self) -> bytes:
        """The 16 bytes that are bound into sealed objects and salt the codename."""
        return bytes.fromhex(self.instance.id)


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """Parse the settings file at ``path`` under the given environment.

    Raises:
        SettingsError: the file is missing, is not TOML, names an unknown key, lacks a needed one, or has a value of
            the wrong type or out of bounds; or any user of the machine may write to it, and so choose whose keys count.
    """
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
                raise SettingsError(f"anybody on this machine may write to {path}; run: chmod o-w {path}")
            document = tomllib.loads(file.read())
    except FileNotFoundError:
        raise SettingsError(
            f"no settings file at {path}; run 'fieldreport init DIR' or 'fieldreport demo' first"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    return parse(document, path=path, environment=environment)


def parse(document: Mapping[str, Any], *, path: Path, environment: Mapping[str, str]) -> Settings:
    """Build ``Settings`` from a parsed document; see ``load``."""
    sections = {"instance": Instance, "keys": Keys, "intake": Intake, "desk": Desk, "press": Press, "scrub": Scrub}
    unknown = set(document) - set(sections)
    if unknown:
        raise SettingsError(f"unknown section [{min(unknown)}] in {path}")
    built = {
        name: _section(cls, name, document.get(name, {}), base=path.parent, environment=environment)
        for name, cls in sections.items()
    }
    settings = Settings(path=path, **built)
    _check(settings)
    return settings


def _section(cls: type, name: str, values: object, *, base: Path, environment: Mapping[str, str]) -> Any:
    if not isinstance(values, dict) or not is_dataclass(cls):
        raise SettingsError(f"[{name}] must be a table")
    hints = get_type_hints(cls)
    unknown = set(values) - set(hints)
    if unknown:
        raise SettingsError(f"unknown key {min(unknown)!r} in [{name}]")
    arguments: dict[str, Any] = {}
    for item in fields(cls):
        variable = f"FIELDREPORT_{name}_{item.name}".upper()
        if variable in environment:
            arguments[item.name] = _from_text(environment[variable], hints[item.name], where=variable, base=base)
        elif item.name in values:
            arguments[item.name] = _typed(values[item.name], hints[item.name], where=f"[{name}] {item.name}", base=base)
    try:
        return cls(**arguments)
    except TypeError:
        needed = {item.name for item in fields(cls)} - set(arguments)
        raise SettingsError(f"[{name}] lacks a needed key (one of: {', '.join(sorted(needed))})") from None


def _typed(value: object, kind: Any, *, where: str, base: Path) -> object:
    if kind is Path and isinstance(value, str):
        return (base / value).resolve()
    if get_origin(kind) is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if (
        get_origin(kind) is Mapping
        and isinstance(value, dict)
        and all(isinstance(each, str) for each in value.values())
    ):
        return types.MappingProxyType(dict(value))
    if get_origin(kind) in {Union, types.UnionType}:  # pragma: no cover - no optional setting exists yet
        raise SettingsError(f"{where}: unions are not supported")
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise SettingsError(f"{where} has the wrong type")


def _from_text(text: str, kind: Any, *, where: str, base: Path) -> object:
    if kind is Path:
        return (base / text).resolve()
    if get_origin(kind) is tuple and get_args(kind)[0] is str:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if get_origin(kind) is Mapping:
        raise SettingsError(f"{where}: a table belongs into the settings file")
    if kind is bool:
        if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        raise SettingsError(f"{where} must be true or false")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{where} must be a whole number") from None
    return text


def _check(settings: Settings) -> None:
    if len(settings.instance.id) != 32 or not _is_hex(settings.instance.id):
        raise SettingsError("[instance] id must be 32 hexadecimal digits")
    if len(settings.keys.admin_fingerprint) != 64 or not _is_hex(settings.keys.admin_fingerprint):
        raise SettingsError("[keys] admin_fingerprint must be 64 hexadecimal digits")
    if settings.keys.rotate_days < 1:
        raise SettingsError("[keys] rotate_days must be at least 1")
    if settings.press.sign_offs not in {1, 2}:
        raise SettingsError("[press] sign_offs must be 1 or 2")
    for name, listen in (
        ("intake", settings.intake.listen),
        ("desk", settings.desk.listen),
        ("press", settings.press.listen),
    ):
        split_listen(listen, where=f"[{name}] listen")
    _check_intake(settings.intake)
    if settings.intake.workers < 1 or settings.intake.threads < 1 or settings.desk.threads < 1:
        raise SettingsError("workers and threads must be at least 1")
    if settings.desk.idle_seconds < 1 or settings.press.minimum_age_hours < 0 or settings.press.random_delay_hours < 0:
        raise SettingsError("a time in the settings is negative")


def _check_intake(intake: Intake) -> None:
    if intake.onion and not _ONION.fullmatch(intake.onion):
        raise SettingsError("[intake] onion must be the letterbox's own address: 56 letters and digits, then .onion")
    for language, greeting in intake.greetings.items():
        if language not in intake.languages or len(greeting) > limits.GREETING_CHARACTERS:
            at_most = f"at most {limits.GREETING_CHARACTERS} characters in one of its languages"
            raise SettingsError(f"[intake.greetings] {language}: a greeting has {at_most}")
    if len(intake.contact) > limits.CONTACT_CHARACTERS:
        raise SettingsError(f"[intake] contact has at most {limits.CONTACT_CHARACTERS} characters")
    if intake.request_bytes < limits.FORM_TEXT_BYTES:
        raise SettingsError(f"[intake] request_bytes must be at least {limits.FORM_TEXT_BYTES}")
    for peer in intake.proxy_peers:
        try:
            ipaddress.ip_network(peer)
        except ValueError:
            raise SettingsError(f"[intake] proxy_peers: {peer!r} is no address or network") from None
    if intake.proxy_protocol and not intake.proxy_peers:
        raise SettingsError("[intake] proxy_protocol needs proxy_peers")


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text)


def split_listen(listen: str, *, where: str) -> tuple[str, int]:
    """Split ``HOST:PORT``.

    Raises:
        SettingsError: no colon, or a port outside 1 to 65535.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"{where} must be HOST:PORT")
    return host, int(port)
