"""``fieldreport article``: a published article as files, or as a draft in another system. It needs no key of ours."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException  # noqa: TID251 - an exporter, by the link's own client
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from fieldreport import limits
from fieldreport.cli import load_settings
from fieldreport.errors import SettingsError, Unavailable, UsageError
from fieldreport.mailbox.link_line import Address, Line
from fieldreport.press.archive import Archive
from fieldreport.press.article import Media
from fieldreport.press.exports import export, published
from fieldreport.press.newsroom import Newsroom
from fieldreport.press.push import Cms, Ghost, WordPress

_OTHERS_MAY_READ: Final = 0o077
_LANGUAGE: Final = click.option(
    "--language", default="", help="Take it in this language (ko, zh-Hans); without it, in that of SLUG."
)


@click.group("article")
def article_command() -> None:
    """Take published articles elsewhere."""


@article_command.command("export")
@click.argument("slug")
@click.argument("folder", type=click.Path(path_type=Path))
@_LANGUAGE
@click.pass_context
def export_command(context: click.Context, slug: str, folder: Path, language: str) -> None:
    """Write the published article SLUG into the new FOLDER: Markdown, a page, a Word document, and its attachments.

    SLUG is what stands between articles/ and .html in its address.
    """
    settings = load_settings(context)
    export(Archive(settings.press.site), Newsroom.from_settings(settings), slug, folder, language=language)
    click.echo(f"Written to {folder}.")


@article_command.command("push")
@click.argument("slug")
@click.argument("address")
@click.option("--system", type=click.Choice(["wordpress", "ghost"]), required=True, help="What is at ADDRESS.")
@click.option(
    "--credentials",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="A file that only you can read: USER:APPLICATION PASSWORD of WordPress, or the Admin API key of Ghost.",
)
@_LANGUAGE
@click.option("--proxy", default="", help="The way there: socks5://HOST:PORT for Tor, or http://HOST:PORT.")
@click.pass_context
def push_command(
    context: click.Context, *, slug: str, address: str, system: str, credentials: Path, language: str, proxy: str
) -> None:
    """Make the published article SLUG a draft at ADDRESS, or change the draft that is there."""
    settings = load_settings(context)
    archive, newsroom = Archive(settings.press.site), Newsroom.from_settings(settings)
    entry, article = published(archive, slug, language=language)
    send, secret = _Sender.to(address, proxy=proxy), _secret(credentials)

    def read(media: Media) -> bytes:
        return archive.media_path(media.sha256).read_bytes()

    cms: Cms
    if system == "wordpress":
        cms = WordPress(send, newsroom, read, credentials=secret)
    else:
        cms = Ghost(send, newsroom, read, credentials=secret, clock=time.time)
    done = cms.push(entry, article)
    click.echo(f"{entry.slug} is {'a new' if done.created else 'the same'} draft there, number {done.id}.")


@dataclass(frozen=True, slots=True)
class _Sender:
    """One system's address, and the way there: the same client as the link's, which sends nothing of its own."""

    address: Address
    below: str

    @classmethod
    def to(cls, url: str, *, proxy: str) -> _Sender:
        parts = urlsplit(url)
        try:
            address = Address.parse(f"{parts.scheme}://{parts.netloc}", proxy=proxy, base=Path())
        except SettingsError:
            raise UsageError(
                "ADDRESS begins with https://, or is an onion service with --proxy, or this machine; a proxy is"
                " socks5://HOST:PORT or http://HOST:PORT"
            ) from None
        if address.socket is not None or parts.query or parts.fragment:
            raise UsageError("ADDRESS is that of the site, without a query")
        return cls(address, parts.path.rstrip("/"))

    def __call__(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        line = Line(self.address, in_a_hurry=False)
        try:
            with line.bounded():
                line.request(method, self.below + path, body=body or None, headers=dict(headers))
                response = line.getresponse()
                answer = response.read(limits.CMS_ANSWER_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise Unavailable(
                "the other system does not answer", detail=f"{self.address}: {type(error).__name__}", code="cms-away"
            ) from None
        finally:
            line.close()
        if len(answer) > limits.CMS_ANSWER_BYTES:
            raise Unavailable("the other system answers too much", code="cms")
        return response.status, answer


def _secret(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS_MAY_READ:
                raise UsageError(f"others can read {path}: chmod 600 it, and draw new credentials")
            return file.read(limits.KIB).strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read {path}") from None
