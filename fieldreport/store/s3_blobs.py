"""Blobs in an S3-compatible bucket, for the grown topology (extra ``s3``).

Small blobs are one PUT, large ones a multipart upload of 8 MiB parts, so memory stays flat. The S3 client finds its
credentials where it usually does (environment, instance role), never in our settings. The bucket must answer
read-after-write, as S3 itself and compatible servers do.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from fieldreport.errors import FieldreportError, NotFound, PlatformError, SettingsError, StoreError
from fieldreport.limits import KIB, MIB
from fieldreport.seekable import SeekableReader
from fieldreport.store.blob_store import BlobWriter, check_name, is_name, new_name
from fieldreport.store.row_keys import RowKeys
from fieldreport.store.s3_row_keys import S3RowKeys

_PART_BYTES: Final = 8 * MIB  # S3 wants at least 5 MiB, and 10,000 parts must reach the largest payload
_READ_AHEAD_BYTES: Final = 256 * KIB


class S3Blobs:
    """Blobs as objects below a prefix of one bucket: ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME``."""

    def __init__(self, url: str) -> None:
        try:
            import boto3
        except ImportError:
            raise PlatformError("S3 storage needs an extra: pip install 'fieldreport[s3]'") from None
        parsed = urlsplit(url)
        options = {key: values[-1] for key, values in parse_qs(parsed.query).items()}
        if parsed.scheme != "s3" or not parsed.netloc or set(options) - {"endpoint", "region"}:
            raise SettingsError("an S3 URL is s3://BUCKET/PREFIX, optionally with ?endpoint=URL&region=NAME")
        self._bucket = parsed.netloc
        self._prefix = f"{parsed.path.strip('/')}/".lstrip("/")
        with _as_store_error():
            self._client: Any = boto3.client(
                "s3", endpoint_url=options.get("endpoint"), region_name=options.get("region")
            )
        self.row_keys: RowKeys = S3RowKeys(self._client, self._bucket, self._prefix, _as_store_error)

    def create(self) -> BlobWriter:
        """Start a new blob; see ``BlobStore``."""
        return _S3Writer(self._client, self._bucket, self._prefix)

    def open(self, name: str) -> BinaryIO:
        """Open a blob; see ``BlobStore``. Each read that leaves the read-ahead is one ranged GET."""
        raw = _S3Reader(self._client, self._bucket, self._key(name), self.size(name))
        return cast("BinaryIO", io.BufferedReader(raw, buffer_size=_READ_AHEAD_BYTES))

    def size(self, name: str) -> int:
        """Return a blob's length; see ``BlobStore``."""
        key = self._key(name)
        try:
            with _as_store_error():
                return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except NotFound:
            # The answer to a HEAD has no body, so that a bucket which is away looks like an object that is missing.
            with _as_store_error(missing=StoreError("the payload store is away", detail="the bucket is missing")):
                self._client.head_bucket(Bucket=self._bucket)
            raise

    def delete(self, name: str) -> None:
        """Delete a blob, or the abandoned upload that ``names`` listed; see ``BlobStore``."""
        key = self._key(name)
        with _as_store_error():
            if not name.endswith(".part"):
                self._client.delete_object(Bucket=self._bucket, Key=key)
                return
            for upload in self._uploads():
                if upload["Key"] == key.removesuffix(".part"):
                    self._client.abort_multipart_upload(
                        Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )

    def level_times(self, *, hours: int) -> None:
        """Do nothing: the service dates its objects itself; see ``BlobStore``."""

    def names(self, *, older_than_seconds: float = 0.0) -> Iterator[str]:
        """Iterate over names; see ``BlobStore``."""
        before = time.time() - older_than_seconds
        with _as_store_error():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = entry["Key"].removeprefix(self._prefix)
                    if is_name(name) and entry["LastModified"].timestamp() <= before:
                        yield name
            for upload in self._uploads():
                name = upload["Key"].removeprefix(self._prefix)
                if is_name(name) and upload["Initiated"].timestamp() <= before:
                    yield f"{name}.part"

    def _uploads(self) -> Iterator[Any]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in pages:
            yield from page.get("Uploads", ())

    def _key(self, name: str) -> str:
        return self._prefix + check_name(name)


class _S3Writer:
    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._name = new_name()
        self._where = {"Bucket": bucket, "Key": prefix + self._name}
        self._buffer = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._done = False

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        view = memoryview(data).cast("B")
        self._buffer += view
        while len(self._buffer) >= _PART_BYTES:
            self._send(bytes(self._buffer[:_PART_BYTES]))
            del self._buffer[:_PART_BYTES]
        return len(view)

    def commit(self) -> str:
        if self._upload is None:
            with _as_store_error():
                self._client.put_object(**self._where, Body=bytes(self._buffer))
        else:
            if self._buffer:
                self._send(bytes(self._buffer))
            with _as_store_error():
                self._client.complete_multipart_upload(
                    **self._where, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
                )
        self._done = True
        return self._name

    def _send(self, body: bytes) -> None:
        with _as_store_error():
            if self._upload is None:
                self._upload = self._client.create_multipart_upload(**self._where)["UploadId"]
            number = len(self._parts) + 1
            answer = self._client.upload_part(**self._where, UploadId=self._upload, PartNumber=number, Body=body)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if not self._done and self._upload is not None:
            with _as_store_error():
                self._client.abort_multipart_upload(**self._where, UploadId=self._upload)


class _S3Reader(SeekableReader):
    """Random access by ranged GETs."""

    def __init__(self, client: Any, bucket: str, key: str, size: int) -> None:
        super().__init__()
        self._client = client
        self._where = {"Bucket": bucket, "Key": key}
        self.size = size

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        wanted = min(len(target), self.size - position)
        if wanted <= 0:
            return 0
        with _as_store_error():
            answer = self._client.get_object(**self._where, Range=f"bytes={position}-{position + wanted - 1}")
            body = answer["Body"].read()
        target[: len(body)] = body
        return len(body)


@contextmanager
def _as_store_error(*, missing: FieldreportError | None = None) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchBucket":
            missing = StoreError("the payload store is away", detail="the bucket is missing")
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == HTTPStatus.NOT_FOUND:
            raise missing or NotFound("no such payload", detail="object is missing") from None
        raise StoreError("the payload store refused", detail="S3 answered with an error") from None
    except BotoCoreError as error:
        raise StoreError("the payload store is away", detail=type(error).__name__) from None
