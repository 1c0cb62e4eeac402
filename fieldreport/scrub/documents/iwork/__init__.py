"""Pages, Numbers and Keynote: the preview that Apple's programs put into a document, which is all that others can show.

Rules: since 2013 it is a picture of the first page, before that a PDF of all; the receipt says that the rest is missing
and how to send it. A document without one is refused with advice.
"""
