"""The desk's sealed archive, in five rooms; each imports only from those before it.

    archive   everything durable and sealed: tables, objects, changes, the audit log, the vault as a whole, the seat of
              an unlocked person, the roster in force, who may read a case, re-wrapping
    cases     letters and what becomes of them: collect, sort, file, inbox, conversation, workflow, restriction, outbox
    keys      rotation, status, recovery
    articles  drafts, review, signatures, release
    staff     changes to the roster, enrolment, the second factor

What needs no key is a function over a ``Vault``; what needs one is a function over a ``Seat``:
``inbox.page(vault, …)``, ``conversation.reply(seat, …)``.
"""
