"""What is in a file, for people and programs that must not open it: its words here, its looks in ``pages``.

Rules: everything in here but ``document`` runs in the locked child, and trusts a file that a compromised intake may
have sealed no more than a stranger's. What was not read is said, never skipped.
"""
