"""The error tree: each class has its exit status, its HTTP status, and words for the person who meets it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import fieldreport
from fieldreport import errors
from fieldreport.desk.error_pages import words_for
from fieldreport.errors import Conflict, FieldreportError, NotFound, StoreError, Unavailable
from fieldreport.intake.messages import Sent, explain
from fieldreport.web.error_pages import failure_of

BROKEN = "Something broke on our side"
BROKEN_DESK = "Something went wrong on our side"
# Class, exit status (sysexits.h), HTTP status, heading at the intake, heading on the desk.
TREE = [
    ("FieldreportError", 70, 500, BROKEN, BROKEN_DESK),
    ("UsageError", 64, 422, "This did not work", "This cannot be done"),
    ("SettingsError", 78, 500, BROKEN, BROKEN_DESK),
    ("PlatformError", 69, 500, BROKEN, BROKEN_DESK),
    ("KeyFileDamaged", 65, 500, BROKEN, BROKEN_DESK),
    ("SealError", 65, 500, BROKEN, BROKEN_DESK),
    ("NotARecipient", 77, 500, BROKEN, "Your key does not open this"),
    ("UnlockRefused", 77, 403, "This did not work", "You may not do this"),
    ("NotAllowed", 77, 403, "This did not work", "You may not do this"),
    ("CodenameError", 65, 422, "This did not work", "This cannot be done"),
    ("TokenError", 65, 400, "Please press the button once more", "This form has expired"),
    ("TokenExpired", 65, 400, "Please press the button once more", "This page was open for too long"),
    ("ScrubRefused", 65, 422, "This did not work", "This cannot be done"),
    ("LimitExceeded", 65, 413, "This did not work", "Too large"),
    ("NotFound", 66, 404, "There is no such page", "It no longer exists"),
    ("Conflict", 75, 409, "This did not work", "It was changed meanwhile"),
    ("Unavailable", 75, 503, BROKEN, "Not now"),
    ("StoreError", 74, 503, BROKEN, "Not now"),
    ("StoreAway", 74, 503, BROKEN, "Not now"),
    ("RosterError", 77, 503, "We cannot take reports right now", "No valid list of staff"),
    ("StaleRoster", 75, 503, BROKEN, "Not now"),
    ("LetterboxClosed", 75, 503, "We take no reports at the moment", "Not now"),
    ("MailboxFull", 75, 503, "Our mailbox is full", "Not now"),
]


def below(kind: type[FieldreportError]) -> Iterator[type[FieldreportError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def example(name: str) -> FieldreportError:
    kind: type[FieldreportError] = getattr(errors, name)
    return errors.TokenExpired("x", state={}) if kind is errors.TokenExpired else kind("x")


@pytest.mark.parametrize(("name", "exit_status", "status", "at_the_intake", "on_the_desk"), TREE)
def test_each_class_has_its_statuses_and_words_of_its_own(
    name: str, exit_status: int, status: int, at_the_intake: str, on_the_desk: str
) -> None:
    error = example(name)
    failure = failure_of(error)
    assert (error.exit_status, failure.status) == (exit_status, status)
    assert str(explain(failure, Sent.LETTER).title) == at_the_intake
    assert str(explain(failure, Sent.LETTER).advice)
    heading, advice = words_for(failure, posted=True)
    assert heading == on_the_desk
    assert advice


def test_the_table_above_is_the_whole_tree() -> None:
    kinds: list[type[FieldreportError]] = [FieldreportError, *below(FieldreportError)]
    assert {name for name, *_ in TREE} == {kind.__name__ for kind in kinds if kind.__module__ == errors.__name__}


def test_the_tree_drawn_in_the_module_is_the_tree() -> None:
    drawn = [line.strip(" │├└─") for line in str(errors.__doc__).splitlines() if line.lstrip(" │├└─")[:1].isupper()]
    found = {tuple(line.split()[:3]) for line in drawn}
    assert {(name, str(exit_status), str(status)) for name, exit_status, status, *_ in TREE} <= found


def test_a_class_of_another_module_keeps_the_http_status_of_its_parent_but_for_too_many_tries() -> None:
    for module in pkgutil.walk_packages(fieldreport.__path__, "fieldreport."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for kind in below(FieldreportError):
        if kind.__module__.startswith("fieldreport.") and kind.__module__ != errors.__name__:
            assert vars(kind).get("http_status") == {"TooManyTries": 429}.get(kind.__name__), kind


@pytest.mark.parametrize("missing", [NotFound, Conflict])
def test_what_is_missing_or_was_changed_is_no_outage(missing: type[FieldreportError]) -> None:
    assert not issubclass(missing, Unavailable)
    assert not issubclass(Unavailable, missing)
    assert issubclass(StoreError, Unavailable)


def test_a_code_without_words_of_its_own_gets_those_of_its_class() -> None:
    deleted = failure_of(NotFound("this was deleted", code="deleted"))
    assert words_for(deleted, posted=True)[0] == "It no longer exists"
    assert str(explain(deleted, Sent.NOTHING).title) == "There is no such page"
    expired = failure_of(errors.RosterError("it has expired", code="roster-expired"))
    assert words_for(expired, posted=True)[0] == "No valid list of staff"
    assert str(explain(expired, Sent.NOTHING).title) == "We cannot take reports right now"
