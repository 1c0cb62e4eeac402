"""SVG: Scalable Vector Graphics 2 (W3C)."""
