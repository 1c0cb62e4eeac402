"""The letterbox: the pages where a source writes, gets a receipt, comes back, reads answers and withdraws.

``app.create_app(settings, mailbox=…, scrubber=…, rosters=…)`` is the WSGI application; ``serve.serve(settings)`` runs
it. It seals every report to the keys of the current roster and cannot open one again; of all it handles it can only
open answers, with the key that a codename yields while its owner looks at the page. ``link`` is the desk's way in, a
process of its own, which loads none of the pages.
"""
