"""Stores ciphertext: engines, transactions, migrations, blob stores and row keys for mailbox and vault.

Nothing in this package knows what it stores or sees plaintext. The only keys in it are those of rows: they open no
letter, and what lies under them is sealed already.

    engine = open_engine("sqlite:////srv/desk/vault.db")     # or postgresql://…
    migrate(engine, "fieldreport.vault")
    with writing(engine) as session: …                        # one transaction: all of it or nothing
    with reading(engine) as session: …                        # a snapshot that cannot write
    blobs = open_blobs("/srv/desk/blobs")                     # or s3://bucket/prefix
    with changing(engine, blobs.row_keys) as (session, keys): …   # a transaction whose rows can be forgotten
    with spooled(blobs, seal) as stored: …                    # a payload made durable before its row is written
"""

from fieldreport.store.blob_store import BlobStore, BlobWriter, is_whole, must_store
from fieldreport.store.blobs import open_blobs
from fieldreport.store.constraint_names import NAMING, column_bytes, conventional_metadata
from fieldreport.store.engine import erase_deleted, open_engine, reading, truncate_log, writing
from fieldreport.store.file_blobs import FileBlobs, Mark
from fieldreport.store.migrate import (
    hide_column,
    migrate,
    migration_keys,
    one_at_a_time,
    run_migrations,
)
from fieldreport.store.place import Place
from fieldreport.store.reserve import free_bytes, free_share
from fieldreport.store.row_keys import (
    HiddenRow,
    KeyChange,
    RowKeys,
    changing,
    key_change,
    must_fit,
    reveal_all,
    revealed,
    sweep,
    without_key,
)
from fieldreport.store.spool import Spooled, spooled
from fieldreport.store.upkeep import Upkeep

__all__ = [
    "NAMING",
    "BlobStore",
    "BlobWriter",
    "FileBlobs",
    "HiddenRow",
    "KeyChange",
    "Mark",
    "Place",
    "RowKeys",
    "Spooled",
    "Upkeep",
    "changing",
    "column_bytes",
    "conventional_metadata",
    "erase_deleted",
    "free_bytes",
    "free_share",
    "hide_column",
    "is_whole",
    "key_change",
    "migrate",
    "migration_keys",
    "must_fit",
    "must_store",
    "one_at_a_time",
    "open_blobs",
    "open_engine",
    "reading",
    "reveal_all",
    "revealed",
    "run_migrations",
    "spooled",
    "sweep",
    "truncate_log",
    "without_key",
    "writing",
]
