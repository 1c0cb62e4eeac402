"""ZIP, TAR and gzip: every file inside is cleaned as if it came alone, and a new archive is made of the results.

Rules: nothing of the old archive is copied; names, folders, times, owners, comments and extra fields have no way into
the new one. Members are called what a file alone would be called, and stand in their old order, texts after all
others: wherever a text names another file of the archive, it says the new name, so that a chat still tells which photo
belongs to which message (``renames``). Whatever was packed comes out as ZIP, which opens everywhere.

A member that cannot be cleaned refuses the whole archive, and the refusal says which and why. To leave it out would
lose evidence without the sender knowing: they believe that we have fifty files. When they have agreed, it is left out
and the receipt says so. Only what nobody put there on purpose goes without a question and is reported: links, empty
files, and what systems leave in folders (``litter.toml``).
"""
