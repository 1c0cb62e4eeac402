"""The cast of the sealing tests: two editors and a stranger, and one newsroom."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fieldreport.seal import Binding, Expected, HybridIdentity, Kind, OpenEnvelope, PartSource, seal_envelope
from fieldreport.seal import open_envelope as open_

VECTORS = Path(__file__).parent.parent / "vectors"
ROSTER = bytes(range(32))
INSTANCE = b"the newsroom's 1"
THREAD = b"a case of theirs"
OBJECT = b"one note on that"


def seeded(number: int) -> HybridIdentity:
    return HybridIdentity(number.to_bytes(32, "big"))


@dataclass(frozen=True, kw_only=True)
class Newsroom:
    """One sealing newsroom; ``seal`` and ``open`` take what differs from the usual."""

    first: HybridIdentity = field(default_factory=lambda: seeded(1))
    second: HybridIdentity = field(default_factory=lambda: seeded(2))
    stranger: HybridIdentity = field(default_factory=lambda: seeded(3))
    binding: Binding = field(
        default_factory=lambda: Binding(
            kind=Kind.NOTE, epoch=7, roster=ROSTER, instance=INSTANCE, thread=THREAD, object=OBJECT
        )
    )
    expected: Expected = field(
        default_factory=lambda: Expected(
            kind=Kind.NOTE, instance=INSTANCE, thread=THREAD, object=OBJECT, rosters={6: bytes(32), 7: ROSTER}
        )
    )

    def seal(self, *contents: bytes, binding: Binding | None = None) -> tuple[bytes, bytes]:
        payload = io.BytesIO()
        header = seal_envelope(
            binding or self.binding,
            hour=498_228,
            fields={"report_language": "en"},
            parts=[
                PartSource(
                    name=f"part-{number}.txt",
                    media_type="text/plain; charset=utf-8",
                    source=io.BytesIO(content),
                    length=len(content),
                    removed=("author",),
                )
                for number, content in enumerate(contents, 1)
            ],
            recipients=[self.first.recipient, self.second.recipient],
            payload_to=payload,
        )
        return header, payload.getvalue()

    def open(
        self,
        header: bytes,
        payload: bytes,
        *,
        identity: HybridIdentity | None = None,
        expected: Expected | None = None,
    ) -> OpenEnvelope:
        return open_(
            header, io.BytesIO(payload), identities=[identity or self.first], expected=expected or self.expected
        )


@pytest.fixture(scope="session")
def newsroom() -> Newsroom:
    return Newsroom()


@pytest.fixture(scope="session")
def vectors() -> Path:
    return VECTORS
