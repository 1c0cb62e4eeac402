"""Serving the letterbox: what all workers share, and what each worker opens for itself."""

from __future__ import annotations

from typing import Never

from fieldreport import hardening
from fieldreport.config import Settings
from fieldreport.intake.app import create_app
from fieldreport.intake.machines import Machines
from fieldreport.intake.receipts import RecentReceipts
from fieldreport.mailbox import open_mailbox
from fieldreport.mailbox.letterbox import keep_state
from fieldreport.mailbox.shared import SharedLetterbox
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import TokenKey, check_platform, open_rosters
from fieldreport.web.limiter import AddressKey
from fieldreport.web.serve import WsgiApplication
from fieldreport.web.serve import serve as serve_wsgi


def serve(settings: Settings) -> Never:
    """Serve the letterbox on ``settings.intake.listen`` until a signal stops it; never returns.

    Raises:
        PlatformError: no ML-KEM here.
        SettingsError: others can look into the directory of letters.
        UsageError: the port cannot be used.
        SystemExit: at the end; with an error's status when a worker could not be built.

    """
    check_platform()
    hardening.private_directory(settings.intake.data, to_group=False)  # the desk's user may be in the intake's group
    keep_state(settings.intake.data)
    # Before the fork: a form made by one worker is posted to another; budgets and receipts must agree.
    token_key, machines = TokenKey.generate(), Machines.of(settings)
    receipts = RecentReceipts(machines)
    address_key = AddressKey() if machines is None else AddressKey(shared=machines.address_key)

    def build() -> WsgiApplication:
        scratch = settings.intake.data / "scratch"
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        # First, while this process has one thread: it forks the parent of the locked children.
        scrubber = Scrubber.start(directory=scratch, require_sandbox=settings.scrub.require_sandbox)
        mailbox = open_mailbox(settings)
        mailbox.upkeep.start()
        return create_app(
            settings,
            mailbox=mailbox,
            scrubber=scrubber,
            rosters=open_rosters(settings),
            token_key=token_key,
            machines=machines,
            shared=SharedLetterbox.open(settings),
            address_key=address_key,
            receipts=receipts,
        )

    serve_wsgi(
        build,
        listen=settings.intake.listen,
        threads=settings.intake.threads,
        workers=settings.intake.workers,
        proxy_protocol=settings.intake.proxy_protocol,
        proxy_peers=settings.intake.proxy_peers,
    )
