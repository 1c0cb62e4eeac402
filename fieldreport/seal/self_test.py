"""The known-answer test that every zone runs before it takes its first request.

Rules: the answers come from outside (each names its source); any difference stops the start. It takes a few
milliseconds and no state.
"""

from __future__ import annotations

import base64
import io
from typing import Final, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from fieldreport.errors import FieldreportError, PlatformError
from fieldreport.seal.header import Header, build_header, open_header, read_header
from fieldreport.seal.hybrid import HybridIdentity
from fieldreport.seal.stream import PayloadReader

# The vector "hybrid" of the C2SP age test vectors (github.com/C2SP/CCTV, 0BSD): its identity as the 32 bytes that the
# text encodes, its file key, its plaintext and the whole age file.
_SEED: Final = bytes.fromhex("b8be81702bae561b372c3de084b70415734529cfef83c57eeb3e6e57689f9e23")
_FILE_KEY: Final = bytes.fromhex("59454c4c4f57205355424d4152494e45")
_PLAINTEXT: Final = b"age"
_AGE_FILE: Final = (
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IG1sa2VtNzY4eDI1NTE5IE5mTGNnQWJ6dk5nZjBhUmI0UEFOQnZ5RHRJRERRS2Y4NEpoaEZsbnZUMU"
    "5VQWNiR05yQXJSWi9UK2JjOWw0eG1LMURTbCtQWGs2bnFxR0JoYU0xZFVpVDdYMTdUVTEvYjloYVpaUHpFYWx2WkhGRE1TZXZmaVpzaGxuU2dj"
    "cFdoMHFucGdUeWJvV1RVK3pickg2WUQydWhzaGJKb2l1cWgrUHBYdERNc3RYeDRDZ3hBU3JOVmxmU2wvY2FSVGkyNFFqSVhwQ053RUU0RndIcm"
    "1Bd1VxU0hMVXpHT0hmaVcvY2hPQ1R0RFg1OTF4NDFvNmVaNC9EdDkyVmhvWUtGY3BpYVdiUmhiZW5aWFVKeFBTMUMxc0s4NENWd2tESDdMSmpi"
    "WUNua3h0M21ldWw4a0tXaWhac1N0WllkLzZib3pxY3pPWDd6TjVQYmFZRDFYcFl3TXdlZHpXbVBtUXp4QnliRDhab2RjUjdoRjdXVXhTbUZWSD"
    "dFeGlZSDNaTmJEQVZjZ0d3bGtURm1VbWFUQ2JqR1pUdjhNK2VqbXZTdFFIZ0N0UGk0R0dSZEpGcjNIenZSem02YnZyZEYvcmRTUFJGdFJWTTdE"
    "OW83WkFBcXVEMVBCeUUwWTVZQ1I0L3ZtVGxJbFJ3RlhrNGJlK1RzQUkrR290dWpvdTZucmlnd25mcW9HaU5TdmkvWlZ2U0tuRG9aUElFNXF3T0"
    "5DZWVKQjhDZVJocVhFanZndHdjMnpjV1VCdGpTSmdOTCtqODg3azJoMHhsWHBRcWxtRERIc0JPQ1AzL1ZvTStOWlVScUkrUm9UdWRjd1RsOFRn"
    "bWhHclF5dG5vdnVXRkR2RTlIZ1BBczY3ZFBSQzY0LzNSRVMzaEYyQzYvUjFwUUFuQzdTMmlTaWpKbnlGbGFESldmY1p2dk5vYW1waER2NjNrVU"
    "5iN2I5VjhFK3h3cUY4R2t1WEpuQkZEbzBQdUp6OHFXSDdzRE1FT2hJSW5tYW5EaXU2Sy85ak9DdWJZTmROY1hyalFrbmx2azFrRmRqWjJ4WW5D"
    "NlF1cUE1K3FITUJwZ3JnMzAxUFgxNTRYNEtVY3hBM1BvRnlZTmV4YUJLM25qa3M3UE54bDdIeVpJV2pqRGx6NTBXclFuRXFCamw4UlZWdW5lTD"
    "N2Z1Z5VTQ1R1NWV1FWT0g0SzZhZXBXUDArcDdXVUQ1MnJoZFZINUhQWldRTDN2OFRqRXo4MEFlYjg3KzFzMXdnTSs1c2tOWDRMcE95dWhSeFEv"
    "Q2hYc1ZaclZKOFNSc0JsTzRLK0NKMjcxckhqOGw4TkVoUkUyTy9aS0hzdDhCZS82ajVjOVNVbVJScXZJKzZiY2cwQmNxN1dpN2QwOHZEUXFqQz"
    "JjT2kxMTJDR3JhNW1hemQvTkNJQ0M4MW9Za01tVHh0TTlmaWNmSWh2dDluSGFaU1FoMjd0ekozeFJXT2Vnd3pET2FOanJ0Sjd5dkNYYlY5aVE2"
    "Ym9pQ2w2d2RtSW43azlzSTMwd0l1SGNWVTFDcitFTldocVZ5UmlBS2t0Z3Z4ZWdEbnF2UkIybjFhSEtvdnA2MEZzN1lJRHJjbHNjUkZpa1Y0NX"
    "gwUk5CZFZ0VWtXRDQzMHZaZ2Vra1pkbndwZUh4R1Y5VEllMkZDTm9vUXpVeng2djRmdDBzWjVTWUk0OTBGMnNZWnUvc2lnNElCL0tPelZmUFhC"
    "WDlka2Z0TGdaVFd0ZlA3R0k5TmpFaXRMbi9sWVRoMmpmU0tUWVpTTStCUXQxNm0yeWcvNFg3eGZ0QTJQM2ZTeVUxeldpbmVvY3o0REt5aWxXbV"
    "ZoUFJqeTlMclRQdFFXVlZOR3JWZlVzTll3V0hKWDZGd2tGN0pOYkNxTEVRdWVNalBoYzljbnI2NnVGK1d0MUlzdVRqMjc4TWd5WnFZbHI3bWtX"
    "OTF6eVdKTVNJWFRLbXF2NXVtOXlwYzNJSlVta3ZzNjdBOTFYQTh2c3BBUnNVTTRKdwpqWVBmaWxOQU1qRjB6R1JZTVlKcVIvY1RUemJpR3hRTW"
    "hHKzh6WmFpdGljCi0tLSA3d0NnS2M0dDhrS21LSlROcllzN01vTEtIazhTcXQ4WTNvVFpjMDhzUWpNCt3fctBvvKtX3z0NMSSWrSGM1/1vgHi7"
    "+IEt2HlHFV63vV6I"
)
# NIST GCM specification, test case 13: an all-zero 256-bit key and nonce, nothing to seal.
_GCM_TAG: Final = bytes.fromhex("530f8afbc74536b9a963b4f1c4cb738b")
# RFC 9106, section 5.3.
_ARGON2ID_TAG: Final = bytes.fromhex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")


