"""Flat OpenDocument (FODT, FODS, FODP, FODG), all of a document in one file of XML: comes out as a package.

Rules: as in ``opendocument``, which cleans and verifies it. Source: OpenDocument 1.3, part 3, 3.1.2.
"""
