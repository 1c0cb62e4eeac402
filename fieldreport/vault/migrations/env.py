"""Alembic's entry point for the vault's tables."""

import fieldreport.vault.article_tables  # noqa: F401 - importing it puts its tables into the metadata
from fieldreport.store import run_migrations
from fieldreport.vault.models import VaultBase

run_migrations(VaultBase.metadata, version_table="vault_version")
