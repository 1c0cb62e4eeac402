"""Schema of the vault, revision by revision."""
