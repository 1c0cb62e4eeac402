"""What a page holds when somebody presses its lock: typed, and stored nowhere.

The lock of a page with a form sends that form, and names where its own button would have sent it. What is typed then
comes back after unlocking, sealed meanwhile, as a form does that arrives after the auto-lock (``held_forms``). The page
of a case needs none of this: it keeps what is typed itself (``composer``).
"""

from __future__ import annotations

import dataclasses

import flask
from werkzeug.exceptions import HTTPException

from fieldreport.desk import article_form, context, error_pages, junk_form, presentation
from fieldreport.errors import FieldreportError
from fieldreport.vault.articles import drafts
from fieldreport.vault.cases import junk

_OF = "of"


def path() -> str:
    """Where the form that came with the lock belongs; empty if none came."""
    own = presentation.own_path(flask.request.args.get(_OF, ""))
    return "" if own == "/" else own


def is_there() -> bool:
    """Whether the form holds something that is stored nowhere. Where that cannot be told, nothing typed is dropped."""
    if not path():
        return False
    try:
        return not _is_stored()
    except (FieldreportError, HTTPException):
        return bool(error_pages.written(flask.request.form))


def _is_stored() -> bool:
    routes = flask.current_app.url_map.bind(flask.request.host)
    endpoint, named = routes.match(path().partition("?")[0], method="POST")
    match endpoint:
        case "articles.save":
            article = drafts.load(context.seat(), named["article_id"]).article
            transcribed = any(
                text.strip() for name, text in flask.request.form.items() if name.startswith("transcript.")
            )
            return not transcribed and article_form.typed(article) == article
        case "article_translations.save":
            article = drafts.load(context.seat(), named["article_id"]).article
            there = article.translation(named["code"])
            return there is not None and article_form.typed_translation(article, there) == article
        case "junk.save":
            rules = junk.rules(context.seat())
            return dataclasses.replace(junk_form.typed(rules), version=rules.version) == rules
        case _:
            return not error_pages.written(flask.request.form)
