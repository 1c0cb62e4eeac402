"""Text: its encoding, the characters nobody sees, and plain text files."""
