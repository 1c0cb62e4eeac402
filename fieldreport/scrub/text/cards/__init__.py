"""Contact cards and calendars (vCard, iCalendar): what they show stays; who wrote them, with what, when and where goes.

Rules: a line of ``cards.toml`` is kept, every other is on the receipt. Times lose the zone that they were written in
and keep what the clock showed. Pictures are cleaned like any other. Sources: RFC 6350, RFC 2426, vCard 2.1; RFC 5545.
"""
