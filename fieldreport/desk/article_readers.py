"""What a page says of an article whose cases are limited: whether enough people read them, and who has signed it."""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import gettext as _
from flask_babel import ngettext

from fieldreport.desk import context
from fieldreport.errors import RosterError
from fieldreport.vault.articles import readers
from fieldreport.vault.articles.overview import ArticleHead


def signer_shown(only: Collection[str] | None, signer: str | None) -> str:
    """Who has signed off: nobody, where a case was limited since and they do not read it, so that it counts no more.

    ``only``: who reads every case of the article, as ``readers_behind`` says.
    """
    return signer if signer is not None and (only is None or signer in only) else _("none")


def too_few(head: ArticleHead, only: frozenset[str] | None) -> str:
    """What this article lacks, and the way out; empty where nothing is in its way. ``only``: as of ``signer_shown``."""
    needed = context.desk().settings.press.sign_offs
    try:
        missing = readers.signers_missing(context.seat(), head, only, sign_offs=needed)
    except RosterError:  # without a roster nothing is signed off, and the page of health says so
        return ""
    return _words(missing, needed)


def too_few_for_an_article(only: Collection[str]) -> str:
    """What an article of a case with these readers will lack; empty where the case is not limited or they suffice."""
    needed = context.desk().settings.press.sign_offs
    try:
        active = set(only) & readers.active_editors(context.seat())
    except RosterError:
        return ""
    return _words(needed + 1 - len(active), needed) if only else ""


def _words(missing: int, needed: int) -> str:
    if missing <= 0:
        return ""
    lack = (
        _(
            "Too few people read the limited case for an article to be published: one reader who did not write it signs"
            " it off."
        )
        if needed == 1
        else _(
            "Too few people read the limited case for an article to be published: two readers who did not write it sign"
            " it off."
        )
    )
    way_out = (
        ngettext(
            "Open the case to one more person.",
            "Open the case to %(num)s more people.",
            missing,
        )
        if needed == 1
        else ngettext(
            "Open the case to one more person, or ask the admin to set [press] sign_offs = 1, so that one sign-off"
            " suffices.",
            "Open the case to %(num)s more people, or ask the admin to set [press] sign_offs = 1, so that one sign-off"
            " suffices.",
            missing,
        )
    )
    return f"{lack} {way_out}"
