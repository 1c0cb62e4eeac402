"""The two stores of an installation, the zone each belongs to, and where the settings put it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from fieldreport.config import Settings
from fieldreport.mailbox import mailbox_place
from fieldreport.store import Place
from fieldreport.vault.archive.vault import vault_place

STORES: Final[Mapping[str, tuple[str, Callable[[Settings], Place]]]] = {
    "mailbox": ("intake", mailbox_place),
    "vault": ("desk", vault_place),
}
