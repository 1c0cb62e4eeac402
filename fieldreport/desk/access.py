"""Who may ask for what: one rule a route, checked before the view runs, and no route without one.

Rules: a view is marked with exactly one of ``public``, ``signed_in``, ``editor`` and ``admin``; a route that has none
is refused, whoever asks. Roles do not include each other: an admin reads no letter and an editor signs no roster.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal, TypeVar, assert_never

from fieldreport.errors import NotAllowed
from fieldreport.seal import Role

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE = "desk_rule"


class Rule(StrEnum):
    """Who a route is for."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"
    EDITOR = "editor"
    ADMIN = "admin"


class SignInFirst(NotAllowed):
    """The route needs somebody and nobody is signed in: the answer is the sign-in page, not a refusal."""

    code = "sign-in-first"


def _marker(rule: Rule) -> Callable[[View], View]:
    def mark(view: View) -> View:
        if rule_of(view) is not None:
            raise TypeError(f"{view} has two rules")
        setattr(view, _ATTRIBUTE, rule)
        return view

    return mark


def rule_of(view: Callable[..., Any]) -> Rule | None:
    """The rule a view was marked with, or nothing."""
    return getattr(view, _ATTRIBUTE, None)


public = _marker(Rule.PUBLIC)
signed_in = _marker(Rule.SIGNED_IN)
editor = _marker(Rule.EDITOR)
admin = _marker(Rule.ADMIN)


def check(rule: Rule | None, role: Role | None) -> Literal[True]:
    """Decide whether somebody with ``role`` (nothing: nobody is signed in) may go on.

    Raises:
        SignInFirst: the route needs somebody, and nobody is signed in.
        NotAllowed: the route is for others, or has no rule at all.
    """
    if rule is None:
        raise NotAllowed("This page has no rule that opens it.", code="no-rule")
    if rule is Rule.PUBLIC:
        return True
    if role is None:
        raise SignInFirst("Sign in first.")
    match rule:
        case Rule.SIGNED_IN:
            return True
        case Rule.EDITOR:
            allowed = role is Role.EDITOR
        case Rule.ADMIN:
            allowed = role is Role.ADMIN
        case _:
            assert_never(rule)
    if not allowed:
        raise NotAllowed(f"This page is for people with the role '{rule}'.", code="other-role")
    return True
