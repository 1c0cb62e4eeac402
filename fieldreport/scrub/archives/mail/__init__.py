"""Mail that was saved: one message (RFC 5322), or a mailbox of many.

Rules: what stands at the top of a message goes, all of it: who sent it, who received it, when, by which way. Its
subject and body are words and stay, and with them the names and addresses in greetings, signatures and quoted mails: to
rewrite those is to rewrite what somebody said, so the receipt says that they stay. Its attachments are cleaned as files
of an archive are.

What comes out is a text, or a page where the mail has no other body, or an archive of them and the attachments. A text
names its attachments where they stood, in brackets.
"""
