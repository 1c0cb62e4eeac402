"""Alembic's entry point for the vault's tables."""

from fieldreport.store import run_migrations
from fieldreport.vault.models import VaultBase

run_migrations(VaultBase.metadata, version_table="vault_version")
