"""Opens the blob store that a setting names."""

from __future__ import annotations

from pathlib import Path

from fieldreport.errors import SettingsError
from fieldreport.store.blob_store import BlobStore
from fieldreport.store.file_blobs import FileBlobs, Mark
from fieldreport.store.s3_blobs import S3Blobs


def open_blobs(where: str | Path, *, mark: Mark | None = None) -> BlobStore:
    """Open the blob store at a directory, or at ``s3://BUCKET/PREFIX?endpoint=URL``.

    ``mark``: how a directory is known again; a bucket is known by its name.

    Raises:
        SettingsError: another scheme.
        StoreError: the directory cannot be made.
        PlatformError: the S3 client is not installed.
    """
    text = str(where)
    if text.startswith("s3://"):
        return S3Blobs(text)
    if "://" in text:
        raise SettingsError("blobs are kept in a directory or at s3://BUCKET/PREFIX")
    return FileBlobs(Path(text), mark=mark)
