"""PDF 1.7 (ISO 32000-1): a new document made from allowlisted parts of the old one."""
