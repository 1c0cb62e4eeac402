"""Who works here: changes to the roster, enrolment, the second factor."""
