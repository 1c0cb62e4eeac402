"""Content Credentials and other statements about the origin: what they say is told, and nothing of them is left.

That real files of cameras and editors are judged rightly was tried on the public test files of C2PA and of the CAI.
"""

from __future__ import annotations

import functools
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import c2pa
import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from fieldreport.bench.samples import samples
from fieldreport.scratch import Scratch
from fieldreport.scrub import Removed
from fieldreport.scrub.images import credentials
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Noted
from tests.scrub.conftest import Clean

SERIAL = b"SN-8841-KIM"
TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
AI, CAMERA = "trainedAlgorithmicMedia", "digitalCapture"
JUDGED = {Removed.FITS, Removed.CHANGED, Removed.UNCHECKED}
TOLD = {Removed.CREDENTIALS, Removed.SAYS_AI, Removed.SAYS_CAMERA} | JUDGED


@pytest.fixture(autouse=True, scope="module")
def _the_library_is_loaded() -> None:
    credentials.warm()


def box(kind: bytes, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def superbox(kind: bytes, label: str, *payload: bytes) -> bytes:
    """ISO/IEC 19566-5: a description, then the content."""
    identifier = kind + bytes.fromhex("00110010800000aa00389b71")
    return box(b"jumb", box(b"jumd", identifier, b"\x03", label.encode(), b"\0"), *payload)


def cbor(value: object) -> bytes:
    """Strings, lists and maps (RFC 8949)."""
    if isinstance(value, str):
        return head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    assert isinstance(value, dict)
    return head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


def head(major: int, number: int) -> bytes:
    return bytes((major << 5 | number,)) if number < 24 else bytes((major << 5 | 24, number))


def store(source_type: str, *, padding: int = 0) -> bytes:
    """A manifest with one action, a signature over nothing, and the serial number of a device."""
    action = {"action": "c2pa.created", "digitalSourceType": TYPES + source_type, "softwareAgent": SERIAL.decode()}
    actions = superbox(b"cbor", "c2pa.actions.v2", box(b"cbor", cbor({"actions": [action]})))
    filled = superbox(b"c2as", "c2pa.assertions", box(b"free", bytes(padding)), actions)
    signature = superbox(b"c2cs", "c2pa.signature", box(b"cbor", SERIAL))
    return superbox(b"c2pa", "c2pa", superbox(b"c2ma", "urn:c2pa:1", filled, signature))


def in_jpeg(block: bytes) -> bytes:
    """Cut in the middle of what matters; every further segment repeats the head of the box."""
    cut = block.index(b"digitalsourcetype") + 10
    pieces = block[:cut], block[:8] + block[cut:]
    segments = [
        struct.pack(">HH2sHI", 0xFFEB, len(piece) + 10, b"JP", 1, number) + piece for number, piece in enumerate(pieces)
    ]
    data = samples()["jpg"]()
    return data[:2] + b"".join(segments) + data[2:]


def in_png(block: bytes) -> bytes:
    data = samples()["png"]()
    return (
        data[:33]
        + struct.pack(">I", len(block))
        + (kind := b"caBX" + block)
        + struct.pack(">I", zlib.crc32(kind))
        + data[33:]
    )


def in_riff(data: bytes, block: bytes) -> bytes:
    data += b"C2PA" + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def in_gif(block: bytes) -> bytes:
    cut = [block[start : start + 255] for start in range(0, len(block), 255)]
    extension = b"\x21\xff\x0bC2PA_GIF\1\0\0" + b"".join(bytes((len(each),)) + each for each in cut) + b"\0"
    return samples()["gif"]()[:-1] + extension + b";"


def in_boxes(data: bytes, block: bytes) -> bytes:
    identifier = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    return data + box(b"uuid", identifier, bytes(4), b"manifest\0", bytes(8), block)


def in_mp3(block: bytes) -> bytes:
    body = b"\0application/c2pa\0c2pa\0c2pa manifest\0" + block
    frame = b"GEOB" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame + samples()["mp3"]()


def in_tiff(block: bytes) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (8, 8)).save(file, "TIFF", tiffinfo={52545: block})
        return file.getvalue()


def in_jxl(block: bytes) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (8, 8)).save(file, "JXL")
        data = file.getvalue()
    return box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ") + box(b"jxlc", data) + block


def in_pdf(block: bytes) -> bytes:
    with pikepdf.new() as document, io.BytesIO() as file:
        document.add_blank_page()
        stream = document.make_stream(block, Type=pikepdf.Name.EmbeddedFile)
        attached = pikepdf.Dictionary(EF=pikepdf.Dictionary(F=stream), AFRelationship=pikepdf.Name("/C2PA_Manifest"))
        document.Root.AF = pikepdf.Array([document.make_indirect(attached)])
        document.save(file)
        return file.getvalue()


