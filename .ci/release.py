"""Build what is released: wheel, sdist and bill of materials, the same bytes from a commit wherever it is done.

``SOURCE_DATE_EPOCH=SECONDS release.py CHECKOUT OUT``. CHECKOUT holds the tracked files and nothing else, and
is changed; the seconds are those of its commit. The bill of materials (CycloneDX 1.6) names what
``deploy/requirements.txt`` pins.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import sys
import tarfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from setuptools import build_meta

_PIN = re.compile(r"(?m)^([a-z0-9-]+)==(\S+)(?: ; (.*?))? \\\n((?:    --hash=\S+(?: \\)?\n)+)((?:    #.*\n)*)")
_OURSELVES = "fieldreport"


def main(checkout: Path, out: Path, epoch: int) -> None:
    """Build all three into ``out``. ``epoch``: the seconds since 1970 that stand as time in them."""
    out.mkdir(exist_ok=True)
    os.umask(0o022)  # modes are part of both archives
    for path in (checkout, *checkout.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    os.chdir(checkout)
    build_meta.build_wheel(str(out))
    sdist = out / build_meta.build_sdist(str(out))
    sdist.write_bytes(settled(sdist, epoch))
    bill = json.dumps(bill_of_materials(checkout, epoch), indent=1) + "\n"
    (out / sdist.name.replace(".tar.gz", ".cdx.json")).write_text(bill, encoding="utf-8")


def settled(sdist: Path, epoch: int) -> bytes:
    """The same archive without what differs from machine to machine: order, times and owners."""
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old, key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=epoch) as file:
        file.write(plain.getvalue())
    return packed.getvalue()


def bill_of_materials(checkout: Path, epoch: int) -> dict[str, object]:
    """What runs where all of this is installed, and what needs it."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (checkout / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    pins = [match.groups() for match in _PIN.finditer(text) if "win32" not in (match[3] or "")]
    refs = {name: f"pkg:pypi/{name}@{version}" for name, version, *_ in pins}
    refs[_OURSELVES] = f"pkg:pypi/{_OURSELVES}@{project['version']}"
    needs: dict[str, list[str]] = {name: [] for name in refs}
    for name, *_, via in pins:
        for parent in re.findall(r"#(?: via|  ) ([a-z0-9-]+)", via):
            needs[parent].append(refs[name])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat(),
            "component": {
                "type": "application",
                "bom-ref": refs[_OURSELVES],
                "name": _OURSELVES,
                "version": project["version"],
                "licenses": [{"expression": project["license"]}],
            },
        },
        "components": [
            {"type": "library", "bom-ref": refs[name], "name": name, "version": version, "purl": refs[name]}
            for name, version, *_ in pins
        ],
        "dependencies": [{"ref": refs[name], "dependsOn": below} for name, below in needs.items()],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(os.environ["SOURCE_DATE_EPOCH"]))
