"""The look of the site: the templates and the style that come with it, and a newsroom's own in place of some.

Rules: a theme is read once, at the start, and never from the disk again; its templates run in Jinja's sandbox, where
they reach the values of a page and call no method of ours, nor of a path; what does not compile is refused with file
and line, and so is what makes a page that is not ``closed`` as ours: ``trial.try_theme`` builds a whole site of samples
with it first.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from jinja2 import (
    ChoiceLoader,
    Environment,
    FunctionLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
)
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import SettingsError
from fieldreport.press.schedule import instant

_STYLE: Final = "style.css"
_PACKAGE: Final = "fieldreport.press"
_CALLED: Final = frozenset({"builtins", "jinja2", "markupsafe"})  # whose methods a template may call
_OF_A_TIME: Final = frozenset({"date", "isoformat", "strftime"})  # others know the clock and the zone of this machine
_OWN_PARTS: Final = "_"  # begins the name of a part that only the theme's own templates include


@dataclass(frozen=True, slots=True)
class Theme:
    """Files in place of ours: pairs of a name and its text, read from ``folder``; without any it is our own look.

    A template may extend the one whose place it takes: ``{% extends "shipped/base.html" %}``.
    """

    own: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    folder: Path = Path()

    @classmethod
    def load(cls, folder: Path) -> Theme:
        """Read a theme; an empty path is our own look.

        Raises:
            SettingsError: the folder cannot be read, a file takes the place of none of ours, is too long or no UTF-8,
                or a template does not compile; the message names file and line.
        """
        if folder == Path():
            return cls()
        shipped = {*PackageLoader(_PACKAGE).list_templates(), _STYLE}
        own = []
        try:
            for path in sorted(folder.iterdir()):
                if path.name not in shipped and not path.name.startswith(_OWN_PARTS):
                    raise SettingsError(
                        f"[press] theme: {path} takes the place of no file of the site: {', '.join(sorted(shipped))}"
                    )
                if path.stat().st_size > limits.THEME_FILE_BYTES:
                    raise SettingsError(f"[press] theme: {path} is longer than {limits.THEME_FILE_BYTES} bytes")
                own.append((path.name, path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"[press] theme: cannot read {folder}: {error}") from None
        theme = cls(tuple(own), folder)
        for name, _ in own:
            if name != _STYLE:
                with theme._errors_named():
                    _environment(theme).get_template(name)
        return theme

    def render(self, template: str, /, **values: object) -> str:
        """A page. Raises ``SettingsError``: a template of the theme fails; with its file and line."""
        with self._errors_named():
            return _environment(self).get_template(template).render(**values)

    @property
    def style(self) -> str:
        """The style sheet."""
        own = dict(self.own).get(_STYLE)
        return files(_PACKAGE).joinpath(_STYLE).read_text(encoding="utf-8") if own is None else own

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except TemplateSyntaxError as error:
            raise _refused(error.filename or error.name or "", error.lineno, str(error.message)) from None
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            where = [(frame.filename, frame.lineno) for frame in frames if Path(frame.filename).parent == self.folder]
            if not self.own or not (where or isinstance(error, TemplateError)):
                raise
            name, line = where[-1] if where else (str(self.folder), None)
            raise _refused(name, line, f"{type(error).__name__}: {error}") from None


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox takes every public method for harmless; that of a path writes files."""

    @override
    def is_safe_callable(self, obj: object) -> bool:
        owner = getattr(obj, "__self__", obj)
        if isinstance(owner, date):
            return getattr(obj, "__name__", "") in _OF_A_TIME
        module = str(getattr(owner, "__module__", "builtins"))
        return super().is_safe_callable(obj) and module.partition(".")[0] in _CALLED


def _refused(name: str, line: int | None, why: str) -> SettingsError:
    return SettingsError(f"[press] theme: {name}{f', line {line}' if line else ''}: {why}")


@lru_cache(maxsize=4)
def _environment(theme: Theme) -> Environment:
    own = dict(theme.own)

    def of_theme(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        return (own[name], str(theme.folder / name), lambda: True) if name in own else None

    shipped = PackageLoader(_PACKAGE)
    made = _Sandbox(
        loader=ChoiceLoader([FunctionLoader(of_theme), shipped, PrefixLoader({"shipped": shipped})]),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    made.filters["instant"] = instant
    return made
