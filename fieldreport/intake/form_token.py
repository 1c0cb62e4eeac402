"""The sealed state of a form: what a browser must not change, and how old it may be.

Rules: the state of the report's form is its codename and its number, both also in the page, so that nothing is lost
with the token; the state of the return pages holds the codename, which is in the page nowhere else, and so does that of
the hand-in page, which shows a codename only once a letter has arrived under it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fieldreport import limits
from fieldreport.errors import TokenError
from fieldreport.intake.context import Service
from fieldreport.seal import Codename

FIELD = "token"
RETURN = "return"
HAND_IN = "hand-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page without its codename remembers: that, the answers that it has shown, and the next form's number.

    ``read``: the newest answer whose words it has shown, one of ``shown``; nothing where there is none.
    """

    codename: Codename = field(repr=False)
    shown: tuple[bytes, ...] = ()
    read: bytes = field(default=b"", repr=False)
    form: str = ""


def seal_report(service: Service, codename: Codename, form: str) -> str:
    """A token for the report's form."""
    return service.token_key.seal("report", {"codename": str(codename), "form": form}, now=service.clock())


def check_report(service: Service, untrusted_token: str, codename: Codename, form: str) -> Literal[True]:
    """Check that the form is ours, made for this codename and number, and not too old.

    Raises:
        TokenError: altered, of another form, or sealed by a server that has restarted (``TokenExpired``: old).

    """
    state = service.token_key.open(
        untrusted_token, "report", now=service.clock(), max_age_seconds=limits.TOKEN_IDLE_SECONDS
    )
    if state.get("codename") != str(codename) or state.get("form") != form:
        raise TokenError("The form was changed on its way.", code="token")
    return True


def seal_visit(service: Service, visit: Visit, purpose: str = RETURN) -> str:
    """A token for the forms of the return pages, or of the hand-in page."""
    state = {
        "codename": str(visit.codename),
        "shown": ",".join(each.hex() for each in visit.shown),
        "read": str(visit.shown.index(visit.read)) if visit.read else "",  # shorter than its id; a page has four tokens
        "form": visit.form,
    }
    return service.token_key.seal(purpose, state, now=service.clock())


def open_visit(service: Service, untrusted_token: str, purpose: str = RETURN) -> Visit:
    """What such a page remembered.

    Raises:
        TokenError: as ``check_report``: the codename has to be typed again.

    """
    state = service.token_key.open(
        untrusted_token, purpose, now=service.clock(), max_age_seconds=limits.TOKEN_IDLE_SECONDS
    )
    shown = tuple(bytes.fromhex(each) for each in state["shown"].split(",") if each)
    return Visit(
        codename=Codename(tuple(state["codename"].split(" "))),
        shown=shown,
        read=shown[int(state["read"])] if state["read"] else b"",
        form=state["form"],
    )
