"""What the applications for sources and for staff share.

``application``   a Flask that keeps nothing about its visitors: no session, no cookie, no content in any log
``headers``       the security headers, in one place
``bodies``        request bodies: multipart straight into encrypted scratch files, bounded in every direction
``errorpages``    every error becomes a page, and the last resort still gives back what was typed
``limiter``       request budgets under a key that is not an address
``csrf``          the token that ties a form to a session, for applications that have sessions
``i18n``          language from the path, catalogues, and the wish of the browser
``serving``       gunicorn, configured in code; ``worker`` is its worker class
"""
