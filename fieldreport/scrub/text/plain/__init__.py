"""Text files (plain, CSV, Markdown): UTF-8, Unicode form C, no copy marks.

Rules: every visible character stays, and every invisible one that its script needs (``invisible``). Line ends become
line feeds; a file's encoding becomes UTF-8, because the encoding names the system it was written on.
"""
