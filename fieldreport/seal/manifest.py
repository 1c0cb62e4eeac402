"""The manifest: what a sealed object holds. Canonical JSON after the inner header; FORMAT.md, "Manifest".

Rules: one value, one spelling (it must encode back to the same bytes). Every name, type and length is checked before it
is used, because anyone who knows a public key can seal an object. A part's name is safe as a file name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from fieldreport import limits
from fieldreport.errors import LimitExceeded, SealError
from fieldreport.seal import canonical

ADDRESSEE: Final = "addressee"
READ: Final = "read"
"""The field in which a letter names the newest reply on the page that it was written on."""
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_NAME_CHARACTERS: Final = 100
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+_-]{0,99}(; charset=utf-8)?")
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = 64
_CODES: Final = 64
_HOUR_MAX: Final = 2**31 - 1
_LENGTH_MAX: Final = 2**53 - 1  # what every JSON reader holds exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file inside: a neutral name, its media type, bytes, SHA-256 (32 bytes), codes of what was removed from it.

    Raises:
        SealError: (code ``manifest``) a name that is not a plain ASCII file name, or any other field out of its form.
    """

    name: str
    media_type: str
    length: int
    sha256: bytes
    removed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None or len(self.name) > _NAME_CHARACTERS:
            raise _malformed("part name")
        if _MEDIA_TYPE.fullmatch(self.media_type) is None:
            raise _malformed("media type")
        if type(self.length) is not int or not 0 <= self.length <= _LENGTH_MAX or len(self.sha256) != 32:
            raise _malformed("length or hash of a part")
        if len(self.removed) > _CODES or len(set(self.removed)) < len(self.removed):
            raise _malformed("codes of what was removed")
        if any(_CODE.fullmatch(code) is None for code in self.removed):
            raise _malformed("codes of what was removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Hours since the Unix epoch, the typed fields, the parts in their order.

    Raises:
        SealError: (code ``manifest``) a field name out of its form, two parts of one name, or an hour out of bounds.
        LimitExceeded: (code ``manifest``) more parts or fields than allowed.
    """

    hour: int
    fields: Mapping[str, str] = field(repr=False)
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if len(self.parts) > limits.PARTS or len(self.fields) > _FIELDS:
            raise _too_large("parts or fields")
        if type(self.hour) is not int or not 0 <= self.hour <= _HOUR_MAX:
            raise _malformed("hour")
        if any(_FIELD.fullmatch(name) is None or not isinstance(text, str) for name, text in self.fields.items()):
            raise _malformed("field")
        if len({part.name.lower() for part in self.parts}) < len(self.parts):
            raise _malformed("two parts of one name")
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))

    @property
    def number(self) -> int:
        """Which message it is, counted from 1, among those that one side sent the other; 0 where it does not say.

        Only for the order of messages of one hour: who can seal a message can give it any number.
        """
        number = self.fields.get("number", "")
        return int(number) if _NUMBER.fullmatch(number) else 0

    @property
    def addressee(self) -> str:
        """See ``addressee_of``."""
        return addressee_of(self.fields)

    def encode(self) -> bytes:
        """Return the canonical bytes.

        Raises:
            LimitExceeded: (code ``manifest``) over ``limits.MANIFEST_BYTES``.
            SealError: (code ``manifest``) a field that is not Unicode text (a lone surrogate).
        """
        value = {
            "fields": dict(self.fields),
            "hour": self.hour,
            "parts": [
                {
                    "length": part.length,
                    "name": part.name,
                    "removed": list(part.removed),
                    "sha256": part.sha256.hex(),
                    "type": part.media_type,
                }
                for part in self.parts
            ],
        }
        try:
            encoded = canonical.encode(value)
        except ValueError:
            raise _malformed("not Unicode text") from None
        if len(encoded) > limits.MANIFEST_BYTES:
            raise _too_large("bytes")
        return encoded

    @classmethod
    def parse(cls, untrusted_manifest: bytes) -> Manifest:
        """Parse the canonical bytes; the caller bounds their number.

        Raises:
            SealError: (code ``manifest``) not canonical JSON, a key too many or too few, or a value out of its form.
            LimitExceeded: (code ``manifest``) more parts or fields than allowed.
        """
        try:
            untrusted = canonical.decode(untrusted_manifest)
        except ValueError:
            raise _malformed("not canonical JSON") from None
        _check_keys(untrusted, {"fields", "hour", "parts"})
        if not isinstance(untrusted["fields"], dict) or not isinstance(untrusted["parts"], list):
            raise _malformed("type of a value")
        if len(untrusted["parts"]) > limits.PARTS:
            raise _too_large("parts")
        parts = tuple(_parse_part(part) for part in untrusted["parts"])
        return cls(hour=untrusted["hour"], fields=untrusted["fields"], parts=parts)


def addressee_of(fields: Mapping[str, str]) -> str:
    """The name in the roster that a letter with these fields is addressed to, empty for every editor.

    Who can seal a letter can name anybody.
    """
    return fields.get(ADDRESSEE, "").rstrip(" ")


def _parse_part(untrusted_part: object) -> Part:
    part = _check_keys(untrusted_part, {"length", "name", "removed", "sha256", "type"})
    name, media_type, sha256, removed = part["name"], part["type"], part["sha256"], part["removed"]
    if not (isinstance(name, str) and isinstance(media_type, str) and isinstance(sha256, str)):
        raise _malformed("type of a value")
    if not isinstance(removed, list) or not all(isinstance(code, str) for code in removed):
        raise _malformed("type of a value")
    if _SHA256.fullmatch(sha256) is None or not isinstance(part["length"], int):
        raise _malformed("length or hash of a part")
    return Part(
        name=name,
        media_type=media_type,
        length=part["length"],
        sha256=bytes.fromhex(sha256),
        removed=tuple(removed),
    )


def _check_keys(untrusted: object, names: set[str]) -> dict[str, object]:
    if not isinstance(untrusted, dict) or set(untrusted) != names:
        raise _malformed("keys")
    return untrusted


def _malformed(detail: str) -> SealError:
    return SealError("this sealed object is damaged", code="manifest", detail=f"manifest: {detail}")


def _too_large(detail: str) -> LimitExceeded:
    return LimitExceeded("this is more than one sealed object holds", code="manifest", detail=f"manifest: {detail}")
