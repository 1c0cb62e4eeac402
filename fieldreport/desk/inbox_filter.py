"""The inbox's filters as they stand in an address. What an address names that there is not is said, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from fieldreport.desk.presentation import LANGUAGES
from fieldreport.errors import UsageError
from fieldreport.limits import LABEL_CHARACTERS
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases.case_index import NOBODY, CaseFilter, Limited, Order

_Choice = TypeVar("_Choice", bound=StrEnum)

# What "open" means: cases that still need work.
OPEN: Final = (CaseState.NEW, CaseState.READING, CaseState.VERIFYING, CaseState.WRITING)
_NOBODY: Final = "-"  # no handle
_TICKS: Final = ("unread", "starred", "files", "overdue", "junk")
NAMES: Final = ("state", "assignee", "label", "language", "limited", *_TICKS, "sort")
"""The names of the filters, in the order in which they stand in an address."""


class NoSuchFilter(UsageError):
    """An address names a filter, or a value of one, that there is not."""

    code = "no-such-filter"


def chosen(arguments: Mapping[str, str], *, besides: frozenset[str] = frozenset()) -> dict[str, str]:
    """The filters that an address sets, without those that are as they are anyway.

    Raises:
        NoSuchFilter: it has an argument that is neither a filter nor one of ``besides``.
    """
    unknown = sorted(set(arguments) - set(NAMES) - besides)
    if unknown:
        raise NoSuchFilter(Sentence("There is no filter called '%(name)s'.", name=unknown[0][:LABEL_CHARACTERS]))
    usual = {"state": "open", "sort": Order.NEWEST.value}
    return {name: arguments[name] for name in NAMES if arguments.get(name, "") not in {"", usual.get(name, "")}}


def wanted(chosen: Mapping[str, str], *, handles: frozenset[str]) -> CaseFilter:
    """The filter behind what ``chosen`` returned; ``handles`` are those whom a case can be or is assigned to.

    Raises:
        NoSuchFilter: a value that there is not.
    """
    state = chosen.get("state", "open")
    if state not in {"open", "all", "ended", *CaseState}:
        raise _no_value("state", state)
    assignee = chosen.get("assignee")
    if assignee not in {None, _NOBODY, *handles}:
        raise _no_value("assignee", str(assignee))
    language = chosen.get("language", "")
    if language and language not in LANGUAGES:
        raise _no_value("language", language)
    for name in _TICKS:
        if chosen.get(name, "1") != "1":
            raise _no_value(name, chosen[name])
    states: tuple[CaseState, ...] = OPEN if state == "open" else ()
    return CaseFilter(
        states=(CaseState(state),) if state in set(CaseState) else states,
        ended=state == "ended",
        assignee=NOBODY if assignee == _NOBODY else assignee,
        starred="starred" in chosen,
        unread="unread" in chosen,
        files="files" in chosen,
        overdue="overdue" in chosen,
        junk="junk" in chosen,
        limited=_one_of(Limited, "limited", chosen.get("limited", Limited.READABLE)),
        language=language,
        label=chosen.get("label", ""),
        order=_one_of(Order, "sort", chosen.get("sort", Order.NEWEST)),
    )


def assignee_value(handle: str) -> str:
    """How an address names an assignee."""
    return handle or _NOBODY


def _one_of(choices: type[_Choice], name: str, untrusted_value: str) -> _Choice:
    try:
        return choices(untrusted_value)
    except ValueError:
        raise _no_value(name, untrusted_value) from None


def _no_value(name: str, untrusted_value: str) -> NoSuchFilter:
    return NoSuchFilter(
        Sentence("The filter '%(name)s' has no value '%(value)s'.", name=name, value=untrusted_value[:LABEL_CHARACTERS])
    )
