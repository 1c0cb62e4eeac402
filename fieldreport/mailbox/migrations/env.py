"""Alembic's entry point for the mailbox's tables."""

from fieldreport.mailbox.tables import MailboxBase
from fieldreport.store import run_migrations

run_migrations(MailboxBase.metadata, version_table="mailbox_version")
