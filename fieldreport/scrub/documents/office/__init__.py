"""Office documents: Office Open XML (``ooxml``), OpenDocument (``opendocument``) and EPUB (``epub``).

In all of them the document is a ZIP archive of XML. It is taken apart, what the allowlists in ``vocabulary/`` name is
written into a new archive, and pictures go through the registry. Parts that no allowlist names are left behind.
"""
