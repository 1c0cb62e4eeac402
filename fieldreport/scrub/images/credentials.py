"""Whether Content Credentials fit the file that they lie in: the hashes in them, and their signature (C2PA 2.2, 15).

Rules: nothing is fetched, and no list of signers is asked, so nobody learns here who signed. That a signature fits says
that the file is as somebody signed it, and no more. Imported only where a stranger's bytes may be parsed; the library
takes a file of this machine at its first use, which is what ``warm`` is for.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from typing import Any, Final, cast

import c2pa

from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Removed

_SETTINGS: Final = {
    "core": {"decode_identity_assertions": False, "allowed_network_hosts": []},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
_LIKE_MP4: Final = frozenset({"audio/3gpp", "video/3gpp"})
# Codes of section 15.2.2: of what is signed, and of the file.
_SIGNED: Final = "claimSignature.validated"
_BOUND: Final = re.compile(r"assertion\.(dataHash|bmffHash|boxesHash|collectionHash)\.match")
_DIFFERS: Final = re.compile(r"(assertion|claimSignature)\..*mismatch")
_OF_THE_SIGNER: Final = ("signingCredential.", "timeStamp.")


def warm() -> None:
    """Load what the library loads at its first use, while files may still be opened."""
    judge(Source.of(b"\xff\xd8\xff\xd9"), "image/jpeg")


def judge(untrusted: Source, media_type: str) -> Removed | None:
    """Whether the newest signature in a file fits it; ``Removed.UNCHECKED`` when that cannot be told.

    None when the file holds none of its own, or none that can be read there.
    """
    try:
        found = _read(untrusted, "video/mp4" if media_type in _LIKE_MP4 else media_type)
    except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
        return None
    except c2pa.C2paError:
        return Removed.UNCHECKED
    results = found.get("validation_results", {}).get("activeManifest", {})
    passed, failed = ({each["code"] for each in results.get(kind, ())} for kind in ("success", "failure"))
    if any(map(_DIFFERS.fullmatch, failed)):
        return Removed.CHANGED
    is_whole = _SIGNED in passed and any(map(_BOUND.fullmatch, passed))
    return Removed.FITS if is_whole and all(code.startswith(_OF_THE_SIGNER) for code in failed) else Removed.UNCHECKED


def _read(untrusted: Source, media_type: str) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        context = stack.enter_context(c2pa.Context.from_dict(_SETTINGS))
        file = untrusted.file() if untrusted.size else io.BytesIO()
        reader = stack.enter_context(c2pa.Reader(media_type, file, context=context))
        return cast("dict[str, Any]", json.loads(reader.json()))
