"""Serving the desk with one worker, because unlocked keys are in its memory, and with its background jobs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Never

from fieldreport import hardening
from fieldreport.config import Settings
from fieldreport.desk import context
from fieldreport.desk.app import create_app
from fieldreport.errors import KeyFileDamaged
from fieldreport.mailbox import LocalMailbox
from fieldreport.mailbox.link import open_desk_mailbox, open_link
from fieldreport.scrub import Scrubber
from fieldreport.seal import check_platform
from fieldreport.unseal import key_file, machine_secret
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault
from fieldreport.web.serve import WsgiApplication
from fieldreport.web.serve import serve as serve_wsgi

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> Never:
    """Serve the desk on ``settings.desk.listen`` until a signal stops it; never returns.

    Raises:
        PlatformError: no ML-KEM here.
        SettingsError: others can look into the archive, the key files, their secrets, or the directories of both.
        UsageError: the port cannot be used, or a key file that no secret of this machine protects cannot be written.
        SystemExit: at the end; with an error's status when the application could not be built.

    """
    check_platform()
    hardening.private_directory(settings.desk.data)
    secrets = machine_secret.directory(settings.desk.keyfiles)
    key_files = tuple(settings.desk.keyfiles.glob("*.key"))
    for path in (settings.desk.keyfiles, *key_files, secrets, *secrets.glob("*")):
        hardening.check_private(path)
    for path in key_files:
        _bind(path)

    def build() -> WsgiApplication:
        scratch = settings.desk.data / "scratch"
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        # First, while this process has one thread: it starts the parent of the locked children.
        scrubber = Scrubber.start(directory=scratch, require_sandbox=settings.scrub.require_sandbox)
        vault, mailbox = open_vault(settings), open_desk_mailbox(settings)
        vault.upkeep.level_also(settings.desk.data, settings.desk.keyfiles)
        vault.upkeep.start()
        if isinstance(mailbox, LocalMailbox):
            mailbox.upkeep.start()
        app = create_app(
            settings,
            vault=vault,
            mailbox=mailbox,
            page_mailbox=open_link(settings, in_a_hurry=True) if settings.desk.link else mailbox,
            scrubber=scrubber,
            rosters=RosterWatch.of(settings, vault),
        )
        context.of(app).background.start()
        return app

    serve_wsgi(build, listen=settings.desk.listen, threads=settings.desk.threads)


def _bind(path: Path) -> None:
    """Put under a secret of this machine what was copied here, or written before there were such secrets."""
    try:
        key_file.bind(path)
    except KeyFileDamaged as error:  # one person's: the others can work
        _log.error("%s cannot be used: %s", path.name, error.detail)
