"""Pictures: one module or package a format, and what they share."""
