"""Areas that somebody marks on pages: what the form of a redaction holds, and what one press of a button does to it.

Rules: nothing is stored until the redaction is made; between two clicks everything is in the form. A click is two
numbers of pixels on a picture of which only the width is known, so all numbers count in its width (see ``Area``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from fieldreport import limits
from fieldreport.desk.forms import incomplete
from fieldreport.errors import UsageError
from fieldreport.scrub import Area, Redaction
from fieldreport.scrub.verdicts import WIDTH
from fieldreport.sentence import Sentence

SHOWN: Final = 704
"""Width in pixels at which a page is marked: it fits beside the list, and on a tablet."""
_PERCENT: Final = WIDTH // 100
_SIDES: Final = ("left", "top", "right", "bottom")
_CLICK: Final = re.compile(r"[0-9]{1,6}")
_DRAG: Final = re.compile(r"-?[0-9]{1,6}(?: -?[0-9]{1,6}){3}")
_NUMBER: Final = re.compile(r"[0-9]{1,5}(?:[.,][0-9]{1,4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is marked so far. ``page``: the one that is shown, of ``pages``; ``corner``: of an area half marked.

    ``looked``: whether faces were looked for on that page; ``faces``: those that were found there and are not covered.
    """

    redaction: Redaction = field(default_factory=Redaction)
    page: int = 1
    pages: int = 1
    corner: tuple[int, int] | None = None
    looked: bool = False
    faces: tuple[Area, ...] = ()

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Self:
        """What a form of ours holds.

        Raises:
            UsageError: it is none, or holds more than ``limits.REDACTION_AREAS`` areas.
        """
        try:
            areas, found = _read(form.get("areas", "")), _read(form.get("faces", ""))
            left_out = tuple(map(int, form.get("left_out", "").split()))
            corner = tuple(map(int, form.get("corner", "").split()))
            return cls(
                redaction=Redaction(areas=areas, left_out=left_out),
                page=min(max(1, int(form["page"])), limits.IMAGE_FRAMES),
                pages=min(max(1, int(form["pages"])), limits.IMAGE_FRAMES),
                corner=(corner[0], corner[1]) if corner else None,
                looked=form.get("looked") == "yes",
                faces=found[: limits.FACES],
            )
        except (ValueError, KeyError, TypeError, IndexError):
            raise incomplete() from None

    @property
    def areas(self) -> str:
        """The areas as the form carries them."""
        return _written(self.redaction.areas)

    @property
    def face_areas(self) -> str:
        """The faces that are suggested, as the form carries them."""
        return _written(self.faces)

    def suggesting(self, faces: tuple[Area, ...]) -> Self:
        """With faces that were found on the page that is shown."""
        return replace(self, looked=True, faces=faces)

    def after(self, form: Mapping[str, str]) -> Self:
        """What is marked after what was pressed.

        Raises:
            UsageError: what is typed or clicked is no area.
        """
        act, _, number = form.get("act", "").partition("-")
        match act:
            case "add":
                return self._with(*_typed(form))
            case "remove" if number.isdecimal():
                areas = self.redaction.areas
                return self._having(areas=areas[: int(number)] + areas[int(number) + 1 :])
            case "page" if number.isdecimal():
                page = min(max(1, int(number)), self.pages)
                return replace(self, page=page, corner=None, looked=False, faces=())
            case "cover" if number.isdecimal() or not number:
                return self._covering(self.faces[int(number) : int(number) + 1] if number else self.faces)
            case "leave":
                return self._having(left_out=tuple(sorted({*self.redaction.left_out, self.page})))
            case "keep":
                return self._having(left_out=tuple(set(self.redaction.left_out) - {self.page}))
            case "forget":
                return replace(self, corner=None)
            case _:
                pass
        if _DRAG.fullmatch(form.get("drag", "")):
            return self._with(*map(_units, form["drag"].split()))
        if _CLICK.fullmatch(form.get("at.x", "")) and _CLICK.fullmatch(form.get("at.y", "")):
            return self._clicked(int(form["at.x"]), int(form["at.y"]), form)
        return self

    def _covering(self, faces: tuple[Area, ...]) -> Self:
        left = tuple(each for each in self.faces if each not in faces)
        return replace(self._having(areas=(*self.redaction.areas, *faces)), faces=left)

    def _clicked(self, x: int, y: int, form: Mapping[str, str]) -> Self:
        if x == y == 0:  # no pointer: a key was pressed on the picture, or in a field
            if any(form.get(side, "").strip() for side in _SIDES):
                return self._with(*_typed(form))
            raise UsageError(
                Sentence("The picture takes clicks. With the keyboard, type the four edges and press Add.")
            )
        point = (_units(str(x)), _units(str(y)))
        return replace(self, corner=point) if self.corner is None else self._with(*self.corner, *point)

    def _with(self, x: int, y: int, other_x: int, other_y: int) -> Self:
        left, right = sorted(min(max(0, each), WIDTH) for each in (x, other_x))
        top, bottom = sorted(max(0, each) for each in (y, other_y))
        try:
            return self._having(areas=(*self.redaction.areas, Area(self.page, left, top, right, bottom)))
        except ValueError:
            raise UsageError(Sentence("An area has a width and a height: mark two opposite corners of it.")) from None

    def _having(self, **changed: tuple[Area, ...] | tuple[int, ...]) -> Self:
        try:
            redaction = replace(self.redaction, **changed)  # type: ignore[arg-type]  # each of its own field
        except ValueError:
            raise UsageError(
                Sentence("At most %(most)s areas can be marked in one file.", most=limits.REDACTION_AREAS)
            ) from None
        return replace(self, redaction=redaction, corner=None)


def _read(untrusted: str) -> tuple[Area, ...]:
    return tuple(Area(*map(int, each.split())) for each in untrusted.split(";") if each.strip())


def _written(areas: tuple[Area, ...]) -> str:
    return ";".join(f"{area.page} {area.left} {area.top} {area.right} {area.bottom}" for area in areas)


def _units(pixels: str) -> int:
    return int(pixels) * WIDTH // SHOWN


def _typed(form: Mapping[str, str]) -> tuple[int, int, int, int]:
    numbers = []
    for side in _SIDES:
        text = form.get(side, "").strip()
        if not _NUMBER.fullmatch(text):
            raise UsageError(
                Sentence("Type four numbers in percent of the width, like 12.5: left, top, right, bottom.")
            )
        numbers.append(round(float(text.replace(",", ".")) * _PERCENT))
    left, top, right, bottom = numbers
    return left, top, right, bottom
