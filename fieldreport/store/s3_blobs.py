"""Blobs in an S3-compatible bucket, for the grown topology (extra ``s3``).

Small blobs are one PUT, large ones a multipart upload of 8 MiB parts, so memory stays flat. The S3 client finds its
credentials where it usually does (environment, instance role), never in our settings. The bucket must answer
read-after-write, as S3 itself and compatible servers do.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import NotFound, PlatformError, SettingsError, StoreError
from fieldreport.limits import KIB, MIB
from fieldreport.seekable import SeekableReader
from fieldreport.store.blob_store import BlobWriter, check_name, is_name, new_name
from fieldreport.store.outage import Outage
from fieldreport.store.row_keys import RowKeys
from fieldreport.store.s3_row_keys import S3RowKeys

_PART_BYTES: Final = 8 * MIB  # S3 wants at least 5 MiB, and 10,000 parts must reach the largest payload
_READ_AHEAD_BYTES: Final = 256 * KIB
_CONNECTIONS: Final = 64  # kept for the next request; one more is thrown away after use, with a line in the log
_AGAIN_SECONDS: Final = 0.2
_RUNS: Final = "see that the S3 server runs there and answers"
_BUCKET: Final = "make the bucket, or put the right one and its credentials into this zone's settings and environment"


class S3Blobs:
    """Blobs as objects below a prefix of one bucket: ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME``."""

    def __init__(self, url: str) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise PlatformError("S3 storage needs an extra: pip install 'fieldreport[s3]'") from None
        parsed = urlsplit(url)
        options = {key: values[-1] for key, values in parse_qs(parsed.query).items()}
        if parsed.scheme != "s3" or not parsed.netloc or set(options) - {"endpoint", "region"}:
            raise SettingsError("an S3 URL is s3://BUCKET/PREFIX, optionally with ?endpoint=URL&region=NAME")
        self._bucket = parsed.netloc
        self._prefix = f"{parsed.path.strip('/')}/".lstrip("/")
        where = f"s3://{self._bucket}/{self._prefix} at {options.get('endpoint', 'the default endpoint')}"
        self._answer = _Answer(Outage("the payload store", where))
        with self._answer():
            self._client: Any = boto3.client(
                "s3",
                endpoint_url=options.get("endpoint"),
                region_name=options.get("region"),
                config=Config(
                    connect_timeout=limits.CONNECT_SECONDS,
                    read_timeout=limits.SILENCE_SECONDS,
                    max_pool_connections=_CONNECTIONS,
                    retries={"total_max_attempts": 1, "mode": "standard"},
                ),
            )
            # The client's own retries would wait again for a server that has just been silent.
            self._client.meta.events.register("needs-retry.s3", _wait_before_second_try)
        self.row_keys: RowKeys = S3RowKeys(self._client, self._bucket, self._prefix, self._answer)

    def create(self, name: str | None = None) -> BlobWriter:
        """Start a new blob; see ``BlobStore``."""
        return _S3Writer(self._client, self._bucket, self._prefix, self._answer, check_name(name or new_name()))

    def open(self, name: str) -> BinaryIO:
        """Open a blob; see ``BlobStore``. Each read that leaves the read-ahead is one ranged GET."""
        raw = _S3Reader(self._client, self._bucket, self._key(name), self.size(name), self._answer)
        return cast("BinaryIO", io.BufferedReader(raw, buffer_size=_READ_AHEAD_BYTES))

    def size(self, name: str) -> int:
        """Return a blob's length; see ``BlobStore``."""
        key = self._key(name)
        try:
            with self._answer():
                return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except NotFound:
            # The answer to a HEAD has no body, so that a bucket which is away looks like an object that is missing.
            with self._answer(missing_bucket=True):
                self._client.head_bucket(Bucket=self._bucket)
            raise

    def delete(self, name: str) -> None:
        """Delete a blob, or the abandoned upload that ``names`` listed; see ``BlobStore``."""
        key = self._key(name)
        with self._answer():
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

        def is_of_then(moment: datetime) -> bool:
            # All of them means all: the service's clock may be ahead of ours, and Swift's dates are rounded up.
            return older_than_seconds == 0 or moment.timestamp() <= before

        with self._answer():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = entry["Key"].removeprefix(self._prefix)
                    if is_name(name) and is_of_then(entry["LastModified"]):
                        yield name
            for upload in self._uploads():
                name = upload["Key"].removeprefix(self._prefix)
                if is_name(name) and is_of_then(upload["Initiated"]):
                    yield f"{name}.part"

    def _uploads(self) -> Iterator[Any]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in pages:
            yield from page.get("Uploads", ())

    def _key(self, name: str) -> str:
        return self._prefix + check_name(name)


