"""Maps and tracks (GPX, KML, GeoJSON; TCX becomes GPX): places and their names, and nothing of who was there when.

Rules: ``tables/maps.toml`` is the allowlist. Coordinates, heights, names and descriptions stay, because to show them is
why somebody sends a map; the receipt asks whether the places themselves should be kept secret. Times, people, devices,
programs, ids, styles and references go. A description in HTML becomes its words.
"""
