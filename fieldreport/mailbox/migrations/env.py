"""Alembic's entry point for the mailbox's tables."""

from fieldreport.mailbox.models import MailboxBase
from fieldreport.store import run_migrations

run_migrations(MailboxBase.metadata, version_table="mailbox_version")
