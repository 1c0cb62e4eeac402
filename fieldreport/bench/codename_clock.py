"""Whether somebody with a clock can tell a codename that was used from one that never was.

Pairs of tries, one of each kind in an order drawn at random, are compared by which took longer: a sign test does not
mind noise, which on any network is larger than here. Below a ``z`` of 3.3 the two cannot be distinguished (one run in a
thousand exceeds it by chance).
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from typing import Final

from fieldreport.bench.letterbox import Client, form_body, report_form, running_letterbox
from fieldreport.bench.measure import Sheet
from fieldreport.seal import Codename

_TRIES: Final = 2000
_KNOWN: Final = 10
_MOST_Z: Final = 3.3


def measure(sheet: Sheet) -> None:
    """Write two rows: how far apart the times are, and how many sizes the pages have."""
    pairs: list[tuple[float, float]] = []
    sizes: set[int] = set()
    with running_letterbox(workers=1, editors=("amira",)) as letterbox, Client(letterbox.port) as client:
        known = [_used(client) for _ in range(_KNOWN)]
        for number in range(_TRIES // 2):
            tries = {True: known[number % _KNOWN], False: str(Codename.generate("en"))}
            took = {}
            for kind in (True, False) if secrets.randbelow(2) else (False, True):
                body = form_body({"codename": tries[kind]})
                began = time.perf_counter()
                page = client.post("/en/return", body)
                took[kind] = time.perf_counter() - began
                sizes.add(len(page))
            pairs.append((took[True], took[False]))
    sheet.figure(f"known against unknown codenames, {_TRIES} tries", abs(sign_z(pairs)), "z", at_most=_MOST_Z)
    sheet.figure("sizes of the page that answers them", len(sizes), "", at_most=1)


def _used(client: Client) -> str:
    form = report_form(client.get("/en/report"))
    client.post("/en/report", form_body({**form, "report": "Nine trucks."}))
    return form["codename"]


def sign_z(pairs: Sequence[tuple[float, float]]) -> float:
    """How many standard deviations the first of a pair is the larger one more often than by chance; ties are left out.

    0 where there is nothing to compare.
    """
    first = sum(one > other for one, other in pairs)
    second = sum(one < other for one, other in pairs)
    return (first - second) / math.sqrt(first + second) if first + second else 0.0
