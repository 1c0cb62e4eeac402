"""Another passphrase for one's own key: drawn here, written down by its owner, typed once from the paper.

Rules: the passphrase until now and a code of the authenticator app are asked for; what was drawn is on the one page
that answers, and in no log. Other windows in which its owner is signed in are locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport.desk import access, context, own_key
from fieldreport.desk.turns import TooManyTries
from fieldreport.errors import UnlockRefused
from fieldreport.unseal import key_file
from fieldreport.vault.staff import second_factor
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("passphrase", __name__)

_PURPOSE: Final = "passphrase"
_MAXIMUM: Final = 500  # characters of a field


@access.signed_in
@blueprint.get("/keys/passphrase")
def show() -> ResponseReturnValue:
    """A passphrase that was just drawn, to be written down and tried out."""
    return _page(key_file.generate_passphrase())


@access.signed_in
@blueprint.post("/keys/passphrase")
def change() -> ResponseReturnValue:
    """Put the new one into force, once it was typed as it was shown."""
    desk, session, form = context.desk(), context.session(), flask.request.form
    new = own_key.remembered(_PURPOSE)["passphrase"]
    if not key_file.is_same_passphrase(form.get("new", "")[:_MAXIMUM], new):
        problem = Problem(text=_("This is not the new passphrase above. Copy it from your paper."), field="new")
        return _page(new, problems=[problem], status=422)
    code = form.get("code", "")[:_MAXIMUM]
    try:
        with own_key.attempt():
            seat = second_factor.change_passphrase(
                session.seat, own_key.path(), own_key.typed_passphrase(), new, code=code, now=desk.clock()
            )
    except TooManyTries as error:
        return _page(new, problems=[own_key.problem_of(error)], status=own_key.status_of(error))
    except UnlockRefused as error:
        text = _(
            "The passphrase or the code did not match; nothing was changed. A code counts once: wait for the next."
        )
        return _page(new, problems=[Problem(text=text, field=own_key.FIELD)], status=own_key.status_of(error))
    session.seat = seat
    locked = desk.sessions.end_where(lambda each: each.handle == session.handle and each is not session)
    context.say(_("From now on only the new passphrase opens your key. Destroy the paper with the old one."))
    if locked:
        context.say(_("The other windows in which you were signed in are locked."))
    return flask.redirect(flask.url_for("keys.show"), code=303)


def _page(new: str, *, problems: Sequence[Problem] = (), status: int = 200) -> ResponseReturnValue:
    page = flask.render_template(
        "passphrase.html",
        new=new,
        remembered=own_key.remember(_PURPOSE, passphrase=new),
        problems=problems,
    )
    return page, status
