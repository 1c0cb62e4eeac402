"""OpenDocument (ISO/IEC 26300): ODT, ODS and ODP."""
