"""Frozen settings, parsed once from a TOML file and the environment, and handed down as a value.

Rules: no globals and no default instance; an unknown key is an error; relative paths are relative to the settings file.
An environment variable ``FIELDREPORT_<SECTION>_<KEY>`` overrides the file, so that a container needs no second file.
The words behind each key are what ``fieldreport settings`` says of it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import tomllib
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from fieldreport import limits
from fieldreport.errors import SettingsError

_ONION = re.compile(r"[a-z2-7]{56}\.onion")  # rend-spec-v3, section 6: the letterbox's host, not a page of it
BOUND: Final = "bound"
"""In a field's metadata: what its value must be, in words for the operator, and the check."""
_HIGHEST_PORT = 65535


def split_listen(listen: str, *, where: str) -> tuple[str, int]:
    """Split ``HOST:PORT``.

    Raises:
        SettingsError: no colon, or a port outside 1 to 65535.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
        raise SettingsError(f"{where} must be HOST:PORT")
    return host, int(port)


def _is_listen(value: str) -> bool:
    try:
        split_listen(value, where="")
    except SettingsError:
        return False
    return True


def _is_link(value: str) -> bool:
    return not value or value.startswith("unix:") or _is_listen(value)


def link_token(path: Path, *, where: str) -> str:
    """Read the token that both ends of the link know.

    Raises:
        SettingsError: no file is named, it cannot be read, others can read it, or it is shorter than
            ``limits.LINK_TOKEN_CHARACTERS``.
    """
    if path == Path():
        raise SettingsError(f"{where} must name a file with a token: head -c 32 /dev/urandom | base64 > FILE")
    try:
        if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            raise SettingsError(f"{where}: others can read {path}; run: chmod o-rw {path}")
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where}: cannot read {path}: {error}") from None
    if len(token) < limits.LINK_TOKEN_CHARACTERS or not token.isprintable() or " " in token:
        raise SettingsError(f"{where}: a token is one line of at least {limits.LINK_TOKEN_CHARACTERS} characters")
    return token


_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")  # of RFC 5321, what needs no quotes


def _is_address(value: str) -> bool:
    return _ADDRESS.fullmatch(value) is not None


def _is_hex(value: str, digits: int) -> bool:
    return len(value) == digits and all(character in "0123456789abcdef" for character in value)


def _are_networks(values: tuple[str, ...]) -> bool:
    try:
        for value in values:
            ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


def _are_domains(values: tuple[str, ...]) -> bool:
    return all("." in value and not set(value) & set("/:@?# ") for value in values)


def _must(be: str, holds: Callable[[Any], bool]) -> Mapping[str, Any]:
    """A field's metadata: what its value must be, in words for the operator, and the check."""
    return {BOUND: (be, holds)}


def _at_least(lowest: int) -> Mapping[str, Any]:
    return _must(f"be at least {lowest}" if lowest else "not be negative", lambda value: value >= lowest)


_ONION_HOST = _must(
    "be the letterbox's own address: 56 letters and digits, then .onion",
    lambda value: not value or _ONION.fullmatch(value) is not None,
)
_LISTEN = _must("be HOST:PORT", _is_listen)


DEMO_MARK: Final = b"demonstr"
"""How the instance id of a demonstration begins. The id is in the signed roster and in every sealed object, so that no
setting makes a newsroom of a directory whose secrets anyone can read. FORMAT.md, "Roster"."""


