"""Serving the desk with one worker, because unlocked keys are in its memory, and with its background jobs."""

from __future__ import annotations

from typing import Never

from fieldreport import hardening
from fieldreport.config import Settings
from fieldreport.desk import context
from fieldreport.desk.app import create_app
from fieldreport.mailbox import open_mailbox
from fieldreport.scrub import Scrubber
from fieldreport.seal import check_platform
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault
from fieldreport.web.serve import WsgiApplication
from fieldreport.web.serve import serve as serve_wsgi


def serve(settings: Settings) -> Never:
    """Serve the desk on ``settings.desk.listen`` until a signal stops it; never returns.

    Raises:
        PlatformError: no ML-KEM here.
        SettingsError: others can look into the archive, the key files, or their directory.
        UsageError: the port cannot be used.
        SystemExit: at the end; with an error's status when the application could not be built.

    """
    check_platform()
    hardening.private_directory(settings.desk.data)
    for path in (settings.desk.keyfiles, *settings.desk.keyfiles.glob("*.key")):
        hardening.check_private(path)

    def build() -> WsgiApplication:
        scratch = settings.desk.data / "scratch"
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        # First, while this process has one thread: it starts the parent of the locked children.
        scrubber = Scrubber.start(directory=scratch, require_sandbox=settings.scrub.require_sandbox)
        vault, mailbox = open_vault(settings), open_mailbox(settings)
        vault.upkeep.level_also(settings.desk.data, settings.desk.keyfiles)
        vault.upkeep.start()
        mailbox.upkeep.start()
        app = create_app(
            settings,
            vault=vault,
            mailbox=mailbox,
            scrubber=scrubber,
            rosters=RosterWatch.of(settings, vault),
        )
        context.of(app).background.start()
        return app

    serve_wsgi(build, listen=settings.desk.listen, threads=settings.desk.threads)