PLACES: Mapping[str, Callable[[bytes], bytes]] = {
    "jpeg": in_jpeg,
    "png": in_png,
    "gif": in_gif,
    "webp": lambda block: in_riff(samples()["webp"](), block),
    "wav": lambda block: in_riff(samples()["wav"](), block),
    "heic": lambda block: in_boxes(samples()["heic"](), block),
    "mp4": lambda block: in_boxes(samples()["mp4"](), block),
    "mp3": in_mp3,
    "tiff": in_tiff,
    "jxl": in_jxl,
    "pdf": in_pdf,
}


@pytest.mark.parametrize(
    ("source_type", "said"), [(AI, Removed.SAYS_AI), (CAMERA, Removed.SAYS_CAMERA), ("print", None)]
)
@pytest.mark.parametrize("place", PLACES)
def test_credentials_are_read_before_they_go(clean: Clean, place: str, source_type: str, said: Removed | None) -> None:
    copy = clean(PLACES[place](store(source_type)))
    assert copy.removed & TOLD == {Removed.CREDENTIALS, Removed.UNCHECKED, said} - {None}
    assert Removed.IDENTIFIERS in copy.removed
    assert copy.noted == {Noted.WATERMARKS}
    assert SERIAL not in copy.data
    assert b"jumd" not in copy.data


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (f'Iptc4xmpExt:DigitalSourceType="{TYPES}compositeWithTrainedAlgorithmicMedia"', {Removed.SAYS_AI}),
        (f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{TYPES}{CAMERA}"/>', {Removed.SAYS_CAMERA}),
        ('TC260:AIGC=\'{"Label":"1"}\'', {Removed.SAYS_AI}),
        (f'Iptc4xmpExt:DigitalSourceType="{TYPES}negativeFilm"', set()),
    ],
)
def test_a_statement_in_xmp_is_told_without_credentials(clean: Clean, packet: str, said: set[Removed]) -> None:
    packed = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()
    data = samples()["jpg"]()
    copy = clean(data[:2] + struct.pack(">HH", 0xFFE1, len(packed) + 2) + packed + data[2:])
    assert copy.removed & TOLD == said
    assert copy.noted == ({Noted.WATERMARKS} if Removed.SAYS_AI in said else set())


def test_a_block_of_another_kind_says_nothing_of_credentials(clean: Clean) -> None:
    copy = clean(in_png(store(AI).replace(b"c2pa", b"c2xx")))
    assert not copy.removed & TOLD
    assert not copy.noted


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """What C2PA 2.2, 14.5 asks of one. It signs others when it is its own issuer."""
    named, by = (x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, each)]) for each in (name, issuer))
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    roots = name == issuer
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(by, named, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=roots, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not roots, key_cert_sign=roots, crl_sign=roots, **usage), critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


@functools.cache
def signed() -> bytes:
    """A photo with the credentials of a camera, whose key nobody else knows."""
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = certificate(SERIAL.decode(), key, "Somebody", root), certificate("Somebody", root, "Somebody", root)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    info = c2pa.C2paSignerInfo(
        c2pa.C2paSigningAlg.ES256,
        b"".join(each.public_bytes(pem) for each in chain),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
        None,
    )
    action = {"action": "c2pa.created", "digitalSourceType": TYPES + CAMERA, "softwareAgent": {"name": SERIAL.decode()}}
    manifest = {
        "claim_generator_info": [{"name": SERIAL.decode(), "version": "1"}],
        "format": "image/jpeg",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    with c2pa.Builder(json.dumps(manifest)) as builder, c2pa.Signer.from_info(info) as signer, io.BytesIO() as made:
        builder.sign(signer, "image/jpeg", io.BytesIO(samples()["jpg"]()), made)
        return made.getvalue()


def with_byte_changed(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda data: data, Removed.FITS),
        (lambda data: with_byte_changed(data, len(data) - 40), Removed.CHANGED),  # the picture
        (lambda data: with_byte_changed(data, data.index(SERIAL)), Removed.CHANGED),  # what it says
    ],
    ids=["as it was signed", "another picture", "another statement"],
)
def test_a_signature_fits_its_file_or_does_not(
    clean: Clean, change: Callable[[bytes], bytes], verdict: Removed
) -> None:
    copy = clean(change(signed()))
    assert copy.removed & TOLD == {Removed.CREDENTIALS, Removed.SAYS_CAMERA, verdict}
    assert SERIAL not in copy.data
    assert b"jumd" not in copy.data


def test_a_signature_is_judged_with_the_file_it_lies_in(clean: Clean) -> None:
    """An archive has none of its own, whatever is in it."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.jpg", signed())
            archive.writestr("b.jpg", with_byte_changed(signed(), len(signed()) - 40))
        assert clean(file.getvalue()).removed & JUDGED == {Removed.FITS, Removed.CHANGED}


def test_a_signature_is_judged_behind_the_lock(scrubber: Scrubber, tmp_path: Path) -> None:
    """Where there is no network and no file to open, and the library was not loaded in the first parent."""
    with Scratch(tmp_path) as source:
        source.write(signed())
        scrubbed = scrubber.clean(source)
    scrubbed.output.close()
    assert set(scrubbed.removed) & JUDGED == {Removed.FITS}
