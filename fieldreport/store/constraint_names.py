"""Names of constraints and indexes, the same on every database, so that migrations can address them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import LargeBinary, MetaData

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def conventional_metadata() -> MetaData:
    """Return a fresh ``MetaData`` with the naming convention: one for each store."""
    return MetaData(naming_convention=dict(NAMING))


def column_bytes(length: int | None = None) -> LargeBinary:
    """Return the column type for bytes: BLOB on SQLite, BYTEA on PostgreSQL. ``length`` only documents."""
    return LargeBinary(length)
