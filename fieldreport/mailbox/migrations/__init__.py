"""Schema of the mailbox, revision by revision."""
