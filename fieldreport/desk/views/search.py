"""Search over everything that an editor may read: what was typed stays in the session, the filters are in the URL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.desk import access, contents, context, inbox_filter, presentation, search_job
from fieldreport.desk.cases import editors
from fieldreport.desk.presentation import LANGUAGES
from fieldreport.desk.translation import said, state_name
from fieldreport.errors import NotAllowed, SealError, UsageError
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import search
from fieldreport.vault.cases.case_index import Limited
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.search import Hit
from fieldreport.vault.cases.search_terms import parse
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("search", __name__)

_FILTERS: Final = ("state", "language", "files")
_STATES: Final = ("open", *CaseState)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A case with its hits; ``more``: texts in which something was found, and which are not shown."""

    case: CaseRow
    hits: list[Hit] = field(repr=False)
    more: int


@access.editor
@blueprint.get("/search")
def show() -> ResponseReturnValue:
    """What the words that were typed last are found in, newest letters first; ``after`` names a further page."""
    desk, session = context.desk(), context.session()
    unknown = sorted(set(flask.request.args) - {*_FILTERS, "after"})
    if unknown:
        raise inbox_filter.NoSuchFilter(
            Sentence("There is no filter called '%(name)s'.", name=unknown[0][: limits.LABEL_CHARACTERS])
        )
    arguments = {"state": "all", **flask.request.args.to_dict()}
    chosen = inbox_filter.chosen(arguments, besides=frozenset({"after"}))
    wanted = inbox_filter.wanted(chosen, handles=frozenset(editors()))
    desk.cases.refresh()
    reader, looking = search_job.known(session, desk.cases, desk.site.reader)
    page: dict[str, Any] = {"found": None, "matching": 0, "next_url": None, "problems": []}
    known = contents.known(session, desk.cases, desk.site.reader)[0]
    if session.searched:
        try:
            query = parse(session.searched)
        except UsageError as error:
            page["problems"] = [Problem(text=said(error.text), field="words")]
        else:
            sources = reader.find(query)
            known = replace(known, hits=search.mask_of(sources))
            listed = replace(wanted, limited=Limited.READABLE, junk=None)
            rows = desk.cases.page(
                listed, viewer=session.handle, contents=known, after=arguments.get("after"), limit=limits.SEARCH_CASES
            )
            by_case = {desk.cases.case_at(place): each for place, each in sources.items()}
            page["found"] = []
            for row in rows.rows:
                try:
                    hits, more = search.hits(session.seat, desk.site.reader, row.id, by_case.get(row.id, []), query)
                except (NotAllowed, SealError):
                    continue  # limited to others, or told by nobody to whom, since it was listed
                if hits:
                    page["found"].append(_Found(case=row, hits=hits, more=more))
            page["matching"] = desk.cases.counts(listed, viewer=session.handle, contents=known).matching
            again: dict[str, Any] = {"state": _state(chosen), **chosen, "after": rows.next}
            page["next_url"] = flask.url_for(".show", **again) if rows.next else None
    return flask.render_template(
        "search.html",
        words=session.searched,
        chosen={"state": _state(chosen), **chosen},
        states=[("all", _("any")), *((state, state_name(state)) for state in _STATES)],
        letter_languages=[("", _("any")), *((code, presentation.language_name(code)) for code in LANGUAGES)],
        looking=looking,
        unread=len(reader.unread),
        exhausted=reader.made >= limits.SEARCH_READINGS,
        closed=len(reader.closed),
        on_one_page=limits.CASE_ITEMS,
        shortcuts=session.shortcuts,
        **page,
    ), 422 if page["problems"] else 200


@access.editor
@blueprint.post("/search")
def ask() -> ResponseReturnValue:
    """Remember what was typed, and go to what it is found in."""
    form = flask.request.form
    context.session().searched = form.get("words", "").strip()[: limits.SEARCH_CHARACTERS + 1]
    filters: dict[str, Any] = {name: form[name] for name in _FILTERS if form.get(name)}
    return flask.redirect(flask.url_for(".show", **filters), code=303)


def _state(chosen: dict[str, str]) -> str:
    """The state that is chosen: ``chosen`` leaves out what is usual in the inbox."""
    return chosen.get("state", "open")
