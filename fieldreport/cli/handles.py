"""A handle on the command line: what a person types, as every handle is written."""

from __future__ import annotations

from typing import Any, Final

import click
from typing_extensions import override

from fieldreport.seal import fold_handle


class _Handle(click.ParamType[str]):
    name = "handle"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return fold_handle(str(value))


HANDLE: Final = _Handle()
