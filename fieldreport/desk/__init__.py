"""The reading room: where staff unlock, read what sources sent, answer, write, check, sign off and publish.

``create_app(settings, vault=…, mailbox=…, scrubber=…, rosters=…)`` is the WSGI application; ``serve(settings)`` runs
it. It must be one process: unlocked keys live in its memory and are lost, on purpose, when it ends.
"""

from fieldreport.desk.app import create_app
from fieldreport.desk.serve import serve

__all__ = ["create_app", "serve"]
