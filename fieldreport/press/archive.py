"""What was published, in the clear and complete: the site is rebuilt from here without a key.

Everything in this directory is public by definition, and nothing else is ever put here. Rules: one JSON file for each
article in each of its languages, written under a temporary name and renamed into place; files of articles by their
hash; a withdrawn article keeps its address and its last slot and loses everything else; times in names, contents and
modification times are slots.

    DIRECTORY/snapshots/SLUG.json      DIRECTORY/snapshots/media/SHA256      DIRECTORY/current -> build-…   (the site)
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotFound, StoreError
from fieldreport.press.article import Article
from fieldreport.press.atomic_files import set_times, sync_path, write_file
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.site import RECIPIENTS, Built, build

_FORMAT: Final = 1


class Readable(Protocol):
    """Any open binary file or unsealed part."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most ``size`` bytes, none at the end."""


MediaSource = Callable[[], AbstractContextManager[Readable]]
"""Opens a file from its beginning; may be called more than once."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The published articles of one newsroom, and the site made from them, below ``directory``."""

    directory: Path
    _built: list[Built] = field(default_factory=list, init=False, repr=False, compare=False)  # the last one, or none

    def put(self, published: Published, media: Mapping[str, MediaSource]) -> None:
        """Store one published article, each of its languages at its own address; the same again changes nothing.

        A language whose words did not change keeps its slot, a new one has that of ``updated``, and one that the
        article does not have any more is withdrawn. ``media`` opens each of its files by hexadecimal SHA-256; files
        that are there already are not read.

        Raises:
            StoreError: the directory cannot be written, or a file is not what its hash says.
        """
        article, slot = published.article, published.updated
        with self._writing():
            for wanted in article.media if article is not None else ():
                target = self._media / wanted.sha256
                if not target.exists():
                    self._copy(media[wanted.sha256], target, wanted.sha256, published.published)
            if article is None:
                self._write(published)
                return
            original, *translations = article.each_language()
            slugs = {each.slug for each in translations}
            for entry in self._translations(published.slug):
                if entry.slug not in slugs:
                    self._tombstone(entry, slot)
            for each in translations:
                new = Published(
                    slug=each.slug,
                    language=each.language,
                    published=slot,
                    updated=slot,
                    article=each,
                    original=published.slug,
                )
                self._write(self._dated(new))
            # Last: a crash before it leaves what can be repeated.
            self._write(self._dated(replace(published, article=original)))

    def add_media(self, media: Mapping[str, MediaSource], slot: datetime) -> None:
        """Copy files in before the article that needs them, so that ``put`` is quick.

        Raises:
            StoreError: as for ``put``.
        """
        with self._writing():
            for sha256, source in media.items():
                if not (self._media / sha256).exists():
                    self._copy(source, self._media / sha256, sha256, slot)

    def withdraw(self, slug: str, slot: datetime) -> None:
        """Remove an article in all its languages and keep a tombstone at each address; repeating it is no error.

        Raises:
            NotFound: nothing was ever published there.
        """
        with self._writing():
            entry = self._there(slug)
            if entry is None:
                raise NotFound("nothing was published at this address")
            for each in (*self._translations(slug), entry):
                self._tombstone(each, slot)

    def entries(self) -> tuple[Published, ...]:
        """Everything ever published, newest first; withdrawn ones without their article.

        Raises:
            StoreError: a snapshot is damaged.
        """
        found = [_read(path) for path in self._snapshots.glob("*.json")]
        return tuple(sorted(found, key=lambda entry: (entry.published, entry.slug), reverse=True))

    def rebuild(self, newsroom: Newsroom, *, slot: datetime) -> None:
        """Build the site from the snapshots, switch to it, and delete the files of which no article speaks any more.

        What has not changed since this process built last is not made again.

        Raises:
            StoreError: a snapshot is damaged or the directory cannot be written; the old site stays.
        """
        with self._writing():
            entries = self.entries()
            self._built[:] = [
                build(
                    entries,
                    self.directory,
                    newsroom,
                    slot=slot,
                    media=self.media_path,
                    before=next(iter(self._built), None),
                )
            ]
            self._delete_unused_media(entries)
            # Deleting has changed its time.
            set_times(self._media, max((entry.updated for entry in entries), default=slot))

    def recipients(self) -> str:
        """The list of keys that the site shows now; empty where it shows none, or there is no site yet."""
        try:
            return (self.directory / "current" / RECIPIENTS).read_text(encoding="ascii")
        except FileNotFoundError:
            return ""
        except (OSError, ValueError):
            raise StoreError("the site's directory cannot be read", detail="site: its list of keys") from None

    def media_path(self, sha256: str) -> Path:
        """Where the file of this hexadecimal SHA-256 lies."""
        return self._media / sha256

    @property
    def _snapshots(self) -> Path:
        return self.directory / "snapshots"

    @property
    def _media(self) -> Path:
        return self._snapshots / "media"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time, across processes; an ``OSError`` becomes a ``StoreError``."""
        try:
            self._media.mkdir(parents=True, exist_ok=True)
            with (self.directory / ".lock").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
                newest = max((path.stat().st_mtime for path in self._snapshots.iterdir()), default=0.0)
                for path in (self.directory / ".lock", self.directory):
                    os.utime(path, (newest, newest))
        except OSError as error:
            raise StoreError("the site's directory cannot be written", detail=f"site: {error.strerror}") from None

    def _there(self, slug: str) -> Published | None:
        path = self._snapshots / f"{slug}.json"
        return _read(path) if path.exists() else None

    def _translations(self, original: str) -> list[Published]:
        named = f'"original":"{original}"'.encode()  # in a text of an article the quotation marks are escaped
        return [_read(path) for path in sorted(self._snapshots.glob("*.json")) if named in path.read_bytes()]

    def _dated(self, new: Published) -> Published:
        """An entry with the slots of the one that is there, where that has the same words, or was there first."""
        there = self._there(new.slug)
        if there is None or there.article is None:
            return new
        published = there.published if new.original else new.published
        return replace(new, published=published, updated=there.updated if there.article == new.article else new.updated)

    def _tombstone(self, entry: Published, slot: datetime) -> None:
        if entry.article is not None:
            self._write(replace(entry, published=slot, updated=slot, article=None))

    def _write(self, published: Published) -> None:
        target = self._snapshots / f"{published.slug}.json"
        write_file(target, _to_json(published), published.updated)
        set_times(self._snapshots, published.updated)

    def _copy(self, source: MediaSource, target: Path, sha256: str, slot: datetime) -> None:
        temporary = target.with_name(f".{secrets.token_hex(8)}")
        try:
            with source() as stream, temporary.open("xb") as copy:
                while data := stream.read(limits.READ_BYTES):
                    copy.write(data)
                copy.flush()
                os.fsync(copy.fileno())
            with temporary.open("rb") as written:
                if hashlib.file_digest(written, "sha256").hexdigest() != sha256:
                    raise StoreError("a file of the article is not the one that was signed off")
            set_times(temporary, slot)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        set_times(self._media, slot)
        sync_path(self._media)

    def _delete_unused_media(self, entries: Sequence[Published]) -> None:
        used = {media.sha256 for entry in entries if entry.article for media in entry.article.media}
        for path in self._media.iterdir():
            if path.name not in used:
                path.unlink()


def _to_json(published: Published) -> bytes:
    document: dict[str, object] = {
        "format": _FORMAT,
        "slug": published.slug,
        "language": published.language,
        "published": published.published.isoformat(),
        "updated": published.updated.isoformat(),
        "article": None if published.article is None else json.loads(published.article.to_json()),
    }
    if published.original:
        document["original"] = published.original
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _read(path: Path) -> Published:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        article = document["article"]
        return Published(
            slug=document["slug"],
            language=document["language"],
            published=datetime.fromisoformat(document["published"]).astimezone(UTC),
            updated=datetime.fromisoformat(document["updated"]).astimezone(UTC),
            article=None if article is None else Article.from_document(article),
            original=document.get("original", ""),
        )
    except (OSError, ValueError, KeyError, TypeError, FieldreportError):
        raise StoreError("a snapshot of a published article is damaged", detail="site: damaged snapshot") from None