class _S3Writer:
    def __init__(self, client: Any, bucket: str, prefix: str, answer: _Answer, name: str) -> None:
        self._client = client
        self._answer = answer
        self._name = name
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
            with self._answer(wrote=True):
                self._client.put_object(**self._where, Body=bytes(self._buffer))
        else:
            if self._buffer:
                self._send(bytes(self._buffer))
            with self._answer(wrote=True):
                self._client.complete_multipart_upload(
                    **self._where, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
                )
        self._done = True
        return self._name

    def _send(self, body: bytes) -> None:
        with self._answer():
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
            with suppress(StoreError), self._answer():  # an upload that is left over is found as an orphan
                self._client.abort_multipart_upload(**self._where, UploadId=self._upload)


class _S3Reader(SeekableReader):
    """Random access by ranged GETs."""

    def __init__(self, client: Any, bucket: str, key: str, size: int, answer: _Answer) -> None:
        super().__init__()
        self._client = client
        self._answer = answer
        self._where = {"Bucket": bucket, "Key": key}
        self.size = size

    @override
    def readinto_at(self, position: int, target: memoryview, /) -> int:
        wanted = min(len(target), self.size - position)
        if wanted <= 0:
            return 0
        with self._answer():
            answer = self._client.get_object(**self._where, Range=f"bytes={position}-{position + wanted - 1}")
            body = answer["Body"].read()
        target[: len(body)] = body
        return len(body)


class _Answer:
    """Turns what the client raises into our errors: one that is missing, and a store that is away."""

    def __init__(self, outage: Outage) -> None:
        self._outage = outage

    @contextmanager
    def __call__(self, *, wrote: bool = False, missing_bucket: bool = False) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

        self._outage.must_answer()
        try:
            yield
        except ClientError as error:
            raise self._refused(error.response, missing_bucket=missing_bucket) from None
        except BotoCoreError as error:
            silent = isinstance(error, ConnectTimeoutError | ReadTimeoutError)
            raise self._outage.failed(type(error).__name__, _RUNS, silent=silent) from None
        self._outage.answered(wrote=wrote)

    def _refused(self, response: Any, *, missing_bucket: bool) -> Exception:
        code = response.get("Error", {}).get("Code", "")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        missing = status == HTTPStatus.NOT_FOUND
        if code == "NoSuchBucket" or (missing and missing_bucket):
            return self._outage.failed("the bucket is missing", _BUCKET)
        if missing and code != "NoSuchUpload":
            return NotFound("no such payload", detail="object is missing")
        if status == HTTPStatus.FORBIDDEN:
            return self._outage.failed("it refuses this zone's credentials", _BUCKET, full=True)
        if status == HTTPStatus.INSUFFICIENT_STORAGE:
            return self._outage.failed("it is full", "make room there", full=True)
        if status is not None and (
            status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            return self._outage.failed(f"it answers with status {status}", _RUNS)
        return StoreError("the payload store refused", detail=f"S3 answered with an error ({code})")


def _wait_before_second_try(response: Any, attempts: int, caught_exception: Any, **_: Any) -> float | None:
    """Seconds until a request is made again, once: after a cut line, or an error of the server; nothing: not again."""
    from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

    cut = isinstance(caught_exception, ConnectionClosedError | EndpointConnectionError)
    broken = response is not None and response[0].status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _AGAIN_SECONDS if attempts == 1 and (cut or broken) else None
