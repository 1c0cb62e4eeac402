"""Access rules: one per route, checked before the view runs; a route without a rule is refused.

Rules: a view is marked with exactly one of ``public``, ``signed_in``, ``editor`` and ``admin``. Roles do not include
each other: an admin reads no letter and an editor signs no roster.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal, TypeVar, assert_never

from fieldreport.errors import NotAllowed
from fieldreport.seal import Role
from fieldreport.sentence import Sentence

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE = "desk_rule"


class Rule(StrEnum):
    """Who a route is for."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"
    EDITOR = "editor"
    ADMIN = "admin"


class SignInFirst(NotAllowed):
    """The route needs a signed-in person and there is none: the answer is the sign-in page, not a refusal."""

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
    """Check that somebody with ``role`` (None: not signed in) may open a route with ``rule``.

    Raises:
        SignInFirst: the route needs a signed-in person, and there is none.
        NotAllowed: the route is for another role, or has no rule.
    """
    if rule is None:
        raise NotAllowed(Sentence("This page has no access rule."), code="no-rule")
    if rule is Rule.PUBLIC:
        return True
    if role is None:
        raise SignInFirst(Sentence("Sign in first."))
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
        raise NotAllowed(Sentence("This page is for people with the role '%(role)s'.", role=rule), code="other-role")
    return True
