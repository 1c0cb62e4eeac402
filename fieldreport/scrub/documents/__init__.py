"""Documents, web pages and drawings: a package a format, and at the top what several of them share.

Writers share the archive, XML in and out (``markup``, ``xml_rewrite``, ``vocabularies``), links, fields and pictures.
Verifiers share ``xml_verify`` and ``links_verify``. Both share the tables in ``tables``, which are data.
"""
