"""Stores ciphertext: engines, transactions, migrations and blob stores for mailbox and vault.

Nothing in this package knows what it stores, holds a key, or sees plaintext.

    engine = open_engine("sqlite:////srv/desk/vault.db")     # or postgresql://…
    migrate(engine, "fieldreport.vault")
    with writing(engine) as session: …                        # one transaction: all of it or nothing
    with reading(engine) as session: …                        # a snapshot that cannot write
    blobs = open_blobs("/srv/desk/blobs")                     # or s3://bucket/prefix
    with spooled(blobs, seal) as stored: …                    # a payload made durable before its row is written
"""

from fieldreport.store.blob_store import BlobStore, BlobWriter, is_whole, must_store
from fieldreport.store.blobs import open_blobs
from fieldreport.store.constraint_names import NAMING, column_bytes, conventional_metadata
from fieldreport.store.engine import erase_deleted, open_engine, reading, truncate_log, writing
from fieldreport.store.file_blobs import FileBlobs
from fieldreport.store.migrate import migrate, run_migrations
from fieldreport.store.spool import Spooled, spooled
from fieldreport.store.upkeep import Upkeep

__all__ = [
    "NAMING",
    "BlobStore",
    "BlobWriter",
    "FileBlobs",
    "Spooled",
    "Upkeep",
    "column_bytes",
    "conventional_metadata",
    "erase_deleted",
    "is_whole",
    "migrate",
    "must_store",
    "open_blobs",
    "open_engine",
    "reading",
    "run_migrations",
    "spooled",
    "truncate_log",
    "writing",
]
