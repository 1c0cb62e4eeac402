"""The known-answer test at start: it passes here, and any wrong answer ends the start."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from fieldreport.errors import PlatformError
from fieldreport.seal import check_platform, hybrid, self_test


def test_this_machine_passes() -> None:
    check_platform()


def test_the_answer_is_the_published_one(vectors: Path) -> None:
    published = (vectors / "age" / "testkit" / "hybrid").read_bytes()
    assert published.endswith(b"\n\n" + base64.b64decode(self_test._AGE_FILE))
    assert b"file key: " + self_test._FILE_KEY.hex().encode() in published
    assert hybrid.HybridIdentity(self_test._SEED).encode().encode() in published


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("_FILE_KEY", bytes(16)),
        ("_SEED", bytes(32)),
        ("_PLAINTEXT", b"old"),
        ("_AGE_FILE", base64.b64encode(b"nothing").decode()),
        ("_GCM_TAG", bytes(16)),
        ("_ARGON2ID_TAG", bytes(32)),
    ],
)
def test_a_wrong_answer_ends_the_start(monkeypatch: pytest.MonkeyPatch, name: str, wrong: object) -> None:
    monkeypatch.setattr(self_test, name, wrong)
    with pytest.raises(PlatformError) as caught:
        check_platform()
    assert caught.value.code == "selftest"
    assert caught.value.exit_status == 69


@pytest.mark.parametrize("missing", ["Suite", "MLKEM768PrivateKey", "MLKEM768PublicKey"])
def test_a_build_without_ml_kem_ends_the_start(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    class Missing:
        """What a build of 'cryptography' on an OpenSSL without ML-KEM does."""

        def __init__(self, *arguments: object) -> None:
            raise UnsupportedAlgorithm("ML-KEM is not supported by this build")

        from_seed_bytes = from_public_bytes = __init__

    monkeypatch.setattr(hybrid, missing, Missing)
    hybrid._suite.cache_clear()
    with pytest.raises(PlatformError) as caught:
        check_platform()
    assert caught.value.code == "no-ml-kem"


def test_a_build_without_ml_dsa_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(seed: bytes) -> None:
        raise UnsupportedAlgorithm("ML-DSA is not supported by this build")

    monkeypatch.setattr(MLDSA65PrivateKey, "from_seed_bytes", missing)
    with pytest.raises(PlatformError) as caught:
        check_platform()
    assert caught.value.code == "no-ml-kem"
