"""ZIP, TAR and gzip: every file inside is cleaned as if it came alone, and a new archive is made of the results.

Rules: nothing of the old archive is copied; names, folders, times, owners, comments and extra fields have no way into
the new one. Members are called what a file alone would be called, and stand in their old order. Whatever was packed
comes out as ZIP, which opens everywhere.

A member that cannot be cleaned refuses the whole archive. To leave it out would lose evidence without the sender
knowing: they believe that we have fifty files, and the receipt of an archive has no line for each. After a refusal they
unpack it and learn of each file by name. Only what nobody put there on purpose is left out and reported: links, empty
files, and what an operating system leaves in every folder.
"""