def is_demo(instance: bytes) -> bool:
    """Whether this is the instance id (16 bytes) of a demonstration."""
    return instance.startswith(DEMO_MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The newsroom. The same in every zone's file."""

    id: str = field(metadata=_must("be 32 hexadecimal digits", lambda value: _is_hex(value, 32)))
    """Public, drawn at `init`, bound into every sealed object."""
    name: str = "fieldreport"
    """As sources and readers see it."""
    demo: bool = False
    """Must say what the id says: nothing is decided by it, and a zone refuses to start where they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Whose keys letters are sealed to."""

    directory: Path
    """The signed rosters, public."""
    admin_fingerprint: str = field(metadata=_must("be 64 hexadecimal digits", lambda value: _is_hex(value, 64)))
    """SHA-256 of the key that may sign rosters, as `init` prints it."""
    rotate_days: int = field(default=limits.KEY_ROTATE_DAYS, metadata=_at_least(1))
    """A key that is older is due for replacement; the admin is reminded at sign-in, on the health page, by `keys
    status` and `doctor`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The letterbox, which strangers reach, and its end of the link."""

    data: Path
    """The zone's own directory."""
    listen: str = field(default="127.0.0.1:8000", metadata=_LISTEN)
    """Where the letterbox answers. A proxy or tor stands before it."""
    link: str = field(default="", metadata=_must("be unix:PATH or HOST:PORT", _is_link))
    """Where the desk fetches letters; empty for a desk that is the same user and needs none."""
    link_users: tuple[str, ...] = ()
    """Who may fetch over a socket, besides the intake's own user and root."""
    link_token: Path = Path()
    """A file that others cannot read, with one line of at least 32 characters: who has it may fetch over
    HOST:PORT."""
    site: str = field(
        default="",
        metadata=_must(
            "begin with https:// or http://", lambda value: not value or value.startswith(("https://", "http://"))
        ),
    )
    """The address of the news site, where its `[press] letterbox` names this letterbox: sources who seal files
    themselves compare the list of keys there."""
    mailbox: str = ""
    """An SQLAlchemy URL, such as postgresql://; empty: SQLite in `data`."""
    blobs: str = ""
    """Where payloads lie: a directory, or s3://BUCKET/PREFIX; empty: in `data`."""
    trusted_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """The names that sources use; anything else is refused."""
    onion: str = field(default="", metadata=_ONION_HOST)
    """The letterbox's onion host: told on the first page, to visitors who come by an unsafe way, and to Tor Browser
    by the header Onion-Location on pages of the open web."""
    https: bool = False
    """true where a proxy on this machine ends TLS and passes on nothing that came in the clear. Without it, visitors
    who come by another name than an onion address or this machine's are warned and get no form; so are, always, those
    who come through a Tor-to-web gateway."""
    request_bytes: int = field(default=limits.REQUEST_BYTES, metadata=_at_least(limits.FORM_TEXT_BYTES))
    """Bytes of the largest post."""
    letters_per_hour: int = field(default=limits.LETTERS_HOUR, metadata=_at_least(1))
    """More are not taken from forms, by all machines of a letterbox together, but for a quarter from sources who have
    written before: sources read on the first page that the mailbox is full."""
    free_bytes: int = field(default=limits.FREE_BYTES, metadata=_at_least(0))
    """Bytes that stay free on the disks of `data` and `blobs` beside the largest post: beyond, nothing is taken."""
    limiter: str = "memory://"
    """Where budgets are counted: redis://HOST:PORT where several intakes or workers share them."""
    machines_token: Path = Path()
    """Where several machines serve one letterbox: a file that others cannot read, the same on each of them, with one
    line of at least 32 characters. Forms of one are then taken by the others, and budgets are counted together, by
    the Redis of `limiter`, which learns neither; rosters and switches go through the database of `mailbox`."""
    report_rate: str = "30 per hour"
    """Budget of reports, of one onion circuit or address."""
    return_rate: str = "60 per hour"
    """Budget of visits with a codename."""
    hand_in_rate: str = "30 per hour"
    """Budget of packed letters that are handed in."""
    page_rate: str = "600 per hour"
    """Budget of pages."""
    proxy_protocol: bool = False
    """true behind tor with HiddenServiceExportCircuitID haproxy, or behind a proxy: every connection must then begin
    with a PROXY line."""
    proxy_peers: tuple[str, ...] = field(
        default=("127.0.0.1", "::1"), metadata=_must("be addresses or networks", _are_networks)
    )
    """Whose PROXY line is believed."""
    workers: int = field(default=1, metadata=_at_least(1))
    """Processes that answer, one a processor core; with memory:// as limiter each counts budgets for itself."""
    threads: int = field(default=256, metadata=_at_least(1))
    """Of each worker; who waits for a slow client holds none."""
    languages: tuple[str, ...] = (
        *("en", "ko", "zh-Hans", "zh-Hant", "ja", "ru"),
        *("ar", "fa", "fr", "es", "pt", "tr"),
    )
    """The letterbox's, in the order in which they are offered."""
    logo: Path = Path()
    """A PNG or WebP of at most 1 KiB, so that the first page arrives in one round trip."""
    greetings: Mapping[str, str] = field(default_factory=dict)
    """Language and a sentence for the first page, at most 200 characters."""
    answer_days: Mapping[str, str] = field(default_factory=dict)
    """Language and when the newsroom reads and answers, for the receipt and for those who come back, at most 200
    characters."""
    addressees: Mapping[str, str] = field(
        default_factory=dict,
        metadata=_must(
            f"name at most {limits.ADDRESSEES}, each in 1 to {limits.ADDRESSEE_CHARACTERS} characters",
            lambda value: (
                len(value) <= limits.ADDRESSEES
                and all(1 <= len(label.strip()) <= limits.ADDRESSEE_CHARACTERS for label in value.values())
            ),
        ),
    )
    """Name in the roster and what sources read, of the desks and editors whom they may write to alone."""
    originals: tuple[str, ...] = ()
    """Who can open files that sources want kept unchanged, too, for a court: handles of editors; "recovery" alone
    leaves it to the recovery key, which can in any case. Empty: it is not offered."""
    contact: str = field(
        default="",
        metadata=_must(
            f"have at most {limits.CONTACT_CHARACTERS} characters",
            lambda value: len(value) <= limits.CONTACT_CHARACTERS,
        ),
    )
    """How sources can tell that this is really the newsroom, such as a fingerprint."""
    exit_url: str = field(
        default="https://www.bing.com/search?q=weather",  # reachable and harmless nearly everywhere
        metadata=_must("begin with https://", lambda value: value.startswith("https://")),
    )
    """Where 'Leave this site' leads: a page that anybody might have open. It asks nothing of this server."""


RETENTION_STATES: Final = ("reading", "verifying", "writing", "published", "closed")
"""States of a case that somebody has set, and signed in the log: not that of a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The reading room, on the newsroom's own ground."""

    data: Path
    """The zone's own directory."""
    keyfiles: Path
    """One key file a person; beside it lies KEYFILES.machine, with a secret for each, which no backup may hold."""
    listen: str = field(default="127.0.0.1:8001", metadata=_LISTEN)
    """Where the desk answers staff."""
    link: str = ""
    """Where the intake's is: unix:PATH, https://HOST or http://ADDRESS.onion; empty: this user is the intake's,
    too."""
    link_proxy: str = ""
    """The way there: socks5://HOST:PORT for Tor, or http://HOST:PORT."""
    link_token: Path = Path()
    """A file with the intake's token."""
    vault: str = ""
    """An SQLAlchemy URL, such as postgresql://; empty: SQLite in `data`."""
    blobs: str = ""
    """Where payloads lie: a directory, or s3://BUCKET/PREFIX; empty: in `data`."""
    trusted_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """The names that staff use; anything else is refused."""
    limiter: str = "memory://"
    """Where tries to sign in are counted: in memory, or at redis://HOST:PORT."""
    idle_seconds: int = field(default=limits.DESK_IDLE_SECONDS, metadata=_at_least(1))
    """A session in which nothing is done for so long is locked."""
    collect_seconds: int = 30
    """How often letters are fetched, give or take a fifth."""
    secure_cookie: bool = True
    """Browsers keep who is signed in on https and, in Tor Browser, on onion addresses. false: on plain http, too."""
    threads: int = field(default=16, metadata=_at_least(1))
    """Requests that are answered at once."""
    retention: Mapping[str, int] = field(
        default_factory=dict,
        metadata=_must(
            f"give days, at least 1, to states: {', '.join(RETENTION_STATES)}",
            lambda value: set(value) <= set(RETENTION_STATES) and all(days >= 1 for days in value.values()),
        ),
    )
    """State of a case and the days after which it is deleted, where nothing has happened in it since; a state that is
    not named keeps its cases."""
    retention_even: tuple[str, ...] = field(
        default=(), metadata=_must("name unread or unpublished", lambda value: set(value) <= {"unread", "unpublished"})
    )
    """Which of them are deleted although nobody has read their newest letter (unread), or an article of theirs is on
    its way to readers (unpublished)."""
    acknowledge_days: int = field(default=0, metadata=_at_least(0))
    """Days after its first letter in which a case gets a first reply; 0: none is due. 7 by EU directive 2019/1937."""
    answer_days: int = field(default=0, metadata=_at_least(0))
    """Days in which it gets another reply, or is closed or published; 0: none is due. 90 by the same directive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """The published site. The delays keep a publication's hour from pointing at a report's hour."""

    site: Path
    """The directory of the site."""
    listen: str = field(default="127.0.0.1:8002", metadata=_LISTEN)
    """Where it is served."""
    base_url: str = "http://127.0.0.1:8002"
    """The site's address, in its feeds and its site map."""
    byline: str = "our reporters"
    """Who wrote every article, for readers."""
    language: str = "en"
    """The newsroom's own: of the front page, the years and the feeds. An article's page speaks the article's."""
    minimum_age_hours: int = field(default=72, metadata=_at_least(0))
    """An article is not published before the newest of its reports has this age."""
    random_delay_hours: int = field(default=48, metadata=_at_least(0))
    """A random delay of up to this comes on top."""
    daily_slot: str = "06:00"
    """Articles appear at this time of the day, HH:MM in UTC; empty: at the next full hour."""
    sign_offs: int = field(default=2, metadata=_must("be 1 or 2", lambda value: value in {1, 2}))
    """How many editors must clear an article; 1 only in a newsroom of two."""
    letterbox: str = field(default="", metadata=_ONION_HOST)
    """The letterbox's onion host: every page says how to write there, in words, for a click would be remembered on
    the way. The site then also has recipients.txt, the keys to which sources seal files themselves."""
    about: Path = Path()
    """A file in Markdown: who you are, and how you are reached. It becomes a page in the newsroom's own language."""
    theme: Path = Path()
    """A folder with a style.css or templates in place of the site's own; see the handbook."""
    phone_regions: tuple[str, ...] = ("KR", "CN", "RU", "JP", "US", "GB")
    """ISO 3166 codes of the regions whose local telephone numbers the leak check finds."""
    public_sites: tuple[str, ...] = field(
        default=(), metadata=_must("be domains as example.org, without https:// and paths", _are_domains)
    )
    """Domains whose plain pages an article may link to; links with a query are still asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrub:
    """Cleaning of files, in the letterbox and at the desk."""

    require_sandbox: bool = True
    """Refuse to start where the kernel lacks Landlock or seccomp; without them a hostile file is parsed unlocked."""
    strong: bool = False
    """true codes the content of every file again, whatever its source chose: pages of PDF become pictures, documents
    keep words and pictures without their layout, and what cannot be coded again is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The message that `fieldreport notice` sends, by SMTP or by a command."""

    smtp: str = field(default="", metadata=_must("be HOST:PORT", lambda value: not value or _is_listen(value)))
    """The server that takes the message; empty: the command, if there is one."""
    tls: str = field(
        default="starttls",
        metadata=_must("be starttls, tls or none", lambda value: value in {"starttls", "tls", "none"}),
    )
    """How the way to it is encrypted; none is for a server on this machine."""
    user: str = ""
    """Who signs in there; empty: nobody has to."""
    password_file: Path = Path()
    """A file with that user's password, which others cannot read."""
    command: tuple[str, ...] = ()
    """A program and its arguments, instead of a server: it gets the whole message on standard input."""
    sender: str = field(default="", metadata=_must("be an address", lambda value: not value or _is_address(value)))
    """Whom the message is from."""
    recipients: tuple[str, ...] = field(
        default=(), metadata=_must("be addresses", lambda value: all(_is_address(each) for each in value))
    )
    """To whom it goes."""
    overdue: bool = False
    """true says as well how many cases are overdue, a number of three digits."""
    to_publish: bool = False
    """true says as well how many articles have a slot within 24 hours, a number of three digits, so that an editor is
    there to unlock."""


_ALWAYS: Final = frozenset({"instance", "scrub", "notice"})  # whose keys have defaults, or are needed by all
SECTIONS: Final[Mapping[str, type[Any]]] = types.MappingProxyType(
    {
        "instance": Instance,
        "keys": Keys,
        "intake": Intake,
        "desk": Desk,
        "press": Press,
        "scrub": Scrub,
        "notice": Notice,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one installation. ``path`` is the file they came from."""

    path: Path
    instance: Instance
    keys: Keys
    intake: Intake
    desk: Desk
    press: Press
    scrub: Scrub = field(default_factory=Scrub)
    notice: Notice = field(default_factory=Notice)

    def has(self, section: str) -> bool:
        """Whether these settings have a section ``keys``, ``intake``, ``desk`` or ``press``; a zone's hold its own."""
        return not isinstance(getattr(self, section), _Absent)

    @property
    def instance_id(self) -> bytes:
        """The 16 bytes that are bound into sealed objects and salt the codename."""
        return bytes.fromhex(self.instance.id)

    @property
    def is_demo(self) -> bool:
        """Whether this is a demonstration, as its id says."""
        return is_demo(self.instance_id)


def _is_press_alone(document: Mapping[str, Any]) -> bool:
    """The press knows no keys; anybody who seals or opens does."""
    return "press" in document and not {"intake", "desk"} & set(document)


class _Absent:
    """Stands where these settings have no section, and says so to who needs something from it."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        raise SettingsError(f"{self._path} has no [{self._name}], so it cannot be said what [{self._name}] {key} is")


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """Parse the settings file at ``path`` under the given environment.

    Raises:
        SettingsError: the file is missing, is not TOML, names an unknown key, lacks a needed one, or has a value of
            the wrong type or out of bounds; or any user of the machine may write to it, and so choose whose keys are
            trusted.
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
    unknown = set(document) - set(SECTIONS)
    if unknown:
        raise SettingsError(f"unknown section [{min(unknown)}] in {path}")
    given = {name for name in SECTIONS if any(each.startswith(f"FIELDREPORT_{name}_".upper()) for each in environment)}
    built: dict[str, Any] = {
        name: _section(cls, name, document.get(name, {}), base=path.parent, environment=environment)
        if name in {*document, *given, *_ALWAYS} or (name == "keys" and not _is_press_alone(document))
        else _Absent(name, path)
        for name, cls in SECTIONS.items()
    }
    settings = Settings(path=path, **built)
    if settings.has("intake"):
        _check_intake(settings.intake)
    _check_demo(settings)
    return settings


def _check_demo(settings: Settings) -> None:
    if settings.is_demo and not settings.instance.demo:
        raise SettingsError(
            f"{settings.path} belongs to a demonstration, whose passphrases are written down next to it; no setting "
            "changes that: make a real newsroom with 'fieldreport init DIR'"
        )
    if settings.instance.demo and not settings.is_demo:
        raise SettingsError(
            f"{settings.path} says demo = true, but its [instance] id is not a demonstration's; remove that line, or, "
            "if 'fieldreport demo' made this directory, remove the directory and start again"
        )


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
    for item in fields(cls):
        be, holds = item.metadata.get(BOUND, ("", None))
        if holds is not None and item.name in arguments and not holds(arguments[item.name]):
            raise SettingsError(f"[{name}] {item.name} must {be}")
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
        and all(type(each) is get_args(kind)[1] for each in value.values())
    ):
        return types.MappingProxyType(dict(value))
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


def _check_intake(intake: Intake) -> None:
    """Check what two settings say together."""
    for name, sentences in (("greetings", intake.greetings), ("answer_days", intake.answer_days)):
        for language, sentence in sentences.items():
            if language not in intake.languages or len(sentence) > limits.GREETING_CHARACTERS:
                at_most = f"at most {limits.GREETING_CHARACTERS} characters in one of its languages"
                raise SettingsError(f"[intake.{name}] {language}: a sentence has {at_most}")
    if intake.proxy_protocol and not intake.proxy_peers:
        raise SettingsError("[intake] proxy_protocol needs proxy_peers")
    if intake.originals and intake.request_bytes > limits.ORIGINALS_REQUEST_BYTES:
        raise SettingsError(f"[intake] originals needs request_bytes of at most {limits.ORIGINALS_REQUEST_BYTES}")
    if intake.machines_token != Path() and not intake.limiter.startswith("redis://"):
        raise SettingsError("[intake] machines_token needs a limiter at redis://HOST:PORT")
