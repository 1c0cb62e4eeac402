"""What feed readers take: JSON Feed 1.1 (jsonfeed.org/version/1.1); the Atom feed is a template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fieldreport.press.alternates import Language
from fieldreport.press.newsroom import Newsroom
from fieldreport.press.schedule import instant


def json_feed(newsroom: Newsroom, entries: Sequence[Mapping[str, Any]]) -> str:
    """The feed with the same ``entries`` as the Atom feed; what was withdrawn is not in it, and readers forget it."""
    authors = [{"name": newsroom.byline}]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": newsroom.name,
        "home_page_url": f"{newsroom.base_url}/",
        "feed_url": f"{newsroom.base_url}/feed.json",
        "language": newsroom.language,
        "authors": authors,
        "items": [
            {
                "id": entry["identity"],
                "url": f"{newsroom.base_url}/articles/{entry['slug']}.html",
                "title": entry["title"],
                **({"summary": entry["standfirst"]} if entry["standfirst"] else {}),
                "content_html": entry["body"],
                "date_published": instant(entry["published"]),
                "date_modified": instant(entry["updated"]),
                "language": entry["language"],
                "authors": authors,
                # A custom object, which readers that do not know it pass over: JSON Feed has no word for it.
                **({"_translations": _addresses(newsroom, entry["others"])} if entry["others"] else {}),
            }
            for entry in entries
        ],
    }
    return json.dumps(feed, ensure_ascii=False, separators=(",", ":")) + "\n"


def _addresses(newsroom: Newsroom, others: Sequence[Language]) -> dict[str, str]:
    return {other.tag: f"{newsroom.base_url}/articles/{other.slug}.html" for other in others}
