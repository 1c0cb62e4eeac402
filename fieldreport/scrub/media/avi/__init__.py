"""AVI in, Matroska out: Matroska takes the same codecs by the same names, and its verifier reads the result."""
