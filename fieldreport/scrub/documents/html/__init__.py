"""HTML: text, structure, tables, links to public pages and a page's own pictures."""
