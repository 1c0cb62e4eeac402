"""Documents, web pages and drawings."""
