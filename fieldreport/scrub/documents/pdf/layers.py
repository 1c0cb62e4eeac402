"""Which layers (optional content, ISO 32000-1, 8.11) a viewer shows when it opens a document.

What a layer that is off holds is hidden and goes; what is on becomes part of the page. So no layer is left.
"""

from __future__ import annotations

from typing import Any, Final

from pikepdf import Array, Dictionary

from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.verdicts import Bomb

_DEPTH: Final = 40  # of a visibility expression
_POLICIES: Final = {"/AllOn": (all, False), "/AnyOff": (any, True), "/AllOff": (all, True)}


class Layers:
    """The layers of one document, by the configuration that viewers begin with."""

    def __init__(self, root: Any) -> None:
        properties = root.get("/OCProperties")
        default = properties.get("/D") if isinstance(properties, Dictionary) else None
        self._off: set[tuple[int, int]] = set()
        if not isinstance(properties, Dictionary) or not isinstance(default, Dictionary):
            return
        if values.spelled(default.get("/BaseState")) == "/OFF":
            self._off |= _numbers(properties.get("/OCGs"))
            self._off -= _numbers(default.get("/ON"))
        self._off |= _numbers(default.get("/OFF"))
        for rule in _items(default.get("/AS")):
            if isinstance(rule, Dictionary) and values.spelled(rule.get("/Event")) == "/View":
                self._apply(rule)

    def _apply(self, rule: Any) -> None:
        """A rule by which viewers, and not people, switch layers: whether they are for looking at (table 102)."""
        for group in _items(rule.get("/OCGs")):
            usage = group.get("/Usage") if isinstance(group, Dictionary) else None
            view = usage.get("/View") if isinstance(usage, Dictionary) else None
            state = values.spelled(view.get("/ViewState")) if isinstance(view, Dictionary) else ""
            if state == "/OFF":
                self._off.add(group.objgen)
            elif state == "/ON":
                self._off.discard(group.objgen)

    def hidden(self, source: Any) -> bool:
        """Whether what belongs to this group or membership is not shown; what is neither is shown."""
        if not isinstance(source, Dictionary):
            return False
        match values.spelled(source.get("/Type")):
            case "/OCG":
                return source.objgen in self._off
            case "/OCMD":
                if isinstance(expression := source.get("/VE"), Array):
                    return not self._shown(expression, 0)
                listed = source.get("/OCGs")
                groups = [item for item in (_items(listed) or [listed]) if isinstance(item, Dictionary)]
                every, wanted = _POLICIES.get(values.spelled(source.get("/P")), (any, False))
                return bool(groups) and not every((group.objgen in self._off) is wanted for group in groups)
            case _:
                return False

    def _shown(self, expression: Any, depth: int) -> bool:
        """A visibility expression: a group, or And, Or, Not and what they are about."""
        if depth > _DEPTH:
            raise Bomb
        if not isinstance(expression, Array):
            return not self.hidden(expression)
        results = [self._shown(operand, depth + 1) for operand in list(expression)[1:]]
        match values.spelled(expression[0]) if len(expression) else "":
            case "/And":
                return all(results)
            case "/Not":
                return not any(results)
            case _:
                return any(results)


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Array) else []


def _numbers(groups: Any) -> set[tuple[int, int]]:
    return {group.objgen for group in _items(groups) if isinstance(group, Dictionary)}