def check_platform() -> None:
    """Run every primitive that a report depends on against a known answer.

    Raises:
        PlatformError: (code ``no-ml-kem``) this build lacks ML-KEM or ML-DSA; (code ``selftest``) an answer is wrong.
    """
    try:
        _check_age()
        _check_at_rest()
        _check_signatures()
    except PlatformError:
        raise
    except (UnsupportedAlgorithm, ImportError, AttributeError):
        raise PlatformError(
            "this build of the Python package 'cryptography' lacks an algorithm that fieldreport needs",
            code="no-ml-kem",
        ) from None
    except (FieldreportError, InvalidSignature, ValueError):
        _fail("an operation was refused")


def _check_age() -> None:
    identity = HybridIdentity(_SEED)
    source = io.BytesIO(base64.b64decode(_AGE_FILE))
    file_key = open_header(read_header(source), [identity])
    if file_key != _FILE_KEY:
        _fail("X-Wing or HPKE")
    offset = source.tell()
    size = source.seek(0, io.SEEK_END) - offset
    if PayloadReader(file_key, source, size, offset=offset).read() != _PLAINTEXT:
        _fail("ChaCha20-Poly1305")
    # Wrapping has no known answer, because it draws its own randomness.
    if Header.parse(build_header(_FILE_KEY, [identity.recipient])).open([identity]) != _FILE_KEY:
        _fail("wrapping")


def _check_at_rest() -> None:
    if AESGCM(bytes(32)).encrypt(bytes(12), b"", None) != _GCM_TAG:
        _fail("AES-256-GCM")
    argon2id = Argon2id(
        salt=b"\x02" * 16, length=32, iterations=3, lanes=4, memory_cost=32, ad=b"\x04" * 12, secret=b"\x03" * 8
    )
    if argon2id.derive(b"\x01" * 32) != _ARGON2ID_TAG:
        _fail("Argon2id")


def _check_signatures() -> None:
    key = MLDSA65PrivateKey.from_seed_bytes(bytes(32))
    key.public_key().verify(key.sign(b"fieldreport"), b"fieldreport")


def _fail(what: str) -> NoReturn:
    raise PlatformError(
        "the cryptography on this machine gives wrong answers; nothing is sealed or opened with it",
        code="selftest",
        detail=f"self-test: {what}",
    )
