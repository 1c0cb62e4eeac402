"""Alembic's entry point for the vault's tables."""

import fieldreport.vault.articles.tables  # noqa: F401 - importing it puts its tables into the metadata
from fieldreport.store import run_migrations
from fieldreport.vault.archive.tables import VaultBase

run_migrations(VaultBase.metadata, version_table="vault_version")
