"""The handbook's commands, to the letter: ``python handbook.py BLOCK`` prints those of a block.

``python handbook.py run BLOCK`` runs them one after the other, as root in a root of their own, in the folder of the
tree; the admin's passphrase, once `init` has printed it, is typed where a command asks for it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

_HANDBOOK: Final = Path(__file__).resolve().parents[2] / "deploy" / "README.md"


def commands(block: str) -> list[str]:
    """The lines of code between ``<!-- BLOCK -->`` and ``<!-- end -->``, wherever the handbook has them."""
    text = _HANDBOOK.read_text(encoding="utf-8")
    found = re.findall(rf"<!-- {block} -->\n```sh\n(.*?)```\n<!-- end -->", text, re.DOTALL)
    assert found, f"the handbook has no block {block!r}"
    return [line for each in found for line in each.splitlines()]


def run(block: str) -> None:
    """Run a block's commands; the first that fails ends it."""
    passphrase = ""
    for line in commands(block):
        done = subprocess.run(["bash", "-euc", line], input=passphrase, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        if shown := re.search(r"\(admin\)\n  passphrase +(.+)\n", done.stdout):
            passphrase = f"{shown[1]}\n"
    sys.stdout.write(f"the handbook's {len(commands(block))} commands of {block!r} were run\n")


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(sys.argv[2])
    else:
        sys.stdout.writelines(f"{line}\n" for line in commands(sys.argv[1]))
